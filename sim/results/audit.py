"""Laws that every run must keep, checked on its columns, whichever engine wrote them.

Nothing is created or lost; Little's law holds exactly on the sample path; nobody is busier than possible; the split
of latency adds up to latency without a remainder. A deadlock breaks no law: it is the scenario's doing, found by the
engine, which alone knows who waits for whom, and told with the figures.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.results.columns import OPEN, Ints, PlaceUse, Replication

_PART = 1 << 14


def audit(run: Replication) -> list[str]:
    """Every broken law as a sentence with its figures; empty after a sound run."""
    found = [*run.findings, *_executions(run), *_children(run), *_split(run), *_monitors(run)]
    for place in run.places.values():
        found.extend(_place(place))
    return [f"replication {run.index}: {finding}" for finding in found]


def _executions(run: Replication) -> Iterator[str]:
    rows = run.executions
    both = backwards = disordered = outside = False
    for part in _parts(rows.start_ns):
        start, end = rows.start_ns[part], rows.end_ns[part]
        closed = end >= 0
        both |= bool((closed == (rows.outcome[part] == OPEN)).any())
        backwards |= bool((closed & (end < start)).any())
        before = rows.start_ns[max(part.start - 1, 0)]
        disordered |= bool(start[0] < before or (start[1:] < start[:-1]).any())
    for part in _parts(rows.cohort):
        start = rows.start_ns.take(rows.cohort[part])
        outside |= bool(start.min() < run.begin_ns or start.max() >= run.horizon_ns)
    if both:
        yield "an execution is open and closed at once"
    if backwards:
        yield "an execution ends before it starts"
    if disordered:
        yield "executions are not in the order of their arrival"
    if outside:
        yield "the cohort holds an execution that started outside the window"


def _children(run: Replication) -> Iterator[str]:
    """A child may outlive its parent and begin after its close: a job that the parent has left behind lets it in."""
    rows = run.executions
    if rows.parent is None:
        return
    if len(rows.parent) != len(rows.start_ns) or (rows.parent < -1).any():
        yield "the parents of executions are no rows of the run"
        return
    children = np.flatnonzero(rows.parent >= 0)
    parents = rows.parent[children]
    if (parents >= children).any():
        yield "a child execution comes before its parent"
    elif (rows.start_ns[children] < rows.start_ns[parents]).any():
        yield "a child execution starts before its parent"
    counted = np.zeros(len(rows.start_ns), np.bool_)
    counted[rows.cohort] = True
    inside = run.in_window(rows.start_ns[parents]) & run.in_window(rows.start_ns[children])
    if (counted[parents] != counted[children])[inside].any():
        yield "of a child execution and its parent one alone is in the cohort"


def _split(run: Replication) -> Iterator[str]:
    rows = run.executions
    negative, count, first = False, 0, -1
    for part in _parts(rows.cohort):
        cohort, split = rows.cohort[part], rows.split[part]
        end = rows.end_ns.take(cohort)
        latency = end - rows.start_ns.take(cohort)
        wrong = (np.einsum("ij->i", split) != latency) & (end >= 0)
        if wrong.any():
            first = first if count else part.start + int(wrong.argmax())
            count += int(wrong.sum())
        negative |= bool(split.size and split.min() < 0)
    if count:
        ordinal = int(rows.cohort[first])
        yield (
            f"the split of latency of execution {ordinal} adds up to {int(rows.split[first].sum())} ns, "
            f"but it took {int(rows.end_ns[ordinal] - rows.start_ns[ordinal])} ns ({count} such executions)"
        )
    if negative:
        yield "the split of latency holds a negative time"


def _parts(column: Ints) -> Iterator[slice]:
    """The rows in parts that stay in the processor's cache while they are looked at."""
    return (slice(first, first + _PART) for first in range(0, len(column), _PART))


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
    if place.all_requested != place.all_served + gone + place.still_waiting:
        yield (
            f"{name} lost count: {place.all_requested} asked, {place.all_served} were served, {gone} left or were "
            f"turned away, {place.still_waiting} still wait"
        )
    if min(place.still_waiting, place.still_busy) < 0:
        yield f"{name} gave back more than it had"


def _monitors(run: Replication) -> Iterator[str]:
    for monitor in run.monitors:
        if monitor.antecedents != monitor.checked + monitor.undecided + monitor.violated:
            yield f"monitor {monitor.name} lost count of its executions"
