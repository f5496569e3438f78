"""Coverage of the intervals for few or rare things: shares of rare outages, recovery times, paired differences.

Method: independent samples with known truth, 1,000 or 2,000 fixed seeds; a share of 1,000 seeds has a standard error
of 0.7 % at 95 % coverage. Bounds are 92 % below, as everywhere, and none above where the method is meant to be safe.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim.figure import Figure
from sim.results.histogram import Histogram
from sim.stats.compare import paired_percentile
from sim.stats.intervals import mean_interval, proportion_interval, ratio_interval
from sim.stats.skewed import bootstrap_t_interval, independent_percentile

SEEDS = 1000


def covered(figures: list[Figure], truth: float) -> float:
    """Share of intervals that hold the truth; an open end holds everything."""
    held = [
        (figure.low is None or figure.low <= truth) and (figure.high is None or truth <= figure.high)
        for figure in figures
    ]
    return float(np.mean(held))


@pytest.mark.parametrize("outages", [1.0, 3.0, 10.0, 100.0])
def test_an_availability_with_few_outages_is_covered(outages: float) -> None:
    # 20 replications of 1 million executions; an outage fails an exponential number, 1,000 on average.
    rng = np.random.default_rng(1)
    counts = rng.poisson(outages / 20, (SEEDS, 20))
    bad = np.where(counts > 0, rng.gamma(np.maximum(counts, 1), 1000.0), 0.0).round()
    trials = np.full(20, 1_000_000)
    figures = [proportion_interval(trials - row, trials) for row in bad]
    # With an outage or less in all 20 runs 37 % see none, and say 1 - 3/20 at least.
    assert covered(figures, 1 - outages * 1000 / 20 / 1e6) >= 0.92


def test_a_rate_of_errors_that_are_independent_is_covered_and_not_wide() -> None:
    rng = np.random.default_rng(2)
    trials = np.full(20, 50_000)
    figures = [proportion_interval(rng.binomial(50_000, 0.002, 20), trials) for _ in range(SEEDS)]
    assert 0.92 <= covered(figures, 0.002) <= 0.98
    error = np.sqrt(0.002 / 1e6)
    widths = [(f.high or 0) - (f.low or 0) for f in figures]
    assert np.median(widths) < 1.2 * 2 * 2.093 * error  # Student's with 19 degrees of freedom


@pytest.mark.long
@pytest.mark.parametrize("n", [20, 40])
@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_the_mean_of_skewed_recovery_times_is_covered(n: int, sigma: float) -> None:
    rng = np.random.default_rng(3)
    figures = [bootstrap_t_interval(rng.lognormal(0, sigma, n), "s") for _ in range(SEEDS)]
    # At sigma = 1 and n = 20 bootstrap-t itself is known to fall a little short: skewness 6, 20 values.
    assert covered(figures, float(np.exp(sigma**2 / 2))) >= (0.90 if (n, sigma) == (20, 1.0) else 0.92)


@pytest.mark.parametrize("p", [0.5, 0.95])
def test_the_percentile_of_independent_recovery_times_is_covered(p: float) -> None:
    rng = np.random.default_rng(4)
    figures = [independent_percentile(rng.exponential(1, 40), p, "s") for _ in range(SEEDS)]
    assert covered(figures, float(-np.log(1 - p))) >= 0.94  # exact, and on the safe side


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_mean_of_exponential_and_of_normal_replications_is_covered(n: int) -> None:
    rng = np.random.default_rng(5)
    skewed = [mean_interval(rng.exponential(1, n), "s") for _ in range(2 * SEEDS)]
    normal = [mean_interval(rng.normal(1, 1, n), "s") for _ in range(2 * SEEDS)]
    assert 0.92 <= covered(skewed, 1) <= 0.98
    assert 0.92 <= covered(normal, 1) <= 0.98


def test_a_ratio_of_dependent_means_is_covered() -> None:
    rng = np.random.default_rng(6)
    figures = []
    for _ in range(SEEDS):
        executions = rng.poisson(200, 10)
        figures.append(ratio_interval(rng.poisson(0.3 * executions * rng.gamma(4, 0.25, 10)), executions, ""))
    assert 0.92 <= covered(figures, 0.3) <= 0.98


@pytest.mark.long
def test_a_paired_percentile_is_covered_and_rarely_calls_equal_variants_different() -> None:
    # Variant b is 10 % slower on the same draws; a load of its own is common to both runs of a replication.
    rng = np.random.default_rng(7)
    slower, equal = [], []
    load_p99 = float(np.quantile(rng.lognormal(0, 0.2, 2_000_000) * rng.exponential(1, 2_000_000), 0.99))
    for _ in range(300):
        load = rng.lognormal(0, 0.2, 20)[:, None]
        a = 1e9 * load * rng.exponential(1, (20, 1000))
        b = 1e9 * load * rng.exponential(1, (20, 1000))
        first = [Histogram.of(row.astype(np.int64)) for row in a]
        slower.append(paired_percentile(first, [Histogram.of((1.1 * row).astype(np.int64)) for row in a], 0.99))
        equal.append(paired_percentile(first, [Histogram.of(row.astype(np.int64)) for row in b], 0.99))
    assert covered([found.difference for found in slower], 0.1 * load_p99) >= 0.92
    assert covered([found.difference for found in equal], 0.0) >= 0.92
