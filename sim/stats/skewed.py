"""Intervals for independent values that are few, very skewed, and may be infinite, such as times to recover.

Values of replications that are sums of many things are in `intervals`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.stats.intervals import as_values, unseen

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
    from scipy.special import bdtr

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
    from scipy.special import betaincinv

    assert 0 <= hits <= n
    if n == 0:
        return Figure.refused("ratio", "nothing was seen")
    if hits in (0, n):
        return unseen(hits / n, n, "ratio", confidence)
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, n - hits + 1, tail))
    high = float(betaincinv(hits + 1, n - hits, 1 - tail))
    return Figure(hits / n, "ratio", low, high, confidence, n)
