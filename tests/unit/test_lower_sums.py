"""The sum of times as one distribution: moments add up, constants move, no shape is assumed."""

from __future__ import annotations

import pytest

from sim.draws.build import inverse_of
from sim.lower.sums import mean_ns, sum_of
from sim.network.distributions import Constant, Exponential, Lognormal, Uniform

MS = 1_000_000


def test_constants_add_up_and_move_what_varies() -> None:
    assert sum_of(Constant(constant_ns=2 * MS), Constant(constant_ns=3 * MS)) == Constant(constant_ns=5 * MS)
    uniform = Uniform(uniform_ns=(0, 10 * MS))
    assert sum_of(uniform) is uniform
    moved = sum_of(uniform, Constant(constant_ns=5 * MS))
    assert mean_ns(moved) == pytest.approx(10 * MS, rel=1e-4)
    assert inverse_of(moved).quantile(0) >= 0.005


def test_means_and_variances_of_independent_times_add_up() -> None:
    parts = (
        Lognormal(p50_ns=2 * MS, p99_ns=4 * MS),
        Uniform(uniform_ns=(1 * MS, 3 * MS)),
        Exponential(exponential_ns=MS),
    )
    total = inverse_of(sum_of(*parts))
    mean = sum(inverse_of(part).mean() for part in parts)
    variance = sum(inverse_of(part).scv() * inverse_of(part).mean() ** 2 for part in parts)
    assert total.mean() == pytest.approx(mean, rel=0.002)
    # Half a level at each end stands for the whole tail beyond it: of an exponential that costs some 2 %.
    assert total.scv() * total.mean() ** 2 == pytest.approx(variance, rel=0.03)


def test_the_sum_of_two_equal_uniforms_is_a_triangle() -> None:
    triangle = inverse_of(sum_of(*[Uniform(uniform_ns=(0, 1000 * MS))] * 2))
    for p in (0.05, 0.25, 0.5, 0.9, 0.99):
        exact = (2 * p) ** 0.5 if p <= 0.5 else 2 - (2 * (1 - p)) ** 0.5
        assert triangle.quantile(p) == pytest.approx(exact, abs=0.004)
