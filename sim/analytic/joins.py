"""The time until some of several independent times are over. APPROXIMATE: each is taken as a gamma by two moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.draws.special import gammainc

POINTS = 160
"""Points at which laws are known, evenly in the square root of time, which leaves no more than one in a thousand of a
mean to chance."""
TAIL = 14.0
"""Standard deviations beyond the greatest mean at which everything is over."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time: its mean and its variance, in s and s squared."""

    mean: float
    variance: float


def joined(spells: Sequence[Spell], needed: int, counts: Sequence[float] | None = None) -> Spell:
    """The time until `needed` of independent times are over. counts: how many there are of each, one by default;
    counts that are not whole are taken between the two next to them, where all are needed or one.

    >>> joined([Spell(1.0, 1.0)], 1, [2])     # the first of two exponentials
    Spell(mean=0.5, variance=0.25)
    """
    numbers = [1.0] * len(spells) if counts is None else list(counts)
    total = sum(numbers)
    if needed <= 0 or not spells or total <= 0:
        return Spell(0.0, 0.0)
    times, laws = _laws(spells)
    if needed >= total:
        over = np.prod([law**number for law, number in zip(laws, numbers, strict=True)], axis=0)
    elif needed == 1:
        over = 1 - np.prod([(1 - law) ** number for law, number in zip(laws, numbers, strict=True)], axis=0)
    else:
        over = _at_least(laws, [max(round(number), 0) for number in numbers], needed)
    return _moments(times, over)


def first_of(spells: Sequence[Spell]) -> tuple[Spell, list[float]]:
    """The time until the first is over, and the chance of each to be it."""
    times, laws = _laws(spells)
    left = [1 - law for law in laws]
    chances = []
    for at, law in enumerate(laws):
        others = np.prod([one for index, one in enumerate(left) if index != at], axis=0) if len(left) > 1 else 1.0
        others = np.broadcast_to(others, law.shape)
        chances.append(float(np.sum(np.diff(law) * (others[1:] + others[:-1]) / 2)))
    total = sum(chances)
    chances = [one / total for one in chances] if total > 0 else [1 / len(spells)] * len(spells)
    return _moments(times, 1 - np.prod(left, axis=0)), chances


def _laws(spells: Sequence[Spell]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    last = max(one.mean + TAIL * math.sqrt(one.variance) for one in spells)
    times = max(last * 1.001, 1e-12) * np.linspace(0, 1, POINTS) ** 2
    laws = []
    for one in spells:
        if one.variance <= 1e-9 * one.mean**2:
            laws.append((times >= one.mean).astype(np.float64))
        else:
            scale = one.variance / one.mean
            laws.append(np.asarray(gammainc(one.mean / scale, times / scale), np.float64))
    return times, laws


def _at_least(laws: Sequence[NDArray[np.float64]], counts: Sequence[int], needed: int) -> NDArray[np.float64]:
    """The chance that at least `needed` are over, by the number of those that are, one after the other."""
    over = np.zeros((needed + 1, laws[0].size))
    over[0] = 1.0
    for law, count in zip(laws, counts, strict=True):
        for _ in range(count):
            over[needed] += over[needed - 1] * law
            over[1:needed] = over[1:needed] * (1 - law) + over[: needed - 1] * law
            over[0] *= 1 - law
    return over[needed]


def _moments(times: NDArray[np.float64], over: NDArray[np.float64]) -> Spell:
    left = 1 - over
    mean = float(np.trapezoid(left, times))
    second = float(np.trapezoid(2 * times * left, times))
    return Spell(mean, max(second - mean * mean, 0.0))
