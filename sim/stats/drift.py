"""Whether a quantity has a mean at all: does the work in progress grow, does it matter where it started, are durations
so heavy-tailed that their mean has no t-interval.

Means of a run that grows, or that stays in whichever mode it began, are refused by who prints them. With infinite
variance the mean of a run is ruled by its largest value, and no number of replications makes it normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.results.histogram import Histogram, bucket_first, bucket_last
from sim.stats.intervals import FloatArray, as_values, mean_interval, t_quantile

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


TAIL_SHARES = (0.01, 0.001)
MIN_IN_TAIL = 200


def tail_index(histogram: Histogram, tail_share: float) -> float | None:
    """Hill's estimate of the tail index: P(T > t) falls like t^-index over the largest `tail_share` of durations.

    Infinite for a tail without spread; None with fewer than MIN_IN_TAIL durations in it. The variance is infinite at
    an index of 2 or less. Source: Hill, Annals of Statistics 3 (1975).
    """
    if histogram.count * tail_share < MIN_IN_TAIL:
        return None
    edge, _ = histogram.locate(1 - tail_share)
    indices = np.arange(histogram.first, histogram.first + histogram.counts.size)
    tail = indices > edge
    counts = histogram.counts[tail]
    if counts.sum() == 0:
        return float("inf")
    middle = (bucket_first(indices[tail]) + bucket_last(indices[tail])) / 2
    inverse = float((counts * np.log(middle / float(bucket_last(edge)))).sum() / counts.sum())
    return 1 / inverse if inverse > 0 else float("inf")


def infinite_variance(replications: Sequence[Histogram], confidence: float = 0.95) -> str:
    """Why a t-interval of the mean has to be refused; empty when it need not.

    A tail is called too heavy when the index is below 2 beyond doubt over the largest 1 % and over the largest
    0.1 %, as far as there is data: a power law has the same index at both, a lognormal thins out.
    """
    pooled = Histogram.merged(replications)
    found: list[float] = []
    for share in TAIL_SHARES:
        index = tail_index(pooled, share)
        if index is None:
            break
        rest = [
            tail_index(Histogram.merged([*replications[:i], *replications[i + 1 :]]), share)
            for i in range(len(replications))
        ]
        inverse = [1 / leave_one_out for leave_one_out in rest if leave_one_out is not None]
        n = len(inverse)
        if n < 2:
            break
        # Pseudo-values of the jackknife over replications, for durations of one run are not independent.
        pseudo = [n / index - (n - 1) * each for each in inverse]
        low = mean_interval(pseudo, "", confidence).low
        if low is None or low <= 0.5:
            return ""
        found.append(index)
    if not found:
        return ""
    return f"the tail falls like t^-{found[-1]:.2g}, so that the variance is infinite: report percentiles instead"
