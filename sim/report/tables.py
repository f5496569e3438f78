"""Which figures stand together: metrics by kind, shares of time, series. No layout."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from sim.figure import Figure
from sim.report.blocks import Colour, Content, Row, Table
from sim.report.wording import state_of
from sim.stats.metrics import RATES
from sim.stats.summary import Split, Timeline

Metrics = Mapping[str, Figure]

COHORTS = {
    "durations": "executions that start in the window, followed to their close; spans by what counts for them",
    "started": "executions that start in the window, followed to their close",
    "clocked": "by the clock: whatever ends, or is under way, in the window",
    "places": "by the clock of the window; has to wait: of visits that begin in it",
    "waits": "visits that begin in the window, whoever makes them",
}
"""Whom the figures of a table are about."""

LEVELS = ("mean", "p50", "p90", "p95", "p99", "p999", "max")
"""What a metric of durations or of counts is read at, in the order of the columns."""

DURATIONS = ("latency", "span", "schedule_to_start")

_TABLED = frozenset(
    {
        *DURATIONS,
        *("wait", *RATES, "availability", "in_flight", "retry_amplification"),
        *("room", "utilisation", "wait_probability", "queue"),
    }
)


def top(table: Table, count: int) -> Table:
    """The first rows of a table."""
    return replace(table, rows=table.rows[:count])


def durations(metrics: Metrics) -> Table:
    """Latency, spans and schedule-to-start: a row each, in this order, under mean and percentiles."""
    return _levels(metrics, DURATIONS)


def waits(metrics: Metrics) -> Table:
    """Waits at resources and stations, the longest mean first."""
    table = _levels(metrics, ("wait",), cut="wait.")
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: -_size(row.cells[0]))))


def started(metrics: Metrics) -> Table:
    """Workflows and routines: what becomes of the executions that start in the window. A stage at which none is lost
    has no column, since it reads as the one before; the first and the last always have."""
    stages = {
        "offered": "offered.{}",
        "accepted": "accepted.{}",
        "completed": "completed.{}",
        "succeeded": "succeeded.{}",
        "in time": "goodput.{}",
    }
    shown = {"offered": "offered.{}"}
    for before, head in pairwise(stages):
        if head == "in time" or any(_differ(metrics, stages[before], stages[head])):
            shown[head] = stages[head]
    return _by_subject(metrics, shown | {"availability": "availability.{}", "attempts": "retry_amplification.{}"})


def _differ(metrics: Metrics, one: str, other: str) -> Iterator[bool]:
    start = one.removesuffix("{}")
    for name in metrics:
        if name.startswith(start):
            subject = name.removeprefix(start)
            later = metrics.get(other.format(subject))
            yield later is not None and later.value != metrics[name].value


def clocked(metrics: Metrics) -> Table:
    """Workflows and routines by the clock of the window: how many succeed in it, how many are under way."""
    columns = {"throughput": "throughput.{}", "in flight": "in_flight.{}.mean", "at most": "in_flight.{}.max"}
    return _by_subject(metrics, columns)


def places(metrics: Metrics) -> Table:
    """Resources and stations, what is full first at the top: room is how many times the load it takes before it is.

    A log whose flushes serve everybody who waits has no such room, however busy it is: these come last, the busiest
    first.
    """
    table = _by_subject(
        metrics,
        {
            "room": "room.{}",
            "utilisation": "utilisation.{}",
            "has to wait": "wait_probability.{}",
            "queue": "queue.{}.mean",
            "at most": "queue.{}.max",
        },
    )

    def order(row: Row) -> tuple[float, float]:
        of = dict(zip(table.heads, row.cells, strict=True))
        return _size(of.get("room"), math.inf), -_size(of.get("utilisation"))

    return replace(table, rows=tuple(sorted(table.rows, key=order)))


def others(metrics: Metrics) -> Table:
    """What none of the tables above shows, such as operations per execution, under its whole name."""
    rows = (Row(name, (figure,)) for name, figure in metrics.items() if name.partition(".")[0] not in _TABLED)
    return Table(("value",), tuple(rows), intervals="reach")


def _levels(metrics: Metrics, families: Sequence[str], cut: str = "") -> Table:
    rows: dict[str, dict[str, Figure]] = {}
    for family in families:
        for name, figure in metrics.items():
            subject, _, level = name.rpartition(".")
            if name.startswith(f"{family}.") and level in LEVELS:
                rows.setdefault(subject.removeprefix(cut), {})[level] = figure
    used = tuple(level for level in LEVELS if any(level in row for row in rows.values()))
    return Table(used, tuple(Row(name, tuple(map(row.get, used))) for name, row in rows.items()), intervals="reach")


def _by_subject(metrics: Metrics, columns: Mapping[str, str]) -> Table:
    rows: dict[str, dict[str, Figure]] = {}
    for head, pattern in columns.items():
        start, end = pattern.split("{}")
        for name, figure in metrics.items():
            if name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end):
                rows.setdefault(name[len(start) : len(name) - len(end)], {})[head] = figure
    used = tuple(head for head in columns if any(head in row for row in rows.values()))
    return Table(used, tuple(Row(name, tuple(map(row.get, used))) for name, row in rows.items()), intervals="reach")


def _size(cell: Content, unknown: float = 0.0) -> float:
    return unknown if not isinstance(cell, Figure) or cell.value is None else cell.value


@dataclass(frozen=True, slots=True)
class StateShare:
    """A state and its part of the time, in seconds: over all executions, and over those near the p99."""

    state: str
    mean_s: float
    tail_s: float


def shares(split: Split, most: int) -> list[StateShare]:
    """The states that take the most time, at most `most` of them, the last being `rest` if there are more.

    A state counts by its larger share of the two; states that take no time are left out.
    """
    mean, tail = _shares_of(split.mean_s), _shares_of(split.tail_s)
    states = [state for state in {**mean, **tail} if max(mean.get(state, 0.0), tail.get(state, 0.0)) > 0]
    states.sort(key=lambda state: -max(mean.get(state, 0.0), tail.get(state, 0.0)))
    kept = states if len(states) <= most else states[: most - 1]
    found = [StateShare(state, split.mean_s.get(state, 0.0), split.tail_s.get(state, 0.0)) for state in kept]
    if rest := states[len(kept) :]:
        found.append(
            StateShare("rest", *(sum(d.get(state, 0.0) for state in rest) for d in (split.mean_s, split.tail_s)))
        )
    return found


MOST_STATES = 8
"""States that are told apart, the last being `rest` if there are more."""


def legend(splits: Mapping[str, Split]) -> list[Colour]:
    """The states of some splits in the order in which they are drawn: name, colour, whether striped."""
    return [(state_of(state), *look(index)) for index, state in enumerate(states(splits))]


def states(splits: Mapping[str, Split]) -> list[str]:
    """The states of some splits, `rest` last."""
    parts = [share.state for split in splits.values() for share in shares(split, MOST_STATES)]
    return sorted(dict.fromkeys(parts), key=lambda state: state == "rest")


def look(index: int) -> tuple[str, bool]:
    """Colour of a state; beyond the colours stripes tell the states apart."""
    return COLOURS[index % len(COLOURS)], index >= len(COLOURS)


COLOURS: Final = ("#3b7dd8", "#d9730d", "#16957f", "#c4549a", "#8166d0", "#8c7a1f", "#7b8794", "#d0505a")
"""Each has a contrast of 3 : 1 or more on both backgrounds of a page (WCAG 2.2, 1.4.11)."""


DOMINANT = 0.9
"""Share of the mean from which a state hides all others."""


def with_what_remains(splits: Mapping[str, Split]) -> dict[str, Split]:
    """The splits; and after one in which a single state takes nearly all, the same without that state."""
    found: dict[str, Split] = {}
    for name, split in splits.items():
        found[name] = split
        mean = _shares_of(split.mean_s)
        largest = max(mean, key=lambda state: mean[state], default=None)
        if largest is not None and DOMINANT <= mean[largest] < 1:
            rest = ({s: part for s, part in d.items() if s != largest} for d in (split.mean_s, split.tail_s))
            found[f"{name} without {state_of(largest)}"] = Split(*rest)
    return found


def _shares_of(seconds: Mapping[str, float]) -> dict[str, float]:
    whole = sum(seconds.values())
    return {state: part / whole for state, part in seconds.items()} if whole > 0 else {}


@dataclass(frozen=True, slots=True)
class SeriesFamily:
    """Series of one kind that are drawn together, such as the queue lengths.

    names: those drawn, the highest first; left_out: how many more there are, all lower than these.
    peak: the highest value to be drawn, the upper ends of the bands included.
    """

    kind: str
    unit: str
    names: tuple[str, ...]
    left_out: int
    peak: float


_ORDER = ("in_flight", "queue", "completions")


def families(timelines: Sequence[Timeline], most: int) -> list[SeriesFamily]:
    """The kinds of series over all timelines, each with the at most `most` series that climb highest.

    A series that is zero throughout is left out unless its whole kind is.
    """
    peaks: dict[str, dict[str, float]] = {}
    units: dict[str, str] = {}
    for timeline in timelines:
        for series in timeline.series:
            kind = series.name.partition(".")[0]
            units.setdefault(kind, series.unit)
            peak = max((*series.high, *series.mean), default=0.0)
            ranks = peaks.setdefault(kind, {})
            ranks[series.name] = max(peak, ranks.get(series.name, 0.0))
    found = []
    for kind in sorted(peaks, key=lambda kind: _ORDER.index(kind) if kind in _ORDER else len(_ORDER)):
        ranks = peaks[kind]
        alive = [name for name in ranks if ranks[name] > 0] or list(ranks)
        alive.sort(key=lambda name: -ranks[name])
        names = tuple(alive[:most])
        found.append(SeriesFamily(kind, units[kind], names, len(alive) - len(names), max(ranks.values())))
    return found
