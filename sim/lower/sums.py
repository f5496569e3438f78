"""The time of things that follow each other, as one distribution; and means, where a network needs them as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.draws.build import inverse_of, number_of
from sim.draws.quantiles import quantile
from sim.network.distributions import Constant, Distribution, Empirical, FromAttribute, Number

Array = NDArray[np.float64]

LEVELS = 256
"""Equally likely values that stand for each summand; the greatest is its quantile at 1 - 1/512."""


def sum_of(*parts: Distribution) -> Distribution:
    """The sum of independent times.

    Constants only move a distribution. Two that vary are added value by value (LEVELS x LEVELS equally likely sums, of
    which as many quantiles are kept as a table), so that no shape is assumed; mean and spread agree with theirs to
    within a percent for the tails that times of flushes and timeouts have.
    """
    fixed = sum(part.constant_ns for part in parts if isinstance(part, Constant))
    varying = [part for part in parts if not isinstance(part, Constant)]
    if not varying:
        return Constant(constant_ns=fixed)
    if len(varying) == 1 and fixed == 0:
        return varying[0]
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    total = _values(varying[0], levels)
    for part in varying[1:]:
        sums = np.sort(np.add.outer(total, _values(part, levels)).ravel())
        total = sums.reshape(LEVELS, LEVELS).mean(axis=1)  # the mean of each slice keeps the mean of the whole
    values = [round(value * 1e9) + fixed for value in (2 * total[0] - total[1], *total, 2 * total[-1] - total[-2])]
    probabilities = [0.0, *levels.tolist(), 1.0]
    values[0] = max(values[0], fixed)
    return Empirical(empirical=Empirical.Table(values_ns=tuple(values), probabilities=tuple(probabilities)))


def mean_ns(distribution: Distribution) -> float:
    """Mean of a time in ns."""
    return inverse_of(distribution).mean() * 1e9


def mean_count(number: Number | None) -> float:
    """Mean of a count; 1 where none is given."""
    if number is None:
        return 1.0
    assert not isinstance(number, FromAttribute), "a scenario's executions carry no attributes of the user's"
    return number_of(number).mean()


def _values(part: Distribution, levels: Array) -> Array:
    return quantile(inverse_of(part), levels, 1 - levels)
