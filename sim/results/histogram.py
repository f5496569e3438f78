"""A histogram of int64 nanoseconds with buckets at most 0.4 % wide, whose merge is an exact addition.

It holds counts only. Intervals around its quantiles are computed in `sim.stats.quantiles`, exact sums and means
come from the columns.

Values below 512 ns have a bucket each; above, every octave is cut into 256 equal buckets, so that neighbouring
edges differ by a factor of at most 257/256 = 1.0039. This is the layout of HdrHistogram (G. Tene), in integer
arithmetic throughout: the bucket of a value is the same on every machine, and merging is commutative to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUB_BUCKETS = 256  # per octave
SUB_BITS = 8
BUCKETS = (63 - SUB_BITS) * SUB_BUCKETS + SUB_BUCKETS  # enough for the largest int64

Int64Array = NDArray[np.int64]


def bucket(values: Int64Array) -> Int64Array:
    """Index of the bucket of each value: 0 .. BUCKETS - 1, monotone in the value.

    values: nanoseconds, any shape, none negative. With e = max(0, bit_length(v) - 9) the index is
    256 e + (v >> e); a scalar kernel computes the same with integer shifts alone.
    """
    values = np.asarray(values, dtype=np.int64)
    assert values.size == 0 or values.min() >= 0, "a duration cannot be negative"
    # frexp finds the bit length, except just below a power of two beyond 2^53, where the float rounds up.
    bit_length = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    shift = np.maximum(bit_length - (SUB_BITS + 1), 0)
    shift -= (shift > 0) & (values >> shift < SUB_BUCKETS)
    return np.asarray(shift * SUB_BUCKETS + (values >> shift), dtype=np.int64)


def bucket_first(index: Int64Array | int) -> Int64Array:
    """Smallest value, in ns, of each bucket."""
    index = np.asarray(index, dtype=np.int64)
    shift = np.maximum(index // SUB_BUCKETS - 1, 0)
    return np.asarray((index - shift * SUB_BUCKETS) << shift, dtype=np.int64)


def bucket_last(index: Int64Array | int) -> Int64Array:
    """Largest value, in ns, of each bucket."""
    index = np.asarray(index, dtype=np.int64)
    shift = np.maximum(index // SUB_BUCKETS - 1, 0)
    return np.asarray(bucket_first(index) + ((np.int64(1) << shift) - 1), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of durations, of the non-empty range of buckets only.

    first: index of the first non-empty bucket; 0 when nothing was counted.
    counts: int64 (buckets,), beginning at bucket `first`; its first and last entries are not zero.
    """

    first: int
    counts: Int64Array

    @classmethod
    def empty(cls) -> Histogram:
        """A histogram of nothing, the neutral element of merging."""
        return cls(0, np.zeros(0, np.int64))

    @classmethod
    def of(cls, values_ns: Int64Array) -> Histogram:
        """Histogram of int64 nanoseconds of any shape, none negative."""
        indices = bucket(values_ns).ravel()
        if indices.size == 0:
            return cls.empty()
        first = int(indices.min())
        return cls(first, np.bincount(indices - first).astype(np.int64))

    @classmethod
    def of_counts(cls, counts: Int64Array) -> Histogram:
        """Histogram from counts by bucket, `counts[0]` being that of the first; ends of zeros are cut off."""
        counts = np.asarray(counts, dtype=np.int64)
        assert counts.ndim == 1
        assert counts.size <= BUCKETS
        assert counts.size == 0 or counts.min() >= 0
        filled = np.flatnonzero(counts)
        if filled.size == 0:
            return cls.empty()
        return cls(int(filled[0]), counts[filled[0] : filled[-1] + 1].copy())

    @classmethod
    def of_buckets(cls, buckets: Int64Array, counts: Int64Array) -> Histogram:
        """Histogram from indices of buckets, in order, and how many are in each: one or more."""
        if buckets.size == 0:
            return cls.empty()
        every = np.zeros(int(buckets[-1] - buckets[0]) + 1, np.int64)
        every[buckets - buckets[0]] = counts
        return cls(int(buckets[0]), every)

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """Sum of histograms: exact, and the same in any order."""
        parts = [part for part in parts if part.counts.size]
        if not parts:
            return cls.empty()
        first = min(part.first for part in parts)
        counts = np.zeros(max(part.first + part.counts.size for part in parts) - first, np.int64)
        for part in parts:
            counts[part.first - first : part.first - first + part.counts.size] += part.counts
        return cls(first, counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return self.first == other.first and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # it carries an array

    @property
    def count(self) -> int:
        """Number of durations."""
        return int(self.counts.sum())

    def locate(self, p: float) -> tuple[int, float]:
        """Index of the bucket that holds the p-quantile, and the place within it as a share of it in (0, 1)."""
        assert 0 <= p <= 1
        total = self.count
        assert total > 0, "an empty histogram has no quantile"
        # The quantile is the k-th smallest value, k = ceil(p n): the inverse of the empirical distribution.
        # The slack of 1e-9 keeps 0.99 x 100 = 99.00000000000001 from becoming the 100th.
        rank = min(max(int(np.ceil(p * total - 1e-9 * max(1.0, p * total))), 1), total)
        cumulative = np.cumsum(self.counts)
        position = int(np.searchsorted(cumulative, rank))
        here = int(self.counts[position])
        before = int(cumulative[position]) - here
        return self.first + position, (rank - before - 0.5) / here

    def quantile(self, p: float) -> float:
        """The p-quantile in ns, interpolated within its bucket; off by at most 1 / SUB_BUCKETS of itself.

        Durations below 512 ns are exact.
        """
        index, share = self.locate(p)
        low, high = float(bucket_first(index)), float(bucket_last(index))
        return low + (high - low) * share

    def quantile_bounds(self, p: float) -> tuple[float, float]:
        """Smallest and largest value, in ns, that the p-quantile of the durations counted can have had."""
        index, _ = self.locate(p)
        return float(bucket_first(index)), float(bucket_last(index))

    def counts_at(self, index: int) -> tuple[int, int]:
        """Number of durations inside bucket `index`, and number in the buckets above it."""
        position = index - self.first
        inside = int(self.counts[position]) if 0 <= position < self.counts.size else 0
        return inside, int(self.counts[max(position + 1, 0) :].sum())

    def fraction_above(self, value_ns: int) -> float:
        """Share of durations longer than `value_ns`; the bucket that holds it counts in proportion."""
        assert self.count > 0, "an empty histogram has no shares"
        if value_ns < 0:
            return 1.0
        index = int(bucket(np.array(value_ns)))
        inside, above = self.counts_at(index)
        first, last = int(bucket_first(index)), int(bucket_last(index))
        return (above + inside * (last - value_ns) / (last - first + 1)) / self.count
