"""Measured runs become cells: the system by content, settings as set, metrics under the common names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.systems.cells import AS_MEASURED, PROBABILITIES, Cell, read_cells
from sim.errors import InputErrors

MEASURED = Path(__file__).parents[2] / "calibration" / "measured"

CPU = {"wall": 4.0, "busy": 6.0}
TIMES = {"n": 3, "mean": 2.0, "sd": 1.0, "cv": 0.5, "p50": 1.5, "p99": 9.0, "max": 10.0}

CLOSED = {
    "id": "a1-tpcb-like-on-c8-r2",
    "repeat": 2,
    "script": "tpcb-like",
    "clients": 8,
    "duration_s": 3,
    "synchronous_commit": "on",
    "rate_target": None,
    "dropped_first_s": 0.5,
    "tps_steady": 3555.5,
    "failed": {},
    "n_ok": 9,
    "latency_ms": TIMES,
    "cpu": CPU,
    "cpu_postgres_s": 2.0,
}
OPEN = CLOSED | {"id": "a2-x-r0", "repeat": 0, "rate_target": 1777.7, "load_pct": 50, "lag_ms": TIMES}
HOT = CLOSED | {"opt_iso": "SERIALIZABLE", "opt_rows": 10, "max_tries": 1, "failed": {"serialization": 3}}
RESTART = {
    "id": "a4-load1-r0",
    "repeat": 0,
    "load_s": 1,
    "load": "tpcb-like c16 synchronous_commit=off",
    "start_to_first_query_s": 0.28,
    "after": {"tps_steady": 3950.0, "latency_ms": TIMES},
}
FLUSH = {"id": "a3-fsync-r1", "repeat": 1, "kind": "fdatasync_8k", "latency_ms": TIMES, "cpu": CPU}
WORKFLOWS = {
    "id": "open-mem-r0",
    "repeat": 0,
    "config": {"db": "mem", "k": 3, "mode": "open", "secs": 6, "rate": 15},
    "throughput_in_load_wf_s": 14.8,
    "throughput_total_wf_s": 14.3,
    "e2e_server_ms": TIMES,
    "act_sched_to_start_ms": TIMES,
    "cpu": CPU,
    "cpu_workers_s": [1.0, 3.0],
}
QUEUE = {"id": "c-r0", "repeat": 0, "config": {"k": 3, "execs": 1, "poll": 0.1, "secs": 6}, "e2e_ms": TIMES}


def cells(folder: Path, *rows: Mapping[str, Any]) -> list[Cell]:
    path = folder / "runs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_cells([path], "epyc")


def test_a_cell_is_named_without_the_number_of_its_repeat(tmp_path: Path) -> None:
    (cell,) = cells(tmp_path, CLOSED)
    assert (cell.id, cell.name, cell.repeat) == ("a1-tpcb-like-on-c8-r2", "a1-tpcb-like-on-c8", 2)
    assert cell.host == "epyc"


def test_the_host_is_the_folder_that_the_file_lies_in_unless_it_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "xeon"
    folder.mkdir()
    (folder / "a.jsonl").write_text(json.dumps(CLOSED), encoding="utf-8")
    assert read_cells([folder / "a.jsonl"])[0].host == "xeon"


@pytest.mark.parametrize(
    ("row", "system", "mode"),
    [
        (CLOSED, "postgres", "closed"),
        (OPEN, "postgres", "open"),
        (HOT, "postgres", "contention"),
        (RESTART, "postgres", "recovery"),
        (FLUSH, "postgres", "flush"),
        (WORKFLOWS, "temporal", "open"),
        (QUEUE, "dbos", "open"),
    ],
    ids=lambda value: value["id"] if isinstance(value, dict) else value,
)
def test_system_and_mode_are_told_by_the_fields(row: dict[str, Any], system: str, mode: str, tmp_path: Path) -> None:
    (cell,) = cells(tmp_path, row)
    assert (cell.system, cell.settings["mode"]) == (system, mode)


def test_settings_keep_their_types(tmp_path: Path) -> None:
    closed, opened, hot, restart, workflows = cells(tmp_path, CLOSED, OPEN, HOT, RESTART, WORKFLOWS)
    assert closed.settings["clients"] == 8
    assert closed.settings["rate"] is None
    assert (opened.settings["rate"], opened.settings["load_pct"]) == (1777.7, 50)
    assert (hot.settings["isolation"], hot.settings["rows"]) == ("SERIALIZABLE", 10)
    assert (restart.settings["clients"], restart.settings["synchronous_commit"]) == (16, "off")
    assert (workflows.settings["k"], workflows.settings["duration_s"]) == (3, 6)


def test_metrics_have_the_common_names(tmp_path: Path) -> None:
    closed, opened, hot, restart, flush, workflows, queue = cells(
        tmp_path, CLOSED, OPEN, HOT, RESTART, FLUSH, WORKFLOWS, QUEUE
    )
    assert closed.values["throughput"] == 3555.5
    assert (closed.values["latency.mean"], closed.values["latency.p99"]) == (2.0, 9.0)
    assert opened.values["lag.p50"] == 1.5
    assert hot.values["aborts"] == 3 / 12
    assert (restart.values["recovery"], restart.values["after.latency.mean"]) == (0.28, 2.0)
    assert flush.values["flush.mean"] == 2.0
    assert "latency.mean" not in flush.values
    assert (workflows.values["throughput"], workflows.values["throughput.total"]) == (14.8, 14.3)
    assert workflows.values["schedule_to_start.activity.p99"] == 9.0
    assert queue.values["latency.p50"] == 1.5


def test_a_try_that_was_repeated_counts_as_aborted(tmp_path: Path) -> None:
    (cell,) = cells(tmp_path, HOT | {"max_tries": 3, "retries": 6})
    assert cell.values["aborts"] == (3 + 6) / (3 + 6 + 9)


def test_cpu_is_told_in_cores_over_the_run_and_summed_over_processes(tmp_path: Path) -> None:
    closed, workflows = cells(tmp_path, CLOSED, WORKFLOWS)
    assert (closed.values["cpu"], closed.values["cpu.postgres"]) == (1.5, 0.5)
    assert workflows.values["cpu.workers"] == 1.0


def test_a_table_of_quantiles_rises_with_its_probabilities(tmp_path: Path) -> None:
    (cell,) = cells(tmp_path, CLOSED | {"latency_q_ms": [100 * p for p in AS_MEASURED]})
    assert np.allclose(cell.quantiles["latency"], 100 * PROBABILITIES)
    assert np.all(np.diff(PROBABILITIES) > 0)


def row_of(number: int, **changes: Any) -> dict[str, Any]:
    base = {
        "i": number,
        "completed": True,
        "hit": False,
        "close_rel_kill_s": 0.3,
        "final_started_rel_s": -0.7,
        "act_completed_rel_s": 0.25,
        "wft_timeouts": 0,
    }
    return base | changes


def killed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"id": "b2-r0", "repeat": 0, "config": {"kind": "stc", "stc_s": 2, "n": len(rows)}, "rows": rows}


def test_recovery_from_a_kill_counts_what_was_hit_to_the_end_of_its_activity(tmp_path: Path) -> None:
    hit = {"hit": True, "final_started_rel_s": 2.24, "attempt1_to_final_start_s": 2.7}
    (cell,) = cells(
        tmp_path,
        killed(
            row_of(0),
            row_of(1, **hit, act_completed_rel_s=3.25, close_rel_kill_s=3.5),
            row_of(2, **hit, act_completed_rel_s=3.35, close_rel_kill_s=13.5, wft_timeouts=1),
            row_of(3, completed=False, hit=True),
        ),
    )
    assert cell.settings == {"mode": "kill", "kind": "stc", "stc_s": 2, "n": 4}
    assert cell.values["recovery"] == pytest.approx(3.3)
    assert (cell.values["recovery.n"], cell.values["executions.hit"], cell.values["left"]) == (2, 2, 1)
    assert cell.values["recovery.close.p50"] == pytest.approx(8.5)
    assert cell.values["recovery.attempts.mean"] == pytest.approx(2.7)
    assert cell.values["sticky.mean"] == pytest.approx(10.15)
    assert cell.values["recovery.last"] == 13.5


def test_recovery_from_the_loss_of_a_cache_counts_timed_out_workflow_tasks(tmp_path: Path) -> None:
    (cell,) = cells(tmp_path, killed(row_of(0), row_of(1, close_rel_kill_s=3.25, wft_timeouts=1)))
    assert cell.values["recovery"] == 3.25
    assert cell.values["sticky.mean"] == 3.0
    assert "recovery.close.mean" not in cell.values


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object"),
        ('{"id": "x-r0"}', "has no `repeat`"),
        (json.dumps(RESTART | {"load": "tpcb-like"}), "synchronous_commit=off' is expected"),
        ('{"id": "x-r0", "repeat": 0}', "is no run of pgbench, Temporal or DBOS"),
        (json.dumps(CLOSED | {"latency_q_ms": [1, 2]}), "holds 2 quantiles; 103 are expected"),
    ],
)
def test_a_line_that_is_no_run_is_told_by_file_and_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(json.dumps(CLOSED) + "\n" + text + "\n", encoding="utf-8")
    with pytest.raises(InputErrors) as caught:
        read_cells([path])
    assert "broken.jsonl:2:1" in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match=r"none\.jsonl` cannot be read"):
        read_cells([tmp_path / "none.jsonl"])


@pytest.mark.parametrize(
    "path", sorted(MEASURED.glob("*/*.jsonl")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_measured_file_is_read_and_its_tables_agree_with_its_percentiles(path: Path) -> None:
    found = read_cells([path])
    assert found
    for cell in found:
        assert cell.host == path.parent.name
        assert cell.name == cell.id.removesuffix(f"-r{cell.repeat}")
        for metric, table in cell.quantiles.items():
            assert np.all(np.diff(table) >= 0)
            assert np.interp(0.5, PROBABILITIES, table) == cell.values[f"{metric}.p50"]
            assert np.interp(0.999, PROBABILITIES, table) == cell.values[f"{metric}.p99.9"]
        assert cell.settings["mode"] in ("closed", "open", "idle", "recovery", "contention", "flush", "kill")
