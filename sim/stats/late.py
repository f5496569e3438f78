"""Where a run ends up: its last stretch as numbers, and whether it keeps up with what comes.

Runs that start empty, start overloaded or have had a fault are compared in their last stretch. `drift` decides whether
two starts lead to two modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.results.columns import COMPENSATED, SUCCEEDED, Replication
from sim.results.histogram import Histogram
from sim.stats.episodes import PLATFORM_SPAN
from sim.stats.intervals import FloatArray

NOT_DONE = 0.02
"""A line that grows by more than this share of the arrivals is overloaded; less is not told from chance."""
GOOD_SHARE = 0.95
"""Good ends for each start, as a share of those at a load that is carried; below it the run has fallen behind."""


@dataclass(frozen=True, slots=True)
class Late:
    """A stretch of one run.

    at_work: executions at work, on average. starts, good: executions of the cohort that started in it, and that ended
    in it correctly and in time; of those that sources let in, as the success of a child is not the user's. latency: of
    the platform, where a network tells of it; else of these, among which are few that take longer than the stretch.
    """

    at_work: float
    starts: int
    good: int
    latency: Histogram

    @property
    def good_share(self) -> float:
        """Good ends for each start; 1 where nothing started."""
        return self.good / self.starts if self.starts else 1.0


def late(run: Replication, begin_ns: int, end_ns: int, deadlines_ns: Mapping[str, int | None]) -> Late:
    """The stretch of a run between two instants. deadlines_ns: by routine; None, or none, without a deadline."""
    rows = run.executions
    mine = run.from_sources
    start, end = rows.start_ns[mine], rows.end_ns[mine]
    allowed = np.array([deadlines_ns.get(name) or np.iinfo(np.int64).max for name in run.routines], np.int64)
    good = np.isin(rows.outcome[mine], (SUCCEEDED, COMPENSATED)) & (end >= begin_ns) & (end < end_ns)
    good &= end - start <= allowed[rows.routine[mine]]
    latency = (end - start)[good]
    if PLATFORM_SPAN in run.spans:
        span = run.spans[PLATFORM_SPAN]
        latency = span.durations_ns[(span.ended_ns >= begin_ns) & (span.ended_ns < end_ns)]
    return Late(
        float(at_work(run, begin_ns, end_ns).mean()),
        int(((start >= begin_ns) & (start < end_ns)).sum()),
        int(good.sum()),
        Histogram.of(latency),
    )


def at_work(run: Replication, begin_ns: int, end_ns: int) -> FloatArray:
    """Executions at work at each sample between two instants; a child that runs is its parent's work."""
    return run.at_work()[_between(run, begin_ns, end_ns)].astype(np.float64)


def in_line(run: Replication, begin_ns: int, end_ns: int) -> FloatArray:
    """Who waits at any place, at each sample between two instants."""
    return _sampled(run, "queue.", begin_ns, end_ns)


def all_there(run: Replication, begin_ns: int, end_ns: int) -> FloatArray:
    """Both together: who is at work and waits counts twice, work that nobody awaits any more once."""
    return at_work(run, begin_ns, end_ns) + in_line(run, begin_ns, end_ns)


def _sampled(run: Replication, family: str, begin_ns: int, end_ns: int) -> FloatArray:
    inside = _between(run, begin_ns, end_ns)
    series = [values[inside] for name, values in run.samples.items() if name.startswith(family)]
    return np.sum(series, axis=0, dtype=np.float64) if series else np.zeros(int(inside.sum()))


def _between(run: Replication, begin_ns: int, end_ns: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (run.sample_ns >= begin_ns) & (run.sample_ns < end_ns)
    assert inside.any(), "no sample between the two instants"
    return inside


def lines_grow(run: Replication, quarter_ns: int) -> bool:
    """Whether more and more wait: the lines of the last quarter of a run against those of the second.

    quarter_ns: a quarter of the run, whose start is left out. Arrivals are those of sources. Overload by less than
    NOT_DONE is not seen.
    """
    second = float(in_line(run, quarter_ns, 2 * quarter_ns).mean())
    last = float(in_line(run, 3 * quarter_ns, 4 * quarter_ns).mean())
    start = run.executions.start_ns[run.from_sources]
    came = int(((start >= 3 * quarter_ns // 2) & (start < 7 * quarter_ns // 2)).sum())  # from middle to middle
    return last - second > NOT_DONE * max(came, 1)


def falls_behind(stretch: Late, grows: bool, good_share: float) -> bool:
    """Whether a run does not keep up with what comes: its lines grow, or what it does is no longer good.

    stretch: its end; grows: whether its lines do. good_share: good ends for each start at a load that is carried.
    """
    return grows or stretch.good_share < GOOD_SHARE * good_share


def left_by(run: Replication, baseline: Replication, begin_ns: int, end_ns: int) -> int:
    """The most that a fault left over its baseline run between two instants: executions at work, or waiting at one
    place."""
    excess = 0
    for name in run.samples:
        if name.startswith(("in_flight.", "queue.")) and name in baseline.samples:
            difference = _sampled(run, name, begin_ns, end_ns) - _sampled(baseline, name, begin_ns, end_ns)
            excess = max(excess, int(difference.max()))
    return excess


def is_draining(run: Replication, baseline: Replication, begin_ns: int, end_ns: int) -> bool:
    """Whether what a run has over its baseline run gets less between two instants, the last third against the first:
    the executions at work, or these and who waits in lines.

    Executions get less while the tasks that they make are still more; where clients give up it is the other way round.
    A fall of less than a tenth is none: a backlog that falls so slowly would take ten times as long again. Nor is one
    of less than twice the square root of the backlog, by which a number of independent executions varies by itself.
    """
    third = (end_ns - begin_ns) // 3
    for there in (at_work, all_there):
        first, last = (
            float((there(run, start, start + third) - there(baseline, start, start + third)).mean())
            for start in (begin_ns, end_ns - third)
        )
        if first - last > max(0.1 * first, 2 * max(first, 0.0) ** 0.5):
            return True
    return False
