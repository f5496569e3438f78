"""Few independent values that are very skewed: their intervals, as of times to recover, which may be infinite; and
means with all that a sum of such means needs to have an interval, pivots to draw from.

A known mean of something that goes along with the values (the length of an outage) takes out what chance has given
them of it. Values of replications that are sums of many things are in `intervals`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.stats.intervals import FloatArray, as_values, unseen

MIN_VALUES = 20
RESAMPLES = 4999
_SEED = 20070501  # fixed, so that the same values always have the same interval


def bootstrap_t_interval(values: ArrayLike, unit: str, confidence: float = 0.95) -> Figure:
    """Mean of finite independent values with its bootstrap-t interval.

    It is second-order right for skewed values (Hall, Annals of Statistics 16, 1988). Fewer than MIN_VALUES give a
    mean without an interval. The result does not depend on the order of the values.
    """
    values = np.sort(as_values(values))
    n = values.size
    if n == 0:
        return Figure.refused(unit, "nothing was seen")
    mean = float(values.mean())
    if bool((values == values[0]).all()) and n > 1:
        return Figure(float(values[0]), unit, float(values[0]), float(values[0]), confidence, n)
    if n < MIN_VALUES:
        return Figure(mean, unit, n=n, note=f"no interval from {n} values; {MIN_VALUES} are needed")
    error = float(values.std(ddof=1)) / math.sqrt(n)
    draws = values[np.random.default_rng(_SEED).integers(0, n, (RESAMPLES, n))]
    spread = draws.std(axis=1, ddof=1)
    varied = spread > 0
    t = (draws[varied].mean(axis=1) - mean) / (spread[varied] / math.sqrt(n))
    t_low, t_high = np.quantile(t, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Figure(mean, unit, mean - float(t_high) * error, mean - float(t_low) * error, confidence, n)


def independent_percentile(values: ArrayLike, p: float, unit: str, confidence: float = 0.95) -> Figure:
    """The p-quantile of independent values, infinite ones included, with the exact interval of order statistics.

    It is refused where it falls among the infinite values. Where so few values lie beyond it that no order statistic
    bounds it from above (below 72 values for a 95th percentile), `high` is None, and the note says how many are
    needed. Valid for independent values only, never for executions of one run.
    Source: David & Nagaraja, Order Statistics (2003), section 7.1.
    """
    from sim.draws.special import bdtr

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    assert not bool(np.isnan(ordered).any())
    n = ordered.size
    if n == 0:
        return Figure.refused(unit, "nothing was seen")
    value = float(ordered[max(math.ceil(p * n - 1e-9) - 1, 0)])
    if math.isinf(value):
        return Figure.refused(unit, f"{int(np.isinf(ordered).sum())} of {n} never came", n)
    tail = (1 - confidence) / 2
    # The k-th smallest value (from 1) lies above the quantile with probability P(Binomial(n, p) <= k - 1).
    at_most = np.asarray(bdtr(np.arange(n), n, p))
    lower = int((at_most <= tail).sum())
    upper = int((at_most < 1 - tail).sum()) + 1
    low = float(ordered[lower - 1]) if lower >= 1 else None
    high = float(ordered[upper - 1]) if upper <= n else None
    if high is not None and math.isinf(high):
        return Figure(value, unit, low, None, confidence, n, "the upper end lies among those that never came")
    if low is None or high is None:
        needed = math.ceil(math.log(tail) / math.log(max(p, 1 - p)))
        return Figure(value, unit, low, high, confidence, n, f"{needed} values bound it on both sides")
    return Figure(value, unit, low, high, confidence, n)


def independent_share(hits: int, n: int, confidence: float = 0.95) -> Figure:
    """Share of n independent yes-or-no outcomes with its exact interval (Clopper & Pearson, Biometrika 26, 1934).

    None, or all, give the one-sided limit 3/n of the rule of three.
    """
    from sim.draws.special import betaincinv

    assert 0 <= hits <= n
    if n == 0:
        return Figure.refused("ratio", "nothing was seen")
    if hits in (0, n):
        return unseen(hits / n, n, "ratio", confidence)
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, n - hits + 1, tail))
    high = float(betaincinv(hits + 1, n - hits, 1 - tail))
    return Figure(hits / n, "ratio", low, high, confidence, n)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error and bootstrap pivots, from which sums of means draw their intervals.

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
        if self.value == 0 and self.error == 0:  # nothing was seen
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
    from sim.draws.special import stdtrit

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
