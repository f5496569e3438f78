"""Sums of rates times means: their value, and by draws what noise, rates, or both leave open of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.figure import Figure
from sim.stats.estimate import Estimate
from sim.stats.freedom import FloatArray
from sim.stats.rates import Frequency

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

    def calm_figure(self) -> Figure:
        """What is bad without faults."""
        return self.interval(self.calm.value, self.calm_draws, self.unit, self.calm.n)

    def chance_within(self, budget_min: float) -> float:
        """The share of draws in which the sum is within the budget."""
        return float((self._total(with_noise=True, with_rates=True)[1] <= budget_min).mean())
