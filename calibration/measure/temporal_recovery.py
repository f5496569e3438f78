"""Figures of one kill from the histories of its workflows and the stamps of its workers; times count from the kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calibration.measure.quantiles import summary
from calibration.measure.temporal_figures import Stamps
from calibration.measure.temporal_history import History

VICTIM = 0
"""Number of the worker that is killed."""


def row(i: int, history: History, stamps: Stamps, killed_ns: int) -> dict[str, Any]:
    """One workflow, in s from the kill. hit: its first attempt ran on the victim and was not over.

    attempt1_code: when the code of the first attempt began. final_started, act_completed: of the last attempt.
    wft_sched_to_start_ms: of the workflow tasks that were started, so not of those that waited for the dead worker.
    """
    activity = history.activities[0]
    first = stamps.get((history.workflow_id, activity.activity_id, 1))
    on_victim = first is not None and first.worker == f"worker{VICTIM}"
    hit = first is not None and on_victim and (first.end_ns is None or first.end_ns > killed_ns)

    def after_kill_s(at_ns: int | None) -> float | None:
        return None if at_ns is None else round((at_ns - killed_ns) / 1e9, 4)

    found = {
        "i": i,
        "completed": history.completed,
        "attempts": activity.attempt,
        "on_victim": on_victim,
        "hit": hit,
        "wf_start_rel_s": after_kill_s(history.started_ns),
        "close_rel_kill_s": after_kill_s(history.closed_ns),
        "attempt1_code_rel_s": after_kill_s(first.start_ns if first is not None else None),
        "final_started_rel_s": after_kill_s(activity.started_ns),
        "act_completed_rel_s": after_kill_s(activity.ended_ns),
        "wft_timeouts": sum(task.outcome == "TIMED_OUT" for task in history.workflow_tasks),
        "wft_sched_to_start_ms": [
            round(task.schedule_to_start_ms, 2) for task in history.workflow_tasks if task.started_ns is not None
        ],
        "e2e_s": round(history.e2e_ms / 1e3, 4) if history.closed_ns is not None else None,
    }
    if hit and first is not None and activity.started_ns is not None:
        found["attempt1_to_final_start_s"] = round((activity.started_ns - first.start_ns) / 1e9, 4)
    return found


def recovery(rows: Sequence[Mapping[str, Any]], sticky: bool) -> dict[str, Any]:
    """Summaries in s over the workflows that were hit, and, when it is the question, over those stuck in a cache."""
    hit = [row for row in rows if row["hit"] and row["act_completed_rel_s"] is not None]
    stuck = [row for row in rows if row["wft_timeouts"] and row["close_rel_kill_s"] is not None]
    found = {
        "n_hit": sum(row["hit"] for row in rows),
        "recovery_after_kill_s": summary([row["act_completed_rel_s"] for row in hit]),
        "restart_after_kill_s": summary([row["final_started_rel_s"] for row in hit]),
        "attempt1_to_final_start_s": summary([row["attempt1_to_final_start_s"] for row in hit]),
        "last_close_after_kill_s": max((row["close_rel_kill_s"] for row in rows if row["completed"]), default=None),
    }
    if sticky:
        waits_s = [round(row["close_rel_kill_s"] - row["act_completed_rel_s"], 4) for row in stuck]
        found |= {
            "n_stuck": len(stuck),
            "stuck_close_after_kill_s": summary([row["close_rel_kill_s"] for row in stuck]),
            "stuck_act_done_to_close_s": summary(waits_s),
        }
    return found
