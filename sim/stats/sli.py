"""Service-level indicators: which events of a run count, and which of them were good.

What may be bad, and what faults take of it, is in `budget`; single figures of a run are in `metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.figure import Figure
from sim.results.columns import COMPENSATED, OPEN, SUCCEEDED, Ints, Replication
from sim.scenario.model.objectives import Indicator, ServiceLevel
from sim.stats.intervals import proportion_interval


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
    """The events of a run's cohort: one for each execution that started in the window.

    start: it is good when the answer to the call came in time; no answer, because the call failed, is bad. outcome:
    good when it ended correctly in time; one still open at the end of the run is bad. latency: bad when it succeeded
    too late, and only then.
    """
    rows = run.executions
    mine = run.cohort_of(sli.routine)
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


def good_share(runs: Sequence[Replication], sli: Sli, confidence: float) -> Figure:
    """The share of good events over base runs, as an availability: faults that are too rare to come in them are not
    in it, and it says so."""
    found = [events_of(run, sli) for run in runs]
    started = np.array([len(one.begun_ns) for one in found], float)
    good = np.array([len(one.good_ns) for one in found], float)
    outages = any(run.episodes for run in runs)
    share = proportion_interval(good, started, "ratio", confidence, None if outages else max(1, int(started.sum())))
    if outages:
        share = share.with_note(
            "with the faults that came in these runs; `sim error-budget` weighs all by how often they come"
        )
    else:
        share = share.with_note("no fault occurred in these runs: conditional on that; `sim error-budget` weighs them")
    still = sum(run.ended(OPEN) for run in runs)
    return share.with_note(f"{still} were still open and count as not ended") if still else share
