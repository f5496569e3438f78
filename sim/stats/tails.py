"""Whether durations are so heavy-tailed that their mean has no t-interval.

With infinite variance the mean of a run is ruled by its largest value, and no number of replications makes it normal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.results.histogram import Histogram, bucket_first, bucket_last
from sim.stats.intervals import mean_interval

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
        rest = [tail_index(Histogram.merged(_without(replications, i)), share) for i in range(len(replications))]
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


def _without(replications: Sequence[Histogram], index: int) -> list[Histogram]:
    return [part for place, part in enumerate(replications) if place != index]
