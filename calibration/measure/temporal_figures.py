"""Figures of one load run from the histories of its workflows and the stamps of its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.measure.quantiles import summary, table
from calibration.measure.temporal_history import History, Task

WARM_UP_S = 1.0
"""Closes in the first second are not counted in the throughput: the run starts empty."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When the code of one attempt started and ended, on which worker; no end when it was killed."""

    worker: str
    start_ns: int
    end_ns: int | None


Stamps = Mapping[tuple[str, str, int], Stamp]
"""By workflow, activity and attempt."""


def read_stamps(folder: Path) -> dict[tuple[str, str, int], Stamp]:
    """The stamps in the workers' files; a second line of the same attempt, at its end, replaces the first."""
    stamps = {}
    for path in sorted(folder.iterdir()):
        for line in path.read_text().splitlines():
            workflow, activity, attempt, start, end = line.split()
            end_ns = None if end == "-" else int(end)
            stamps[workflow, activity, int(attempt)] = Stamp(path.name, int(start), end_ns)
    return stamps


def durations(histories: Sequence[History], called_ns: Mapping[str, int], stamps: Stamps) -> dict[str, list[float]]:
    """Samples in ms, by the name that the record gives them.

    called_ns: when the client called StartWorkflow, by workflow. A client learns of the close when the server does.
    """
    closed = [history for history in histories if history.closed_ns is not None]
    activities = [(h, task) for h in closed for task in h.activities if task.outcome == "COMPLETED"]
    tasks = [task for h in closed for task in h.workflow_tasks if task.started_ns is not None]
    firsts = [h.workflow_tasks[0] for h in closed]
    later = [task for h in closed for task in h.workflow_tasks[1:]]
    code = [(task, stamps.get((h.workflow_id, task.activity_id, task.attempt))) for h, task in activities]
    whole = [(task, stamp.start_ns, stamp.end_ns) for task, stamp in code if stamp is not None and stamp.end_ns]
    return {
        "e2e_server": [h.e2e_ms for h in closed],
        "e2e_client": [ms(called_ns[h.workflow_id], h.closed_ns) for h in closed],
        "act_sched_to_start": [task.schedule_to_start_ms for _, task in activities],
        "act_start_to_close": [task.start_to_close_ms for _, task in activities],
        "act_started_to_code": [ms(task.started_ns, start) for task, start, _ in whole],
        "act_code": [ms(start, end) for _, start, end in whole],
        "act_code_end_to_completed": [ms(end, task.ended_ns) for task, _, end in whole],
        "wft_sched_to_start": [task.schedule_to_start_ms for task in tasks],
        "wft_first_start_to_close": well_done(firsts),
        "wft_later_start_to_close": well_done(later),
    }


WITH_TABLE = ("e2e_server", "e2e_client", "act_sched_to_start", "act_start_to_close")
"""Samples whose whole distribution is kept."""


def latency_figures(samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """A summary of each sample (`NAME_ms`), and the quantile table (`NAME_q_ms`) of the most important ones."""
    found: dict[str, Any] = {}
    for name, values in samples.items():
        found[f"{name}_ms"] = summary(values)
        if name in WITH_TABLE and values:
            found[f"{name}_q_ms"] = table(values)
    return found


def count_figures(
    histories: Sequence[History], called_ns: Mapping[str, int], begun_ns: int, seconds: float, workers: int
) -> dict[str, Any]:
    """Attempts, timeouts, throughput and the course of the run.

    begun_ns: when the load began. seconds: its planned length. Throughput in the load counts closes after WARM_UP_S
    until its planned end; the total one, up to the last close.
    """
    closed = [history for history in histories if history.closed_ns is not None]
    activities = [task for h in closed for task in h.activities]
    ends_s = [(h.closed_ns - begun_ns) / 1e9 for h in closed if h.closed_ns is not None]
    by_worker = Counter(task.identity for task in activities)
    n = max(1, len(closed))
    return {
        "attempts_hist": {str(a): c for a, c in sorted(Counter(task.attempt for task in activities).items())},
        "wft_per_workflow": round(sum(len(h.workflow_tasks) for h in closed) / n, 4),
        "wft_timeouts": sum(task.outcome == "TIMED_OUT" for h in closed for task in h.workflow_tasks),
        "events_per_workflow": round(sum(h.events for h in closed) / n, 4),
        "acts_by_worker": [by_worker[f"worker{i}"] for i in range(workers)],
        "throughput_in_load_wf_s": round(sum(WARM_UP_S <= end < seconds for end in ends_s) / (seconds - WARM_UP_S), 3),
        "throughput_total_wf_s": round(len(closed) / max(ends_s), 3) if ends_s else 0.0,
        "arrival_rate_actual": round(len(called_ns) / seconds, 3),
        "series_by_arrival_s": series(closed, called_ns, begun_ns),
    }


def series(closed: Iterable[History], called_ns: Mapping[str, int], begun_ns: int) -> list[list[float]]:
    """By second of the call: [second, workflows, mean latency as the client sees it in ms]."""
    by_second: dict[int, list[float]] = {}
    for history in closed:
        called = called_ns[history.workflow_id]
        by_second.setdefault((called - begun_ns) // 1_000_000_000, []).append(ms(called, history.closed_ns))
    return [[second, len(values), round(sum(values) / len(values), 2)] for second, values in sorted(by_second.items())]


def well_done(tasks: Iterable[Task]) -> list[float]:
    """Start to close of completed tasks in ms."""
    return [task.start_to_close_ms for task in tasks if task.outcome == "COMPLETED"]


def ms(start_ns: int | None, end_ns: int | None) -> float:
    """A span in ms; both ends have happened."""
    assert start_ns is not None
    assert end_ns is not None
    return (end_ns - start_ns) / 1e6
