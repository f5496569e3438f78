"""Service times are fitted: parameters, goodness of fit, what a timeout or an interval hides, and the line of YAML."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sim.calibrate.families import EXPONENTIAL, FAMILIES, GAMMA, LOGNORMAL, SHIFTED, STALLS, WEIBULL, Family
from sim.calibrate.likelihood import Times, effective_n, fit, goodness, intervals
from sim.calibrate.service_times import as_yaml, duration, fitted, fitted_counts
from sim.draws.build import inverse_of
from sim.draws.moments import mean_and_variance
from sim.observed.table import Binned, Sample, in_columns

Floats = NDArray[np.float64]

TRUTHS: list[tuple[Family, list[float]]] = [
    (EXPONENTIAL, [0.02]),
    (SHIFTED, [0.01, 0.02]),
    (GAMMA, [0.02, 0.4]),
    (LOGNORMAL, [0.02, 0.8]),
    (WEIBULL, [0.02, 1.7]),
    (STALLS, [0.001, 0.15, 0.03, 0.3, 0.02]),
]
EACH = pytest.mark.parametrize(("family", "theta"), TRUTHS, ids=[family.name for family, _ in TRUTHS])


def drawn(family: Family, theta: list[float], n: int, seed: int = 1) -> Floats:
    return family.at(np.array(theta)).rvs(n, np.random.default_rng(seed))


def sample(seconds: Floats, cut: Floats | None = None) -> Sample:
    t_ns = np.arange(seconds.size, dtype=np.int64) * 10**9
    return in_columns(t_ns, seconds * 1e9, None if cut is None else cut.astype(np.bool_))


@EACH
def test_parameters_are_found_again(family: Family, theta: list[float]) -> None:
    """20,000 draws: 6 % is more than four standard errors of each, that of the stall's cv, from 400 draws, apart."""
    found = fit(family, Times(drawn(family, theta, 20_000)))
    assert np.allclose(found[: min(3, found.size)], theta[:3], rtol=0.06)
    assert np.allclose(found, theta, rtol=0.25)


@EACH
def test_no_parameters_near_by_are_more_likely(family: Family, theta: list[float]) -> None:
    times = Times(drawn(family, theta, 2_000))
    best = fit(family, times)
    top = times.log_likelihood(family.at(best))
    for index in range(best.size):
        for factor in (0.98, 1.02):
            moved = best.copy()
            moved[index] *= factor
            assert times.log_likelihood(family.at(moved)) < top + 1e-3  # EM ends within 1e-6 for each value


@EACH
def test_density_and_shares_of_a_family_belong_together(family: Family, theta: list[float]) -> None:
    distribution = family.at(np.array(theta))
    x = np.quantile(drawn(family, theta, 1000), [0.2, 0.5, 0.9])
    step = 1e-6 * x
    slope = (distribution.cdf(x + step) - distribution.cdf(x - step)) / (2 * step)
    assert np.allclose(np.log(slope), distribution.logpdf(x), atol=1e-4)
    assert distribution.cdf(np.array([0.0, math.inf])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("family", "fitted_by_scipy"),
    [
        (GAMMA, lambda x: stats.gamma.fit(x, floc=0)[2] * stats.gamma.fit(x, floc=0)[0]),
        (LOGNORMAL, lambda x: stats.lognorm.fit(x, floc=0)[2] * np.exp(stats.lognorm.fit(x, floc=0)[0] ** 2 / 2)),
        (WEIBULL, lambda x: stats.weibull_min.fit(x, floc=0)[2]),
    ],
    ids=["gamma", "lognormal", "Weibull"],
)
def test_the_fit_is_that_of_scipy(family: Family, fitted_by_scipy: object) -> None:
    x = drawn(GAMMA, [0.02, 0.4], 500)
    assert callable(fitted_by_scipy)
    assert fit(family, Times(x))[0] == pytest.approx(fitted_by_scipy(x), rel=1e-4)


