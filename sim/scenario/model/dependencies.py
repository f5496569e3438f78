"""Dependencies: services of others that activities call, and what callers do about one that fails, hangs or is slow.

A caller may use a circuit breaker, a bulkhead or another pattern; none is on by default.
`sim.lower.temporal.dependencies` turns calls into steps. Outages are `faults` with the target `dependencies.NAME`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import From0, Positive
from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import Duration, Mistake, PositiveDuration, PositiveRate, Ratio


class CircuitBreaker(Spec):
    """Calls are turned away while the last ones have failed too often: `{window: 20, failures: 50 %, open: 30 s}`."""

    window: Annotated[int, Field(ge=1, le=100_000)] = 20
    """So many of the last calls are looked at; it does not open before there are as many."""
    failures: Annotated[Ratio, Field(gt=0)] = 0.5
    """Share of them that failed from which on it opens."""
    open_ns: PositiveDuration = 30_000_000_000
    """How long it stays open; then a few calls are tried."""
    trials: Annotated[int, Field(ge=1, le=100_000)] = 5
    """How many are tried; by the same share it opens again or closes."""
    per: Literal["pod", "deployment"] = "pod"
    """Whether each pod of workers has its own, as libraries do, or all share one, as in a mesh."""


class Bulkhead(Spec):
    """Calls that each pod has under way at once at most: `20`, or `{calls: 20, queue: 50}`."""

    plain_value_is: ClassVar[str] = "calls"
    calls: Positive
    """Calls at once; the others wait on the pod, in their slots."""
    queue: From0 | None = None
    """How many may wait on a pod; one more fails at once. Without it there is no limit."""


class Hedge(Spec):
    """A second call while the first one has no answer yet, the faster of the two counts: `{after: 100 ms}`."""

    plain_value_is: ClassVar[str] = "after"
    after_ns: PositiveDuration
    """When the second call is made; usually the time that 95 % of the calls take."""


class RetryBudget(Spec):
    """Retries as a share of first attempts: `10 %`, or `{ratio: 10 %, burst: 100}`."""

    plain_value_is: ClassVar[str] = "ratio"
    ratio: Ratio
    """Retries for each first attempt, all executions together. Beyond it a failure is final."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Retries that may be saved up; so many there are at the start."""


class CallRetry(Spec):
    """Calls that are made again by the activity itself: `3`, or `{attempts: 3, jitter: 50 %}`.

    The defaults of the intervals are those of the example in gRPC's proposal A6 (client retries), 2017.
    """

    plain_value_is: ClassVar[str] = "attempts"
    attempts: Annotated[int, Field(ge=2, le=1000)]
    """Calls in all."""
    initial_interval_ns: Duration = 100_000_000
    """Back-off after the first failure; 0 for a second call at once."""
    backoff_coefficient: Annotated[float, Field(ge=1)] = 2.0
    """Factor from one back-off to the next."""
    maximum_interval_ns: PositiveDuration = 1_000_000_000
    """Longest back-off."""
    jitter: Ratio = 0.0
    """Each back-off is shortened by up to this share, uniformly."""
    budget: RetryBudget | None = None
    """Calls that all workers together may make again, as a share of first ones; without it there is no limit."""


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
