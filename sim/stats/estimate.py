"""Means of few skewed values, with all that a sum of such means needs to have an interval: pivots to draw from.

A known mean of something that goes along with the values (the length of an outage) takes out what chance has given
them of it. Values of replications are in `intervals`, single intervals of skewed values in `skewed`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.stats.freedom import FloatArray
from sim.stats.skewed import MIN_VALUES, RESAMPLES


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and what is not known about it.

    error: its standard error; None where there are fewer than MIN_VALUES values. pivots: what (mean of a sample - true
    mean) / error of the sample may be, by the bootstrap. n: values. most: where every value is 0, what a single one
    may be at most. gain: variance of the plain mean over that of this one.
    """

    value: float
    error: float | None
    pivots: FloatArray
    n: int
    most: float = 0.0
    gain: float = 1.0

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was seen: all values are 0."""
        return self.value == 0 and self.error == 0

    def draws(self, count: int, generator: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """What the true mean may be, `count` times over, as (low, high): two accounts that differ only where nothing
        was seen.

        The draws are a confidence distribution: their quantiles are the ends of the bootstrap-t interval at every
        level. Where all of n values are 0, a share of them above -log(u) / n would have shown with a chance of 1 - u
        (the rule of three at u = 0.05); the low account leaves it at 0, the high one takes that share times `most`.
        """
        if self.error is None:
            unknown = np.full(count, math.nan)
            return unknown, unknown
        if self.is_nothing:
            share = np.minimum(generator.exponential(size=count) / self.n, 1.0)
            return np.zeros(count), share * self.most
        if self.error == 0:
            known = np.full(count, self.value)
            return known, known
        found = self.value - self.error * generator.choice(self.pivots, count)
        return found, found

    def scaled(self, factor: float) -> Estimate:
        """The mean of values in another unit."""
        error = None if self.error is None else self.error * factor
        return Estimate(self.value * factor, error, self.pivots, self.n, self.most * factor, self.gain)


def estimate(
    values: FloatArray,
    control: FloatArray | None = None,
    control_mean: float | None = None,
    most: float = 0.0,
    seed: int = 0,
) -> Estimate:
    """The mean of independent values by bootstrap-t (Hall, Annals of Statistics 16, 1988), with a control variate.

    control, control_mean: what goes along with each value, and its mean as it is known; used where it varies. The
    mean is then that of the regression on it at the known mean (Lavenberg & Welch, Management Science 27, 1981); its
    bias is of order 1 / n, and the regression is made anew in each resample, so that the pivots know of it.
    seed: samples whose means are added up need different ones.
    """
    values = np.asarray(values, float)
    n = len(values)
    assert n > 0, "a mean of something"
    if control_mean is None or control is None or n < MIN_VALUES or not np.ptp(control) or not np.ptp(values):
        control = control_mean = None
    value, error = (
        float(one[0]) for one in _means(values[None, :], None if control is None else control[None, :], control_mean)
    )
    if n < MIN_VALUES:
        return Estimate(float(values.mean()), None, np.zeros(0), n, most)
    if not np.ptp(values):
        return Estimate(float(values[0]), 0.0, np.zeros(1), n, most)
    chosen = np.random.default_rng([20070501, seed]).integers(0, n, (RESAMPLES, n))
    # In the world of the resamples the mean of the control is that of the sample.
    at = None if control is None else float(control.mean())
    means, errors = _means(values[chosen], None if control is None else control[chosen], at)
    centre = float(values.mean())
    varied = errors > 1e-12 * max(1.0, abs(centre))
    plain = float(values.std(ddof=1)) / math.sqrt(n)
    if not varied.any():  # the control tells all of it
        return Estimate(value, 0.0, np.zeros(1), n, most)
    pivots = np.sort((means[varied] - centre) / errors[varied])
    return Estimate(value, error, pivots, n, most, (plain / error) ** 2 if error else 1.0)


def student(values: FloatArray) -> Estimate:
    """The mean of two or more values, each a sum over a long run and so nearly normal, with Student's t."""
    from scipy.special import stdtrit

    n = len(values)
    assert n > 1, "one value tells nothing of its error"
    levels = (np.arange(RESAMPLES) + 0.5) / RESAMPLES
    error = float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(float(np.mean(values)), error, stdtrit(n - 1, levels), n)


def weights_at(control: FloatArray, control_mean: float | None) -> FloatArray:
    """Weights of the values, 1 on average, under which their mean is that of the regression on the control: lengths of
    which chance has given too few count for more. None is below 0; where one would be, the mean is met less exactly.

    Source: the generalised regression estimator, Särndal, Swensson & Wretman, Model Assisted Survey Sampling (1992),
    section 6.5.
    """
    n = len(control)
    if control_mean is None or n < MIN_VALUES or not np.ptp(control):
        return np.ones(n)
    away = control - control.mean()
    weights = np.maximum(1 + (control_mean - control.mean()) * away * n / (away**2).sum(), 0.0)
    found: FloatArray = weights / weights.mean()
    return found


def _means(
    values: FloatArray, control: FloatArray | None, control_mean: float | None
) -> tuple[FloatArray, FloatArray]:
    """Mean and its standard error of each row, by regression on the control where there is one."""
    n = values.shape[1]
    mean = values.mean(axis=1)
    if control is None:
        return mean, values.std(axis=1, ddof=1) / math.sqrt(n) if n > 1 else np.zeros(len(values))
    assert control_mean is not None
    away = control - control.mean(axis=1, keepdims=True)
    spread = (away**2).sum(axis=1)
    safe = np.where(spread > 0, spread, 1.0)
    slope = np.where(spread > 0, (away * values).sum(axis=1) / safe, 0.0)
    rest = values - mean[:, None] - slope[:, None] * away
    moved = control.mean(axis=1) - control_mean
    # Of the point on the line at the known mean: the further it is from the sample's, the less is known about it.
    variance = (rest**2).sum(axis=1) / (n - 2) * (1 / n + moved**2 / safe)
    return mean - slope * moved, np.sqrt(variance)
