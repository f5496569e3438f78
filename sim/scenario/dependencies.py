"""Dependencies: services of others that activities call. How workers call them lives in `sim.lower.dependencies`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import Duration, Mistake, PositiveDuration, PositiveRate, Ratio

Positive = Annotated[int, Field(ge=1)]


class Quota(Spec):
    """Calls that the other side lets through: a token bucket."""

    rate_per_s: PositiveRate
    """Calls a second."""
    burst: Positive = 1
    """Calls that may be saved up."""
    when_spent: Literal["wait", "reject"] = "reject"
    """reject: the call fails at once (429) and is an error that is tried again; wait: the client holds it back until
    there is room, while the activity keeps its slot."""


class Outage(Spec):
    """A time in which the other side does not work: at a given time, or at random."""

    at_ns: Duration | None = None
    """When it begins; it then is part of every run."""
    mttf_ns: PositiveDuration | None = None
    """Random: mean time from the end of one to the next, exponential."""
    duration: Distribution
    """How long it lasts."""
    effect: Literal["errors", "hang", "slow"] = "errors"
    """errors: calls that end meanwhile fail; hang: they stand still until it is over; slow: they go at `speed`."""
    speed: Annotated[float, Field(gt=0, lt=1)] | None = None
    """With `effect: slow`: the factor on speed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.at_ns is None) == (self.mttf_ns is None):
            raise Mistake("needs either `at` (once) or `mttf` (random)", "write   mttf: 7 days")
        if (self.effect == "slow") != (self.speed is not None):
            raise Mistake("needs `speed` with `effect: slow`, and only with it", "write   effect: slow, speed: 0.1")
        return self


class Dependency(Spec):
    """A service of somebody else: how long it takes, how often it fails, how much it takes in."""

    latency: Distribution
    """Time of a call with nothing in its way, the network included."""
    concurrency: Positive = 10_000
    """Calls that it works on at once; more wait in line."""
    error_rate: Ratio = 0.0
    """Share of calls that fail without an effect and are tried again."""
    lost_reply_rate: Ratio = 0.0
    """Share of calls that have their effect, but of which no answer comes back: they are tried again."""
    quota: Quota | None = None
    """Limit on the rate of calls; none where it is left out."""
    outages: tuple[Outage, ...] = ()
    """When it does not work."""
