"""Laws of durations, with their moments, quantiles and transforms. Nothing is sampled here.

Every law is a small frozen value in seconds and answers the same four questions (`Law`). Queues that depend on
more than a mean take a law, so that M/G/1 reads `mg1(2.0, Lognormal(0.2, cv=1.5))`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from statistics import NormalDist

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

        >>> round(Law.transform(Exponential(1.0), 1.0), 12)    # 1 / (1 + 1)
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


def share(p: float) -> float:
    """A level of a quantile, checked."""
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
        share(p)
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
        return -self.mean_s * math.log1p(-share(p))

    def transform(self, rate_per_s: float) -> float:
        """1 / (1 + rate mean)."""
        return 1 / (1 + rate_per_s * self.mean_s)


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

        return float(gammaincinv(self.cv**-2, share(p))) * self.mean_s * self.cv**2

    def transform(self, rate_per_s: float) -> float:
        """(1 + rate scale)^-shape."""
        return math.exp(-math.log1p(rate_per_s * self.mean_s * self.cv**2) / self.cv**2)


@dataclass(frozen=True, slots=True)
class Lognormal(Law):
    """Exp of a normal law, given by its own mean `mean_s` and coefficient of variation `cv`.

    >>> round(Lognormal(1.0, 1.0).quantile(0.5), 9)      # 1 / sqrt(1 + cv^2)
    0.707106781
    """

    mean_s: float
    cv: float

    def __post_init__(self) -> None:
        assert 0 < self.mean_s < math.inf, self
        assert 0 < self.cv < math.inf, self

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
        return math.exp(self.mu + self.sigma * _NORMAL.inv_cdf(share(p)))
