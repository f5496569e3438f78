"""Runs of a measuring campaign: one cell, its settings, and every metric that it measured, under the common names.

A file holds one JSON object a line, one a run. The system is told by the fields, not by the name of the file. Metrics
of one run, where `latency` and the like stand for `latency.mean`, `.sd`, `.p50`, `.p90`, `.p95`, `.p99`, `.p99.5`,
`.p99.9` and `.max`:

| metric | unit | PostgreSQL under pgbench | Temporal | DBOS |
|---|---|---|---|---|
| `throughput` | 1/s | committed, after `dropped_first_s` | closed workflows, after the first second | same |
| `throughput.total` | 1/s | | from the first start to the last close | |
| `goodput`, `aborts` | 1/s, share | hot rows: committed; aborted of all tries | | |
| `latency` | ms | from the (scheduled) start to the commit | e2e, by the server's clock | from the enqueueing |
| `latency.client` | ms | | e2e, from the client's call | |
| `lag`, `service` | ms | open loop: wait for a connection; the rest | | `service`: running |
| `flush` | ms | 8 KiB written and synced, no database | | |
| `start` | ms | | the call that starts a workflow | from enqueueing to the first line of code |
| `roundtrip` | ms | | closed loop: from the call to the known result | |
| `schedule_to_start.activity`, `.workflow_task` | ms | | same | |
| `start_to_close.activity`, `.workflow_task.first`, `.workflow_task.later` | ms | | same | |
| `activity.started_to_code`, `.code`, `.code_to_completed` | ms | | parts of `start_to_close.activity` | |
| `recovery` | s | from the restart to the first answer | from the kill until the activity of what was hit is done | |
| `recovery.close` | s | | from the kill to the close, of what was hit | |
| `recovery.restart` | s | | from the kill to the start of the last attempt | |
| `recovery.attempts` | s | | from the first attempt's start to the last attempt's | |
| `recovery.last` | s | | from the kill to the last close | |
| `sticky` | s | | from the activity's completion to the close, where a workflow task timed out | |
| `cpu`, `cpu.server`, ... | cores | of the machine, and by process, over the run | same | same |

What was hit by a kill: see `calibration.systems.kills`. `recovery` alone is the mean. `after.throughput` and
`after.latency` are those of PostgreSQL's load after the recovery.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calibration.systems.kills import after_kill
from sim.errors import InputErrors, Problem
from sim.files import Unreadable, read_text, reason_of

Floats = NDArray[np.float64]
System = Literal["postgres", "temporal", "dbos"]

AS_MEASURED = (*(step / 100 for step in range(101)), 0.995, 0.999)
"""Probabilities of the quantiles in a file, in its order."""

_ORDER = np.argsort(AS_MEASURED)
PROBABILITIES: Floats = np.array(AS_MEASURED)[_ORDER]
"""Probabilities of every quantile table, rising: 0.00, 0.01, ... 0.99, 0.995, 0.999, 1.00."""

STATISTICS = ("n", "mean", "sd", "p50", "p90", "p95", "p99", "p99.5", "p99.9", "max")

TIMES = {
    "postgres": {"latency": "latency", "lag": "lag", "service": "service"},
    "temporal": {
        "e2e_server": "latency",
        "e2e_client": "latency.client",
        "start_rpc": "start",
        "roundtrip": "roundtrip",
        "act_sched_to_start": "schedule_to_start.activity",
        "wft_sched_to_start": "schedule_to_start.workflow_task",
        "act_start_to_close": "start_to_close.activity",
        "wft_first_start_to_close": "start_to_close.workflow_task.first",
        "wft_later_start_to_close": "start_to_close.workflow_task.later",
        "act_started_to_code": "activity.started_to_code",
        "act_code": "activity.code",
        "act_code_end_to_completed": "activity.code_to_completed",
    },
    "dbos": {"e2e": "latency", "enqueue_to_code": "start", "run": "service", "enqueue_late": "start.late"},
}
"""Field of the file, without `_ms` or `_q_ms`: metric, in ms."""

NUMBERS = {
    "tps_steady": "throughput",
    "throughput_in_load_wf_s": "throughput",
    "throughput_total_wf_s": "throughput.total",
    "arrival_rate_actual": "arrivals",
    "start_to_first_query_s": "recovery",
    "commits_per_sync": "commits_per_sync",
    "avg_sync_ms": "sync.mean",
    "wal_bytes_since_redo": "wal_bytes_since_redo",
    "redo_elapsed_s": "recovery.redo",
    "eor_ckpt_total_s": "recovery.checkpoint",
    "n_completed": "completed",
    "n_done": "completed",
    "n_left_running": "left",
    "left": "left",
    "wft_per_workflow": "workflow_tasks_per_workflow",
    "wft_timeouts": "workflow_task_timeouts",
    "pg_commits_per_workflow": "commits_per_workflow",
    "wal_syncs_per_workflow": "syncs_per_workflow",
    "wal_bytes_per_workflow": "wal_bytes_per_workflow",
}
"""Field of the file: metric; units as the ends of the fields tell, rates in 1/s."""

CPU = {
    "cpu_postgres_s": "cpu.postgres",
    "cpu_pgbench_s": "cpu.pgbench",
    "cpu_server_s": "cpu.server",
    "cpu_workers_s": "cpu.workers",
    "cpu_executors_s": "cpu.executors",
    "cpu_driver_s": "cpu.driver",
}
"""Field of the file, CPU seconds (one number, or one a process): metric, in cores."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measured run.

    host: the machine, such as "epyc". file: where it was read from. id: of the run; name: of the cell, without the
    number of the repeat. settings: what was set, under the names of the file; besides them `mode` ("closed", "open",
    "idle", "recovery", "contention", "flush", "kill") and `duration_s`. values: metric to number, see the head of
    this module. quantiles: metric to times in the metric's unit, at PROBABILITIES.
    """

    system: System
    host: str
    file: str
    id: str
    name: str
    repeat: int
    settings: Mapping[str, Any]
    values: Mapping[str, float]
    quantiles: Mapping[str, Floats] = field(repr=False)


def read_cells(paths: Sequence[Path], host: str = "") -> list[Cell]:
    """All runs of these files, in the order of the files.

    host: the machine that was measured. Without it, the name of the folder that a file lies in, as in
    `calibration/measured/epyc/pg_a1_closed.jsonl`.
    Raises InputErrors with everything that is wrong: file, line, what was found and what is expected.
    """
    cells: list[Cell] = []
    problems: list[Problem] = []
    for path in paths:
        for number, line in _lines(path, problems):
            try:
                cells.append(_cell(json.loads(line), host or path.resolve().parent.name, path))
            except json.JSONDecodeError as error:
                problems.append(_problem(path, number, f"is no JSON: {error.msg}", "one JSON object a line"))
            except (KeyError, TypeError, ValueError) as error:
                what = f"has no `{error.args[0]}`" if isinstance(error, KeyError) else str(error)
                problems.append(_problem(path, number, what, "the fields are described in calibration/measured"))
    if problems:
        raise InputErrors(problems)
    return cells


def _lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    try:
        text = read_text(path)
    except (OSError, Unreadable) as error:
        reason = f"cannot be read: {reason_of(error)}" if isinstance(error, OSError) else str(error)
        problems.append(Problem("", f"`{path}` {reason}", file=str(path)))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line


def _problem(path: Path, number: int, message: str, hint: str) -> Problem:
    return Problem("", message, hint, str(path), number, 1)


def _cell(row: dict[str, Any], host: str, path: Path) -> Cell:
    if not isinstance(row, dict):
        raise ValueError("is no JSON object")
    name, repeat = str(row["id"]), int(row["repeat"])
    system = _system(row)
    values = _values(row, system)
    return Cell(
        system=system,
        host=host,
        file=str(path),
        id=name,
        name=name.removesuffix(f"-r{repeat}"),
        repeat=repeat,
        settings=_settings(row, system),
        values=values,
        quantiles=dict(_quantiles(row, system)),
    )


def _system(row: Mapping[str, Any]) -> System:
    if "config" not in row:
        if not {"script", "start_to_first_query_s", "kind"} & set(row):
            raise ValueError("is no run of pgbench, Temporal or DBOS: `config` or `script` is expected")
        return "postgres"
    return "dbos" if "execs" in row["config"] else "temporal"


def _settings(row: Mapping[str, Any], system: System) -> dict[str, Any]:
    if system == "postgres":
        return _of_pgbench(row)
    config = dict(row["config"])
    # The load generator draws arrivals from it: calibration/measured says how.
    seed = {"seed": row["seed"]} if "seed" in row else {}
    if system == "dbos":
        return {"mode": "open", "duration_s": config["secs"], **config, **seed}
    if "kind" in config:
        return {"mode": "kill", **config, **seed}
    return {"duration_s": config["secs"], **config, **seed}


def _of_pgbench(row: Mapping[str, Any]) -> dict[str, Any]:
    if "start_to_first_query_s" in row:
        script, *words = row["load"].split()
        clients = [int(word[1:]) for word in words if word[0] == "c" and word[1:].isdigit()]
        commits = [word.partition("=")[2] for word in words if word.startswith("synchronous_commit=")]
        if not clients or not commits:
            raise ValueError(f"`load` is {row['load']!r}; 'tpcb-like c16 synchronous_commit=off' is expected")
        load = {"script": script, "clients": clients[0], "synchronous_commit": commits[0]}
        return {"mode": "recovery", "load_s": row["load_s"], **load}
    if "script" not in row:
        return {"mode": "flush", "kind": row["kind"]}
    settings = {key: row[key] for key in ("script", "clients", "synchronous_commit", "duration_s", "dropped_first_s")}
    settings["rate"] = row.get("rate_target")
    settings["mode"] = "closed" if settings["rate"] is None else "open"
    if "load_pct" in row:
        settings["load_pct"] = row["load_pct"]
    if "opt_iso" in row:
        settings |= {"mode": "contention", "isolation": row["opt_iso"], "rows": row["opt_rows"]}
        settings["max_tries"] = row.get("max_tries", 1)
    return settings


def _values(row: Mapping[str, Any], system: System) -> dict[str, float]:
    values = {metric: float(row[key]) for key, metric in NUMBERS.items() if row.get(key) is not None}
    for key, metric in _times(row, system).items():
        values |= _statistics(row.get(f"{key}_ms", {}), metric)
    if row.get("n_completed"):  # without a workflow the field holds the calls of the whole run
        values["persistence_per_workflow"] = float(row.get("persistence_per_workflow_total", np.nan))
    if "after" in row:
        values["after.throughput"] = float(row["after"]["tps_steady"])
        values |= _statistics(row["after"]["latency_ms"], "after.latency")
    if "opt_iso" in row:
        aborted = sum(row["failed"].values()) + (row.get("retries") or 0)
        values["goodput"] = float(row["tps_steady"])
        values["aborts"] = aborted / (aborted + row["n_ok"])
    if "rows" in row:
        values |= after_kill(row["rows"])
    if "cpu" in row:
        wall = row["cpu"]["wall"]
        values["cpu"] = row["cpu"]["busy"] / wall
        values |= {metric: float(np.sum(row[key])) / wall for key, metric in CPU.items() if key in row}
    return values


def _statistics(found: Mapping[str, float], metric: str) -> dict[str, float]:
    return {f"{metric}.{name}": float(found[name]) for name in STATISTICS if name in found}


def _quantiles(row: Mapping[str, Any], system: System) -> Iterator[tuple[str, Floats]]:
    for key, metric in _times(row, system).items():
        table = row.get(f"{key}_q_ms")
        if table is None:
            continue
        if len(table) != len(AS_MEASURED):
            raise ValueError(f"`{key}_q_ms` holds {len(table)} quantiles; {len(AS_MEASURED)} are expected")
        yield metric, np.array(table, dtype=np.float64)[_ORDER]


def _times(row: Mapping[str, Any], system: System) -> dict[str, str]:
    """Field to metric. What is synced without a database is no transaction."""
    return {"latency": "flush"} if row.get("kind", "").startswith("fdatasync") else TIMES[system]
