"""Where executions come from."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Tag, model_validator

from sim.network.counts import MOST_AT_ONCE, Name, Positive, Signed
from sim.network.distributions import Distribution, Number
from sim.spec import Spec, chosen_by_key
from sim.units import Duration, PositiveDuration, Rate


class Step(Spec):
    """A point of a profile: from this time on, this factor or rate."""

    at_ns: Duration
    """Time since the start of the run (or of the period)."""
    factor: Annotated[float, Field(ge=0)]
    """Multiplies the rate."""


class Profile(Spec):
    """How a Poisson rate changes over time."""

    points: Annotated[tuple[Step, ...], Field(min_length=1)]
    """Points in rising time, the first at 0."""
    between: Literal["step", "linear"] = "step"
    """Hold each factor until the next point, or go there in a straight line."""
    period_ns: PositiveDuration | None = None
    """Repeat after this time (a day, a week); without it the last factor stays."""

    @model_validator(mode="after")
    def _points_rise(self) -> Self:
        times = [point.at_ns for point in self.points]
        if times[0] != 0 or times != sorted(set(times)):
            raise ValueError("`points` must start at 0 and rise")
        if self.period_ns is not None and times[-1] >= self.period_ns:
            raise ValueError("the last point lies past the `period`")
        if self.points[-1].factor == 0 and self.period_ns is None and len(self.points) == 1:
            raise ValueError("a profile that is always 0 lets nothing in")
        return self


class PoissonArrivals(Spec):
    """Poisson arrivals: `{poisson: 50/s}`, with a `profile` where the rate changes over time."""

    TAG: ClassVar[str] = "poisson"
    plain_value_is: ClassVar[str] = "poisson"
    poisson_per_s: Rate
    """Mean rate; 0 is none of them, to see the others alone."""
    profile: Profile | None = None
    """Factors on the rate over time."""
    batch: Number | None = None
    """How many arrive together each time; one by default."""


class RenewalArrivals(Spec):
    """Independent, identically distributed gaps: `{renewal: {gamma: {mean: 20 ms, cv: 0.5}}}`."""

    TAG: ClassVar[str] = "renewal"
    renewal: Distribution
    """Time between two arrivals; the first comes after one gap."""
    batch: Number | None = None
    """How many arrive together each time; one by default."""


class Phase(Spec):
    """One state of a Markov-modulated source."""

    rate_per_s: Rate
    """Poisson rate while in it."""
    stay_ns: PositiveDuration
    """Mean time in it (exponential)."""


class ModulatedArrivals(Spec):
    """Markov-modulated Poisson process, going round its phases: `{mmpp: [{rate: 10/s, stay: 1 min}, ...]}`."""

    TAG: ClassVar[str] = "mmpp"
    mmpp: Annotated[tuple[Phase, ...], Field(min_length=2)]
    """Phases, visited in turn; the first one is drawn with its long-run share of the time."""


class BurstArrivals(Spec):
    """Many at one instant, once or again and again: `{burst: 20000, every: 1 h, jitter: 5 min}`."""

    TAG: ClassVar[str] = "burst"
    burst: Number
    """How many."""
    at_ns: Duration = 0
    """When the first burst comes."""
    every_ns: PositiveDuration | None = None
    """Time from burst to burst; without it there is one."""
    jitter_ns: Duration = 0
    """Each one comes up to this much later, uniformly."""


TRACE_MIB = 256
"""What is read of a trace at most."""


class TraceArrivals(Spec):
    """Arrival times from a file, a number of seconds on each line (first column of a CSV): `{trace: arrivals.csv}`."""

    TAG: ClassVar[str] = "trace"
    trace: str
    """Path of the file, in the scenario's folder or below it: UTF-8 text, plain or gzipped, at most 256 MiB of it."""


class ClosedArrivals(Spec):
    """A closed loop: each client starts the routine, waits for its end, thinks, and starts again."""

    TAG: ClassVar[str] = "closed"
    closed: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
    """Number of clients."""
    think: Distribution | None = None
    """Time between the end of one cycle and the start of the next; the first cycle starts after one think."""


_BY_KEY = {
    "poisson": "poisson",
    "renewal": "renewal",
    "mmpp": "mmpp",
    "burst": "burst",
    "trace": "trace",
    "closed": "closed",
}


Arrivals = Annotated[
    Annotated[PoissonArrivals, Tag("poisson")]
    | Annotated[RenewalArrivals, Tag("renewal")]
    | Annotated[ModulatedArrivals, Tag("mmpp")]
    | Annotated[BurstArrivals, Tag("burst")]
    | Annotated[TraceArrivals, Tag("trace")]
    | Annotated[ClosedArrivals, Tag("closed")],
    chosen_by_key(_BY_KEY, plain="poisson"),
]


def lets_nothing_in(arrivals: Arrivals) -> bool:
    """Whether the rate is 0 for ever: what one asks to see a system without this load."""
    match arrivals:
        case PoissonArrivals():
            return arrivals.poisson_per_s == 0
        case ModulatedArrivals():
            return not any(phase.rate_per_s for phase in arrivals.mmpp)
    return False


class Source(Spec):
    """A stream of executions of one routine."""

    routine: Name
    """The routine that each arrival runs."""
    arrivals: Arrivals
    """When they come."""
    priority: Signed = 0
    """Priority of its executions at every `queue: priority`; greater goes first."""
    start_ns: Duration = 0
    """Nothing comes before this time."""
    stop_ns: PositiveDuration | None = None
    """Nothing comes from this time on."""
    limit: Positive | None = None
    """At most so many executions in all."""
    during: Name | None = None
    """A fault: nothing comes but while that is there (a load spike). The beginning of each episode is what `start` is
    to others, and a profile counts from it too."""
    counted: bool = True
    """Whether its executions enter the figures; work seeded as already in progress does not."""

    @model_validator(mode="after")
    def _comes_and_goes(self) -> Self:
        if self.during is None:
            return self
        if self.start_ns or self.stop_ns is not None:
            raise ValueError("with `during`, nothing comes but while the fault is there: neither `start` nor `stop`")
        if isinstance(self.arrivals, ClosedArrivals | TraceArrivals):
            raise ValueError(
                "`during` starts the arrivals afresh in each episode, which neither clients nor a trace can do; "
                "write poisson, renewal, mmpp or burst"
            )
        return self
