"""Distributions of times above 0 that a fit evaluates some hundred thousand times: density, shares, draws.

scipy.stats has them too, with some 0.3 ms of bookkeeping a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

_LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)


class Distribution(Protocol):
    """What a fit asks of a distribution."""

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density at x > 0."""

    def cdf(self, x: Floats) -> Floats:
        """Share at or below x; 0 at 0, 1 at infinity."""

    def mean(self) -> float:
        """The mean."""

    def rvs(self, n: int, generator: np.random.Generator) -> Floats:
        """Independent draws."""


@dataclass(frozen=True, slots=True)
class Exponential:
    """A shift, and an exponential time of this mean after it."""

    scale: float
    shift: float = 0.0

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        return np.where(x < self.shift, -np.inf, -(x - self.shift) / self.scale - np.log(self.scale))

    def cdf(self, x: Floats) -> Floats:
        """Share at or below x."""
        return np.asarray(-np.expm1(-np.maximum(x - self.shift, 0.0) / self.scale))

    def mean(self) -> float:
        """The mean."""
        return self.shift + self.scale

    def rvs(self, n: int, generator: np.random.Generator) -> Floats:
        """Independent draws."""
        return self.shift + generator.exponential(self.scale, n)


@dataclass(frozen=True, slots=True)
class Gamma:
    """Gamma of a shape and a scale."""

    shape: float
    scale: float

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        relative = x / self.scale
        norm = special.gammaln(self.shape) + np.log(self.scale)
        return np.asarray((self.shape - 1) * np.log(relative) - relative - norm)

    def cdf(self, x: Floats) -> Floats:
        """Share at or below x."""
        return np.asarray(special.gammainc(self.shape, x / self.scale))

    def mean(self) -> float:
        """The mean."""
        return self.shape * self.scale

    def rvs(self, n: int, generator: np.random.Generator) -> Floats:
        """Independent draws."""
        return generator.gamma(self.shape, self.scale, n)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """The exponential of a normal variable of this mean and deviation."""

    mu: float
    sigma: float

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        logs = np.log(x)
        return np.asarray(-(((logs - self.mu) / self.sigma) ** 2) / 2 - logs - np.log(self.sigma) - _LOG_ROOT_2_PI)

    def cdf(self, x: Floats) -> Floats:
        """Share at or below x."""
        with np.errstate(divide="ignore"):
            return np.asarray(special.ndtr((np.log(x) - self.mu) / self.sigma))

    def mean(self) -> float:
        """The mean."""
        return float(np.exp(self.mu + self.sigma**2 / 2))

    def rvs(self, n: int, generator: np.random.Generator) -> Floats:
        """Independent draws."""
        return generator.lognormal(self.mu, self.sigma, n)


@dataclass(frozen=True, slots=True)
class Weibull:
    """Weibull of a scale and a shape: P(X > x) = exp(-(x/scale)^shape)."""

    scale: float
    shape: float

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        logs = np.log(x / self.scale)
        return np.asarray(np.log(self.shape / self.scale) + (self.shape - 1) * logs - np.exp(self.shape * logs))

    def cdf(self, x: Floats) -> Floats:
        """Share at or below x."""
        return np.asarray(-np.expm1(-((x / self.scale) ** self.shape)))

    def mean(self) -> float:
        """The mean."""
        return float(self.scale * special.gamma(1 + 1 / self.shape))

    def rvs(self, n: int, generator: np.random.Generator) -> Floats:
        """Independent draws."""
        return self.scale * generator.weibull(self.shape, n)


@dataclass(frozen=True, slots=True)
class Mixture:
    """One of two, the second with probability `share`."""

    share: float
    body: Distribution
    stall: Distribution

    def logpdf(self, x: Floats) -> Floats:
        """Logarithm of the density."""
        body, stall = np.log1p(-self.share) + self.body.logpdf(x), np.log(self.share) + self.stall.logpdf(x)
        return np.asarray(np.logaddexp(body, stall))

    def cdf(self, x: Floats) -> Floats:
        """Share at or below x."""
        return np.asarray((1 - self.share) * self.body.cdf(x) + self.share * self.stall.cdf(x))

    def mean(self) -> float:
        """The mean."""
        return (1 - self.share) * self.body.mean() + self.share * self.stall.mean()

    def rvs(self, n: int, generator: np.random.Generator) -> Floats:
        """Independent draws."""
        stalled = generator.random(n) < self.share
        drawn = self.body.rvs(n, generator)
        drawn[stalled] = self.stall.rvs(int(stalled.sum()), generator)
        return drawn
