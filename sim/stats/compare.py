"""Two variants on the same draws: the paired difference, its interval, and what the common draws were worth.

Common random numbers make the variants see the same customers. Where they respond alike the difference has far less
noise than either; where they respond oppositely it has more, so the variance ratio is reported each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.results.histogram import Histogram
from sim.stats.intervals import NS, FloatArray, as_values, clustering, mean_interval, ratio_interval, t_quantile
from sim.stats.quantiles import MIN_EXCURSIONS, MIN_SECTIONS, counts_beyond


@dataclass(frozen=True, slots=True)
class Comparison:
    """Variant b against variant a.

    difference: b - a, paired by replication. relative: b / a; None where it has no meaning.
    variance_ratio: variance of the paired difference over that of independent runs: below 1 the common draws helped,
        above 1 they backfired; None where it cannot be told.
    """

    difference: Figure
    relative: Figure | None
    variance_ratio: float | None


def paired_difference(a: ArrayLike, b: ArrayLike, unit: str, confidence: float = 0.95) -> Comparison:
    """Compare the means of two variants from one value of each a replication, in the same order."""
    a, b = as_values(a), as_values(b)
    assert a.shape == b.shape, "the same replications of both variants"
    difference = mean_interval(b - a, unit, confidence)
    relative = ratio_interval(b, a, "ratio", confidence) if bool((a > 0).all()) else None
    return _compared(difference, relative, a, b)


def paired_percentile(
    a: Sequence[Histogram], b: Sequence[Histogram], p: float, confidence: float = 0.95
) -> Comparison:
    """Compare the p-quantiles, in seconds, of two variants by sectioning the difference over replications.

    The interval is that of the pooled difference, from the scatter of the replications' own differences about it, on
    the fewer degrees of freedom of the two; the buckets' widths are added. It is refused as a percentile is.
    """
    assert len(a) == len(b), "the same replications of both variants"
    n = len(a)
    if n == 0 or any(part.count == 0 for part in (*a, *b)):
        return Comparison(Figure.refused("s", "a replication counted nothing", n), None, None)
    pooled_a, pooled_b = Histogram.merged(a), Histogram.merged(b)
    value_a, value_b = pooled_a.quantile(p), pooled_b.quantile(p)
    own_a = np.array([part.quantile(p) for part in a])
    own_b = np.array([part.quantile(p) for part in b])
    guess = f"best guess {(value_b - value_a) * NS:.3g} s"
    if n < MIN_SECTIONS:
        refusal = Figure.refused("s", f"{guess}; {MIN_SECTIONS} replications are needed for an interval", n)
        return Comparison(refusal, None, None)
    spread_a, spread_b = (
        clustering(counts_beyond(pooled, parts, p), (1 - p) * np.array([float(part.count) for part in parts]))
        for pooled, parts in ((pooled_a, a), (pooled_b, b))
    )
    excursions = min(spread_a.excursions, spread_b.excursions)
    if excursions < MIN_EXCURSIONS:
        note = f"{guess}, from about {excursions:.2g} independent excursions; {MIN_EXCURSIONS} are needed"
        return Comparison(Figure.refused("s", note, n), None, None)
    value = value_b - value_a
    t = t_quantile(confidence, min(spread_a.freedom, spread_b.freedom))
    reach = t * float(np.sqrt(((own_b - own_a - value) ** 2).sum() / (n - 1) / n))
    (first_a, last_a), (first_b, last_b) = pooled_a.quantile_bounds(p), pooled_b.quantile_bounds(p)
    low = min(value - reach, value) - (value_b - first_b) - (last_a - value_a)
    high = max(value + reach, value) + (last_b - value_b) + (value_a - first_a)
    difference = Figure(value * NS, "s", low * NS, high * NS, confidence, n)
    return _compared(difference, None, own_a, own_b)


def _compared(difference: Figure, relative: Figure | None, a: FloatArray, b: FloatArray) -> Comparison:
    if a.size < 2:
        return Comparison(difference, relative, None)
    independent = float(a.var(ddof=1) + b.var(ddof=1))
    if independent == 0:
        return Comparison(difference, relative, None)
    ratio = float((b - a).var(ddof=1)) / independent
    if ratio > 1:
        difference = difference.with_note(f"common random numbers backfired: {ratio:.2f} x the variance without")
    return Comparison(difference, relative, ratio)
