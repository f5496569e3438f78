"""The time of things that follow each other, as one distribution; and means, where a network needs them as numbers.

What was computed once is remembered: a scenario asks for the same sum up to a dozen times, and so does each what-if.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sim.draws.build import inverse_of, number_of
from sim.draws.quantiles import quantile
from sim.lower.steps import constant
from sim.network.distributions import Constant, Distribution, Empirical, FromAttribute, Number, OrderStatistic

Array = NDArray[np.float64]

LEVELS = 256
"""Equally likely values that stand for each summand; the greatest is its quantile at 1 - 1/512."""


_remembered = lru_cache(maxsize=1024)


@_remembered
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
    return _table(total, fixed)


@_remembered
def least_of(one: Distribution, other: Distribution) -> Distribution:
    """The lesser of two independent times, as a table where one of them varies (see `sum_of`)."""
    if isinstance(one, Constant) and isinstance(other, Constant):
        return constant(min(one.constant_ns, other.constant_ns))
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    lesser = np.sort(np.minimum.outer(_values(one, levels), _values(other, levels)).ravel())
    return _table(lesser.reshape(LEVELS, LEVELS).mean(axis=1), 0)


@_remembered
def kth_fastest(k: int, of: Distribution, ahead_ns: tuple[int, ...]) -> Distribution:
    """The k-th fastest of several that start together, alike but for a fixed time that each has ahead of it.

    With the same time ahead it is an order statistic. Otherwise the chance that at least k are done is summed up over
    all ways in which they may be (a Poisson binomial), at LEVELS x LEVELS equally spaced times between the ends, and
    kept as a table of quantiles.
    """
    if len(set(ahead_ns)) == 1:
        if len(ahead_ns) == 1:
            return sum_of(constant(ahead_ns[0]), of)
        return sum_of(constant(ahead_ns[0]), OrderStatistic(fastest=OrderStatistic.Order(k=k, n=len(ahead_ns), of=of)))
    if isinstance(of, Constant):
        return constant(sorted(ahead_ns)[k - 1] + of.constant_ns)
    fine = (np.arange(LEVELS * 16) + 0.5) / (LEVELS * 16)
    own = _values(of, fine)
    ahead = np.array(ahead_ns) * 1e-9
    times = np.linspace(own[0] + ahead.min(), own[-1] + ahead.max(), LEVELS * LEVELS)
    exactly = [np.ones_like(times)] + [np.zeros_like(times) for _ in ahead_ns]
    for one in ahead:
        done = np.interp(times - one, own, fine, left=0.0, right=1.0)
        for count in range(len(exactly) - 1, 0, -1):
            exactly[count] = exactly[count] * (1 - done) + exactly[count - 1] * done
        exactly[0] = exactly[0] * (1 - done)
    at_least = np.sum(exactly[k:], axis=0)
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    return _table(np.interp(levels, np.maximum.accumulate(at_least), times), 0)


def _table(values_s: Array, fixed_ns: int) -> Empirical:
    """LEVELS equally likely values and a fixed time as a table of quantiles, a step beyond each end included."""
    levels = ((np.arange(LEVELS) + 0.5) / LEVELS).tolist()
    ends = (2 * values_s[0] - values_s[1], *values_s, 2 * values_s[-1] - values_s[-2])
    values = [round(value * 1e9) + fixed_ns for value in ends]
    values[0] = max(values[0], fixed_ns)
    return Empirical(empirical=Empirical.Table(values_ns=tuple(values), probabilities=(0.0, *levels, 1.0)))


@_remembered
def mean_ns(distribution: Distribution) -> float:
    """Mean of a time in ns."""
    return inverse_of(distribution).mean() * 1e9


def mean_count(number: Number | None) -> float:
    """Mean of a count; 1 where none is given."""
    if number is None:
        return 1.0
    assert not isinstance(number, FromAttribute), "a scenario's executions carry no attributes of the user's"
    return number_of(number).mean()


def levels_s(part: Distribution) -> Array:
    """LEVELS equally likely values in s that stand for a distribution."""
    return _values(part, (np.arange(LEVELS) + 0.5) / LEVELS)


def _values(part: Distribution, levels: Array) -> Array:
    return quantile(inverse_of(part), levels, 1 - levels)
