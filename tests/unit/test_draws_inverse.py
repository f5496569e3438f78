"""Draws from every family against SciPy's distributions: quantiles on a grid into both tails, samples, rounding.

Quantiles are compared at levels on the grid of `uniform`, odd multiples of 2^-53 down to 2^-50 from either end. The
samples are of fixed seeds, and each test rejects at 1e-6.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from sampled import sample
from scipy import stats

from sim.draws import distributions as d
from sim.draws import kinds
from sim.draws.inverse import MAX_NS, draw_ns, exponential_ns, to_ns
from sim.draws.kinds import Inverse
from sim.draws.quantiles import quantile
from sim.draws.sampler import Sampler
from sim.draws.streams import stream_key, uniform

ALARM = 1e-6
KEY = stream_key(2, 0, "test")
N = 10_000
_SMALL = np.concatenate([np.geomspace(2.0**-50, 0.49, 400), np.linspace(0.001, 0.499, 400)])
_ODD = np.floor(_SMALL * 2.0**52) * 2.0 + 1.0
U = np.unique(np.concatenate([_ODD * 2.0**-53, 1.0 - _ODD * 2.0**-53]))


def at(inverse: Inverse, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of an inverse at the levels, as drawn."""
    table = np.array(inverse.table)
    numbers = inverse.kind, inverse.a, inverse.b, inverse.c, table, 0, len(table)
    return np.array([sample(*numbers, float(u)) for u in levels])


def scipy_quantile(frozen: stats.rv_continuous) -> NDArray[np.float64]:
    """SciPy's quantiles at U, each from the nearer end."""
    return np.where(U < 0.5, frozen.ppf(np.minimum(U, 0.5)), frozen.isf(np.minimum(1.0 - U, 0.5)))


