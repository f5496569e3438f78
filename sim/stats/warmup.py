"""Where the warm-up of a stationary scenario ends: one cut for all its figures, or a refusal; and the whole cycles of
a periodic load, which has no steady state and whose warm-up is not searched for.

The search is for scenarios whose load and faults do not change with time. On periodic load, bursts or a scripted fault
such a cut removes the very thing studied: there use `whole_cycles`, or count the run whole.

The input is the average over several replications of series within the run, such as executions in progress at the
end of each window: one run from empty is too noisy to show its own transient (Welch, in Lavenberg, Computer
Performance Modeling Handbook, 1983). The cut is MSER-5's (White, Cobb & Spratt, Winter Simulation Conference 2000),
moved on while replications still show a difference between the windows after it and the second half of the run. It is
refused beyond half of the run (Hoad, Robinson & Davies, Journal of the Operational Research Society 61, 2010), and in
a run of less than MIN_RELAXATIONS relaxation times: such a run cannot show whether it has settled. To MSER-5 alone
M/M/1 at a utilisation of 0.995 seems settled after 10,000 jobs from empty, a sixteenth of its relaxation time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.stats.intervals import FloatArray, t_quantile

MIN_WINDOWS = 50
MIN_REPLICATIONS = 5
BATCH = 5
MIN_RELAXATIONS = 6
CHECK_CONFIDENCE = 0.999  # several places are tried for the cut, each with this chance of passing a settled series


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Result of the search.

    windows: how many leading windows to drop; 0 with a refusal.
    refusal: why no cut can be made, and what would do; empty when there is one.
    series: the name of the series that settled last, or that was refused.
    """

    windows: int
    refusal: str
    series: str


def averaged(series: ArrayLike) -> FloatArray:
    """Average over replications of each window, shape (windows,), from (replications, windows); NaN is left out.

    A window without any value repeats the one before it.
    """
    values = np.asarray(series, dtype=np.float64)
    assert values.ndim == 2, "replications x windows"
    seen = ~np.isnan(values)
    counts = seen.sum(axis=0)
    mean = np.where(seen, values, 0.0).sum(axis=0) / np.maximum(counts, 1)
    last = np.maximum.accumulate(np.where(counts > 0, np.arange(counts.size), 0))
    return np.asarray(mean[last])


def mser5(mean: FloatArray) -> int:
    """Number of leading windows that MSER-5 drops from an averaged series, a multiple of 5.

    It is the d of the first half that minimises the squared standard error of what is left,
    sum_{i > d} (y_i - mean_d)^2 / (n - d)^2, over batches of 5. Few batches have a small error by chance, so that
    the minimum over all d falls into the second half of many a settled series.
    """
    batches = mean[: mean.size // BATCH * BATCH].reshape(-1, BATCH).mean(axis=1)
    left = np.arange(batches.size, 0, -1)
    sums = np.cumsum(batches[::-1])[::-1]
    squares = np.cumsum((batches[::-1] - batches.mean()) ** 2)[::-1]
    # Sums of squares about the mean of what is left, by shifting the origin from the overall mean.
    spread = squares - left * (sums / left - batches.mean()) ** 2
    statistic = np.maximum(spread, 0.0) / left.astype(np.float64) ** 2
    return BATCH * int(np.argmin(statistic[: batches.size // 2 + 1]))


def relaxations(series: ArrayLike) -> float:
    """How many relaxation times a run spans: the number of independent windows that its mean is worth.

    series: (replications, windows), two replications or more. The autocovariance is taken about the average over
    replications, which removes a transient that all share, and summed over Geyer's initial monotone sequence
    (Statistical Science 7, 1992). With less than three relaxation times it comes out too high, but below three.
    """
    values = np.asarray(series, dtype=np.float64)
    replications, windows = values.shape
    assert replications >= 2
    deviations = np.where(np.isnan(values), 0.0, values - averaged(values))
    spectrum = (np.abs(np.fft.rfft(deviations, 2 * windows, axis=1)) ** 2).mean(axis=0)
    covariance = np.fft.irfft(spectrum)[:windows]
    if covariance[0] <= 0:
        return float(windows)
    pairs = covariance[0 : windows - 1 : 2] + covariance[1:windows:2]
    pairs = np.minimum.accumulate(np.where(np.cumprod(pairs > 0) > 0, pairs, 0.0))
    long_run = max(2 * float(pairs.sum()) - float(covariance[0]), float(covariance[0]) / windows)
    return float(min(windows, windows * float(covariance[0]) / long_run))


def warm_up(series: Mapping[str, ArrayLike]) -> WarmUp:
    """One cut for a scenario: the latest of its series.

    series: name -> (replications, windows) of a quantity within the run, NaN where a window saw nothing.
    """
    assert series, "at least one series"
    latest = WarmUp(0, "", next(iter(series)))
    for name, values in series.items():
        cut = _cut_of(np.asarray(values, dtype=np.float64), name)
        if cut.refusal:
            return cut
        if cut.windows > latest.windows:
            latest = cut
    return latest


def _cut_of(values: FloatArray, name: str) -> WarmUp:
    mean = averaged(values)
    windows = mean.size
    if windows < MIN_WINDOWS:
        return WarmUp(0, f"{name}: {windows} windows are too few, {MIN_WINDOWS} are needed", name)
    if values.shape[0] < MIN_REPLICATIONS:
        return WarmUp(0, f"{name}: {values.shape[0]} replications, {MIN_REPLICATIONS} are needed", name)
    spanned = relaxations(values)
    if spanned < MIN_RELAXATIONS:
        why = f"{name}: the run spans only about {spanned:.1f} relaxation times; {MIN_RELAXATIONS} are needed"
        return WarmUp(0, f"{why}, run {max(1.5, MIN_RELAXATIONS / spanned):.1f} times as long", name)
    cut = mser5(mean)
    step = max(BATCH, windows // 20 // BATCH * BATCH)
    while cut <= windows // 2 and _still_moving(values, cut):
        cut += step
    if cut > windows // 2:
        why = f"{name} has not settled by half of the run; run at least twice as long, or it has no steady state"
        return WarmUp(0, why, name)
    return WarmUp(cut, "", name)


def _still_moving(values: FloatArray, cut: int) -> bool:
    """Whether the eighth of the run after the cut differs from its last half, by a paired t-test over replications."""
    windows = values.shape[1]
    early = _row_means(values[:, cut : cut + max(BATCH, windows // 8)])
    late = _row_means(values[:, windows // 2 :])
    differences = (early - late)[~np.isnan(early - late)]
    n = differences.size
    if n < MIN_REPLICATIONS:
        return False
    error = float(differences.std(ddof=1) / np.sqrt(n))
    return bool(abs(differences.mean()) > t_quantile(CHECK_CONFIDENCE, n - 1) * error)


def _row_means(values: FloatArray) -> FloatArray:
    seen = ~np.isnan(values)
    counts = seen.sum(axis=1)
    sums = np.where(seen, values, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


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


def whole_cycles(horizon_ns: int, cycle_ns: int, warm_up_ns: int) -> Cycles:
    """The whole cycles of a run after a warm-up, which is rounded up to whole cycles; `count` is 0 if none is left."""
    assert cycle_ns > 0
    assert warm_up_ns >= 0
    skipped = -(-warm_up_ns // cycle_ns)
    return Cycles(cycle_ns, skipped * cycle_ns, max(0, horizon_ns // cycle_ns - skipped))
