"""Periodic load: whole cycles as batches, warm-up in whole cycles, and figures by phase of the cycle.

A load that follows the hour of the day has no steady state, so its warm-up is not searched for (see `warmup`): it is
a number of whole cycles, and what is reported is the average over whole cycles, the worst phase, and the share of
windows inside the objective.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.stats.batches import von_neumann
from sim.stats.freedom import FloatArray
from sim.stats.intervals import mean_interval, proportion_interval
from sim.stats.verdicts import Side

MIN_REPLICATIONS = 5
_CORRELATED = 1.645  # one-sided 5 % of the normal distribution


@dataclass(frozen=True, slots=True)
class Cycles:
    """The part of a run that is counted, [start_ns, end_ns): `count` whole cycles of `cycle_ns`."""

    cycle_ns: int
    start_ns: int
    count: int

    @property
    def end_ns(self) -> int:
        """End of the last whole cycle."""
        return self.start_ns + self.count * self.cycle_ns


def common_cycle_ns(periods_ns: Sequence[int]) -> int:
    """Length after which all schedules repeat together: their least common multiple."""
    assert periods_ns
    assert all(period > 0 for period in periods_ns)
    return math.lcm(*periods_ns)


def whole_cycles(horizon_ns: int, cycle_ns: int, warm_up_ns: int) -> Cycles:
    """The whole cycles of a run after a warm-up, which is rounded up to whole cycles; `count` is 0 if none is left."""
    assert cycle_ns > 0
    assert warm_up_ns >= 0
    skipped = -(-warm_up_ns // cycle_ns)
    return Cycles(cycle_ns, skipped * cycle_ns, max(0, horizon_ns // cycle_ns - skipped))


def by_cycle(series: ArrayLike, windows_per_cycle: int) -> FloatArray:
    """Series cut into cycles: (replications, windows) becomes (replications, cycles, phases); the rest is dropped."""
    values = np.asarray(series, dtype=np.float64)
    assert values.ndim == 2, "replications x windows"
    cycles = values.shape[1] // windows_per_cycle
    return values[:, : cycles * windows_per_cycle].reshape(values.shape[0], cycles, windows_per_cycle)


def cycle_interval(series: ArrayLike, windows_per_cycle: int, unit: str, confidence: float = 0.95) -> Figure:
    """Mean over whole cycles of a series (replications, windows) after the warm-up.

    With MIN_REPLICATIONS or more the replications are the independent values. With fewer each cycle is one, provided
    that von Neumann's test at the 5 % level finds no correlation from cycle to cycle; else it is refused.
    """
    means = by_cycle(series, windows_per_cycle).mean(axis=2)
    replications, cycles = means.shape
    if cycles == 0:
        return Figure.refused(unit, "the run holds no whole cycle after the warm-up", replications)
    if replications >= MIN_REPLICATIONS:
        return mean_interval(means.mean(axis=1), unit, confidence)
    if replications * cycles < MIN_REPLICATIONS:
        note = f"best guess {means.mean():.4g}; {MIN_REPLICATIONS} replications or cycles are needed"
        return Figure.refused(unit, note, replications * cycles)
    if cycles > 2 and max(von_neumann(row)[0] for row in means) > _CORRELATED:
        note = f"best guess {means.mean():.4g}; cycles are correlated, {MIN_REPLICATIONS} replications are needed"
        return Figure.refused(unit, note, replications * cycles)
    return mean_interval(means.ravel(), unit, confidence)


def phase_means(series: ArrayLike, windows_per_cycle: int, unit: str, confidence: float = 0.95) -> list[Figure]:
    """Mean of each phase of the cycle over replications, each with an interval of its own."""
    phases = by_cycle(series, windows_per_cycle).mean(axis=1)
    return [mean_interval(column, unit, confidence) for column in phases.T]


def worst_phase(
    figures_at: Callable[[float], Sequence[Figure]], worst: Side = "above", confidence: float = 0.95
) -> tuple[int, Figure]:
    """Phase with the worst figure, and an interval of that worst figure.

    figures_at: the figures of all phases at the confidence it is called with, such as
        `lambda level: phase_means(series, 24, "s", level)`.
    worst: "above" where more is worse.

    Picking the worst of 24 estimates favours the one that chance made worst. The intervals of the phases are taken at
    1 - (1 - confidence) / phases (Bonferroni), so that all hold together; the worst true value then lies between the
    worst of their low ends and the worst of their high ends. Refused when any phase is, for that could be the worst.
    """
    phases = len(figures_at(confidence))
    figures = figures_at(1 - (1 - confidence) / phases)
    values: list[float] = []
    lows: list[float] = []
    highs: list[float] = []
    for index, figure in enumerate(figures):
        if figure.value is None or figure.low is None or figure.high is None:
            return index, Figure.refused(figure.unit, f"phase {index}: {figure.note}", figure.n)
        values.append(figure.value)
        lows.append(figure.low)
        highs.append(figure.high)
    pick = max if worst == "above" else min
    place = values.index(pick(values))
    chosen = figures[place]
    return place, Figure(pick(values), chosen.unit, pick(lows), pick(highs), confidence, chosen.n, f"phase {place}")


def share_inside(series: ArrayLike, bound: float, side: Side, confidence: float = 0.95) -> Figure:
    """Share of windows whose value is inside an objective, such as a window's p99 below 200 ms.

    series: (replications, windows), NaN for windows that saw nothing; those count neither way. Independent units are
    the replications.
    """
    values = np.asarray(series, dtype=np.float64)
    assert values.ndim == 2, "replications x windows"
    inside = values <= bound if side == "below" else values >= bound
    return proportion_interval(inside.sum(axis=1), (~np.isnan(values)).sum(axis=1), confidence=confidence)
