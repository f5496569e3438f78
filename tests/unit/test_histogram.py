"""The histogram: where a value falls, exact merging, quantiles within half a percent.

Method: exhaustive small values, every power of two of int64 with its neighbours, and order statistics of the values
themselves as the oracle. Nothing here is statistical.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.results.histogram import BUCKETS, SUB_BUCKETS, Histogram, bucket, bucket_first, bucket_last

LARGEST = 2**63 - 1
POWERS = [v for k in range(63) for v in (2**k - 1, 2**k, 2**k + 1)]
EDGES = np.array([*range(3000), *POWERS, LARGEST - 1, LARGEST], dtype=np.int64)
durations = st.lists(st.integers(0, LARGEST), min_size=1, max_size=60).map(lambda v: np.array(v, dtype=np.int64))


def test_the_bucket_is_the_one_that_integer_shifts_give() -> None:
    def scalar(value: int) -> int:
        shift = max(0, value.bit_length() - 9)
        return 256 * shift + (value >> shift)

    assert bucket(EDGES).tolist() == [scalar(int(value)) for value in EDGES]


def test_buckets_tile_the_integers_without_gap_or_overlap() -> None:
    index = np.arange(BUCKETS)
    first, last = bucket_first(index), bucket_last(index)
    assert first[0] == 0
    assert last[-1] == LARGEST
    assert (first[1:] == last[:-1] + 1).all()
    assert (bucket(first) == index).all()
    assert (bucket(last) == index).all()


def test_a_bucket_is_exact_below_512_ns_and_at_most_half_a_percent_wide_above() -> None:
    index = np.arange(BUCKETS)
    first, last = bucket_first(index), bucket_last(index)
    assert (first[:512] == last[:512]).all()
    assert ((last[512:] - first[512:]) / first[512:] <= 1 / SUB_BUCKETS).all()
    assert ((first[513:] / first[512:-1]) <= 1.005).all()


@given(durations, durations, durations)
def test_merging_is_the_histogram_of_everything_in_any_order(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    whole = Histogram.of(np.concatenate((a, b, c)))
    for order in itertools.permutations((a, b, c)):
        assert Histogram.merged([Histogram.of(part) for part in order]) == whole
    assert Histogram.merged([Histogram.of(a), Histogram.of(b)]) == Histogram.merged([Histogram.of(b), Histogram.of(a)])
    assert Histogram.merged([whole, Histogram.empty()]) == whole


@given(durations, st.floats(0, 1))
def test_a_quantile_lies_in_the_bucket_of_the_order_statistic(values: np.ndarray, p: float) -> None:
    histogram = Histogram.of(values)
    exact = int(np.sort(values)[max(int(np.ceil(p * values.size - 1e-9 * max(1, p * values.size))), 1) - 1])
    low, high = histogram.quantile_bounds(p)
    assert bucket(np.array(exact)) == bucket(np.array(int(low)))
    assert low <= histogram.quantile(p) <= high
    assert abs(histogram.quantile(p) - exact) <= exact / SUB_BUCKETS


def test_quantiles_of_small_values_are_exact() -> None:
    histogram = Histogram.of(np.arange(1, 101))
    assert [histogram.quantile(p) for p in (0, 0.01, 0.5, 0.99, 0.991, 1)] == [1, 1, 50, 99, 100, 100]


@given(durations, st.integers(0, LARGEST))
def test_the_share_above_a_value_is_exact_outside_its_bucket(values: np.ndarray, value: int) -> None:
    histogram = Histogram.of(values)
    index = bucket(np.array(value))
    inside = int((bucket(values) == index).sum())
    share = histogram.fraction_above(value)
    rounding = 4 * np.finfo(float).eps  # of shares below 1, in the four steps that give one
    assert abs(share - (values > value).mean()) <= inside / values.size + rounding
    assert histogram.fraction_above(-1) == 1


def test_counts_of_a_kernel_become_the_same_histogram() -> None:
    values = np.array([0, 3, 700, 700, 10**9])
    counts = np.bincount(bucket(values), minlength=BUCKETS)
    assert Histogram.of_counts(counts) == Histogram.of(values)
    assert Histogram.of_counts(np.zeros(BUCKETS, np.int64)) == Histogram.empty()
    assert Histogram.of_counts(counts).count == 5


def test_negative_durations_are_a_programmers_mistake() -> None:
    with pytest.raises(AssertionError):
        Histogram.of(np.array([-1]))
    with pytest.raises(AssertionError):
        Histogram.empty().quantile(0.5)