def test_a_timeout_hides_the_rest_and_does_not_shorten_the_mean() -> None:
    """Of an exponential time the most likely mean is all the time spent over what ended by itself."""
    x = drawn(EXPONENTIAL, [1.0], 400)
    ended, cut = x[x < 0.7], np.full(int((x >= 0.7).sum()), 0.7)
    found = fit(EXPONENTIAL, Times(ended, cut))
    assert found[0] == pytest.approx((ended.sum() + cut.sum()) / ended.size, rel=1e-3)


def test_counts_in_intervals_are_as_good_as_their_edges_are_fine() -> None:
    """Of an exponential time in equal intervals the most likely mean is known: of a geometric count."""
    x = drawn(EXPONENTIAL, [1.0], 2000)
    edges = np.append(np.arange(0, 12) * 0.5, math.inf)
    counts = np.histogram(x, edges)[0].astype(np.float64)
    through = float((np.arange(11) * counts[:11]).sum() + 11 * counts[11])  # intervals that were passed
    mean = 0.5 / math.log1p(counts[:11].sum() / through)
    found = fit(EXPONENTIAL, Times(np.zeros(0), edges=edges, counts=counts))
    assert found[0] == pytest.approx(mean, rel=1e-3)


def test_a_wrong_family_is_rejected_and_the_right_one_chosen() -> None:
    found = fitted(sample(drawn(LOGNORMAL, [0.02, 0.8], 1000)))
    assert found.best is not None
    assert found.best.family is LOGNORMAL
    times = Times(drawn(LOGNORMAL, [0.02, 0.8], 1000))
    assert goodness(EXPONENTIAL, fit(EXPONENTIAL, times), times, times.n).p_value == 1 / 200


def test_what_no_family_fits_is_written_as_it_was_measured() -> None:
    grid = np.repeat([0.001, 0.004, 0.006, 0.009], 100) * (1 + np.tile(np.arange(100), 4) * 1e-4)
    found = fitted(sample(np.random.default_rng(3).permutation(grid)))
    assert found.best is None
    assert found.yaml.startswith("{empirical: {values: [1 ms, ")
    assert any("is rejected" in note for note in found.notes)


def test_a_constant_is_told_and_zeros_are_left_out() -> None:
    assert fitted(sample(np.full(50, 0.005))).yaml == "5 ms"
    with_zeros = np.append(np.zeros(50), drawn(GAMMA, [0.02, 0.4], 150))
    found = fitted(sample(np.random.default_rng(4).permutation(with_zeros)))
    assert any("25.0% are 0" in note for note in found.notes)


def test_few_values_are_not_fitted() -> None:
    found = fitted(sample(drawn(GAMMA, [0.02, 0.4], 19)))
    assert found.yaml == ""
    assert any("fewer than 20" in note for note in found.notes)


def test_timeouts_are_told_and_the_values_are_not_written_in_place_of_a_fit() -> None:
    x = drawn(GAMMA, [0.02, 0.4], 200)
    found = fitted(sample(np.minimum(x, 0.03), x > 0.03), families=(GAMMA,))
    assert found.best is not None
    assert found.best.theta[0] == pytest.approx(0.02, rel=0.1)  # 2.8 % standard error of the whole sample
    assert any("ended by a timeout" in note for note in found.notes)
    assert found.empirical == ""


def test_values_that_follow_each_other_are_worth_fewer() -> None:
    """Of a chain with correlation r from one value to the next, n are worth n (1 - r)/(1 + r): Bartlett 1946."""
    generator = np.random.default_rng(5)
    chain = np.zeros(20_000)
    noise = generator.standard_normal(chain.size)
    for index in range(1, chain.size):
        chain[index] = 0.8 * chain[index - 1] + noise[index]
    assert effective_n(chain) == pytest.approx(20_000 / 9, rel=0.2)
    assert effective_n(noise) == pytest.approx(20_000, rel=0.1)
    drifting = drawn(GAMMA, [0.02, 0.2], 400) * np.repeat([1.0, 2.0], 200)
    found = fitted(sample(drifting))
    assert found.worth < 40
    assert any("medians of five parts" in note for note in found.notes)


