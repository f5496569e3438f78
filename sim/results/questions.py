"""What statistics ask of the rows of a run: small answers, which stay when the rows are dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from sim.results.columns import COMPENSATED, FAILED, OUTCOMES, REJECTED, SUCCEEDED, Ints, Question, Replication
from sim.results.histogram import Histogram, bucket

CORRECT: Final = (SUCCEEDED, COMPENSATED)
"""Outcomes of a success: the execution returned, or its saga has undone all that it had done."""
TIMED: Final = (SUCCEEDED, COMPENSATED, FAILED, REJECTED)
"""Outcomes of what has ended, and so has a latency."""


def of_every_routine(run: Replication) -> Iterator[Question[Any]]:
    """The questions of this file that need nothing beside the run."""
    yield from (RoutinesRun(), LetIn(), OfCycle())
    for routine in run.routines:
        yield from (Ended(routine), EndedInWindow(routine), Completions(routine), SpentByLatency(routine))


@dataclass(frozen=True, slots=True)
class Durations:
    """Durations without their rows: their histogram, and their exact sum."""

    histogram: Histogram
    sum_ns: int

    @property
    def count(self) -> int:
        """How many."""
        return self.histogram.count

    @classmethod
    def together(cls, *parts: Durations) -> Durations:
        """Those of all parts."""
        return cls(Histogram.merged(part.histogram for part in parts), sum(part.sum_ns for part in parts))


@dataclass(frozen=True, slots=True)
class Counted:
    """Of the cohort of a routine how many had each of OUTCOMES, and the latencies of those with each of TIMED."""

    outcomes: tuple[int, ...]
    latencies: tuple[Durations, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the cohort of a routine ended."""

    routine: str

    def of(self, run: Replication) -> Counted:
        """Counts and latencies by outcome."""
        rows, mine = run.executions, run.cohort_of(self.routine)
        latency_ns, outcome = rows.end_ns[mine] - rows.start_ns[mine], rows.outcome[mine]
        counts = np.bincount(outcome, minlength=len(OUTCOMES)).tolist()
        latencies = []
        for one in TIMED:
            part = latency_ns if counts[one] == len(outcome) else latency_ns[outcome == one]
            latencies.append(Durations(Histogram.of(part), int(part.sum())))
        return Counted(tuple(counts), tuple(latencies))


@dataclass(frozen=True, slots=True)
class GoodWithin:
    """How many of the cohort of a routine were CORRECT within a deadline."""

    routine: str
    deadline_ns: int

    def of(self, run: Replication) -> int:
        """Their number."""
        rows, mine = run.executions, run.cohort_of(self.routine)
        in_time = rows.end_ns[mine] - rows.start_ns[mine] <= self.deadline_ns
        return int(np.count_nonzero(in_time & np.isin(rows.outcome[mine], CORRECT)))


@dataclass(frozen=True, slots=True)
class EndedInWindow:
    """How many executions of a routine ended in the window, and how many of them CORRECT, whenever they started."""

    routine: str

    def of(self, run: Replication) -> tuple[int, int]:
        """Both numbers."""
        rows = run.executions
        inside = run.in_window(rows.end_ns) & (rows.routine == run.routines.index(self.routine))
        return int(np.count_nonzero(inside)), int(np.count_nonzero(inside & np.isin(rows.outcome, CORRECT)))


@dataclass(frozen=True, slots=True)
class RoutinesRun:
    """Which routines the cohort ran, let in by a source or as a child."""

    def of(self, run: Replication) -> frozenset[str]:
        """Their names."""
        rows = run.executions
        return frozenset(run.routines[index] for index in np.unique(rows.routine[rows.cohort]).tolist())


@dataclass(frozen=True, slots=True)
class AskedFor:
    """How many executions sources let in, of the cohort or not."""

    def of(self, run: Replication) -> int:
        """Their number."""
        return run.executions.asked_for


@dataclass(frozen=True, slots=True)
class LetIn:
    """How many of the cohort sources let in: a child belongs to its parent."""

    def of(self, run: Replication) -> int:
        """Their number."""
        return len(run.from_sources)


@dataclass(frozen=True, slots=True)
class OfCycle:
    """Which routines the jobs of a deadlock's cycle run, one after the other; none without a deadlock."""

    def of(self, run: Replication) -> tuple[str, ...]:
        """Their names."""
        cycle = () if run.deadlock is None else run.deadlock.cycle
        return tuple(run.routines[int(run.executions.routine[one.execution])] for one in cycle)


@dataclass(frozen=True, slots=True)
class Completions:
    """Successful ends of a routine in each window between two samples of the timeline; those at the very end of the
    last window that is looked at count in it."""

    routine: str

    def of(self, run: Replication) -> tuple[Ints, Ints]:
        """How many there were before each sample, and up to it."""
        rows = run.executions
        mine = (rows.routine == run.routines.index(self.routine)) & (rows.outcome == SUCCEEDED)
        ends = np.sort(rows.end_ns[mine])
        before, up_to = (np.searchsorted(ends, run.sample_ns, side) for side in ("left", "right"))
        return before.astype(np.int64), up_to.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Spent:
    """Where successful executions spend their time, by bucket of their latency: for those buckets that any is in (in
    order) how many are, and the ns by state, shape (buckets, states)."""

    states: tuple[str, ...]
    buckets: Ints
    counts: Ints
    ns: Ints


@dataclass(frozen=True, slots=True)
class SpentByLatency:
    """Where the time of the successful part of a routine's cohort goes."""

    routine: str

    def of(self, run: Replication) -> Spent:
        """Sums by bucket of latency and state."""
        rows = run.executions
        index = run.routines.index(self.routine)
        mine = np.flatnonzero((rows.routine[rows.cohort] == index) & (rows.outcome[rows.cohort] == SUCCEEDED))
        ordinals = rows.cohort[mine]
        of_each = bucket(rows.end_ns[ordinals] - rows.start_ns[ordinals])
        buckets, counts = np.unique(of_each, return_counts=True)
        order = np.argsort(of_each, kind="stable")
        first = np.concatenate(([0], np.cumsum(counts[:-1]))) if len(counts) else np.zeros(0, np.int64)
        ns = np.zeros((len(buckets), len(rows.states)), np.int64)
        for column in range(len(rows.states) if len(buckets) else 0):
            ns[:, column] = np.add.reduceat(rows.split[mine[order], column], first)
        return Spent(rows.states, buckets, counts.astype(np.int64), ns)
