"""A table of times becomes observations: a column is a kind, the end of its name the unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputErrors
from sim.observed.recognise import read

MEASURED = Path(__file__).parents[2] / "calibration" / "measured" / "epyc"


def table(folder: Path, text: str) -> Path:
    path = folder / "times.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_column_is_a_kind_in_its_unit_and_one_says_when(tmp_path: Path) -> None:
    found = read([table(tmp_path, "start_s,latency_ms,lag_us\n2,5.5,10\n1,2,20\n")])
    assert found.only("latency").value.tolist() == [2e6, 5.5e6]
    assert found.only("lag").value.tolist() == [20e3, 10e3]
    assert found.only("latency").t_ns.tolist() == [10**9, 2 * 10**9]


def test_without_a_time_the_lines_are_in_order_and_it_is_told(tmp_path: Path) -> None:
    found = read([table(tmp_path, "latency_ms\n5\n2\n")])
    assert found.only("latency").value.tolist() == [5e6, 2e6]
    assert any("no column says when" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("latency_ms\nfast\n", "times.csv:2:1.*fast"),
        ("a_ms,b_ms\n1\n", "times.csv:2:1.*has 1 columns, the heading 2"),
        ("latency_ms\n", "holds no line below"),
        ("latency\n5\n", "expected is one of"),
    ],
)
def test_a_wrong_table_is_told_by_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match="(?s)" + says):
        read([table(tmp_path, text)])


def test_the_measured_samples_are_such_tables() -> None:
    found = read([MEASURED / "pg_a2_tpcb-like_c8_50.samples.csv.gz"])
    assert found.only("latency").rate_per_s == pytest.approx(1777.7, rel=0.05)  # 7,141 arrivals: 1.2 % standard error
