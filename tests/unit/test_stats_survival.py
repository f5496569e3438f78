"""Open executions: the textbook estimate, its refusals, and what counting only closed ones would have said."""

from __future__ import annotations

import numpy as np
import pytest

from sim.results.histogram import Histogram
from sim.stats.quantiles import percentile_interval
from sim.stats.survival import Cohort, kaplan_meier, survival_mean, survival_percentile

S = 1_000_000_000


def cohort(durations_s: list[float], closed: list[bool]) -> Cohort:
    return Cohort(np.rint(np.array(durations_s) * S).astype(np.int64), np.array(closed))


def test_the_estimate_is_the_textbooks() -> None:
    # Kaplan & Meier 1958, section 1.2: deaths at 0.8, 3.1, 5.4, 9.2, losses at 1.0, 2.7, 7.0, 12.1.
    found = kaplan_meier(
        [0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1], [True, False, False, True, True, False, True, False]
    )
    assert found.times_ns.tolist() == [0.8, 3.1, 5.4, 9.2]
    assert found.surviving == pytest.approx([7 / 8, 7 / 8 * 4 / 5, 7 / 8 * 3 / 5, 7 / 8 * 3 / 5 * 1 / 2])
    assert found.open_share == 0.5


def test_a_closure_comes_before_an_end_of_observation_at_the_same_time() -> None:
    assert kaplan_meier([2.0, 2.0, 5.0], [True, False, True]).surviving == pytest.approx([2 / 3, 0])


def test_without_open_executions_it_is_the_empirical_distribution() -> None:
    values = np.random.default_rng(1).exponential(1, 500)
    found = kaplan_meier(values, np.ones(500, np.bool_))
    assert found.restricted_mean() == pytest.approx(values.mean())
    assert found.quantile(0.9) == np.sort(values)[449]


def test_a_mean_is_refused_with_more_than_the_given_share_open() -> None:
    parts = [cohort([1.0] * 999 + [20.0], [True] * 999 + [False])] * 5
    assert survival_mean(parts, max_open=0.0005).value is None
    assert "follow them to their close" in survival_mean(parts, max_open=0.0005).note
    figure = survival_mean(parts, max_open=0.001)
    assert figure.value == pytest.approx(1.0)
    assert "0.001 were still open" in figure.note
    assert survival_mean([]).value is None


def test_a_percentile_above_one_minus_the_open_share_is_refused() -> None:
    rng = np.random.default_rng(2)
    parts = []
    for _ in range(10):
        durations = rng.exponential(1, 1000)
        seen_for = rng.uniform(0.5, 3.0, 1000)
        parts.append(cohort(np.minimum(durations, seen_for).tolist(), (durations <= seen_for).tolist()))
    assert survival_percentile(parts, 0.99).value is None
    median = survival_percentile(parts, 0.5)
    assert median.low is not None
    assert median.high is not None
    # Standard error of the median of 10,000 exponentials, of which few are censored before it: 0.01; wide margin.
    assert median.value == pytest.approx(np.log(2), abs=0.06)
    assert median.low < np.log(2) < median.high
    # Only the closed ones, as a naive tally has it, are far too short.
    closed_only = np.concatenate([part.durations_ns[part.closed] for part in parts])
    assert np.median(closed_only) < 0.9 * np.log(2) * S


def test_it_agrees_with_histograms_when_nothing_is_open() -> None:
    values = np.random.default_rng(3).exponential(S, (10, 2000)).astype(np.int64)
    ours = survival_percentile([Cohort(row, np.ones(2000, np.bool_)) for row in values], 0.95)
    theirs = percentile_interval([Histogram.of(row) for row in values], 0.95)
    assert ours.value == pytest.approx(theirs.value, rel=0.005)
    assert ours.low == pytest.approx(theirs.low, rel=0.01)
    assert ours.high == pytest.approx(theirs.high, rel=0.01)


def test_a_sample_too_small_for_the_percentile_is_refused() -> None:
    parts = [cohort([1.0, 2.0, 3.0], [True] * 3)] * 10
    assert "best guess" in survival_percentile(parts, 0.99).note
    assert "5 replications" in survival_percentile(parts[:3], 0.5).note
    assert survival_percentile([], 0.5).value is None
