"""Service levels: which events of a run count, which of them were good, and what an episode of a fault does to them.

An episode's harm is its bad events beyond those of its baseline run, until the two are one again. What may be bad, and
what faults take of it, is in `error_budget`; single figures of a run are in `metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.figure import Figure
from sim.results.columns import COMPENSATED, OPEN, SUCCEEDED, Ints, Replication
from sim.stats.intervals import NS, proportion_interval

if TYPE_CHECKING:  # other processes than the first load this, and need no scenario
    from sim.scenario.model.objectives import Indicator, ServiceLevel


@dataclass(frozen=True, slots=True)
class Sli:
    """What a service level looks at. threshold_ns: None where an event may take as long as it likes."""

    name: str
    indicator: Indicator
    routine: str
    threshold_ns: int | None

    @classmethod
    def of(cls, level: ServiceLevel, deadlines_ns: Mapping[str, int | None]) -> Sli:
        """The indicator of an objective; where it names no threshold the routine's deadline counts."""
        threshold_ns = level.within_ns if level.within_ns is not None else deadlines_ns.get(level.workflow)
        return cls(level.metric, level.indicator, level.workflow, threshold_ns)


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one run: when each of them began, and when each of the good ones did. In ns, sorted."""

    begun_ns: Ints
    good_ns: Ints

    @property
    def bad(self) -> int:
        """How many were bad."""
        return len(self.begun_ns) - len(self.good_ns)

    def bad_in(self, from_ns: int, to_ns: int) -> int:
        """How many of those that began in [from_ns, to_ns) were bad."""
        every, good = (
            int(np.searchsorted(times, to_ns) - np.searchsorted(times, from_ns))
            for times in (self.begun_ns, self.good_ns)
        )
        return every - good


def events_of(run: Replication, sli: Sli) -> Events:
    """The events of a run's cohort: one for each execution of the routine that started in the window, children too.

    start: of those that sources let in, since no call starts a child; it is good when the answer to the call came in
    time; no answer, because the call failed, is bad. outcome: good when it ended correctly in time; one still open at
    the end of the run is bad. latency: bad when it succeeded too late, and only then.
    """
    rows = run.executions
    mine = run.cohort_of(sli.routine)
    if sli.indicator == "start":
        mine = mine[rows.let_in(mine)]
    begun, outcome = rows.start_ns[mine], rows.outcome[mine]
    limit = np.iinfo(np.int64).max if sli.threshold_ns is None else sli.threshold_ns
    if sli.indicator == "start":
        span = run.spans[f"start.{sli.routine}"]
        good = (span.ended_ns - span.durations_ns)[span.durations_ns <= limit]
    else:
        in_time = rows.end_ns[mine] - begun <= limit
        if sli.indicator == "outcome":
            good = begun[np.isin(outcome, (SUCCEEDED, COMPENSATED)) & in_time]
        else:
            good = begun[(outcome != SUCCEEDED) | in_time]
    return Events(np.sort(begun), np.sort(good))


@dataclass(frozen=True, slots=True)
class EventsCounted:
    """How many events of a service level there are in a run, how many of them are good, and how many executions of its
    routine are still open."""

    sli: Sli

    def of(self, run: Replication) -> tuple[int, int, int]:
        """The three numbers."""
        events = events_of(run, self.sli)
        still = int((run.executions.outcome[run.cohort_of(self.sli.routine)] == OPEN).sum())
        return len(events.begun_ns), len(events.good_ns), still


def good_share(runs: Sequence[Replication], sli: Sli, confidence: float) -> Figure:
    """The share of good events over base runs, as an availability: faults that are too rare to come in them are not
    in it, and it says so."""
    started, good, still_open = np.array([run.ask(EventsCounted(sli)) for run in runs], float).T
    outages = any(run.episodes for run in runs)
    share = proportion_interval(good, started, "ratio", confidence, None if outages else max(1, int(started.sum())))
    if outages:
        share = share.with_note(
            "with the faults that came in these runs; `sim error-budget` weighs all by how often they come"
        )
    else:
        share = share.with_note("no fault occurred in these runs: conditional on that; `sim error-budget` weighs them")
    still = int(still_open.sum())
    return share.with_note(f"{still} were still open and count as not ended") if still else share


SIGNIFICANT = 3.0
"""Standard deviations by which counts of bad events differ for a reason: by chance once in 700 times."""


@dataclass(frozen=True, slots=True)
class Harm:
    """One episode.

    extra: bad events beyond the baseline run's, up to the end of the record. outage_s: how long the fault itself was
    there. lasted_s: from its begin until the run and its baseline run were one again, or (as they need not be to the
    last draw) rate, backlog and latency were in order; else to the end of the record; never less than the outage,
    which nobody may have noticed. is_back: whether bad events have stopped to be more than the baseline run's; else
    `extra` is only what the record holds. exposed: events that began or were open while the fault was there, the most
    that it can have spoilt by itself. cost: simulated events, those of the baseline run included.
    calm_bad, calm_begun, calm_s: of the baseline run, from the begin of the fault on.
    """

    extra: int
    outage_s: float
    lasted_s: float
    is_back: bool
    exposed: int
    cost: int
    calm_bad: int
    calm_begun: int
    calm_s: float


def harm_of(
    run: Replication,
    baseline: Replication,
    sli: Sli,
    begin_ns: int,
    recoupled_ns: int | None,
    recovered_ns: int | None = None,
) -> Harm:
    """The harm of an episode.

    run, baseline run: the same draws with the fault and without any. recoupled_ns: from when on they are the same;
    None where they are not, or never exactly: then the last quarter of what follows on the fault decides, in which
    there must not be significantly more bad events than in the baseline run. recovered_ns: when a drill would call the
    system recovered.
    """
    mine, calm = events_of(run, sli), events_of(baseline, sli)
    ends = run.episodes.end_ns
    is_over = bool((ends >= 0).all())
    end_ns = int(ends.max(initial=begin_ns)) if is_over else run.horizon_ns
    quarter_ns = run.horizon_ns - max(run.horizon_ns - end_ns, 0) // 4
    late, late_calm = (one.bad_in(quarter_ns, run.horizon_ns) for one in (mine, calm))
    is_quiet = is_over and late - late_calm <= SIGNIFICANT * math.sqrt(late + late_calm)
    last_ns = next((one for one in (recoupled_ns, recovered_ns) if one is not None), run.horizon_ns)
    return Harm(
        extra=mine.bad - calm.bad,
        outage_s=(end_ns - begin_ns) * NS,
        lasted_s=(max(last_ns, end_ns) - begin_ns) * NS,
        is_back=recoupled_ns is not None or is_quiet,
        exposed=_exposed(run, sli, begin_ns, end_ns),
        cost=run.events + baseline.events,
        calm_bad=calm.bad_in(begin_ns, baseline.horizon_ns),
        calm_begun=int((calm.begun_ns >= begin_ns).sum()),
        calm_s=(baseline.horizon_ns - begin_ns) * NS,
    )


def _exposed(run: Replication, sli: Sli, begin_ns: int, end_ns: int) -> int:
    rows = run.executions
    mine = run.cohort_of(sli.routine)
    still = (rows.outcome[mine] == OPEN) | (rows.end_ns[mine] >= begin_ns)
    return int(np.count_nonzero((rows.start_ns[mine] <= end_ns) & still))
