"""How often something comes, with what the evidence leaves open: known, or seen so many times in so long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.figure import Figure
from sim.stats.freedom import FloatArray

YEAR_S = 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Frequency:
    """Rate of a Poisson process.

    per_s: its mean. seen: (number, seconds) where that is the evidence; the rate is then `times` that of the process
    observed, which has the posterior Gamma(number + 1/2, seconds) under Jeffreys' prior.
    """

    per_s: float
    seen: tuple[int, float] | None = None
    times: float = 1.0

    @classmethod
    def of_seen(cls, count: int, watched_s: float) -> Frequency:
        """Of what was seen to come `count` times."""
        return cls((count + 0.5) / watched_s, (count, watched_s))

    def figure(self, confidence: float = 0.95) -> Figure:
        """The rate a year, with the quantiles of the posterior."""
        if self.seen is None:
            return Figure.exact(self.per_s * YEAR_S, "1/year")
        from scipy.special import gammaincinv

        count, watched_s = self.seen
        scale = self.times / watched_s * YEAR_S
        low, high = (float(gammaincinv(count + 0.5, (1 + side * confidence) / 2)) * scale for side in (-1, 1))
        return Figure(self.per_s * YEAR_S, "1/year", low, high, confidence, count)

    def draws(self, count: int, generator: np.random.Generator) -> FloatArray:
        """What the rate may be, `count` times over."""
        if self.seen is None:
            return np.full(count, self.per_s)
        number, watched_s = self.seen
        return generator.gamma(number + 0.5, self.times / watched_s, count)

    def log_generating(self, transform: NDArray[np.complex128], window_s: float) -> NDArray[np.complex128]:
        """Logarithm of the generating function of the number that comes in a time, at values of modulus up to 1.

        A Poisson number of a known rate; over the posterior of a rate that was seen, a negative binomial one (Klugman,
        Panjer & Willmot, Loss Models, 4th ed. 2012, section 6.3).
        """
        if self.seen is None:
            return self.per_s * window_s * (transform - 1)
        number, watched_s = self.seen
        found: NDArray[np.complex128] = np.log(1 + self.times * window_s / watched_s * (1 - transform))
        return -(number + 0.5) * found
