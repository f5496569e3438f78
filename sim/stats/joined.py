"""Work that was under way at the start, counted with the workflow that it is part of.

An engine runs it as a routine of its own. In flight and in throughput it belongs to its workflow; in no cohort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sim.results.columns import InFlight, Replication


def joined(run: Replication, in_progress: Mapping[str, str]) -> Replication:
    """The run with the routines in `in_progress` taken as the workflows that they stand for."""
    present = {part: whole for part, whole in in_progress.items() if part in run.routines}
    if not present:
        return run
    rows = run.executions
    routine = rows.routine.copy()
    samples = dict(run.samples)
    in_flight = dict(run.in_flight)
    for part, whole in present.items():
        index, onto = run.routines.index(part), run.routines.index(whole)
        routine[rows.routine == index] = onto
        sampled = samples.pop(f"in_flight.{part}", None)
        if sampled is not None:
            samples[f"in_flight.{whole}"] = samples[f"in_flight.{whole}"] + sampled
        in_flight.pop(part, None)
    merged = replace(run, executions=replace(rows, routine=routine), samples=samples)
    for whole in set(present.values()):
        in_flight[whole] = _in_flight(merged, whole)
    return replace(merged, in_flight=in_flight)


def _in_flight(run: Replication, routine: str) -> InFlight:
    """Number at work over the window, from the starts and ends of its executions."""
    rows = run.executions
    mine = rows.routine == run.routines.index(routine)
    start = rows.start_ns[mine]
    end = np.where(rows.end_ns[mine] < 0, run.horizon_ns, rows.end_ns[mine])
    within = np.clip(end, run.begin_ns, run.horizon_ns) - np.clip(start, run.begin_ns, run.horizon_ns)
    times = np.concatenate([start, end])
    steps = np.concatenate([np.ones(len(start), np.int64), -np.ones(len(end), np.int64)])
    # At one instant ends come before starts, as they do in an engine.
    order = np.lexsort((steps, times))
    level = np.cumsum(steps[order])
    shown = run.in_window(times[order])
    before = level[~shown & (times[order] < run.begin_ns)]
    greatest = max(int(level[shown].max(initial=0)), int(before[-1]) if before.size else 0)
    return InFlight(int(within.sum()), greatest)
