"""Whether a run has a steady state at all: does the work in progress grow, and does it matter where it started.

Means of a run that grows, or that stays in whichever mode it began, are refused by who prints them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.stats.freedom import FloatArray, t_quantile
from sim.stats.intervals import as_values, mean_interval

MIN_REPLICATIONS = 3
LEVEL = 0.99
"""Confidence where none is given: one run in 200 without a trend is called growing, if the trend also matters."""
MATTERS = 0.1  # of the mean level, over the run


@dataclass(frozen=True, slots=True)
class Drift:
    """Growth of a series over the run.

    growing: whether it grows beyond doubt and by enough to matter; None when there are too few replications to tell.
    falling: whether it falls beyond doubt, as a backlog does with which a run began, however slowly.
    growth: increase over the run in multiples of the mean level, with its interval. A series that fills
        from nothing at a constant rate has 2, a settled one 0.
    """

    growing: bool | None
    growth: Figure
    falling: bool | None = None


def drift(series: ArrayLike, level: float = LEVEL) -> Drift:
    """Trend of a series, such as executions in progress, after the warm-up, judged by its interval at `level`.

    series: (replications, windows), without NaN. Each replication gives one least-squares slope; they are independent
    however correlated the series is within a run. It is growing when the whole interval of the mean slope is above
    zero and the growth is more than a tenth of the level.
    """
    values = np.asarray(series, dtype=np.float64)
    assert values.ndim == 2, "replications x windows"
    assert bool(np.isfinite(values).all())
    replications, windows = values.shape
    assert windows >= 2, "a trend needs two windows"
    mean = float(values.mean())
    if mean == 0:
        return Drift(False, Figure.exact(0.0, "ratio"), False)
    time = np.arange(windows) - (windows - 1) / 2
    slopes = values @ time / float((time**2).sum())
    growth = mean_interval(slopes * windows / mean, "ratio", level)
    if replications < MIN_REPLICATIONS or growth.low is None or growth.value is None:
        return Drift(None, growth.with_note(f"{MIN_REPLICATIONS} replications are needed to tell a trend"))
    falling = growth.high is not None and growth.high < 0
    return Drift(growth.low > 0 and growth.value > MATTERS, growth, falling)


@dataclass(frozen=True, slots=True)
class Modes:
    """Levels that runs reach from an empty and from an overloaded start.

    differ: whether they are two modes, each to be reported by itself and never averaged; None when it cannot be told.
    """

    differ: bool | None
    from_empty: Figure
    from_overload: Figure


def modes(from_empty: ArrayLike, from_overload: ArrayLike, unit: str) -> Modes:
    """Compare the levels of the last half of runs from two starts, one value a replication each.

    They differ when the interval at LEVEL of the difference (Welch's t-test, Biometrika 34, 1947) excludes zero, and
    the levels are more than a tenth apart.
    """
    low, high = as_values(from_empty), as_values(from_overload)
    empty, overload = mean_interval(low, unit), mean_interval(high, unit)
    if low.size < MIN_REPLICATIONS or high.size < MIN_REPLICATIONS:
        return Modes(None, empty, overload)
    gap = abs(float(high.mean() - low.mean()))
    matters = gap > MATTERS * max(abs(float(high.mean())), abs(float(low.mean())))
    a, b = _squared_error(low), _squared_error(high)
    if a + b == 0:
        return Modes(matters, empty, overload)
    freedom = (a + b) ** 2 / (a**2 / (low.size - 1) + b**2 / (high.size - 1))
    reach = t_quantile(LEVEL, freedom) * (a + b) ** 0.5
    return Modes(matters and gap > reach, empty, overload)


def _squared_error(values: FloatArray) -> float:
    return float(values.var(ddof=1)) / values.size
