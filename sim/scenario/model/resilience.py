"""What callers do about a service that fails, hangs or is slow: patterns by their names, none on by default."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sim.network.counts import From0, Positive
from sim.spec import Spec
from sim.units import Duration, PositiveDuration, Ratio


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
