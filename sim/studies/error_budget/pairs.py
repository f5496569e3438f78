"""Which pairs of faults have to be run together, and a bound on what the others could add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.analytic.availability import k_of_n
from sim.lower.sums import mean_ns
from sim.network.faults import Fault
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


def three_nodes_min(fault: Fault, groups: Mapping[str, int], lasted_s: float) -> float:
    """Bound on what three nodes or more of one kind that are down together can add, minutes a year.

    Nodes that fail by clocks of their own make a Markov chain of how many are down (`sim.analytic.availability`, where
    repair times matter by their mean alone, since nobody waits for a repairer); how often it comes to three, and for
    how long, it tells. Everything is taken to be bad then, and for `lasted_s`, an episode of one, after it. 0 for a
    fault of one clock.
    """
    nodes = sum(groups[one.group] if one.nodes in ("all", "any") else len(one.nodes) for one in fault.targets)
    if not fault.each or nodes < 3 or fault.mttf is None or fault.duration is None:
        return 0.0
    chain = k_of_n(nodes, nodes - 2, mean_ns(fault.mttf) / 1e9, mean_ns(fault.duration) / 1e9)
    return chain.outages_per_s * (chain.outage_mean_s + lasted_s) * YEAR_S / 60
