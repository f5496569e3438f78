"""The columns on disk: what the engine recorded comes back from the files, row by row."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import report_fixture as fixture

from sim.errors import InputErrors
from sim.report.frames import write_columns
from sim.results.columns import Episodes, Executions, FaultEpisode, Replication


def replication(index: int, states: tuple[str, ...]) -> Replication:
    """Four executions: one before the window, one that succeeds, one that fails, one that is still open."""
    return Replication(
        index=index,
        engine="reference",
        routines=("transfer", "refund"),
        begin_ns=10,
        horizon_ns=100,
        followed_ns=100,
        end_ns=150,
        executions=Executions(
            start_ns=np.array([5, 10, 20, 90]),
            end_ns=np.array([30, 40, 50, -1]),
            outcome=np.array([0, 0, 2, 4], np.int8),
            routine=np.array([0, 1, 0, 0], np.int16),
            cohort=np.array([1, 2, 3]),
            states=states,
            split=np.array([[10, 20], [25, 5], [0, 0]]),
            errors={2: "timeout"},
        ),
        places={},
        spans={},
        in_flight={},
        counts={},
        attempts={},
        off_path_ns=0,
        caches={},
        sample_ns=np.array([50, 100]),
        samples={"queue.db": np.array([3, 0]), "in_flight.transfer": np.array([1, 2])},
        reactions_ns=np.array([], np.int64),
        episodes=Episodes.of(
            ("crash", "outage"),
            ("workers",),
            (
                FaultEpisode("crash", 60, 80, (("workers", 0), ("workers", 3)), 2),
                FaultEpisode("outage", 120, -1, (), 0),
            ),
        ),
        monitors=(),
        events=42,
        findings=(),
    )


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_executions_have_their_outcome_and_the_split_of_those_that_count(tmp_path: Path) -> None:
    write_columns(tmp_path / "out", [replication(0, ("wait.db", "service.cpu"))])
    rows = read(tmp_path / "out" / "executions.csv")
    assert rows[1] == {
        "drill": "",
        "replication": "0",
        "ordinal": "1",
        "parent": "",
        "routine": "refund",
        "start_ns": "10",
        "end_ns": "40",
        "outcome": "succeeded",
        "error": "",
        "cohort": "true",
        "wait.db_ns": "10",
        "service.cpu_ns": "20",
    }
    assert [row["outcome"] for row in rows] == ["succeeded", "succeeded", "failed", "open"]
    assert [row["error"] for row in rows] == ["", "", "timeout", ""]
    assert [row["cohort"] for row in rows] == ["false", "true", "true", "true"]
    assert [row["end_ns"] for row in rows] == ["30", "40", "50", ""]
    assert [row["wait.db_ns"] for row in rows] == ["", "10", "25", ""]  # not counted, ..., not closed


def test_the_split_of_every_closed_execution_sums_to_its_latency(tmp_path: Path) -> None:
    write_columns(tmp_path, [replication(0, ("wait.db", "service.cpu"))])
    for row in read(tmp_path / "executions.csv"):
        if row["wait.db_ns"]:
            assert int(row["wait.db_ns"]) + int(row["service.cpu_ns"]) == int(row["end_ns"]) - int(row["start_ns"])


def test_a_state_that_only_one_run_knows_is_empty_in_the_others(tmp_path: Path) -> None:
    runs = [replication(0, ("wait.db", "service.cpu")), replication(1, ("wait.db", "lost"))]
    write_columns(tmp_path, runs)
    rows = read(tmp_path / "executions.csv")
    assert [(row["replication"], row["service.cpu_ns"], row["lost_ns"]) for row in rows if row["ordinal"] == "1"] == [
        ("0", "20", ""),
        ("1", "", "20"),
    ]


def test_drills_are_told_from_base_runs(tmp_path: Path) -> None:
    base, drill = replication(0, ("wait.db", "lost")), replication(0, ("wait.db", "lost"))
    write_columns(tmp_path, [base], drills={"crash": [drill]})
    assert [row["drill"] for row in read(tmp_path / "timelines.csv")] == ["", "", "crash", "crash"]


def test_timelines_and_episodes_come_back(tmp_path: Path) -> None:
    write_columns(tmp_path, [replication(7, ("wait.db", "lost"))])
    first, second = read(tmp_path / "timelines.csv")
    assert first == {"drill": "", "replication": "7", "time_ns": "50", "queue.db": "3", "in_flight.transfer": "1"}
    assert second["in_flight.transfer"] == "2"
    crash, outage = read(tmp_path / "episodes.csv")
    assert (crash["fault"], crash["start_ns"], crash["end_ns"], crash["hit"]) == ("crash", "60", "80", "2")
    assert crash["nodes"] == "workers[0] workers[3]"
    assert outage["end_ns"] == ""


def test_the_bill_has_an_item_a_row_and_sums_to_its_total(tmp_path: Path) -> None:
    bill = fixture.bill()
    paths = write_columns(tmp_path, [], bill=bill)
    assert [path.name for path in paths] == ["executions.csv", "timelines.csv", "episodes.csv", "bill.csv"]
    rows = read(tmp_path / "bill.csv")
    assert sum(float(row["amount"]) for row in rows) == pytest.approx(bill.total_per_month.value)
    assert {row["period"] for row in rows} == {"month"}
    assert all(row["source"] and row["date"] for row in rows)


def test_without_a_bill_there_is_no_file_of_it(tmp_path: Path) -> None:
    assert len(write_columns(tmp_path, [])) == 3
    assert not (tmp_path / "bill.csv").exists()


def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path) -> None:
    run = replication(0, ("wait.db", "lost"))
    run.executions.errors[2] = '=HYPERLINK("https://evil.example")'
    write_columns(tmp_path, [run])
    assert read(tmp_path / "executions.csv")[2]["error"].startswith("'=HYPERLINK")


def test_parquet_holds_the_same_as_csv(tmp_path: Path) -> None:
    runs = [replication(0, ("wait.db", "service.cpu")), replication(1, ("wait.db", "lost"))]
    write_columns(tmp_path, runs, bill=fixture.bill())
    paths = write_columns(tmp_path, runs, bill=fixture.bill(), file_format="parquet")
    for path in paths:
        table = parquet.read_table(path)
        rows = read(path.with_suffix(".csv"))
        assert table.column_names == list(rows[0])
        for name in table.column_names:
            cells = [
                "" if v is None else str(v).lower() if v in (True, False) and isinstance(v, bool) else str(v)
                for v in table[name].to_pylist()
            ]
            assert cells == [row[name] for row in rows], (path.name, name)


def test_parquet_without_pyarrow_is_a_problem_of_the_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputErrors, match="choose CSV, or install the extra `tables`"):
        write_columns(tmp_path / "out", [], file_format="parquet")
    assert not (tmp_path / "out").exists()
