"""Laws of durations: moments, quantiles and transforms against scipy.stats and against numerical integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expn

from calibration.closed_forms.moments import Deterministic, Exponential, Gamma, Law, Lognormal
from tests.closed_forms.moments import Erlang, Hyperexponential, Pareto, Uniform, Weibull

PAIRS = [
    (Exponential(0.3), stats.expon(scale=0.3)),
    (Uniform(0.2, 1.1), stats.uniform(0.2, 0.9)),
    (Uniform(0.0, 2.0), stats.uniform(0.0, 2.0)),
    (Gamma(0.7, 1.4), stats.gamma(1.4**-2, scale=0.7 * 1.4**2)),
    (Gamma(0.7, 0.2), stats.gamma(25.0, scale=0.7 / 25)),
    (Erlang(1.3, 1), stats.expon(scale=1.3)),
    (Erlang(1.3, 7), stats.gamma(7, scale=1.3 / 7)),
    (Erlang(1.0, 40), stats.gamma(40, scale=1 / 40)),
    (Lognormal(0.5, 1.0), stats.lognorm(math.sqrt(math.log(2)), scale=0.5 / math.sqrt(2))),
    (Lognormal(0.5, 0.1), stats.lognorm(math.sqrt(math.log(1.01)), scale=0.5 / math.sqrt(1.01))),
    (Weibull(0.9, 0.7), stats.weibull_min(0.7, scale=0.9)),
    (Weibull.from_mean(1.0, 3.0), stats.weibull_min(3.0, scale=1 / math.gamma(4 / 3))),
    (Pareto(0.5, 6.0), stats.pareto(6.0, scale=0.5)),
]
NAMES = [repr(law) for law, _ in PAIRS]
MIXTURES = [Hyperexponential((0.2, 0.5, 0.3), (2.0, 0.1, 0.7)), Hyperexponential.balanced(0.4, 9.0)]


@pytest.mark.parametrize(("law", "scipy_law"), PAIRS, ids=NAMES)
def test_moments_distribution_and_quantiles_are_those_of_scipy(law, scipy_law):
    for order in (1, 2, 3):
        assert law.moment(order) == pytest.approx(scipy_law.moment(order), rel=1e-9)
    for p in (1e-4, 0.03, 0.5, 0.9, 0.99, 0.99999):
        assert law.quantile(p) == pytest.approx(scipy_law.ppf(p), rel=1e-9)
        assert law.cdf(law.quantile(p)) == pytest.approx(p, rel=1e-10)
    for x in (0.0, 0.01, 0.3, 1.0, 7.0):
        assert law.cdf(x) == pytest.approx(scipy_law.cdf(x), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("law", MIXTURES, ids=repr)
def test_hyperexponential_is_the_mixture_of_its_branches(law):
    branches = [(p, Exponential(m)) for p, m in zip(law.probabilities, law.means_s, strict=True)]
    for order in (1, 2, 3):
        assert law.moment(order) == pytest.approx(sum(p * b.moment(order) for p, b in branches))
    for x in (0.01, 0.3, 1.0, 7.0):
        assert law.cdf(x) == pytest.approx(sum(p * b.cdf(x) for p, b in branches))
        assert law.quantile(law.cdf(x)) == pytest.approx(x, rel=1e-9)
    assert law.transform(2.0) == pytest.approx(sum(p * b.transform(2.0) for p, b in branches))


@pytest.mark.parametrize("law", [law for law, _ in PAIRS] + MIXTURES, ids=repr)
def test_closed_transforms_agree_with_the_general_rule_that_knows_only_the_quantile(law):
    for rate in (0.1, 20.0):
        assert law.transform(rate) == pytest.approx(Law.transform(law, rate), rel=1e-10)


def test_the_general_rule_for_transforms_agrees_with_other_integrals():
    for rate in (0.1, 1.0, 20.0):
        assert Pareto(0.5, 6.0).transform(rate) == pytest.approx(6 * expn(7, rate / 2), rel=1e-10)
        # Over the logarithm of the duration the plain trapezoid converges faster than any power.
        y = np.linspace(-40, 8, 100_001)
        for law, scipy_law in PAIRS[8:12]:
            by_density = np.trapezoid(np.exp(-rate * np.exp(y)) * scipy_law.pdf(np.exp(y)) * np.exp(y), y)
            assert law.transform(rate) == pytest.approx(by_density, rel=1e-9)


def test_scv_and_residual_mean_follow_from_the_moments():
    assert Erlang(2.0, 5).scv == pytest.approx(0.2)
    assert Gamma(2.0, 0.5).scv == pytest.approx(0.25)
    assert Lognormal(2.0, 1.5).scv == pytest.approx(2.25)
    assert Hyperexponential.balanced(2.0, 1e6).scv == pytest.approx(1e6, rel=1e-9)
    assert Deterministic(3.0).scv == 0
    assert Deterministic(3.0).residual_mean_s == 1.5
    assert [Deterministic(3.0).cdf(x) for x in (2.999, 3.0)] == [0, 1]
    assert Deterministic(3.0).quantile(0.2) == 3.0
    assert Uniform(0.0, 3.0).residual_mean_s == pytest.approx(1.0)


def test_one_stage_of_erlang_and_a_gamma_of_cv_one_are_exponential():
    for p in (0.1, 0.5, 0.999):
        expected = Exponential(0.4).quantile(p)
        assert Erlang(0.4, 1).quantile(p) == pytest.approx(expected, rel=1e-12)
        assert Gamma(0.4, 1.0).quantile(p) == pytest.approx(expected, rel=1e-12)


def test_a_moment_that_does_not_exist_is_infinite():
    law = Pareto.from_mean(1.0, 1.5)
    assert law.moment(1) == pytest.approx(1.0)
    assert law.moment(2) == law.scv == law.residual_mean_s == math.inf
    assert Pareto(1.0, 0.9).moment(1) == math.inf


def test_impossible_laws_are_refused():
    for build in (
        lambda: Exponential(0.0),
        lambda: Exponential(math.nan),
        lambda: Uniform(2.0, 1.0),
        lambda: Erlang(1.0, 0),
        lambda: Hyperexponential((0.5, 0.4), (1.0, 1.0)),
        lambda: Hyperexponential.balanced(1.0, 0.5),
        lambda: Exponential(1.0).quantile(1.0),
    ):
        with pytest.raises(AssertionError):
            build()
