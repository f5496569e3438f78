"""The error budget's ledger: how often each kind of fault comes, times the executions that end badly for it.

Faults that come a few times a year are never seen in a run, so an availability cannot be counted there. What one of
them does is seen in runs in which it comes far more often than in truth (conditional episodes), and is weighed with
its true rate. The share that ends badly is that without any fault, plus rate x executions lost by an episode / starts,
for each kind of fault. Pairs of faults that meet are in it as far as they meet in those runs, which is more often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.figure import Figure
from sim.results.columns import OPEN, Ints, Replication
from sim.stats.intervals import ratio_interval
from sim.stats.metrics import Cohort

YEAR_S = 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Losses:
    """What runs say about one kind of fault and one routine, replication by replication.

    episodes: how often it began inside the window. bad: executions of the cohort that did not end correctly in time,
    whatever the reason. started: the cohort. exposed: the most that were open at any time during one episode.
    """

    episodes: tuple[int, ...]
    bad: tuple[int, ...]
    started: tuple[int, ...]
    exposed: int

    @property
    def count(self) -> int:
        """Episodes of all replications."""
        return sum(self.episodes)


def losses(runs: Sequence[Replication], fault: str, routine: str, deadline_ns: int | None) -> Losses:
    """Count what `Losses` holds. All bad ends are put down to this fault, those of others in the same run included."""
    cohort = Cohort(runs, routine)
    started = cohort.started.astype(int)
    bad = started - cohort.good(deadline_ns).astype(int)
    episodes, exposed = [], 0
    for run in runs:
        begun, over = _episodes(run, fault)
        episodes.append(len(begun))
        exposed = max(exposed, _most_open(run, routine, begun, over))
    return Losses(tuple(episodes), tuple(bad.tolist()), tuple(started.tolist()), exposed)


def _episodes(run: Replication, fault: str) -> tuple[Ints, Ints]:
    """Starts and ends of those that began inside the window; what is not over ends with the run."""
    every = run.episodes
    if fault not in every.faults:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    mine = (every.fault == every.faults.index(fault)) & (every.start_ns >= run.begin_ns)
    mine &= every.start_ns < run.horizon_ns
    return every.start_ns[mine], np.where(every.end_ns[mine] < 0, run.end_ns, every.end_ns[mine])


def _most_open(run: Replication, routine: str, begun: Ints, over: Ints) -> int:
    """The most executions that were open at any time of one of the episodes."""
    rows = run.executions
    mine = rows.routine == run.routines.index(routine)
    starts = np.sort(rows.start_ns[mine])
    ends = np.sort(rows.end_ns[mine & (rows.outcome != OPEN)])
    present = np.searchsorted(starts, over, side="right") - np.searchsorted(ends, begun, side="left")
    return int(present.max(initial=0))


def rate_seen(count: int, watched_s: float, confidence: float = 0.95) -> Figure:
    """Rate of a Poisson process that was seen to come `count` times, with what so few leave open.

    Mean and quantiles of the posterior under Jeffreys' prior, Gamma(count + 1/2, watched).
    """
    from scipy.special import gammaincinv

    shape = count + 0.5
    low, high = (float(gammaincinv(shape, (1 + side * confidence) / 2)) / watched_s for side in (-1, 1))
    return Figure(shape / watched_s, "1/s", low, high, confidence, count)


def lost_by_an_episode(seen: Losses, confidence: float = 0.95) -> Figure:
    """Executions that end badly for one episode.

    Where none did, at most 3 of n episodes are of a kind that does harm (the rule of three), and such a one loses all
    that were open meanwhile: episodes are independent of each other, executions of one episode are not.
    """
    if not seen.count:
        return Figure.refused("", "no episode began inside the window")
    if sum(seen.bad):
        return ratio_interval(seen.bad, seen.episodes, "", confidence)
    limit = min(1.0, -math.log(1 - confidence) / seen.count) * seen.exposed
    note = (
        f"none was lost in {seen.count} episodes; at most 3 in {seen.count} lose the {seen.exposed:,} open meanwhile"
    )
    return Figure(0.0, "", 0.0, limit, confidence, seen.count, note)


def turning_rate(bound: float, bad: Figure, of_this: Figure) -> float | None:
    """By which factor a fault may come more often until the verdict turns; below 1 where it has turned already.

    bound: the availability that is asked for. bad: share of bad ends by everything. of_this: the part of it that is
    this fault's. None where it can come as often as it likes, or where it does not matter any more.
    """
    if bad.high is None or not of_this.high:
        return None
    room = (1 - bound) - (bad.high - of_this.high)
    return room / of_this.high if room > 0 else None
