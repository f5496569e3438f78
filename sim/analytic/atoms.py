"""Laws of the numbers that executions carry, as a few values with their chances. APPROXIMATE above MOST values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np

from sim.draws.build import number_of
from sim.network.distributions import Number

Atoms = tuple[tuple[float, float], ...]
"""Values in rising order, each with its chance; the chances add up to 1."""
MOST = 24
"""So many values are kept; of more, neighbours are taken together, which keeps the mean."""
LEVELS = 16
"""So many quantiles stand for a drawn number: their mean is its mean, to one in a thousand."""


def exactly(value: float) -> Atoms:
    """The law of what is always the same."""
    return ((float(value), 1.0),)


@cache
def atoms_of(number: Number) -> Atoms:
    """The law of a drawn count: quantiles in the middle of LEVELS equal parts, moved to have its mean."""
    if isinstance(number, int):
        return exactly(number)
    inverse = number_of(number)
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    values = np.array([inverse.quantile(float(level)) for level in levels])
    mean, raw = inverse.mean(), float(values.mean())
    if raw > 0:
        values = values * (mean / raw)
    return merged([(float(value), 1 / LEVELS) for value in values])


def mean_of(law: Atoms) -> float:
    """Its mean."""
    return sum(value * chance for value, chance in law)


def moved(law: Atoms, change: Callable[[float], float]) -> Atoms:
    """The law of a function of the number."""
    return merged([(change(value), chance) for value, chance in law])


def summed(one: Atoms, other: Atoms) -> Atoms:
    """The law of the sum of two independent numbers."""
    if len(other) == 1:
        add = other[0][0]
        return tuple((value + add, chance) for value, chance in one)
    return merged([(a + b, p * q) for a, p in one for b, q in other])


def mixed(parts: list[tuple[Atoms, float]]) -> Atoms:
    """The law of a number that is one of several, by weights of any sum."""
    first = parts[0][0]
    if all(law == first for law, _ in parts):
        return first
    total = sum(weight for _, weight in parts)
    return merged([(value, chance * weight / total) for law, weight in parts for value, chance in law if weight])


def split(law: Atoms, holds: Callable[[float], bool]) -> tuple[float, Atoms, Atoms]:
    """The chance of a condition; the law where it holds, and where it does not, the whole law where that never is."""
    inside = [(value, chance) for value, chance in law if holds(value)]
    outside = [(value, chance) for value, chance in law if not holds(value)]
    chance = sum(part for _, part in inside)
    if not inside or not outside:
        return (1.0 if inside else 0.0), law, law
    return chance, _whole(inside), _whole(outside)


def merged(pairs: list[tuple[float, float]]) -> Atoms:
    """A law of pairs in any order: equal values together, then neighbours of the least chance, until they are few."""
    found: dict[float, float] = {}
    for value, chance in pairs:
        found[value] = found.get(value, 0.0) + chance
    rest = sorted((value, chance) for value, chance in found.items() if chance > 0)
    while len(rest) > MOST:
        least = min(range(len(rest) - 1), key=lambda at: rest[at][1] + rest[at + 1][1])
        (low, p), (high, q) = rest[least], rest[least + 1]
        rest[least : least + 2] = [((low * p + high * q) / (p + q), p + q)]
    return tuple(rest)


def at_least(law: Atoms, rounds: int) -> float:
    """The chance to be at least that many, a value between two whole numbers being a mixture of both."""
    return sum(chance * min(1.0, max(0.0, value - rounds + 1)) for value, chance in law)


def _whole(pairs: list[tuple[float, float]]) -> Atoms:
    total = sum(chance for _, chance in pairs)
    found = tuple((value, chance / total) for value, chance in pairs)
    assert all(one[0] < other[0] for one, other in pairwise(found)), found
    return found
