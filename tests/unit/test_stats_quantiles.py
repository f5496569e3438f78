"""Percentiles by sectioning: what is given, what is refused and why. Coverage is measured in tests/statistics.

Fixed seeds; an assertion about a random sample has a margin of at least five standard errors.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.results.histogram import Histogram
from sim.stats.drift import infinite_variance, tail_index
from sim.stats.quantiles import counts_beyond, merge_to_sections, percentile_interval

MS = 1_000_000


def exponentials(replications: int, size: int, seed: int = 1) -> list[Histogram]:
    """Independent exponential durations of mean 1 s; their 99th percentile is log(100) s."""
    values = np.random.default_rng(seed).exponential(1e9, (replications, size)).astype(np.int64)
    return [Histogram.of(row) for row in values]


def test_the_value_is_the_pooled_quantile_and_the_interval_is_in_seconds() -> None:
    parts = exponentials(20, 5000)
    figure = percentile_interval(parts, 0.99)
    assert figure.value == pytest.approx(Histogram.merged(parts).quantile(0.99) * 1e-9)
    # The standard error of the quantile of 100,000 values is sqrt(0.99 / 0.01 / 1e5) = 0.0315 s.
    assert figure.value == pytest.approx(math.log(100), abs=5 * 0.0315)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.high - figure.low == pytest.approx(2 * 2.1 * 0.0315 + 0.004 * 4.6, rel=0.5)
    assert (figure.unit, figure.confidence, figure.n) == ("s", 0.95, 20)


def test_the_interval_takes_in_the_bucket() -> None:
    # All sections agree on the bucket and on the place in it: what is left is the width of the bucket.
    figure = percentile_interval([Histogram.of(np.full(1000, 80 * MS))] * 10, 0.9)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 0.080 <= figure.high
    assert figure.high / figure.low <= 1.004


def test_a_wait_that_is_mostly_zero_has_quantile_zero() -> None:
    waits = np.zeros(1000, np.int64)
    waits[:100] = 5 * MS
    figure = percentile_interval([Histogram.of(waits)] * 10, 0.5)
    assert (figure.value, figure.low, figure.high) == (0, 0, 0)


def test_a_percentile_above_one_minus_the_open_share_is_refused() -> None:
    parts = exponentials(20, 5000)
    assert percentile_interval(parts, 0.99, open_share=0.009).value is not None
    refused = percentile_interval(parts, 0.99, open_share=0.011)
    assert refused.value is None
    assert "still open" in refused.note


def test_too_few_durations_beyond_the_percentile_are_refused_with_guess_and_run_length() -> None:
    refused = percentile_interval(exponentials(20, 100), 0.999)
    assert refused.value is None
    assert "best guess" in refused.note
    assert "from 2 durations beyond it" in refused.note
    assert "about 3 times as long" in refused.note


def test_too_few_replications_are_refused() -> None:
    refused = percentile_interval(exponentials(4, 50_000), 0.99)
    assert refused.value is None
    assert "5 replications are needed" in refused.note


def test_many_durations_in_few_excursions_are_refused() -> None:
    # 2 % of all durations are long, 20,000 of them, but all in 4 of 20 replications.
    calm, congested = np.full(50_000, 10 * MS), np.full(50_000, 10 * MS)
    congested[:5000] = np.linspace(100 * MS, 900 * MS, 5000)
    parts = [Histogram.of(congested)] * 4 + [Histogram.of(calm)] * 16
    refused = percentile_interval(parts, 0.99)
    assert refused.value is None
    assert "independent excursions" in refused.note


def test_short_replications_are_merged_in_index_order_and_all_are_used() -> None:
    parts = exponentials(100, 50)  # half a duration beyond the 99th percentile in each
    sections = merge_to_sections(parts, 0.99)
    assert len(sections) == 25
    assert sections[0] == Histogram.merged(parts[:4])
    assert Histogram.merged(sections) == Histogram.merged(parts)
    assert "merged into 25 sections" in percentile_interval(parts, 0.99).note


def test_counts_beyond_add_up_to_the_share_whatever_the_bucket() -> None:
    parts = exponentials(7, 321)
    pooled = Histogram.merged(parts)
    assert counts_beyond(pooled, parts, 0.95).sum() == pytest.approx(0.05 * 7 * 321)


def test_nothing_counted_is_refused() -> None:
    assert percentile_interval([Histogram.empty()] * 10, 0.5).value is None
    assert percentile_interval([], 0.5).value is None


def test_hill_finds_the_index_of_a_power_law() -> None:
    # Pareto with index 1.5; Hill's estimate from k = 4,000 values has a relative error of 1 / sqrt(k) = 1.6 %.
    values = 1e6 * np.random.default_rng(6).random(400_000) ** (-1 / 1.5)
    index = tail_index(Histogram.of(np.rint(values).astype(np.int64)), 0.01)
    assert index == pytest.approx(1.5, rel=5 * 0.016)
    assert tail_index(Histogram.of(np.arange(1000)), 0.01) is None
    assert tail_index(Histogram.of(np.full(100_000, 5 * MS)), 0.01) == math.inf


def test_infinite_variance_is_told_from_a_lognormal_and_an_exponential() -> None:
    rng = np.random.default_rng(7)
    shape = (10, 40_000)
    heavy = 1e6 * rng.random(shape) ** (-1 / 1.5)
    assert "variance is infinite" in infinite_variance([Histogram.of(np.rint(v).astype(np.int64)) for v in heavy])
    for light in (1e6 * rng.lognormal(0, 1, shape), 1e6 * rng.exponential(1, shape)):
        assert infinite_variance([Histogram.of(np.rint(v).astype(np.int64)) for v in light]) == ""