CLOSED = {
    "uniform": (d.uniform(1.0, 3.0), stats.uniform(1.0, 2.0)),
    "exponential": (d.exponential(0.07), stats.expon(scale=0.07)),
    "lognormal": (d.lognormal_mean_cv(1.0, 2.0), stats.lognorm(s=math.sqrt(math.log(5)), scale=5**-0.5)),
    "weibull": (d.weibull(2.0, 0.7), stats.weibull_min(0.7, scale=2.0)),
    "pareto": (d.pareto(2.0, 1.5), stats.pareto(1.5, scale=2.0)),
    "cut pareto": (d.pareto(2.0, 1.5, 60.0), stats.truncpareto(1.5, 30.0, scale=2.0)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_are_exact_to_1e_12_in_both_tails(name: str) -> None:
    inverse, frozen = CLOSED[name]
    assert np.abs(at(inverse, U) / scipy_quantile(frozen) - 1).max() < 1e-12


@pytest.mark.parametrize(
    ("cv", "error"), [(0.02, 1e-10), (0.3, 1e-9), (0.9, 1e-8), (2.0, 1e-7), (3.0, 2e-7), (30.0, 1e-5)]
)
def test_the_gamma_table_is_as_exact_as_documented(cv: float, error: float) -> None:
    exact = scipy_quantile(stats.gamma(cv**-2, scale=2.0 * cv**2))
    seen = exact > 1e-9  # below a nanosecond, and where SciPy underflows, nobody looks
    assert np.abs(at(d.gamma(2.0, cv), U)[seen] / exact[seen] - 1).max() < error


COUNTS = {
    "geometric": (d.geometric(20.0), stats.geom(1 / 20)),
    "poisson": (d.poisson(12.5), stats.poisson(12.5)),
    "many poisson": (d.poisson(4000.0), stats.poisson(4000.0)),
    "between": (d.uniform_count(3, 8), stats.randint(3, 9)),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_whole_and_right(name: str) -> None:
    inverse, frozen = COUNTS[name]
    levels = np.linspace(0.00037, 0.99951, 2001)  # no end of a count's share among them
    assert (at(inverse, levels) == frozen.ppf(levels)).all()
    assert inverse.mean() == pytest.approx(frozen.mean(), rel=1e-12)
    assert inverse.scv() == pytest.approx(frozen.var() / frozen.mean() ** 2, rel=1e-9)


def test_a_geometric_count_is_at_least_one_and_a_poisson_count_may_be_none() -> None:
    assert at(d.geometric(200.0), np.array([2.0**-53]))[0] == 1.0
    assert at(d.poisson(0.1), np.array([0.5]))[0] == 0.0


HYPER = d.hyperexponential(1.0, 3.0)
MIXED = d.mixture([0.7, 0.2, 0.1], [d.exponential(1.0), d.gamma(5.0, 0.5), d.constant(2.0)])
SAMPLED = {
    **CLOSED,
    "gamma": (d.gamma(2.0, 0.6), stats.gamma(0.6**-2, scale=2.0 * 0.6**2)),
    "cut lognormal": (d.truncated(d.lognormal_mean_cv(1.0, 2.0), 0.1, 9.0), None),
}


@pytest.mark.parametrize("name", SAMPLED)
def test_samples_pass_kolmogorov_smirnov(name: str) -> None:
    inverse, frozen = SAMPLED[name]
    sampler = Sampler(inverse, KEY)
    drawn = np.array([sampler.value(path, 0) for path in range(N)])
    if frozen is None:
        whole = CLOSED["lognormal"][1]
        low, high = whole.cdf([0.1, 9.0])
        assert stats.kstest(drawn, lambda x: (whole.cdf(x) - low) / (high - low)).pvalue > ALARM
    else:
        assert stats.kstest(drawn, frozen.cdf).pvalue > ALARM


def test_a_hyperexponential_sample_has_its_two_phases() -> None:
    sampler = Sampler(HYPER, KEY)
    drawn = np.array([sampler.value(path, 0) for path in range(N)])
    p, m1, m2 = HYPER.a, HYPER.b, HYPER.c
    assert stats.kstest(drawn, lambda x: -p * np.expm1(-x / m1) - (1 - p) * np.expm1(-x / m2)).pvalue > ALARM


def test_a_mixture_keeps_each_atom_exactly_and_each_part_in_proportion() -> None:
    sampler = Sampler(MIXED, KEY)
    drawn = np.array([sampler.value(path, 0) for path in range(N)])
    assert stats.binomtest(int((drawn == 2.0).sum()), N, 0.1).pvalue > ALARM
    rest = drawn[drawn != 2.0]
    parts = [(0.7 / 0.9, stats.expon()), (0.2 / 0.9, stats.gamma(4, scale=1.25))]
    assert stats.kstest(rest, lambda x: sum(w * part.cdf(x) for w, part in parts)).pvalue > ALARM


@pytest.mark.parametrize("name", [*CLOSED, "gamma", "cut lognormal"])
def test_a_draw_rises_with_its_uniform(name: str) -> None:
    inverse, _ = SAMPLED[name]
    # A relative 4e-16 is the rounding of the last operations; real steps are 2^-50 apart at least.
    assert all(y >= x * (1 - 4e-16) for x, y in pairwise(at(inverse, U)))


@pytest.mark.parametrize("inverse", [HYPER, MIXED, *(inverse for inverse, _ in SAMPLED.values())])
def test_the_reported_quantile_agrees_with_the_sorted_sample(inverse: Inverse) -> None:
    # The count below the true 90 % quantile is binomial, whatever the order in which parts take the uniform.
    sampler = Sampler(inverse, KEY)
    quantile_90 = inverse.quantile(0.9)
    below = sum(sampler.value(path, 1) <= quantile_90 for path in range(N))
    assert stats.binomtest(below, N, 0.9).pvalue > ALARM


def test_draws_and_the_builders_quantiles_are_the_same_function() -> None:
    rising = [*SAMPLED.values(), *COUNTS.values(), (d.empirical([1.0, 2.0, 9.0]), None), (d.constant(3.0), None)]
    for inverse, _ in rising:
        assert at(inverse, U) == pytest.approx(quantile(inverse, U, 1.0 - U), rel=1e-9, abs=0.0)


def test_cut_values_stay_inside_their_bounds_even_at_the_extreme_draws() -> None:
    cut = d.truncated(d.lognormal_quantiles(0.01, 5.0, 0.99, 7200.0), 5.0, 7200.0)
    ends = at(cut, np.array([2.0**-53, 1.0 - 2.0**-53]))
    assert ends[0] == pytest.approx(5.0, rel=1e-12)
    assert ends[1] == pytest.approx(7200.0, rel=1e-12)
    assert (at(cut, U) >= 5.0).all()
    assert (at(cut, U) <= 7200.0).all()


def test_times_round_half_to_even_and_saturate() -> None:
    assert [to_ns(x * 1e-9) for x in (0.5, 1.5, 2.5, 0.49, 0.51, 1e9)] == [0, 2, 2, 0, 1, 10**9]
    assert to_ns(86_400.0) == 86_400 * 10**9
    assert [to_ns(x) for x in (-1.0, 0.0, math.inf, math.nan, 5e9)] == [0, 0, MAX_NS, MAX_NS, MAX_NS]
    assert to_ns(4.6e9) == int(4.6e18) < MAX_NS < 2**62


def test_the_fast_paths_are_the_same_draw() -> None:
    for inverse in (d.exponential(0.3), d.lognormal_mean_cv(0.1, 1.0), d.gamma(1.0, 2.0), d.constant(0.25), HYPER):
        sampler, table = Sampler(inverse, KEY), np.concatenate([np.zeros(7), inverse.table])
        for index in range(20):
            slow = to_ns(float(at(inverse, np.array([uniform(KEY, 5, index)]))[0]))
            assert sampler.ns(5, index) == slow == to_ns(sampler.value(5, index))
            numbers = inverse.kind, inverse.a, inverse.b, inverse.c, table, 7, len(inverse.table)
            assert draw_ns(KEY, 5, index, *numbers) == slow
            if inverse.kind == kinds.EXPONENTIAL:
                assert exponential_ns(KEY, 5, index, inverse.a) == slow
