"""What a kill cost, from one row an execution: times in seconds from the kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def after_kill(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Metrics of recovery, in s: mean, p50 and max of each, and over how many executions.

    `recovery` counts executions that the kill hit: their activity was running on the killed worker. It ends when that
    activity is completed elsewhere; `recovery.close` ends with the execution, which may wait for its workflow task as
    well. Where none was hit, because only a workflow's cache was lost, `recovery` counts executions whose workflow
    task timed out, to their close. `sticky` counts the same, from the completion of the activity to the close.
    """
    done = [row for row in rows if row["completed"]]
    hit = [row for row in done if row.get("hit")]
    stuck = [row for row in done if row.get("wft_timeouts")]
    times = {
        "recovery": [row["act_completed_rel_s"] for row in hit] or [row["close_rel_kill_s"] for row in stuck],
        "recovery.close": [row["close_rel_kill_s"] for row in hit],
        "recovery.restart": [row["final_started_rel_s"] for row in hit],
        "recovery.attempts": [row["attempt1_to_final_start_s"] for row in hit if "attempt1_to_final_start_s" in row],
        "sticky": [row["close_rel_kill_s"] - row["act_completed_rel_s"] for row in stuck],
    }
    values = {"recovery.last": max((row["close_rel_kill_s"] for row in done), default=float("nan"))}
    values |= {"executions": float(len(rows)), "executions.hit": float(len(hit)), "left": float(len(rows) - len(done))}
    for metric, seconds in times.items():
        if seconds:
            values |= {
                f"{metric}.n": float(len(seconds)),
                f"{metric}.mean": float(np.mean(seconds)),
                f"{metric}.p50": float(np.median(seconds)),
                f"{metric}.max": max(seconds),
            }
    if "recovery.mean" in values:
        values["recovery"] = values["recovery.mean"]
    return values
