"""Dependencies: services of others that activities call; how workers do lives in `sim.lower.temporal.dependencies`.

Their outages are `faults` with the target `dependencies.NAME`.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from sim.network.counts import From0, Positive
from sim.network.distributions import Distribution
from sim.scenario.model.resilience import Bulkhead, CallRetry, CircuitBreaker, Hedge
from sim.spec import Spec
from sim.units import Mistake, PositiveDuration, PositiveRate, Ratio


class Quota(Spec):
    """Calls that the other side lets through: a token bucket."""

    rate_per_s: PositiveRate
    """Calls a second."""
    burst: Positive = 1
    """Calls that may be saved up."""
    when_spent: Literal["wait", "reject"] = "reject"
    """reject: the call fails at once (429) and is an error that is tried again; wait: the client holds it back until
    there is room, while the activity keeps its slot."""


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
    queue_limit: From0 | None = None
    """Calls that may wait in line there; one more is turned away at once (503). Without it there is no limit."""
    shed_after_ns: PositiveDuration | None = None
    """Load shedding: calls that would have to wait are turned away while the oldest one in line has waited for this
    long. Without it nobody is."""
    timeout_ns: PositiveDuration | None = None
    """How long a caller waits for the answer; then the call has failed for it, and is worked off there for nobody."""
    propagate_deadline: bool = False
    """With `timeout`: the deadline goes along with the call, and a call whose caller has given up is dropped there."""
    retry: CallRetry | None = None
    """When a caller makes a failed call again by itself; without it the activity fails at once, and is tried again by
    its own policy."""
    breaker: CircuitBreaker | None = None
    """Circuit breaker of the callers; none where it is left out."""
    bulkhead: Bulkhead | None = None
    """Limit on the calls that each pod has under way; none where it is left out."""
    hedge: Hedge | None = None
    """When a second call is made beside a slow one; never where it is left out."""

    @model_validator(mode="after")
    def _calls_end(self) -> Self:
        if self.propagate_deadline and self.timeout_ns is None:
            raise Mistake("has no deadline to pass on", "add   timeout: 1 s", ("propagate_deadline",))
        if self.hedge is not None and self.timeout_ns is not None and self.hedge.after_ns >= self.timeout_ns:
            raise Mistake("comes when the call has timed out already", "hedge before the `timeout`", ("hedge",))
        return self
