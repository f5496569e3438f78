"""Logs of pgbench become observations: what each column means, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputErrors
from sim.observed.recognise import read
from sim.observed.table import unit_of

MEASURED = Path(__file__).parents[2] / "calibration" / "measured"
ONE_CLIENT = next(iter(MEASURED.rglob("tpcb_c1.log.gz")))
THROTTLED = next(iter(MEASURED.rglob("tpcb_c8_rate1750.log.gz")))


def log(folder: Path, text: str, name: str = "pgbench_log.1") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_latency_ends_at_the_epoch_and_begins_its_time_before(tmp_path: Path) -> None:
    found = read([log(tmp_path, "0 1 2373 0 100 65924\n0 2 642 0 100 66580\n")])
    latency = found.only("latency")
    assert latency.value.tolist() == [2_373_000, 642_000]
    assert latency.t_ns.tolist() == [100_063_551_000, 100_065_938_000]
    assert not latency.cut.any()
    assert unit_of("latency") == "ns"
    assert (found.facts["clients"], found.facts["throttled"], found.facts["sampling"]) == (1, False, 1.0)


def test_with_a_schedule_the_lag_is_the_wait_and_the_rest_is_service(tmp_path: Path) -> None:
    found = read([log(tmp_path, "0 1 5000 0 100 10000 2000\n1 1 900 0 100 11000 40\n")])
    assert sorted(found.only("lag").value.tolist()) == [40_000, 2_000_000]
    assert sorted(found.only("service").value.tolist()) == [860_000, 3_000_000]
    assert found.only("service").t_ns[0] == 100_005_000_000 + 2_000_000
    assert found.facts["throttled"]


def test_a_seventh_column_of_small_counts_is_retries_and_the_reader_is_told(tmp_path: Path) -> None:
    found = read([log(tmp_path, "0 1 900 0 100 10000 0\n0 2 950 0 100 11000 2\n")])
    assert found.only("count.retries").value.tolist() == [0, 2]
    assert unit_of("count.retries") == ""
    assert not found.facts["throttled"]
    assert any("--max-tries" in note for note in found.notes)


def test_with_both_the_lag_comes_first(tmp_path: Path) -> None:
    found = read([log(tmp_path, "0 1 900 0 100 10000 30 1\n")])
    assert found.only("lag").value.tolist() == [30_000]
    assert found.only("count.retries").value.tolist() == [1]


def test_what_was_skipped_or_failed_is_counted_and_has_no_latency(tmp_path: Path) -> None:
    text = "0 1 900 0 100 10000 30\n0 2 skipped 0 100 10100 5000\n0 3 serialization 0 100 10200 10\n"
    found = read([log(tmp_path, text)])
    assert found.only("latency").n == 1
    assert (found.only("count.skipped").n, found.only("count.serialization").n) == (1, 1)


def test_each_script_of_several_has_its_own_kind_beside_that_of_all(tmp_path: Path) -> None:
    found = read([log(tmp_path, "0 1 900 0 100 10000\n0 2 100 1 100 11000\n")])
    assert found.only("latency").n == 2
    assert found.only("latency.script1").value.tolist() == [100_000]


def test_the_files_of_all_threads_make_one_run_packed_or_not(tmp_path: Path) -> None:
    log(tmp_path, "0 1 900 0 100 10000\n", "pgbench_log.7")
    (tmp_path / "pgbench_log.7.1.gz").write_bytes(gzip.compress(b"1 1 800 0 100 9000\n"))
    found = read([tmp_path])
    assert found.only("latency").n == 2
    assert found.facts["clients"] == 2
    assert np.all(np.diff(found.only("latency").t_ns) > 0)


def test_a_sampled_log_tells_which_share_it_holds(tmp_path: Path) -> None:
    found = read([log(tmp_path, "0 5 900 0 100 10000\n0 10 950 0 100 12000\n")])
    assert found.facts["sampling"] == pytest.approx(0.2)
    assert any("--sampling-rate" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 1 900 0 100 10000\n0 2 x 0 100 11000\n", "pgbench_log.1:2:1.*'x' is no whole number"),
        ("0 1 900 0 100 10000\n0 2 900 0\n", "pgbench_log.1:2:1.*has 4 columns; 6 as in the lines before"),
        ("1345828501 5601 1542744 483552416 61 2573\n", "aggregated.*without --aggregate-interval"),
        ("hello\n", "begins with `hello`; expected is one of"),
        ("0 1 900 0 100 10000\n" + "y\n" * 9, "further lines were not looked at"),
    ],
)
def test_a_file_that_is_no_such_log_is_told_by_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match="(?s)" + says):
        read([log(tmp_path, text)])


def test_logs_of_two_runs_are_not_taken_for_one(tmp_path: Path) -> None:
    files = [log(tmp_path, "0 1 900 0 100 10000\n", name) for name in ("a", "b")]
    with pytest.raises(InputErrors, match="one run only"):
        read(files)


def test_a_file_of_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputErrors, match="is UTF-16 text; save it as UTF-8"):
        read([tmp_path / "x"])


def test_the_measured_logs_are_read_whole() -> None:
    alone, throttled = read([ONE_CLIENT]), read([THROTTLED])
    assert (alone.only("latency").n, alone.facts["clients"]) == (6355, 1)
    assert alone.only("latency").value.mean() == pytest.approx(0.9411e6, rel=1e-4)
    assert throttled.facts["clients"] == 8
    assert throttled.only("latency").rate_per_s == pytest.approx(1750, rel=0.03)  # Poisson: 1 % standard error
    lag, service = throttled.only("lag").value, throttled.only("service").value
    assert lag.sum() + service.sum() == throttled.only("latency").value.sum()
