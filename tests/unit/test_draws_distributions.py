"""Families from descriptions: moments against theory, and residual lives and order statistics against closed forms.

The distribution function F of a table is held against its formula at the table's own values: F(x(u)) = u.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats

from sim.draws import distributions as d
from sim.draws.kinds import Inverse
from sim.draws.moments import quadrature
from sim.draws.quantiles import quantile, tails
from sim.draws.tables import step

Array = NDArray[np.float64]
LEVELS = np.unique(np.concatenate([np.geomspace(1e-12, 0.5, 200), np.linspace(0.001, 0.999, 500)]))


def worst(inverse: Inverse, below: Callable[[Array], Array]) -> float:
    """The largest distance between the inverse and the inverse of the given distribution function."""
    return float(np.abs(below(quantile(inverse, LEVELS, 1.0 - LEVELS)) - LEVELS).max())


@pytest.mark.parametrize("mean", [1e-6, 0.01, 86_400.0])
@pytest.mark.parametrize(
    ("family", "cv"),
    [
        (d.lognormal_mean_cv, 0.01),
        (d.lognormal_mean_cv, 3.0),
        (d.gamma, 0.1),
        (d.gamma, 5.0),
        (d.hyperexponential, 1.5),
        (d.hyperexponential, 10.0),
    ],
)
def test_families_by_mean_and_cv_have_them(family: Callable[[float, float], Inverse], mean: float, cv: float) -> None:
    inverse = family(mean, cv)
    assert inverse.mean() == pytest.approx(mean, rel=1e-9)
    assert inverse.scv() == pytest.approx(cv * cv, rel=1e-8)


@pytest.mark.parametrize("family", [d.lognormal_mean_cv, d.gamma])
def test_no_variation_is_a_constant(family: Callable[[float, float], Inverse]) -> None:
    assert family(0.25, 0.0) == d.constant(0.25)
    assert (d.constant(0.25).mean(), d.constant(0.25).scv(), d.constant(0.0).scv()) == (0.25, 0.0, 0.0)


def test_moments_agree_with_quadrature_of_the_quantile_function() -> None:
    cut = d.truncated(d.lognormal_quantiles(0.01, 5.0, 0.99, 7200.0), 5.0, 7200.0)
    uneven = d.truncated(d.exponential(10.0), 1.0, 40.0)
    for inverse in (
        d.uniform(1.0, 3.0),
        d.weibull(1.0, 1.5),
        d.gamma(1.0, 0.7),
        d.pareto(1.0, 1.5, 50.0),
        cut,
        uneven,
    ):
        mean, variance = quadrature(inverse)
        assert inverse.mean() == pytest.approx(mean, rel=1e-8)
        assert inverse.scv() == pytest.approx(variance / mean**2, rel=1e-7)


def test_two_quantiles_fix_a_lognormal() -> None:
    inverse = d.lognormal_quantiles(0.5, 0.08, 0.99, 0.9)
    assert inverse.quantile(0.5) == pytest.approx(0.08, rel=1e-12)
    assert inverse.quantile(0.99) == pytest.approx(0.9, rel=1e-12)


def test_a_hyperexponential_has_balanced_means() -> None:
    inverse = d.hyperexponential(2.0, 3.0)
    assert inverse.a * inverse.b == pytest.approx((1 - inverse.a) * inverse.c, rel=1e-12)
    assert d.hyperexponential(2.0, 1.0) == d.exponential(2.0)


def test_heavy_tails_have_infinite_moments_until_they_are_cut() -> None:
    assert (d.pareto(1.0, 1.0).mean(), d.pareto(1.0, 2.0).scv()) == (math.inf, math.inf)
    assert d.pareto(1.0, 2.0).mean() == 2.0
    assert d.mixture([0.9, 0.1], [d.constant(1.0), d.pareto(1.0, 0.9)]).mean() == math.inf
    one = d.pareto(1.0, 1.0, math.e)  # density 1/x^2 / (1 - 1/e)
    assert one.mean() == pytest.approx(1 / (1 - 1 / math.e), rel=1e-12)


def test_measured_times_are_linear_between_the_values() -> None:
    observed = d.empirical([1.0, 2.0, 9.0])
    assert [observed.quantile(u) for u in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1.0, 1.5, 2.0, 5.5, 9.0]
    assert observed.mean() == 3.5
    assert observed.scv() * 3.5**2 == pytest.approx(
        integrate.quad(lambda u: observed.quantile(u) ** 2, 0, 1, points=[0.5])[0] - 3.5**2
    )
    assert d.empirical([0.0, 1.0, 2.0], [0.0, 0.9, 1.0]).quantile(0.45) == pytest.approx(0.5)
    assert d.empirical([3.0, 3.0]) == d.constant(3.0)
    atom = d.empirical([1.0, 2.0, 2.0, 3.0], [0.0, 0.2, 0.8, 1.0])
    assert {atom.quantile(u) for u in (0.21, 0.5, 0.79)} == {2.0}


def discrete(*weighted: tuple[float, float]) -> Inverse:
    """A table of steps: one of the rising values, each with its weight; all weights add up to 1."""
    values, weights = np.array(weighted).T
    return step(np.cumsum(weights), values)


def test_steps_are_taken_at_their_levels() -> None:
    inverse = discrete((1.0, 0.5), (2.0, 0.25), (9.0, 0.25))
    assert [inverse.quantile(u) for u in (0.0, 0.5, 0.51, 0.75, 0.76, 1.0)] == [1.0, 1.0, 2.0, 2.0, 9.0, 9.0]
    assert inverse.mean() == 3.25


def test_mixtures_within_mixtures_are_taken_apart() -> None:
    inner = d.mixture([0.5, 0.5], [d.constant(1.0), d.exponential(2.0)])
    outer = d.mixture([0.5, 0.5], [inner, d.hyperexponential(1.0, 2.0)])
    assert outer.mean() == pytest.approx(0.25 * 1 + 0.25 * 2 + 0.5 * 1, rel=1e-12)
    second = 0.25 * 1 + 0.25 * 8 + 0.5 * 5  # E[X^2] of each part
    assert outer.scv() == pytest.approx(second / outer.mean() ** 2 - 1, rel=1e-12)
    assert d.mixture([1.0, 0.0], [d.exponential(2.0), d.constant(1.0)]) == d.exponential(2.0)
    assert d.mixture([1.0, 1e-30], [d.exponential(2.0), d.constant(1.0)]) == d.exponential(2.0)


def test_the_quantile_of_a_mixture_inverts_its_distribution_function() -> None:
    inverse = d.mixture([0.6, 0.4], [d.exponential(1.0), d.lognormal_mean_cv(30.0, 1.0)])
    assert worst(inverse, lambda x: tails(inverse, x)[0]) < 1e-12
    assert d.mixture([0.6, 0.4], [d.exponential(1.0), d.constant(2.0)]).quantile(0.7) == pytest.approx(2.0, rel=1e-15)


def test_a_cut_keeps_the_shape_between_its_ends() -> None:
    assert d.truncated(d.exponential(1.0), 0.0, math.inf) == d.exponential(1.0)
    assert d.truncated(d.exponential(1.0), 2.0, math.inf).mean() == pytest.approx(3.0, rel=1e-9)
    assert d.truncated(d.uniform(0.0, 4.0), 1.0, 2.0).mean() == 1.5
    assert d.truncated(discrete((1.0, 0.25), (2.0, 0.25), (3.0, 0.25), (9.0, 0.25)), 2.0, 3.0).mean() == pytest.approx(
        2.5
    )
    both = d.truncated(d.mixture([0.5, 0.5], [d.constant(1.0), d.uniform(0.0, 4.0)]), 0.5, 1.0)
    assert both.mean() == pytest.approx((0.5 * 1 + 0.0625 * 0.75) / 0.5625, rel=1e-12)
    with pytest.raises(ValueError, match="billionth"):
        d.truncated(d.exponential(1.0), 30.0, 40.0)


def _lognormal_residual(inverse: Inverse) -> Callable[[Array], Array]:
    mean = inverse.mean()

    def below(x: Array) -> Array:
        y = (np.log(x) - inverse.a) / inverse.b
        return (x * special.ndtr(-y) + mean * special.ndtr(y - inverse.b)) / mean

    return below


def _gamma_residual(mean: float, cv: float) -> Callable[[Array], Array]:
    shape = cv**-2
    return lambda x: (
        x * special.gammaincc(shape, x * shape / mean) / mean + special.gammainc(shape + 1, x * shape / mean)
    )


RESIDUALS: dict[str, tuple[Inverse, Callable[[Array], Array]]] = {
    "constant": (d.constant(5.0), lambda x: x / 5),
    "exponential": (d.exponential(2.0), lambda x: -np.expm1(-x / 2)),
    "lognormal": (d.lognormal_mean_cv(180.0, 0.8), _lognormal_residual(d.lognormal_mean_cv(180.0, 0.8))),
    "narrow lognormal": (d.lognormal_mean_cv(2.0, 0.05), _lognormal_residual(d.lognormal_mean_cv(2.0, 0.05))),
    "wide lognormal": (d.lognormal_mean_cv(2.0, 10.0), _lognormal_residual(d.lognormal_mean_cv(2.0, 10.0))),
    "weibull": (d.weibull(2.0, 0.5), lambda x: special.gammainc(2.0, (x / 2) ** 0.5)),
    "gamma": (d.gamma(2.0, 0.5), _gamma_residual(2.0, 0.5)),
    "wide gamma": (d.gamma(2.0, 5.0), _gamma_residual(2.0, 5.0)),
    "uniform": (d.uniform(1.0, 3.0), lambda x: np.where(x < 1, x / 2, 1 - (3 - x) ** 2 / 8)),
    "pareto": (d.pareto(1.0, 2.5), lambda x: np.where(x < 1, x * 0.6, 1 - 0.4 * x**-1.5)),
    "discrete": (
        discrete((1.0, 0.5), (2.0, 0.3), (10.0, 0.2)),
        lambda x: (np.minimum(x, 1) + 0.5 * np.clip(x - 1, 0, 1) + 0.2 * np.clip(x - 2, 0, 8)) / 3.1,
    ),
    "cut": (
        d.truncated(d.exponential(1.0), 1.0, math.inf),
        lambda x: np.where(x < 1, x / 2, 1 - np.exp(1 - x) / 2),
    ),
}


@pytest.mark.parametrize("name", RESIDUALS)
def test_the_residual_life_has_its_distribution_and_mean(name: str) -> None:
    whole, below = RESIDUALS[name]
    residual = d.residual(whole)
    assert worst(residual, below) < 1e-6
    assert residual.mean() == pytest.approx(whole.mean() * (1 + whole.scv()) / 2, rel=1e-6)


def test_the_residual_of_a_mixture_weighs_each_part_by_its_time() -> None:
    # 0.1 % of transfers reach a timer of 24 h: most of those in flight are waiting for it.
    whole = d.mixture([0.999, 0.001], [d.exponential(60.0), d.constant(86_400.0)])
    residual = d.residual(whole)
    share = 86.4 / (86.4 + 59.94)
    assert worst(residual, lambda x: (1 - share) * -np.expm1(-x / 60) + share * np.minimum(x / 86_400, 1)) < 1e-12
    assert residual.mean() == pytest.approx(whole.mean() * (1 + whole.scv()) / 2, rel=1e-12)
    phases = d.residual(d.hyperexponential(1.0, 3.0))
    assert phases.a == pytest.approx(0.5)  # balanced means: half of the time is in either phase


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(
    ("inverse", "error"),
    [
        (d.exponential(1.0), 1e-8),
        (d.lognormal_mean_cv(1.0, 2.0), 1e-8),
        (d.weibull(1.0, 0.6), 1e-8),
        (d.gamma(1.0, 2.0), 1e-7),
        (d.pareto(1.0, 1.5), 1e-7),
        (d.uniform(1.0, 2.0), 1e-7),
        (d.hyperexponential(1.0, 3.0), 2e-5),
        (d.empirical([0.0, 1.0, 5.0]), 2e-5),
        (d.mixture([0.9, 0.1], [d.exponential(1.0), d.uniform(3.0, 4.0)]), 2e-5),
    ],
)
def test_an_order_statistic_has_the_beta_distribution_of_its_level(inverse: Inverse, error: float, k: int) -> None:
    assert worst(d.order_statistic(inverse, k, 3), lambda x: special.betainc(k, 4 - k, tails(inverse, x)[0])) < error


def test_the_kth_of_n_exponentials_has_the_harmonic_mean() -> None:
    for k, n in ((2, 2), (500, 1000), (1000, 1000)):
        ordered = d.order_statistic(d.exponential(1.0), k, n)
        assert ordered.mean() == pytest.approx(sum(1 / (n - i) for i in range(k)), rel=1e-8)
        variance = ordered.scv() * ordered.mean() ** 2
        assert variance == pytest.approx(sum(1 / (n - i) ** 2 for i in range(k)), rel=1e-6)


def test_the_least_of_n_stays_in_its_family_where_it_does() -> None:
    assert d.order_statistic(d.exponential(3.0), 1, 3) == d.exponential(1.0)
    assert d.order_statistic(d.pareto(1.0, 0.5), 1, 4).mean() == pytest.approx(2.0)  # alpha is 2 then
    assert d.order_statistic(d.constant(3.0), 2, 3) == d.constant(3.0)
    assert d.order_statistic(d.gamma(1.0, 2.0), 1, 1) == d.gamma(1.0, 2.0)


def test_order_statistics_of_a_heavy_tail_have_the_moments_that_exist() -> None:
    # The 2nd of 3 has a tail of exponent 2 x 1.5 = 3: a mean and a variance; the 3rd only a mean.
    second, third = (d.order_statistic(d.pareto(1.0, 1.5), k, 3) for k in (2, 3))
    mean = integrate.quad(lambda v: 6 * v * (1 - v) * (1 - v) ** (-1 / 1.5), 0, 1)[0]
    assert second.mean() == pytest.approx(mean, rel=1e-6)
    assert math.isfinite(second.scv())
    assert (math.isfinite(third.mean()), third.scv()) == (True, math.inf)


def test_order_statistics_keep_atoms() -> None:
    coin = d.order_statistic(discrete((1.0, 0.5), (2.0, 0.5)), 1, 2)
    assert coin.mean() == 1.25
    mixed = d.order_statistic(d.mixture([0.5, 0.5], [d.exponential(1.0), d.constant(2.0)]), 2, 3)
    below, upto = (stats.binom.sf(1, 3, p) for p in (0.5 * -math.expm1(-2), 0.5 + 0.5 * -math.expm1(-2)))
    assert {round(mixed.quantile(u), 9) for u in (below + 1e-4, (below + upto) / 2, upto - 1e-4)} == {2.0}


def test_equal_distributions_are_equal_and_hash_alike() -> None:
    assert d.gamma(1.0, 0.5) == d.gamma(1.0, 0.5) != d.gamma(1.0, 0.6)
    assert len({d.gamma(1.0, 0.5), d.gamma(1.0, 0.5), d.exponential(1.0)}) == 2
    with pytest.raises(ValueError, match="read-only"):
        d.gamma(1.0, 0.5).table[0] = 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: d.exponential(0.0), "mean must be positive"),
        (lambda: d.exponential(math.nan), "mean must be positive"),
        (lambda: d.constant(-1.0), "at least 0"),
        (lambda: d.uniform(2.0, 1.0), "least <= greatest"),
        (lambda: d.lognormal_mean_cv(1.0, -1.0), "cv must be"),
        (lambda: d.lognormal_quantiles(0.9, 1.0, 0.5, 2.0), "rising levels"),
        (lambda: d.lognormal_quantiles(0.5, 2.0, 0.9, 1.0), "values must be positive and rise"),
        (lambda: d.hyperexponential(1.0, 0.5), "at least 1"),
        (lambda: d.gamma(1.0, 1e3), "cv of a gamma"),
        (lambda: d.pareto(1.0, 1.5, 0.5), "above the least"),
        (lambda: d.empirical([1.0]), "at least two"),
        (lambda: d.empirical([2.0, 1.0]), "must rise"),
        (lambda: d.empirical([1.0, 2.0], [0.0, 0.9]), "from 0 to 1"),
        (lambda: d.mixture([1.0], []), "one weight a part"),
        (lambda: d.geometric(0.5), "at least 1"),
        (lambda: d.poisson(1e7), "at most 1e6"),
        (lambda: d.uniform_count(3, 2), "least <= greatest"),
        (lambda: d.residual(d.pareto(1.0, 1.0)), "finite mean"),
        (lambda: d.residual(d.geometric(2.0)), "counts"),
        (lambda: d.order_statistic(d.exponential(1.0), 3, 2), "1 <= k <= n"),
        (lambda: d.order_statistic(d.geometric(2.0), 1, 2), "counts"),
        (lambda: d.exponential(1.0).quantile(1.5), "level in"),
    ],
)
def test_what_describes_nothing_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
