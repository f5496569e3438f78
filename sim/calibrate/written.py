"""Fitted distributions as one line of YAML, ready for `service:`, `demand:` or `delay:` in a scenario."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.calibrate.families import EXPONENTIAL, GAMMA, LOGNORMAL, SHIFTED, STALLS, WEIBULL, Family
from sim.observed.table import Binned

Floats = NDArray[np.float64]

LEVELS = (0, 0.01, 0.05, *(step / 10 for step in range(1, 10)), 0.95, 0.98, 0.99, 0.995, 0.999, 1)
"""Probabilities of a table of measured values."""

SHIFTED_LEVELS = (*(step / 10 for step in range(10)), 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
"""Probabilities of the table that a shifted exponential is written as: scenarios have no shift."""

DIGITS = 4


def as_yaml(family: Family, theta: Floats) -> str:
    """The fitted distribution. Times with four digits."""
    if family is EXPONENTIAL:
        return f"{{exponential: {duration(theta[0])}}}"
    if family is GAMMA:
        return f"{{gamma: {_mean_cv(theta)}}}"
    if family is LOGNORMAL:
        return _mean_cv(theta)
    if family is WEIBULL:
        return f"{{weibull: {{scale: {duration(theta[0])}, shape: {_number(theta[1])}}}}}"
    if family is SHIFTED:
        # Beyond the last level an exponential has one mean left: a uniform one of the same mean ends at twice that.
        levels = np.array(SHIFTED_LEVELS)
        values = theta[0] - theta[1] * np.log1p(-levels)
        return _table([*values, values[-1] + 2 * theta[1]], [*levels, 1.0])
    assert family is STALLS
    share = float(f"{theta[4]:.{DIGITS}g}")
    body, stall = _mean_cv(theta[:2]), _mean_cv(theta[2:4])
    return f"{{mixture: [{{weight: {1 - share:.12g}, of: {body}}}, {{weight: {share:.12g}, of: {stall}}}]}}"


def table_of(x: Floats) -> str:
    """Quantiles of measured times in s; as many as the sample can tell apart."""
    levels = [level for level in LEVELS if level in (0, 1) or 1 / x.size <= min(level, 1 - level)]
    return _table(np.quantile(x, levels).tolist(), levels)


def table_of_counts(binned: Binned) -> str:
    """Edges of counted intervals as a table; empty ones at the ends are left out. Needs a last edge that is finite."""
    upto = np.concatenate([[0.0], np.cumsum(binned.counts)]) / binned.n
    first = int(np.flatnonzero(upto == 0)[-1])
    last = int(np.flatnonzero(upto >= 1 - 1e-12)[0])
    levels = [*upto[first:last].tolist(), 1.0]
    return _table((binned.edges_ns[first : last + 1] / 1e9).tolist(), levels)


def duration(seconds: float) -> str:
    """A time with four digits in the unit that reads best: `1.234 ms`."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9999 * length:
            return f"{_number(seconds / length)} {unit}"
    return f"{round(seconds * 1e9)} ns"


def _mean_cv(theta: Floats) -> str:
    return f"{{mean: {duration(theta[0])}, cv: {_number(theta[1])}}}"


def _table(values: list[float], levels: list[float]) -> str:
    written = ", ".join(duration(value) for value in values)
    probabilities = ", ".join(f"{level:.6g}" for level in levels)
    return f"{{empirical: {{values: [{written}], probabilities: [{probabilities}]}}}}"


def _number(value: float) -> str:
    """Four digits, never with an exponent."""
    rounded = float(f"{value:.{DIGITS}g}")
    return f"{rounded:.0f}" if rounded >= 10**DIGITS else f"{rounded:g}" if rounded >= 1e-4 else f"{rounded:.8f}"
