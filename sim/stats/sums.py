"""Sums of rates times means: how often something comes and what that leaves open, the sum by draws, and which kind of
fault the next episodes are spent on to make it more certain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.figure import Figure
from sim.stats.intervals import FloatArray
from sim.stats.skewed import Estimate

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
        from sim.draws.special import gammaincinv

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


DRAWS = 20_000
"""Of rates and means: the ends of 95 % intervals are then known to two hundredths of a standard deviation."""
_SEED = 20070501


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the sum: rates whose product, times `factor`, is how often a year; and the minutes of one."""

    name: str
    rates: tuple[str, ...]
    factor: float
    minutes: Estimate


class Sums:
    """Sums of terms with their draws: of rates, and of means on a low and a high account (see `Estimate.draws`)."""

    def __init__(
        self,
        rates: Mapping[str, Frequency],
        calm: Estimate,
        terms: Sequence[Term],
        confidence: float,
        unit: str = "min/year",
    ) -> None:
        generator = np.random.default_rng(_SEED)
        self.rates = rates
        self.calm = calm
        self.terms = {term.name: term for term in terms}
        self.confidence = confidence
        self.unit = unit
        self.rate_draws = {name: rate.draws(DRAWS, generator) for name, rate in rates.items()}
        self.mean_draws = {term.name: term.minutes.draws(DRAWS, generator) for term in terms}
        self.calm_draws = calm.draws(DRAWS, generator)

    def often(self, term: Term) -> float:
        """How often a year, by the means of the rates."""
        return term.factor * float(np.prod([self.rates[name].per_s for name in term.rates]))

    def _often_draws(self, term: Term) -> FloatArray:
        found = np.full(DRAWS, term.factor)
        for name in term.rates:
            found = found * self.rate_draws[name]
        return found

    def part(self, term: Term, with_noise: bool, with_rates: bool) -> tuple[FloatArray, FloatArray]:
        """Draws of what a term adds a year, on the low and on the high account."""
        often = self._often_draws(term) if with_rates else np.full(DRAWS, self.often(term))
        means = self.mean_draws[term.name] if with_noise else (np.full(DRAWS, term.minutes.value),) * 2
        return often * means[0], often * means[1]

    def _total(self, with_noise: bool, with_rates: bool) -> tuple[FloatArray, FloatArray]:
        calm = self.calm_draws if with_noise else (np.full(DRAWS, self.calm.value),) * 2
        parts = [self.part(term, with_noise, with_rates) for term in self.terms.values()]
        low = calm[0] + sum(part[0] for part in parts)
        high = calm[1] + sum(part[1] for part in parts)
        return low, high

    def interval(self, value: float, draws: tuple[FloatArray, FloatArray], unit: str, n: int) -> Figure:
        """A value with the interval that its draws span."""
        if np.isnan(draws[0]).any():
            return Figure(value, unit, n=n, note="no interval from so few episodes; 20 of each kind are needed")
        low = float(np.quantile(draws[0], (1 - self.confidence) / 2))
        high = float(np.quantile(draws[1], (1 + self.confidence) / 2))
        return Figure(value, unit, min(low, value), max(high, value), self.confidence, n)

    def figure(self, with_noise: bool, with_rates: bool) -> Figure:
        """Everything together."""
        value = self.calm.value + sum(self.often(term) * term.minutes.value for term in self.terms.values())
        n = sum(term.minutes.n for term in self.terms.values())
        return self.interval(value, self._total(with_noise, with_rates), self.unit, n)

    def chance_within(self, budget_min: float) -> float:
        """The share of draws in which the sum is within the budget."""
        return float((self._total(with_noise=True, with_rates=True)[1] <= budget_min).mean())


@dataclass(frozen=True, slots=True)
class Pilot:
    """What the first episodes of a kind say. weight: the factor on its mean in the sum (its rate); spread: standard
    deviation of its values; cost: of one episode, in any unit that all share; done: episodes that there are."""

    weight: float
    spread: float
    cost: float
    done: int


def allotted(pilots: Sequence[Pilot], total: int) -> list[int]:
    """How many more episodes of each kind, so that there are about `total` of all.

    In proportion to weight x spread / sqrt(cost), which makes the variance of the sum least for what it costs (Neyman,
    Journal of the Royal Statistical Society 97, 1934; Cochran, Sampling Techniques, 3rd ed. 1977, section 5.5). What
    is there already stays; a kind that has more than its share gets none, and the others share the rest alike.
    """
    wanted = {index: pilot.weight * pilot.spread / math.sqrt(pilot.cost) for index, pilot in enumerate(pilots)}
    left = total
    while wanted:
        whole = sum(wanted.values())
        shares = {index: left * worth / whole if whole else 0.0 for index, worth in wanted.items()}
        enough = [index for index, share in shares.items() if share <= pilots[index].done]
        # Those that have enough are taken out, with what they have.
        left -= sum(pilots[index].done for index in enough)
        if not enough:
            more = {index: math.ceil(share - 1e-9) - pilots[index].done for index, share in shares.items()}
            return [more.get(index, 0) for index in range(len(pilots))]
        wanted = {index: worth for index, worth in wanted.items() if index not in enough}
    return [0] * len(pilots)
