"""Intervals of means, ratios and shares: hand-worked cases, published formulas, limits. Coverage is measured apart.

Nothing here is statistical: the inputs are fixed, the tolerances those of the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sim.figure import Figure
from sim.stats.intervals import (
    as_share,
    clustering,
    freedom_of_skewed,
    mean_interval,
    proportion_interval,
    ratio_interval,
    skewness,
    t_quantile,
)
from sim.stats.skewed import bootstrap_t_interval, independent_percentile, independent_share
from sim.stats.verdicts import Outcome, Side, holm, verdict

SYMMETRIC = [1.0, 2.0, 4.0, 5.0, 7.0, 8.0]
SKEWED = [1.0, 1.1, 0.9, 1.2, 0.8, 1.0, 1.1, 0.9, 1.0, 9.0]


def ends(figure: Figure) -> tuple[float, float, float]:
    assert figure.low is not None
    assert figure.value is not None
    assert figure.high is not None
    return figure.low, figure.value, figure.high


def test_the_t_quantile_is_students() -> None:
    assert t_quantile(0.95, 9) == pytest.approx(2.2621572, abs=1e-6)
    assert t_quantile(0.99, 4.5) == pytest.approx(stats.t.ppf(0.995, 4.5))
    assert math.isinf(t_quantile(0.95, 0.0))


def test_symmetric_values_have_students_interval() -> None:
    low, value, high = ends(mean_interval(SYMMETRIC, "s"))
    expected = stats.t.interval(0.95, 5, np.mean(SYMMETRIC), stats.sem(SYMMETRIC))
    assert (low, high) == pytest.approx(expected)
    assert value == 4.5


def test_an_outlier_above_makes_the_interval_reach_further_up_than_down() -> None:
    low, value, high = ends(mean_interval(SKEWED, "s"))
    assert high - value > 2.5 * (value - low)
    reversed_low, reversed_value, reversed_high = ends(mean_interval([-v for v in SKEWED], "s"))
    assert (reversed_low, reversed_value, reversed_high) == pytest.approx((-high, -value, -low))


def test_skewness_is_that_of_the_unbiased_third_moment() -> None:
    # 0, 0, 3: mean 1, deviations -1, -1, 2: third moment 3/(2 x 1) x 6 = 9, variance 3, so 9 / 3^1.5 = sqrt(3).
    assert skewness(np.array([0.0, 0.0, 3.0])) == pytest.approx(math.sqrt(3))
    assert freedom_of_skewed(np.array(SYMMETRIC)) == pytest.approx(5)
    assert freedom_of_skewed(np.array(SKEWED)) < 3


def test_a_single_replication_has_no_interval_and_none_no_value() -> None:
    assert mean_interval([3.0], "s") == Figure(3.0, "s", n=1, note="one replication: no interval")
    assert mean_interval([], "s").value is None
    assert ends(mean_interval([2.0, 2.0, 2.0], "s")) == (2.0, 2.0, 2.0)


def test_a_replication_without_a_finite_value_is_a_programmers_mistake() -> None:
    with pytest.raises(AssertionError):
        mean_interval([1.0, float("nan")], "s")


def test_a_constant_ratio_is_found_exactly_however_the_denominators_differ() -> None:
    assert ends(ratio_interval([2.0, 4.0, 10.0], [1.0, 2.0, 5.0], "")) == pytest.approx((2, 2, 2))


def test_the_jackknife_of_a_ratio_is_the_textbooks() -> None:
    a, b = np.array([3.0, 5.0, 4.0, 9.0]), np.array([1.0, 2.0, 2.0, 3.0])
    rest = [(a.sum() - a[i]) / (b.sum() - b[i]) for i in range(4)]
    pseudo = [4 * 21 / 8 - 3 * r for r in rest]
    assert ends(ratio_interval(a, b, "")) == pytest.approx(ends(mean_interval(pseudo, "")))


def test_a_ratio_with_an_empty_denominator_is_refused() -> None:
    assert ratio_interval([1.0, 2.0], [0.0, 0.0], "").value is None
    assert "best guess 0.5" in ratio_interval([1.0, 0.0], [2.0, 0.0], "").note


def test_nothing_seen_is_the_rule_of_three_over_independent_units() -> None:
    figure = proportion_interval([0, 0], [10_000, 10_000], independent=300)
    assert ends(figure) == pytest.approx((0, 0, 3 / 300), rel=2e-3)
    assert figure.n == 300
    # By default a replication is the unit: 20,000 executions of two runs are not 20,000 chances of an outage.
    assert proportion_interval([0, 0], [10_000, 10_000]).high == 1.0
    assert ends(proportion_interval([5] * 100, [5] * 100)) == pytest.approx((0.97, 1, 1), abs=1e-4)


def test_a_share_keeps_inside_zero_and_one_and_is_symmetric_in_hits_and_misses() -> None:
    hits, trials = np.array([990, 1000, 999, 1000, 1000, 998]), np.full(6, 1000)
    low, value, high = ends(proportion_interval(hits, trials))
    assert 0 < low < value < high < 1
    misses = ends(proportion_interval(trials - hits, trials))
    assert misses == pytest.approx((1 - high, 1 - value, 1 - low))


def test_independent_trials_have_about_the_binomial_interval() -> None:
    # 40 replications of 1,000 coin tosses: the standard error of the share is 0.5 / 200 = 0.0025.
    hits = np.random.default_rng(5).binomial(1000, 0.5, 40)
    low, _, high = ends(proportion_interval(hits, np.full(40, 1000)))
    assert (high - low) / 2 == pytest.approx(1.96 * 0.0025, rel=0.35)


def test_clusters_are_counted_not_their_members() -> None:
    # Every second section holds 100: variance 2,632, mean 50, so a cluster weighs 52.6 and 20 sections hold 19.
    counts = np.array([0.0, 100.0] * 10)
    found = clustering(counts, np.full(20, 50.0))
    assert found.excursions == pytest.approx(1000 / (20 * 2500 / 19 / 50))
    assert found.freedom < 19
    even = clustering(np.full(20, 50.0), np.full(20, 50.0))
    assert even.excursions == 1000
    assert even.freedom == pytest.approx(19, rel=0.02)


def test_the_bootstrap_leans_with_the_skew_and_wants_twenty_values() -> None:
    values = np.random.default_rng(1).lognormal(0, 1, 40)
    low, value, high = ends(bootstrap_t_interval(values, "s"))
    assert high - value > 1.2 * (value - low)
    assert bootstrap_t_interval(values[::-1], "s") == bootstrap_t_interval(values, "s")
    few = bootstrap_t_interval(values[:19], "s")
    assert few.low is None
    assert few.value == pytest.approx(values[:19].mean())


def test_the_median_of_independent_values_has_the_order_statistics_of_the_sign_test() -> None:
    # n = 20: P(Binomial(20, 1/2) <= 5) = 0.0207, so the 6th and the 15th value.
    assert ends(independent_percentile(np.arange(1.0, 21.0), 0.5, "s")) == (6, 10, 15)


def test_a_percentile_among_those_that_never_came_is_refused() -> None:
    times = [*np.arange(1.0, 19.0), math.inf, math.inf]
    assert independent_percentile(times, 0.5, "s").value == 10
    assert independent_percentile(times, 0.9, "s").value == 18
    assert independent_percentile(times, 0.9, "s").high is None
    assert independent_percentile(times, 0.95, "s").value is None
    assert "2 of 20 never came" in independent_percentile(times, 0.95, "s").note


def test_a_95th_percentile_is_bounded_on_both_sides_from_72_values_on() -> None:
    assert independent_percentile(np.arange(71.0), 0.95, "s").high is None
    assert "72" in independent_percentile(np.arange(71.0), 0.95, "s").note
    assert independent_percentile(np.arange(72.0), 0.95, "s").high == 71


def test_an_independent_share_is_clopper_and_pearsons() -> None:
    expected = stats.binomtest(3, 40).proportion_ci(0.95, "exact")
    assert ends(independent_share(3, 40)) == pytest.approx((expected.low, 3 / 40, expected.high))
    assert ends(independent_share(0, 40)) == pytest.approx((0, 0, 3 / 40), rel=2e-3)


@pytest.mark.parametrize(
    ("low", "high", "side", "expected"),
    [
        (1.0, 1.9, "below", "met"),
        (1.0, 2.0, "below", "met"),
        (1.0, 2.1, "below", "undecided"),
        (2.1, 3.0, "below", "missed"),
        (2.1, 3.0, "above", "met"),
        (1.0, 2.1, "above", "undecided"),
        (1.0, 1.9, "above", "missed"),
        (1.0, None, "below", "undecided"),
        (2.1, None, "below", "missed"),
        (None, None, "below", "undecided"),
    ],
)
def test_a_verdict_needs_the_whole_interval_on_one_side(
    low: float | None, high: float | None, side: Side, expected: Outcome
) -> None:
    assert verdict(Figure(1.5, "s", low, high, 0.95, 10), 2.0, side) == expected


def test_a_refused_figure_is_undecided() -> None:
    assert verdict(Figure.refused("s", "too short"), 2.0, "below") == "undecided"


def test_holm_is_stricter_with_many_verdicts_and_steps_down() -> None:
    """Each is decided up to the level 1 - p of its p-value, so that Holm's procedure on p-values is the oracle."""

    def test_with(p_value: float) -> Callable[[float], Outcome]:
        return lambda level: "met" if p_value <= 1 - level + 1e-12 else "undecided"

    p_values = [0.04, 0.012, 0.02, 0.3]  # 0.012 <= 0.05/4; 0.02 > 0.05/3: stop
    assert holm([test_with(p) for p in p_values]) == ["undecided", "met", "undecided", "undecided"]
    p_values = [0.04, 0.012, 0.016, 0.024]  # all fall one after the other
    assert holm([test_with(p) for p in p_values]) == ["met"] * 4
    assert holm([test_with(0.05)]) == ["met"]
    assert holm([]) == []


def test_a_share_stays_within_0_and_1_and_so_does_its_interval() -> None:
    # Ten runs whose server is busy all the time but for a few moments: Student's interval reaches beyond 1.
    busy = [0.999, 1.0, 1.0, 0.98, 1.0, 1.0, 0.995, 1.0, 1.0, 1.0]
    plain = mean_interval(busy, "ratio")
    assert plain.high is not None
    assert plain.high > 1
    share = as_share(plain)
    assert (share.value, share.low, share.high) == (plain.value, plain.low, 1.0)
    idle = as_share(mean_interval([0.0, 0.0, 0.02, 0.0, 0.001, 0.0], "ratio"))
    assert idle.low == 0
