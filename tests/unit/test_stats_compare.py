"""Paired comparison: common draws are worth what their correlation says, and that is printed when it is nothing.

Fixed seeds; margins of at least five standard errors.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim.results.histogram import Histogram
from sim.stats.compare import paired_difference, paired_percentile
from sim.stats.intervals import mean_interval

A = np.array([10.0, 12.0, 9.0, 11.0, 13.0, 10.5])


def test_a_constant_gain_is_found_exactly_however_noisy_the_runs() -> None:
    found = paired_difference(A, A - 2, "s")
    assert (found.difference.value, found.difference.low, found.difference.high) == pytest.approx((-2, -2, -2))
    assert found.variance_ratio == pytest.approx(0)
    assert found.difference.note == ""


def test_the_difference_is_the_interval_of_the_differences() -> None:
    b = np.array([9.0, 12.5, 8.0, 11.0, 11.0, 10.0])
    found = paired_difference(A, b, "s")
    assert found.difference == mean_interval(b - A, "s")
    assert found.relative is not None
    assert found.relative.value == pytest.approx(b.sum() / A.sum(), rel=1e-2)
    expected = np.var(b - A, ddof=1) / (np.var(A, ddof=1) + np.var(b, ddof=1))
    assert found.variance_ratio == pytest.approx(expected)


def test_draws_that_act_oppositely_are_said_to_backfire() -> None:
    found = paired_difference(A, 20 - A, "s")
    assert found.variance_ratio == pytest.approx(2)
    assert "backfired: 2.00 x" in found.difference.note


def test_runs_without_noise_have_no_variance_ratio() -> None:
    assert paired_difference([1.0, 1.0], [2.0, 2.0], "s").variance_ratio is None
    assert paired_difference([1.0], [2.0], "s").variance_ratio is None
    assert paired_difference([0.0, 1.0], [2.0, 2.0], "s").relative is None


def test_a_percentile_twice_as_long_is_found_on_common_draws() -> None:
    # A load that differs between replications, common to both variants, cancels in the difference.
    rng = np.random.default_rng(3)
    load = rng.lognormal(0, 0.3, 20)[:, None]
    draws = rng.exponential(1e8, (20, 4000)) * load
    a = [Histogram.of(row.astype(np.int64)) for row in draws]
    b = [Histogram.of((1.1 * row).astype(np.int64)) for row in draws]
    found = paired_percentile(a, b, 0.95)
    value = found.difference.value
    assert value is not None
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert value == pytest.approx(0.1 * Histogram.merged(a).quantile(0.95) * 1e-9, rel=0.08)
    assert found.difference.low < value < found.difference.high
    assert found.variance_ratio is not None
    assert found.variance_ratio < 0.1


def test_a_percentile_that_neither_sample_carries_is_refused() -> None:
    few = [Histogram.of(np.arange(1, 11)) for _ in range(20)]
    assert paired_percentile(few, few, 0.999).difference.value is None
    assert paired_percentile(few[:4], few[:4], 0.5).difference.value is None
    assert paired_percentile([*few[:5], Histogram.empty()], few[:6], 0.5).difference.value is None
