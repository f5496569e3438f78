"""Executions lost by one episode of a fault, from runs in which it comes far more often than in truth.

That is cheaper than an episode beside its baseline run where almost none are lost, and cruder: all bad ends of a run
are put down to the fault, and pairs that meet are in it as often as they meet there. What is summed up is told in
`error_budget`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.results.columns import OPEN, Ints, Replication
from sim.stats.metrics import Cohort
from sim.stats.skewed import Estimate, student


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


def lost_by_an_episode(seen: Losses) -> Estimate:
    """Executions that end badly for one episode, for the error budget's sum.

    Over replications by the jackknife, as a ratio of means, with Student's t: there are too few of them for a
    bootstrap. Where none was lost, at most 3 of n episodes are of a kind that does harm (the rule of three), and such
    a one loses all that were open meanwhile: episodes are independent of each other, executions of one are not.
    """
    assert seen.count, "episodes began inside the window"
    if not sum(seen.bad):
        return Estimate(0.0, 0.0, np.zeros(1), seen.count, float(seen.exposed))
    bad, begun = np.array(seen.bad, float), np.array(seen.episodes, float)
    n = len(bad)
    rest = begun.sum() - begun
    if n < 2 or not (rest > 0).all():
        return Estimate(float(bad.sum() / begun.sum()), None, np.zeros(0), n)
    return student(n * bad.sum() / begun.sum() - (n - 1) * (bad.sum() - bad) / rest)
