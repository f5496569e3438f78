"""Laws that every run must keep, checked on its columns, whichever engine wrote them.

Nothing is created or lost; Little's law holds exactly on the sample path; nobody is busier than possible; the split
of latency adds up to latency without a remainder. Wait-for cycles are found by the engine, which alone knows who
waits for whom; it writes them into `findings`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.results.columns import OPEN, PlaceUse, Replication


def audit(run: Replication) -> list[str]:
    """Every broken law as a sentence with its figures; empty after a sound run."""
    found = [*run.findings, *_executions(run), *_split(run), *_monitors(run)]
    for place in run.places.values():
        found.extend(_place(place))
    return [f"replication {run.index}: {finding}" for finding in found]


def _executions(run: Replication) -> Iterator[str]:
    rows = run.executions
    closed = rows.end_ns >= 0
    if np.any(closed == (rows.outcome == OPEN)):
        yield "an execution is open and closed at once"
    if np.any(rows.end_ns[closed] < rows.start_ns[closed]):
        yield "an execution ends before it starts"
    if np.any(np.diff(rows.start_ns) < 0):
        yield "executions are not in the order of their arrival"
    if len(rows.cohort) and (
        rows.start_ns[rows.cohort].min() < run.begin_ns or rows.start_ns[rows.cohort].max() >= run.horizon_ns
    ):
        yield "the cohort holds an execution that started outside the window"


def _split(run: Replication) -> Iterator[str]:
    rows = run.executions
    cohort = rows.cohort
    closed = rows.end_ns[cohort] >= 0
    total = rows.split.sum(axis=1) if rows.split.size else np.zeros(len(cohort), np.int64)
    latency = rows.end_ns[cohort] - rows.start_ns[cohort]
    wrong = closed & (total != latency)
    if np.any(wrong):
        first = int(np.flatnonzero(wrong)[0])
        yield (
            f"the split of latency of execution {int(cohort[first])} adds up to {int(total[first])} ns, "
            f"but it took {int(latency[first])} ns ({int(wrong.sum())} such executions)"
        )
    if np.any(rows.split < 0):
        yield "the split of latency holds a negative time"


def _place(place: PlaceUse) -> Iterator[str]:
    name = f"{place.kind} {place.name}"
    if place.all_waiting_area != place.all_wait_sum:
        yield (
            f"Little's law fails in the line of {name}: the area under its length is {place.all_waiting_area} ns, "
            f"the waits of its visits add up to {place.all_wait_sum} ns"
        )
    if place.all_busy_area != place.all_held_sum:
        yield (
            f"Little's law fails in {name}: the area under its use is {place.all_busy_area} unit-ns, "
            f"its visits held {place.all_held_sum} unit-ns"
        )
    if place.peak_excess:
        yield f"{name} was busier than it has units"
    gone = place.all_gone
    if place.all_asked != place.all_served + gone + place.still_waiting:
        yield (
            f"{name} lost count: {place.all_asked} asked, {place.all_served} were served, {gone} left or were turned "
            f"away, {place.still_waiting} still wait"
        )
    if min(place.still_waiting, place.still_busy) < 0:
        yield f"{name} gave back more than it had"


def _monitors(run: Replication) -> Iterator[str]:
    for monitor in run.monitors:
        if monitor.antecedents != monitor.checked + monitor.undecided + monitor.violated:
            yield f"monitor {monitor.name} lost count of its executions"
