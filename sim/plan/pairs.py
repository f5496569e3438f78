"""Which pairs of faults have to be run together, and a bound on what the others could add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.stats.harm import Harm
from sim.stats.rates import YEAR_S, Frequency

WORTH = 0.01
"""Share of the budget above which a pair's bound has it run."""
MOST = 6
"""Pairs that are run, those with the greatest bounds."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A second fault that begins while the first one's episode lasts.

    bound_min: the minutes that the pair can add in a year, if all events are bad for as long as the two episodes last,
    one after the other. It is exceeded only where together they last longer than that.
    """

    first: str
    second: str
    bound_min: float
    is_run: bool


def meetings(often: Mapping[str, Frequency], harms: Mapping[str, Sequence[Harm]], budget_min: float) -> list[Meeting]:
    """Every ordered pair, the greatest bound first. A kind may meet itself."""
    lasted = {name: np.array([harm.lasted_s for harm in found]) for name, found in harms.items()}
    found = []
    for first, long in lasted.items():
        for second, longer in lasted.items():
            both_s2 = float((long**2).mean() + long.mean() * longer.mean())
            bound = often[first].per_s * often[second].per_s * both_s2 * YEAR_S / 60
            found.append(Meeting(first, second, bound, False))
    found.sort(key=lambda one: -one.bound_min)
    return [
        Meeting(one.first, one.second, one.bound_min, index < MOST and one.bound_min > WORTH * budget_min)
        for index, one in enumerate(found)
    ]