def test_intervals_widen_with_what_values_are_worth() -> None:
    x = drawn(GAMMA, [0.02, 0.4], 400)
    theta = fit(GAMMA, Times(x))
    (low, high), _ = intervals(GAMMA, theta, Times(x), 400)
    assert (high - low) / 2 == pytest.approx(1.96 * x.std() / 20, rel=0.25)  # 199 resamples: 5 % standard error
    drifting = x * np.repeat([1.0, 2.0], 200)
    (wide_low, wide_high), _ = intervals(GAMMA, theta, Times(drifting), 10)
    assert wide_high - wide_low > 3 * (high - low)


@EACH
def test_the_line_of_yaml_is_the_fitted_distribution(family: Family, theta: list[float]) -> None:
    """Four digits, and for a shift a table: its mean is within 1 % of the curve's."""
    from pydantic import TypeAdapter

    from sim.network.distributions import Distribution
    from sim.scenario.reading.reader import load_yaml

    text = as_yaml(family, np.array(theta))
    written = TypeAdapter(Distribution).validate_python(load_yaml(f"service: {text}", "line")["service"])
    mean = mean_and_variance(inverse_of(written))[0]
    seconds = np.linspace(0, 1, 200_001)
    curve = np.trapezoid(1 - family.at(np.array(theta)).cdf(seconds), seconds)
    assert mean == pytest.approx(curve, rel=0.01 if family is SHIFTED else 1e-3)


def test_a_histogram_without_a_fit_is_written_by_its_edges() -> None:
    edges = np.array([0, 1, 2, 5, 10, math.inf]) * 1e6
    found = fitted_counts(Binned(edges, np.array([0.0, 60, 25, 10, 5]), 1.9e8), families=(EXPONENTIAL,))
    assert found.empirical == ""  # how far the last 5 went is not known
    edges = np.array([0, 1, 2, 5, 10, 20, math.inf]) * 1e6
    found = fitted_counts(Binned(edges, np.array([0.0, 60, 30, 5, 5, 0]), 1.9e8), families=(EXPONENTIAL,))
    assert found.empirical == (
        "{empirical: {values: [1 ms, 2 ms, 5 ms, 10 ms, 20 ms], probabilities: [0, 0.6, 0.9, 0.95, 1]}}"
    )
    assert found.mean == pytest.approx(0.0019)


def test_times_are_written_in_the_unit_that_reads_best() -> None:
    assert [duration(s) for s in (0, 1.2e-6, 0.00123456, 2.5)] == ["0 ns", "1.2 us", "1.235 ms", "2.5 s"]


def test_rare_stalls_are_told_apart_from_the_body() -> None:
    """Of 2,000 times of 1 ms some 20 are stalls of 30 ms."""
    found = fitted(sample(drawn(STALLS, [0.001, 0.15, 0.03, 0.3, 0.01], 2000)))
    assert found.best is not None
    assert found.best.family is STALLS
    share = found.best.theta[4]
    assert 0.003 < share < 0.017  # binomial, three standard errors of 0.0022
    assert found.best.theta[2] == pytest.approx(0.03, rel=0.25)  # 7 % standard error


@pytest.mark.long
def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """At 90 %, of 100 samples: 90, and with probability 0.999 at least 79 (binomial)."""
    covered = 0
    for seed in range(100):
        times = Times(drawn(GAMMA, [0.02, 0.5], 100, seed))
        (low, high), _ = intervals(GAMMA, fit(GAMMA, times), times, times.n, confidence=0.9, seed=seed)
        covered += low <= 0.02 <= high
    assert covered >= 79


@pytest.mark.long
def test_the_test_of_fit_rejects_the_true_family_as_often_as_it_says() -> None:
    """At 10 %, of 200 samples: 20, and with probability 0.999 between 7 and 35 (binomial)."""
    rejected = 0
    for seed in range(200):
        times = Times(drawn(GAMMA, [0.02, 0.5], 60, seed))
        rejected += goodness(GAMMA, fit(GAMMA, times), times, times.n, seed).p_value <= 0.1
    assert 7 <= rejected <= 35
    assert len(FAMILIES) == 6
