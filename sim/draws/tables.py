"""Tables of the kinds STEP, LINEAR and SCORE: built once, before the run, and part of what the run is hashed by.

Knots of SCORE are rounded to multiples of 2^-36, a hundred times finer than the table is exact, and levels of the
others to 2^-48, because the functions of SciPy differ in their last bits from one machine to the next and the tables
should not.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.draws import kinds
from sim.draws.kinds import Inverse
from sim.draws.moments import quadrature

Array = NDArray[np.float64]

_GRAIN = 2.0**36
_LEVEL_GRAIN = 2.0**48
_LOG_NEVER = -745.0  # exp of it is the least double: far below a nanosecond


def score_table(log_quantile: Callable[[Array, Array], Array]) -> Array:
    """Table of the kind SCORE: ln x and its slope per cell at equally spaced normal scores.

    log_quantile: ln x at the levels (u, s = 1 - u), rising and smooth in the normal score. The interpolant rises too
    (slopes are held to what Fritsch & Carlson, SIAM J. Numer. Anal. 17 (1980) allow). Error of x: about 1e-7
    relative for gamma shapes between 0.1 and 1000; tested.
    """
    from sim.draws.special import ndtr

    fine = 4  # slopes by the five-point rule on a grid four times as fine
    step = 1.0 / (kinds.SCORE_PER_UNIT * fine)
    y = kinds.SCORE_LOW + step * (np.arange((kinds.SCORE_KNOTS - 1) * fine + 5) - 2)
    f = np.maximum(log_quantile(ndtr(y), ndtr(-y)), _LOG_NEVER)
    value = f[2:-2:fine]
    slope = fine * (f[:-4] - 8 * f[1:-3] + 8 * f[3:-1] - f[4:])[::fine] / 12
    value, slope = np.rint(value * _GRAIN) / _GRAIN, np.rint(slope * _GRAIN) / _GRAIN
    rise = np.diff(value)
    limit = 3.0 * np.minimum(np.append(rise, rise[-1]), np.insert(rise, 0, rise[0]))
    table = np.empty(2 * kinds.SCORE_KNOTS)
    table[0::2], table[1::2] = value, np.clip(slope, 0.0, limit)
    return table


def score(log_quantile: Callable[[Array, Array], Array], moments: tuple[float, float] | None = None) -> Inverse:
    """A distribution of the kind SCORE; moments: its mean and variance, integrated from the table without."""
    table = score_table(log_quantile)
    mean, variance = moments or quadrature(Inverse(kinds.SCORE, table=table))
    return Inverse(kinds.SCORE, mean, variance / mean**2 if math.isfinite(mean) else math.inf, table=table)


def gamma_log_quantile(shape: float) -> Callable[[Array, Array], Array]:
    """ln of the gamma quantile at scale 1, in both tails and for small shapes, where x itself underflows."""
    from sim.draws.special import gammainccinv, gammaincinv, gammaln

    def log_quantile(u: Array, s: Array) -> Array:
        # Near 0 the distribution function is x^shape / Gamma(shape + 1).
        near_zero = (np.log(u) + gammaln(shape + 1.0)) / shape
        with np.errstate(divide="ignore"):
            log_x = np.log(np.where(u < 0.5, gammaincinv(shape, np.minimum(u, 0.5)), gammainccinv(shape, s)))
        result: Array = np.where(near_zero < -40.0, near_zero, log_x)
        return result

    return log_quantile


def step(levels: Array, values: Array) -> Inverse:
    """Value j with probability levels[j] - levels[j - 1]; levels rise to 1."""
    levels = np.rint(levels * _LEVEL_GRAIN) / _LEVEL_GRAIN
    kept = np.diff(levels, prepend=0.0) > 0.0
    return Inverse(kinds.STEP, table=np.concatenate([levels[kept], values[kept]]))


def linear(levels: Array, values: Array) -> Inverse:
    """A quantile function that is linear between the points (level, value); levels rise from 0 to 1, values rise.

    Two points at one level are a gap that no value falls into, two with one value are an atom.
    """
    assert levels[0] == 0.0
    assert levels[-1] == 1.0
    levels = np.rint(levels * _LEVEL_GRAIN) / _LEVEL_GRAIN
    return Inverse(kinds.LINEAR, table=np.concatenate([levels, np.maximum.accumulate(values)]))


def linear_knots(inverse: Inverse) -> tuple[Array, Array]:
    """Levels and values of a UNIFORM, STEP or LINEAR distribution as those of the kind LINEAR."""
    if inverse.kind == kinds.UNIFORM:
        return np.array([0.0, 1.0]), np.array([inverse.a, inverse.b])
    levels: Array
    values: Array
    levels, values = np.split(inverse.table, 2)
    if inverse.kind == kinds.STEP:
        return np.column_stack([np.insert(levels[:-1], 0, 0.0), levels]).ravel(), np.repeat(values, 2)
    return levels, values


def poisson(mean: float) -> Inverse:
    """Poisson counts as a STEP table over all counts that a draw can reach."""
    from sim.draws.special import pdtr

    reach = 9.0 * math.sqrt(mean) + 40.0  # beyond: less than 2^-53 on either side
    counts = np.arange(max(math.floor(mean - reach), 0), math.ceil(mean + reach) + 1, dtype=float)
    levels = pdtr(counts, mean)
    levels[-1] = 1.0
    return step(levels, counts)
