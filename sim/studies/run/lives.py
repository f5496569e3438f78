"""The life of one execution as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from sim.results.columns import Replication
from sim.units import format_duration_ns


def life_text(log: Sequence[tuple[int, str]], run: Replication, execution: int, drill: str | None) -> list[str]:
    """What the log of a run tells of one execution. drill: the fault that happens in that run, if any."""
    rows = run.executions
    start = int(rows.start_ns[execution])
    routine = run.routines[int(rows.routine[execution])]
    where = f"replication {run.index}" if drill is None else f"replication {run.index} of the drill {drill}"
    lines = [f"execution {execution} of {routine} in {where}, started at {format_duration_ns(start)} of the run"]
    lines += [f"  +{format_duration_ns(when - start):>12}  {what}" for when, what in log]
    if rows.end_ns[execution] < 0:
        lines.append("  still open at the end of the run")
    return lines
