"""What is done about failures: retries and their budgets, signs of life, circuit breakers. The law is SEMANTICS.md."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Annotated, Final

from pydantic import Field

from sim.network.counts import Name, Positive
from sim.spec import Spec
from sim.units import Duration, PositiveDuration, Ratio

TOKEN: Final = 1_000_000
"""A token of a retry budget in the whole numbers that engines count in."""

Some = Annotated[Ratio, Field(gt=0)]


class Retry(Spec):
    """When and how often to try again."""

    initial_interval_ns: Duration = 1_000_000_000
    """Back-off after the first failure."""
    backoff_coefficient: Annotated[float, Field(ge=1)] = 2.0
    """Factor from one back-off to the next."""
    maximum_interval_ns: PositiveDuration | None = None
    """Longest back-off; 100 times the initial interval by default."""
    maximum_attempts: Positive | None = None
    """Attempts in all; without it there is no limit."""
    jitter: Ratio = 0.0
    """Each back-off is shortened by up to this share, uniformly."""
    budget: Name | None = None
    """Further tries are made only as long as this retry budget has a token for each."""
    non_retryable: tuple[str, ...] = ()
    """Failures that are not tried again."""
    floor_ns: Duration = 0
    """A back-off takes at least this long."""
    grid_ns: PositiveDuration | None = None
    """Back-offs end at a multiple of this time (server timers are looked at in steps)."""
    timers: Name | None = None
    """Back-offs are timers of this queue, which may put them off."""


class Heartbeat(Spec):
    """Signs of life from the node that an attempt runs on."""

    timeout_ns: PositiveDuration
    """The attempt fails when no sign has come for this long."""
    interval_ns: PositiveDuration | None = None
    """Time between two signs; 0.8 of the timeout by default (the SDKs' throttle)."""


class TimerQueue(Spec):
    """Timers that are stored, and read ahead of their time in one go: what is new has to be later than what was read.

    Source of the pattern: Temporal server, task_key_manager.go and queue_scheduled.go of service/history, 2025.
    """

    ahead_ns: PositiveDuration
    """How far ahead of now it is read."""
    after_ns: Duration = 0
    """How long after what was read a timer ends that would have been within it."""


class Breaker(Spec):
    """A circuit breaker: tries are turned away while the last ones have failed too often.

    Source of the pattern: Nygard, Release It! (2nd edition, 2018), chapter 5. The defaults are nobody's measurement.
    """

    window: Annotated[int, Field(ge=1, le=100_000)] = 20
    """So many of the last outcomes are remembered; it does not open before there are as many."""
    failures: Some = 0.5
    """Share of failures among them from which on it opens."""
    open_ns: PositiveDuration = 30_000_000_000
    """How long it stays open before it lets anybody through again."""
    trials: Annotated[int, Field(ge=1, le=100_000)] = 5
    """Half-open, so many are let through; their share of failures opens or closes it."""
    at: Name | None = None
    """A breaker for each node of this resource: that of the unit held. Without it all share one."""

    @property
    def opening_failures(self) -> int:
        """Failures in a full window that open it."""
        return _least(self.failures, self.window)

    @property
    def reopening_failures(self) -> int:
        """Failures among the trials that open it again."""
        return _least(self.failures, self.trials)


class Budget(Spec):
    """A retry budget: further tries are a bounded share of first ones.

    As the token bucket of Finagle's `RetryBudget`, without its expiry; the defaults are nobody's measurement.
    """

    ratio: Ratio = 0.1
    """Tokens that each first try puts in; each further try takes one."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Tokens at most, and at the start."""
    at: Name | None = None
    """A budget for each node of this resource: that of the unit held. Without it all share one."""

    @property
    def deposit(self) -> int:
        """What a first try puts in, in parts of a TOKEN."""
        return round(Fraction(str(self.ratio)) * TOKEN)


def _least(share: float, number: int) -> int:
    """The least count that is at least this share of a number; of the decimal that was written, not of its double."""
    return ceil(Fraction(str(share)) * number)
