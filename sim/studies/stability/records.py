"""Options and results of a study of stability. Data only; `study` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.figure import Figure
from sim.stats.summary import Recovery
from sim.stats.threshold import Decision, Threshold, decisions_at_most
from sim.studies.base import RunOptions, StudyResult


@dataclass(frozen=True, slots=True)
class StabilityOptions(RunOptions):
    """What is requested.

    episodes: of the fault at the given load, and with each mitigation. low, high: factors of the load between which it
    is searched; equal: everything is done at this one, without a search. within: how far apart the ends of an interval
    may be. error: probability that a search is wrong. limit_ns: how long after the fault's end the system may take to
    come back; the scenario's `run.drill_window` by default. backlog: executions that an overloaded start begins with;
    what the fault leaves by default. sweep_mitigations: search with each mitigation, too.
    """

    fault: str
    episodes: int = 10
    low: float = 0.5
    high: float = 1.5
    within: float = 0.05
    error: float = 0.05
    limit_ns: int | None = None
    backlog: int | None = None
    sweep_mitigations: bool = False

    @property
    def sweeps(self) -> bool:
        """Whether a load is searched for."""
        return self.low < self.high

    @property
    def at(self) -> float:
        """The given load, as a factor of the scenario's."""
        return 1.0 if self.sweeps else self.low

    @property
    def decision(self) -> Decision:
        """How each step of a search is decided, so that all are right together."""
        return Decision(
            self.error / decisions_at_most(self.low, self.high, self.within) if self.sweeps else self.error
        )


@dataclass(frozen=True, slots=True)
class EndState:
    """Where runs end up: executions at work, good ends for each start, 99th percentile of the latency (see `Late`).

    settled: whether what waits stays as it is; else it "grows" or "falls", and the run has not ended up anywhere.
    """

    at_work: Figure
    good: Figure
    p99: Figure
    settled: Literal["stays", "grows", "falls"]


@dataclass(frozen=True, slots=True)
class TwoStarts:
    """The same load from two starts.

    differ: whether they are two modes; None when that is not known, as while a backlog still gets less.
    """

    factor: float
    from_empty: EndState
    from_backlog: EndState
    differ: bool | None


@dataclass(frozen=True, slots=True)
class Band:
    """Where it is metastable: from the load at which the fault is permanent to the one that overloads it by itself.

    permanent: the factor from which on most episodes do not come back. alone: the factor from which on runs without
    the fault do not keep up. estimate: that of the closed form, where it finds one. good: ends for each start at the
    lowest load, which others are held against. away, draining: of the episodes at the least load from which it is
    permanent, how many do not come back within the limit, and of how many of these the backlog gets less.
    """

    permanent: Threshold
    alone: Threshold
    estimate: float | None
    good: float
    away: int = 0
    draining: int = 0

    @property
    def is_slow(self) -> bool:
        """Whether what does not come back within the limit is mostly on its way, and not stuck."""
        return 2 * self.draining > self.away


@dataclass(frozen=True, slots=True)
class TriggerOutcome:
    """What came of the trigger in one setting, at the given load.

    mitigation: its name, "" as the scenario stands; settings: what it sets. back: share of the episodes that come back
    within the limit. draining: of those that do not, how many get less backlog. good: good ends for each start in the
    last stretch of all episodes. cost: a month's bill, if there is one.
    """

    mitigation: str
    settings: tuple[str, ...]
    back: Figure
    draining: int
    good: Figure
    recovery: Recovery
    cost: Figure | None
    band: Band | None


@dataclass(frozen=True, slots=True)
class Stability(StudyResult):
    """The results of a study.

    begin_s: when the fault begins; None: at a phase that is drawn. lasts_s: for how long; at most, in 99 of 100
    episodes, unless lasts_exactly. at: the given load. backlog: executions that the overloaded start begins with.
    starts: in the order of the load. error, within: see `StabilityOptions`. notes: what is approximate here.
    """

    fault: str
    begin_s: float | None
    lasts_s: float
    lasts_exactly: bool
    limit_s: float
    at: float
    as_it_is: TriggerOutcome
    backlog: int
    starts: tuple[TwoStarts, ...]
    mitigations: tuple[TriggerOutcome, ...]
    error: float
    within: float
    runs: int
    notes: tuple[str, ...] = ()
