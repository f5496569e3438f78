"""Further laws of durations, for the questions that tests ask of queues."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from calibration.closed_forms.bisection import increasing_root
from calibration.closed_forms.moments import Law, share


@dataclass(frozen=True, slots=True)
class Uniform(Law):
    """Anything from `low_s` to `high_s`, evenly."""

    low_s: float
    high_s: float

    def __post_init__(self) -> None:
        assert 0 <= self.low_s < self.high_s < math.inf, self

    def moment(self, order: int) -> float:
        """E[X^n] = sum of low^i high^(n-i) over i = 0..n, by n + 1 (no cancellation for a narrow range)."""
        return sum(self.low_s**i * self.high_s ** (order - i) for i in range(order + 1)) / (order + 1)

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return min(1.0, max(0.0, (x_s - self.low_s) / (self.high_s - self.low_s)))

    def quantile(self, p: float) -> float:
        """low + p (high - low)."""
        return self.low_s + share(p) * (self.high_s - self.low_s)

    def transform(self, rate_per_s: float) -> float:
        """exp(-rate low) (1 - exp(-x)) / x with x = rate (high - low)."""
        x = rate_per_s * (self.high_s - self.low_s)
        return math.exp(-rate_per_s * self.low_s) * (-math.expm1(-x) / x if x else 1.0)


@dataclass(frozen=True, slots=True)
class Erlang(Law):
    """Sum of `stages` exponential stages with mean `mean_s` together; scv = 1 / stages.

    >>> round(Erlang(1.0, 4).scv, 12)
    0.25
    """

    mean_s: float
    stages: int

    def __post_init__(self) -> None:
        assert 0 < self.mean_s < math.inf, self
        assert self.stages >= 1, self

    def moment(self, order: int) -> float:
        """E[X^n] = k (k + 1) ... (k + n - 1) (mean / k)^n."""
        rising = math.prod(range(self.stages, self.stages + order))
        return rising * (self.mean_s / self.stages) ** order

    def cdf(self, x_s: float) -> float:
        """P(Poisson(k x / mean) >= k), summed over the smaller side."""
        load = self.stages * max(x_s, 0.0) / self.mean_s
        if load == 0:
            return 0.0
        log_load = math.log(load)
        if load > self.stages:
            terms = (math.exp(j * log_load - load - math.lgamma(j + 1)) for j in range(self.stages))
            return 1 - math.fsum(terms)
        term = math.exp(self.stages * log_load - load - math.lgamma(self.stages + 1))
        total, j = 0.0, self.stages
        while term > 1e-17 * total:
            total += term
            j += 1
            term *= load / j
        return total

    def quantile(self, p: float) -> float:
        """By bisection on the cdf."""
        share(p)
        return increasing_root(lambda x: self.cdf(x) - p, self.mean_s)

    def transform(self, rate_per_s: float) -> float:
        """(1 + rate mean / k)^-k."""
        return float((1 + rate_per_s * self.mean_s / self.stages) ** -self.stages)


@dataclass(frozen=True, slots=True)
class Hyperexponential(Law):
    """Exponential with mean `means_s[i]` with probability `probabilities[i]`: more variable than exponential."""

    probabilities: tuple[float, ...]
    means_s: tuple[float, ...]

    def __post_init__(self) -> None:
        assert len(self.probabilities) == len(self.means_s) > 0, self
        assert all(p >= 0 for p in self.probabilities), self
        assert math.isclose(math.fsum(self.probabilities), 1.0, abs_tol=1e-9), self
        assert all(0 < m < math.inf for m in self.means_s), self

    @classmethod
    def balanced(cls, mean_s: float, scv: float) -> Hyperexponential:
        """Two branches of equal load p_i mean_i with the given mean and scv >= 1.

        Source: Whitt, Approximating a Point Process by a Renewal Process, Operations Research 30 (1982),
        section 3.

        >>> law = Hyperexponential.balanced(1.0, 4.0)
        >>> round(law.moment(1), 12), round(law.scv, 12)
        (1.0, 4.0)
        """
        assert scv >= 1, scv
        p = (1 + math.sqrt((scv - 1) / (scv + 1))) / 2
        # 1 - p without cancellation: for a large scv the rare branch carries half of the work
        q = 1 / ((scv + 1) * 2 * p)
        return cls((p, q), (mean_s / (2 * p), mean_s / (2 * q)))

    def moment(self, order: int) -> float:
        """n! sum of p_i mean_i^n."""
        weighted = (p * m**order for p, m in self._branches())
        return math.factorial(order) * math.fsum(weighted)

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return math.fsum(-p * math.expm1(-max(x_s, 0.0) / m) for p, m in self._branches())

    def quantile(self, p: float) -> float:
        """By bisection on P(X > x), which keeps its precision far out in the tail."""
        share(p)
        return increasing_root(
            lambda x: (1 - p) - math.fsum(q * math.exp(-x / m) for q, m in self._branches()), self.moment(1)
        )

    def transform(self, rate_per_s: float) -> float:
        """Sum of p_i / (1 + rate mean_i)."""
        return math.fsum(p / (1 + rate_per_s * m) for p, m in self._branches())

    def _branches(self) -> Sequence[tuple[float, float]]:
        return tuple(zip(self.probabilities, self.means_s, strict=True))


@dataclass(frozen=True, slots=True)
class Weibull(Law):
    """P(X > x) = exp(-(x / scale)^shape): shape below 1 has a heavy tail, above 1 wears out."""

    scale_s: float
    shape: float

    def __post_init__(self) -> None:
        assert 0 < self.scale_s < math.inf, self
        assert 0 < self.shape < math.inf, self

    @classmethod
    def from_mean(cls, mean_s: float, shape: float) -> Weibull:
        """The Weibull law with that mean."""
        return cls(mean_s / math.gamma(1 + 1 / shape), shape)

    def moment(self, order: int) -> float:
        """scale^n Gamma(1 + n / shape)."""
        return self.scale_s**order * math.gamma(1 + order / self.shape)

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return -math.expm1(-((max(x_s, 0.0) / self.scale_s) ** self.shape))

    def quantile(self, p: float) -> float:
        """scale (-ln(1 - p))^(1 / shape)."""
        return float(self.scale_s * (-math.log1p(-share(p))) ** (1 / self.shape))


@dataclass(frozen=True, slots=True)
class Pareto(Law):
    """P(X > x) = (minimum / x)^index for x >= minimum; moments of order >= index are infinite.

    >>> Pareto(1.0, 2.5).moment(2), Pareto(1.0, 2.5).moment(3)
    (5.0, inf)
    """

    minimum_s: float
    index: float

    def __post_init__(self) -> None:
        assert 0 < self.minimum_s < math.inf, self
        assert 0 < self.index < math.inf, self

    @classmethod
    def from_mean(cls, mean_s: float, index: float) -> Pareto:
        """The Pareto law with that mean; index > 1, or there is no mean."""
        assert index > 1, index
        return cls(mean_s * (index - 1) / index, index)

    def moment(self, order: int) -> float:
        """index minimum^n / (index - n)."""
        return self.index * self.minimum_s**order / (self.index - order) if self.index > order else math.inf

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return float(1 - (self.minimum_s / x_s) ** self.index) if x_s > self.minimum_s else 0.0

    def quantile(self, p: float) -> float:
        """Minimum (1 - p)^(-1 / index)."""
        return float(self.minimum_s * (1 - share(p)) ** (-1 / self.index))
