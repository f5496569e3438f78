"""Retries with exponential backoff: how many attempts, how long in the mean. No queue is involved.

Every attempt fails by itself with the same probability; retries that add to the load that makes them fail are a
matter for the engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delay before retry k = 1, 2, ...: min(cap_s, first_s x factor^(k - 1)).

    factor >= 1. Jitter of mean m (full jitter 1/2, symmetric jitter 1) multiplies every mean by m.
    """

    first_s: float
    factor: float = 2.0
    cap_s: float = math.inf

    def __post_init__(self) -> None:
        assert 0 <= self.first_s < math.inf, self
        assert 1 <= self.factor < math.inf, self
        assert self.cap_s >= self.first_s, self

    @property
    def _growing(self) -> float:
        """Number of delays below the cap; `math.inf` where it is never reached."""
        if self.first_s == 0 or self.cap_s == math.inf or self.factor == 1:
            return math.inf
        count = max(math.ceil(math.log(self.cap_s / self.first_s) / math.log(self.factor)), 0)
        while self.first_s * self.factor ** (count - 1) >= self.cap_s and count > 0:  # the logarithm was rounded
            count -= 1
        return count

    def total_mean_s(self, weight: float, retries: float) -> float:
        """Sum of weight^k x delay k over k = 1..retries, in s; `retries` may be `math.inf`.

        With the probability of a failure as weight, the mean time spent backing off; with 1, the longest. Infinite
        where the delays outgrow the weights.
        """
        growing = min(self._growing, retries)
        total = self.first_s * weight * _geometric(weight * self.factor, growing) if self.first_s else 0.0
        if retries > growing:
            total += self.cap_s * weight ** (growing + 1) * _geometric(weight, retries - growing)
        return total


def _geometric(x: float, terms: float) -> float:
    """1 + x + ... + x^(terms - 1), x >= 0; `terms` may be infinite."""
    if terms == math.inf:
        return 1 / (1 - x) if x < 1 else math.inf
    if x == 0 or terms == 0:
        return min(terms, 1.0)
    if abs(x - 1) * terms < 1e-8:
        return terms * (1 + (terms - 1) / 2 * (x - 1))
    grown = terms * math.log(x)
    return math.expm1(grown) / (x - 1) if grown < 700 else math.inf


@dataclass(frozen=True, slots=True)
class Retries:
    """What a retry policy gives.

    success_probability: that one of the attempts succeeds. attempts_mean: attempts per call, the amplification of
    load. backoff_mean_s: mean time spent between attempts. latency_mean_s: mean time until success or giving up.
    latency_success_mean_s: mean over the calls that succeed.
    """

    success_probability: float
    attempts_mean: float
    backoff_mean_s: float
    latency_mean_s: float
    latency_success_mean_s: float


def retry(
    success: float, success_s: float, failure_s: float, backoff: Backoff, attempts_max: int | None = None
) -> Retries:
    """A call retried until it succeeds or `attempts_max` attempts (None: no limit) have failed.

    success: probability that one attempt succeeds, in (0, 1], independent of the others; 0 is fine with a limit.
    success_s, failure_s: mean duration of an attempt that succeeds, and of one that fails (a timeout, say).
    Closed form: sums of geometric series, up to the cap and beyond it.

    >>> calls = retry(0.5, 0.1, 1.0, Backoff(1.0, 2.0, 4.0), attempts_max=3)
    >>> calls.success_probability, calls.attempts_mean, calls.backoff_mean_s      # 1/2 x 1 s + 1/4 x 2 s
    (0.875, 1.75, 1.0)
    """
    assert 0 <= success <= 1, success
    assert success_s >= 0, success_s
    assert failure_s >= 0, failure_s
    assert attempts_max is None or attempts_max >= 1, attempts_max
    assert success > 0 or attempts_max is not None, "nothing ever ends"
    fails = 1 - success
    limit = math.inf if attempts_max is None else attempts_max
    all_fail = 0.0 if limit == math.inf else fails**limit
    succeeds = 1 - all_fail if success < 1 else 1.0
    failures_mean = fails * _geometric(fails, limit)
    backoff_s = backoff.total_mean_s(fails, limit - 1) if fails else 0.0
    latency_s = failures_mean * failure_s + backoff_s + succeeds * success_s
    # Calls that give up take a known time; what is left of the mean belongs to those that succeed.
    given_up_s = all_fail * (limit * failure_s + backoff.total_mean_s(1.0, limit - 1)) if all_fail else 0.0
    return Retries(
        succeeds,
        _geometric(fails, limit),
        backoff_s,
        latency_s,
        (latency_s - given_up_s) / succeeds if succeeds else math.nan,
    )
