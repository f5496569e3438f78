"""What is said about all replications together: figures, verdicts, remedies, recovery, curves, timelines. Data only.

The other files of this package compute them, `sim.studies.run` the remedies, `sim.cost` the money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sim.figure import Figure
from sim.lower.lowered import Assumption
from sim.lower.setting import Element
from sim.stats.overload import Overload
from sim.stats.verdicts import Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """An objective held against its figure.

    target: the bound as a person reads it, such as `< 200 ms`. verdict: by the noise of the simulation alone; fragile:
    the wider interval, which adds the errors of inputs and model, reaches across the bound.
    """

    name: str
    target: str
    metric: str
    figure: Figure
    verdict: Outcome
    fragile: bool = False


Place = Literal["INSIDE", "EDGE", "OUTSIDE", "NOTHING MEASURED"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where a scenario lies against what was measured of its products.

    reasons: why it is not inside, what weighs most first. discrepancy: by group of figures, standard deviation of the
    logarithm of predicted over measured; outside the calibrated range it is a lower bound. inputs: by group, or by
    metric where parameters were drawn for this very scenario, the same for the uncertainty of the parameters.
    """

    place: Place
    reasons: tuple[str, ...]
    discrepancy: Mapping[str, float]
    inputs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the system came back from one scripted fault, over all episodes; each against a baseline run without it.

    Times in seconds from the start of the fault. `percentiles` holds, for each of detect, restore, drain and
    latency_ok, the figures of its `p50` and `p95` beside the means in the fields; `losses` what the fault took for
    good, where places can be lost: `rpo` (s: how old the oldest acknowledged write was that is lost), `lost_writes`,
    `unreplicated` (events). followed_s: how long after the fault began an episode that was not over was followed at
    most: `never_back` is the share that was still not back then.
    """

    fault: str
    at_s: Figure
    episodes: int
    detect_s: Figure
    restore_s: Figure
    drain_s: Figure
    latency_ok_s: Figure
    lost: Figure
    redone: Figure
    amplification: Figure
    never_back: Figure
    percentiles: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    losses: Mapping[str, Figure] = field(default_factory=dict)
    followed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MonitorResult:
    """A property over all runs: how often its condition arose and what came of it.

    upper_bound: with no violation seen, the limit 3/n on its probability (n executions checked; see `note` of the
    figure on their dependence). example: (replication, execution) of the first violator, None without one;
    trace: its life as lines of text.
    """

    name: str
    antecedents: int
    checked: int
    undecided: int
    violated: int
    upper_bound: Figure
    example: tuple[int, int] | None = None
    trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """Executions of a workflow that hold units of some places, outermost first, while they wait for another."""

    workflow: str
    holds: tuple[str, ...]
    waits_for: str


@dataclass(frozen=True, slots=True)
class Standstill:
    """A deadlock, as the first run shows it in which it closes.

    during: the runs that it came about in, such as "drills of pod_crash"; empty for the base runs. at_s: the earliest
    over all runs. runs: in how many. of: how many there were. holders: one cycle, each waits for what the next holds.
    """

    during: str
    at_s: float
    runs: int
    of: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """What a missed objective comes from. path: the key that says so; where: its place. Empty where there is none."""

    words: str
    path: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """What meets an objective, as runs showed.

    name: of the mitigation in the file, else empty. sets: the assignments. where: the place of the first of their
    keys. usd_per_month: what it costs more; None where that is not known. has_bill: whether anything has a price.
    figure: what it was found to be, in so many replications of the same seeds. sure: whether its interval lies on
    the right side too.
    """

    name: str
    sets: tuple[str, ...]
    where: str
    usd_per_month: float | None
    figure: Figure
    replications: int
    sure: bool
    has_bill: bool = True


@dataclass(frozen=True, slots=True)
class Remedy:
    """A missed objective with its cause and the cheapest fix that runs found.

    tried: how many fixes were tried for it. left: how many were not, because the events allowed for it were spent.
    """

    objective: str
    metric: str
    cause: Cause | None
    fix: Fix | None = None
    tried: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """Latency by percentile: `value_s[i]`, within [low_s[i], high_s[i]], is not exceeded with `probability[i]`."""

    probability: tuple[float, ...]
    value_s: tuple[float, ...]
    low_s: tuple[float, ...]
    high_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over the time of a run: mean over replications, with the range of the middle 90 % of them."""

    name: str
    unit: str
    time_s: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Series of one kind of run: the base runs (fault None) or the drills of one fault, with its begin and end."""

    fault: str | None
    begin_s: float | None
    end_s: float | None
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Where the time of a routine's executions goes, in seconds by state; exact, no residual.

    mean_s: over all; tail_s: over those between the 98.5th and 99.5th percentile of latency. States are named
    `wait.R`, `service.S`, `network`, `timer`, `backoff`, `lost`, `paused`, `opening.R`, `blocked.S`; `child.LABEL` of
    a parent that waits for a child execution, `told` of a child that waits for its parent.
    """

    mean_s: Mapping[str, float]
    tail_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """The prediction without the money.

    overload: None where it is not judged, see `sim.stats.overload`. standstills: deadlocks of the base runs, whose
    figures then end with the first of them, and of the drills.
    """

    name: str
    file: str
    hash: str
    command: str
    seed: int
    replications: int
    events: int
    warmup_s: float
    horizon_s: float
    metrics: Mapping[str, Figure]
    objectives: tuple[Verdict, ...]
    recovery: tuple[Recovery, ...]
    monitors: tuple[MonitorResult, ...]
    warnings: tuple[str, ...]
    curves: Mapping[str, Curve]
    timelines: tuple[Timeline, ...]
    splits: Mapping[str, Split]
    assumptions: tuple[Assumption, ...]
    provenance: Mapping[str, object]
    calibration: Calibration | None = None
    elements: Mapping[str, Element] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    mitigation: str | None = None
    overload: Overload | None = None
    standstills: tuple[Standstill, ...] = ()
    remedies: tuple[Remedy, ...] = ()
