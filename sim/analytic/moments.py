"""Laws of durations, with their moments, quantiles and transforms. Nothing is sampled here.

Every law is a small frozen value in seconds and answers the same four questions (`Law`). Queues that depend on
more than a mean take a law, so that M/G/1 reads `mg1(2.0, Lognormal(0.2, cv=1.5))`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from sim.analytic.bisection import increasing_root

_NORMAL = NormalDist()


class Law(ABC):
    """A law of a non-negative duration in seconds."""

    __slots__ = ()

    @abstractmethod
    def moment(self, order: int) -> float:
        """E[X^order] in s^order for order >= 1; `math.inf` where the law has no such moment."""

    @abstractmethod
    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""

    @abstractmethod
    def quantile(self, p: float) -> float:
        """The duration in seconds that a share p of all stay within, 0 < p < 1."""

    def transform(self, rate_per_s: float) -> float:
        """E[exp(-rate_per_s X)], rate_per_s >= 0: the chance that a Poisson stream of that rate is silent for X.

        Where no closed form overrides it: the integral of exp(-rate x quantile(u)) over u by the tanh-sinh rule
        (Takahasi & Mori 1974), good to about 1e-12.

        >>> round(Weibull(1.0, 1.0).transform(1.0), 12)    # an exponential law in disguise: 1 / (1 + 1)
        0.5
        """
        assert rate_per_s >= 0, rate_per_s
        step, total = 1 / 64, 0.0
        for k in range(-256, 257):  # u = 1/(1 + exp(-pi sinh(kh))) packs the points where the quantile is steep
            swing = math.pi * math.sinh(k * step)
            u = 1 / (1 + math.exp(-swing))
            weight = math.pi * math.cosh(k * step) * step * u / (1 + math.exp(swing))
            if 0 < u < 1:
                total += weight * math.exp(-rate_per_s * self.quantile(u))
        return total

    @property
    def variance_s2(self) -> float:
        """Variance in s²."""
        second = self.moment(2)
        return second - self.moment(1) ** 2 if second < math.inf else math.inf

    @property
    def scv(self) -> float:
        """Squared coefficient of variation: 0 deterministic, 1 exponential, above 1 more variable than that."""
        return self.variance_s2 / self.moment(1) ** 2

    @property
    def residual_mean_s(self) -> float:
        """Mean time still to go when looked at from outside: E[X²] / (2 E[X]), the inspection paradox.

        Source: Kleinrock, Queueing Systems vol. 1 (1975), section 5.2.
        """
        return self.moment(2) / (2 * self.moment(1))


def _share(p: float) -> float:
    assert 0 < p < 1, f"a quantile needs 0 < p < 1, not {p}"
    return p


@dataclass(frozen=True, slots=True)
class Deterministic(Law):
    """Always `value_s`."""

    value_s: float

    def __post_init__(self) -> None:
        assert 0 < self.value_s < math.inf, self

    def moment(self, order: int) -> float:
        """E[X^order]."""
        return self.value_s**order

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return 1.0 if x_s >= self.value_s else 0.0

    def quantile(self, p: float) -> float:
        """The one value, for every p."""
        _share(p)
        return self.value_s

    def transform(self, rate_per_s: float) -> float:
        """E[exp(-rate X)]."""
        return math.exp(-rate_per_s * self.value_s)


@dataclass(frozen=True, slots=True)
class Exponential(Law):
    """Memoryless with mean `mean_s`.

    >>> Exponential(2.0).moment(3), Exponential(2.0).residual_mean_s
    (48.0, 2.0)
    """

    mean_s: float

    def __post_init__(self) -> None:
        assert 0 < self.mean_s < math.inf, self

    def moment(self, order: int) -> float:
        """E[X^n] = n! mean^n."""
        return math.factorial(order) * self.mean_s**order

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return -math.expm1(-max(x_s, 0.0) / self.mean_s)

    def quantile(self, p: float) -> float:
        """-mean ln(1 - p)."""
        return -self.mean_s * math.log1p(-_share(p))

    def transform(self, rate_per_s: float) -> float:
        """1 / (1 + rate mean)."""
        return 1 / (1 + rate_per_s * self.mean_s)


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
        return self.low_s + _share(p) * (self.high_s - self.low_s)

    def transform(self, rate_per_s: float) -> float:
        """exp(-rate low) (1 - exp(-x)) / x with x = rate (high - low)."""
        x = rate_per_s * (self.high_s - self.low_s)
        return math.exp(-rate_per_s * self.low_s) * (-math.expm1(-x) / x if x else 1.0)


@dataclass(frozen=True, slots=True)
class Gamma(Law):
    """Gamma with mean `mean_s` and coefficient of variation `cv` (shape 1/cv², scale mean cv²)."""

    mean_s: float
    cv: float

    def __post_init__(self) -> None:
        assert 0 < self.mean_s < math.inf, self
        assert 0 < self.cv < math.inf, self

    def moment(self, order: int) -> float:
        """E[X^n] = mean^n times (1)(1 + cv²)(1 + 2 cv²)..."""
        return self.mean_s**order * math.prod(1 + i * self.cv**2 for i in range(order))

    def cdf(self, x_s: float) -> float:
        """Regularised lower incomplete gamma function."""
        from scipy.special import gammainc  # scipy costs a command line start, so it is imported on use

        return float(gammainc(self.cv**-2, max(x_s, 0.0) / (self.mean_s * self.cv**2)))

    def quantile(self, p: float) -> float:
        """Inverse of the regularised incomplete gamma function."""
        from scipy.special import gammaincinv

        return float(gammaincinv(self.cv**-2, _share(p))) * self.mean_s * self.cv**2

    def transform(self, rate_per_s: float) -> float:
        """(1 + rate scale)^-shape."""
        return math.exp(-math.log1p(rate_per_s * self.mean_s * self.cv**2) / self.cv**2)


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
        _share(p)
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
        _share(p)
        return increasing_root(
            lambda x: (1 - p) - math.fsum(q * math.exp(-x / m) for q, m in self._branches()), self.moment(1)
        )

    def transform(self, rate_per_s: float) -> float:
        """Sum of p_i / (1 + rate mean_i)."""
        return math.fsum(p / (1 + rate_per_s * m) for p, m in self._branches())

    def _branches(self) -> Sequence[tuple[float, float]]:
        return tuple(zip(self.probabilities, self.means_s, strict=True))


@dataclass(frozen=True, slots=True)
class Lognormal(Law):
    """Exp of a normal law, given by its own mean `mean_s` and coefficient of variation `cv`.

    >>> law = Lognormal.from_quantiles(0.5, 0.010, 0.99, 0.080)    # p50 10 ms, p99 80 ms
    >>> round(law.quantile(0.5), 9), round(law.quantile(0.99), 9), round(law.mean_s, 5)
    (0.01, 0.08, 0.01491)
    """

    mean_s: float
    cv: float

    def __post_init__(self) -> None:
        assert 0 < self.mean_s < math.inf, self
        assert 0 < self.cv < math.inf, self

    @classmethod
    def from_quantiles(cls, p1: float, x1_s: float, p2: float, x2_s: float) -> Lognormal:
        """The lognormal law with quantile(p1) = x1_s and quantile(p2) = x2_s, p1 < p2 and x1_s < x2_s."""
        assert 0 < p1 < p2 < 1, (p1, p2)
        assert 0 < x1_s < x2_s < math.inf, (x1_s, x2_s)
        z1, z2 = _NORMAL.inv_cdf(p1), _NORMAL.inv_cdf(p2)
        sigma = math.log(x2_s / x1_s) / (z2 - z1)
        mu = math.log(x1_s) - sigma * z1
        return cls(math.exp(mu + sigma**2 / 2), math.sqrt(math.expm1(sigma**2)))

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.sqrt(math.log1p(self.cv**2))

    @property
    def mu(self) -> float:
        """Mean of the logarithm of the duration in seconds."""
        return math.log(self.mean_s) - self.sigma**2 / 2

    def moment(self, order: int) -> float:
        """mean^n (1 + cv²)^(n (n - 1) / 2)."""
        return self.mean_s**order * (1 + self.cv**2) ** (order * (order - 1) // 2)

    def cdf(self, x_s: float) -> float:
        """P(X <= x_s)."""
        return _NORMAL.cdf((math.log(x_s) - self.mu) / self.sigma) if x_s > 0 else 0.0

    def quantile(self, p: float) -> float:
        """exp(mu + sigma z_p)."""
        return math.exp(self.mu + self.sigma * _NORMAL.inv_cdf(_share(p)))


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
        return float(self.scale_s * (-math.log1p(-_share(p))) ** (1 / self.shape))


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
        return float(self.minimum_s * (1 - _share(p)) ** (-1 / self.index))
