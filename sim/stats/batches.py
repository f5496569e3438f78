"""Mean and percentile of one long stationary run, by batches that a test finds independent, or their refusal.

Replications are the better design and are in `intervals` and `quantiles`; this is for a run that exists once, such
as a trace of measurements.

The size of a batch grows by a factor of about 1.4 until von Neumann's test (Annals of Mathematical Statistics 12,
1941) at the 20 % level no longer finds the batch means correlated, as in ASAP3 and Skart; the batches then used are
twice as long, and what correlation they still show widens the interval as in Skart (Tafazzoli & Wilson, Simulation
87, 2011). A series that is correlated in 64 batches is refused: it is too short.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.results.histogram import Histogram, Int64Array
from sim.stats.freedom import FloatArray
from sim.stats.intervals import as_values, mean_interval
from sim.stats.quantiles import percentile_interval

MIN_TESTED_BATCHES = 64
MAX_QUANTILE_BATCHES = 32
_TEST_QUANTILE = 0.8416  # of the normal distribution at 0.8: the test's level is 20 %


def batch_means(series: FloatArray, size: int) -> FloatArray:
    """Means of consecutive batches of `size` observations; what does not fill the last batch is dropped."""
    count = series.size // size
    return np.asarray(series[: count * size].reshape(count, size).mean(axis=1))


def von_neumann(values: FloatArray) -> tuple[float, float]:
    """Standardised von Neumann ratio, positive for positive correlation, and the lag-1 correlation it implies."""
    n = values.size
    spread = float(((values - values.mean()) ** 2).sum())
    if spread == 0:
        return 0.0, 0.0
    ratio = float((np.diff(values) ** 2).sum()) / spread
    return (2 - ratio) / math.sqrt(4 * (n - 2) / (n**2 - 1)), 1 - ratio / 2


def independent_batch_size(series: FloatArray) -> int | None:
    """Size of batches whose means may be taken as independent; None where the series is too short to find one."""
    size = 1
    while series.size // size >= MIN_TESTED_BATCHES:
        if von_neumann(batch_means(series, size))[0] <= _TEST_QUANTILE:
            return 2 * size
        size = max(size + 1, int(size * 1.4142))
    return None


def batch_mean_interval(series: ArrayLike, unit: str, confidence: float = 0.95) -> Figure:
    """Mean of one stationary series, in order of time, with its interval; `n` counts batches."""
    values = as_values(series)
    if values.size == 0:
        return Figure.refused(unit, "nothing was counted")
    size = independent_batch_size(values)
    if size is None:
        return Figure.refused(unit, f"best guess {values.mean():.4g}; {_TOO_SHORT}", 1)
    means = batch_means(values, size)
    figure = mean_interval(means, unit, confidence)
    correlation = max(0.0, von_neumann(means)[1])
    widening = math.sqrt((1 + correlation) / (1 - correlation))
    assert figure.value is not None
    assert figure.low is not None
    assert figure.high is not None
    low = figure.value - (figure.value - figure.low) * widening
    high = figure.value + (figure.high - figure.value) * widening
    return Figure(figure.value, unit, low, high, confidence, means.size, f"batches of {size}")


def batch_percentile_interval(durations_ns: Int64Array, p: float, confidence: float = 0.95) -> Figure:
    """The p-quantile, in seconds, of one stationary series of durations in order of time; `n` counts batches.

    The batches are those in which the shares of durations beyond the quantile are independent.
    """
    durations_ns = np.asarray(durations_ns, dtype=np.int64)
    pooled = Histogram.of(durations_ns)
    if pooled.count == 0:
        return Figure.refused("s", "nothing was counted")
    beyond = (durations_ns > pooled.quantile(p)).astype(np.float64)
    size = independent_batch_size(beyond)
    # With less than a few excursions in all, batches look independent because nearly all of them are empty; the
    # refusal of `percentile_interval` looks at the excursions.
    if size is None:
        return Figure.refused("s", f"best guess {pooled.quantile(p) * 1e-9:.3g} s; {_TOO_SHORT}", 1)
    size = max(size, durations_ns.size // MAX_QUANTILE_BATCHES)  # the quantile of a short batch is biased
    count = durations_ns.size // size
    batches = [Histogram.of(batch) for batch in durations_ns[: count * size].reshape(count, size)]
    return percentile_interval(batches, p, confidence=confidence).with_note(f"batches of {size}")


_TOO_SHORT = (
    f"the run is too short: even {MIN_TESTED_BATCHES} batches of it are correlated; "
    "run at least 4 times as long, or use replications"
)
