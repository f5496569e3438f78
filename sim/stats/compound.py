"""The chance that what a time's faults take stays inside a budget: sums of random numbers of random losses, exactly.

A compound Poisson law (a compound negative binomial one where a rate was only seen a few times), by the fast Fourier
transform of its generating function with exponential tilting (Grübel & Hermesmeier, ASTIN Bulletin 29, 1999). What one
fault takes is spread over the values that its episodes have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.figure import Figure
from sim.stats.intervals import FloatArray
from sim.stats.skewed import weights_at
from sim.stats.sums import Frequency

STEPS = 1 << 12
"""Steps of the lattice up to the budget. Losses are split between two neighbours so that their mean stays; that widens
each by less than half a step, an eightieth of a percent of the budget."""
RESAMPLES = 200
_SEED = 20070501


@dataclass(frozen=True, slots=True)
class Peril:
    """Something that comes and takes.

    losses: what each of its episodes took, in the unit of the budget; infinite where it never ended. A negative one,
    which chance brings about, takes nothing. weights: how likely each is, in any unit; all alike by default. control,
    control_mean: what goes along with the losses, and its known mean, which the weights are made to have.
    """

    frequency: Frequency
    losses: FloatArray
    weights: FloatArray | None = None
    control: FloatArray | None = None
    control_mean: float | None = None

    @property
    def chances(self) -> FloatArray:
        """How likely each loss is. Where none has a weight, as of what never comes, all are alike."""
        weights = np.ones(len(self.losses)) if self.weights is None else self.weights
        if self.control is not None:
            weights = weights * weights_at(self.control, self.control_mean)
        if not weights.any():
            weights = np.ones(len(self.losses))
        found: FloatArray = weights / weights.sum()
        return found

    def resampled(self, generator: np.random.Generator) -> Peril:
        """As many of its episodes, drawn with replacement; drawn anew where only such came that have no weight."""
        while True:
            rows = generator.integers(0, len(self.losses), len(self.losses))
            weights, control = (None if one is None else one[rows] for one in (self.weights, self.control))
            if weights is None or weights.any() or self.weights is None or not self.weights.any():
                return Peril(self.frequency, self.losses[rows], weights, control, self.control_mean)


def chance_inside(budget: float, perils: Sequence[Peril], window_s: float) -> float:
    """Probability that all losses of a time of this length together stay within the budget.

    It needs no cut of the losses: what is beyond the budget by itself is outside for sure. Of what wraps around in the
    transform, tilting leaves a part of e^-20.
    """
    if budget < 0:
        return 0.0
    length = 2 * STEPS
    tilt = np.exp(-20.0 / length * np.arange(length))
    total = np.zeros(length, np.complex128)
    for peril in perils:
        transform = np.fft.fft(_on_the_lattice(peril, budget / STEPS, length) * tilt)
        total += peril.frequency.log_generating(transform, window_s)
    mass = np.fft.ifft(np.exp(total)).real / tilt
    return float(np.clip(mass[: STEPS + 1].sum(), 0.0, 1.0))


def _on_the_lattice(peril: Peril, step: float, length: int) -> FloatArray:
    """Chances of 0, 1, .. steps; what is beyond the budget is left out, so that they add up to less than 1."""
    mass = np.zeros(length)
    losses = np.maximum(peril.losses, 0.0)
    weights = peril.chances
    if step == 0:
        mass[0] = weights[losses == 0].sum()
        return mass
    is_inside = losses <= STEPS * step
    inside, weights = losses[is_inside] / step, weights[is_inside]
    below = np.minimum(np.floor(inside).astype(np.int64), STEPS)
    above = inside - below
    np.add.at(mass, below, weights * (1 - above))
    np.add.at(mass, below + 1, weights * above)
    return mass


def chance_figure(budget: float, perils: Sequence[Peril], window_s: float, confidence: float) -> Figure:
    """The chance to stay inside, with an interval for what the episodes leave open: resampled, the percentiles."""
    value = chance_inside(budget, perils, window_s)
    generator = np.random.default_rng(_SEED)
    again = [
        chance_inside(
            budget,
            [one.resampled(generator) for one in perils],
            window_s,
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(again, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Figure(
        value, "ratio", min(float(low), value), max(float(high), value), confidence, sum(len(p.losses) for p in perils)
    )
