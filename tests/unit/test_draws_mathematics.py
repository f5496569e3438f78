"""Our own log, exp and normal inverse against 60-digit decimal arithmetic, on grids and at the extremes."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext, localcontext

import numpy as np
import pytest
from scipy.special import ndtri

from sim.draws.mathematics import exp, log, normal_inverse

RNG = np.random.default_rng(20261124)


def _ulps(value: float, exact: Decimal) -> float:
    return abs(float((Decimal(value) - exact) / Decimal(math.ulp(float(exact)))))


def test_log_is_within_one_ulp() -> None:
    near_one = [math.nextafter(1.0, 0.0), math.nextafter(1.0, 2.0), math.sqrt(0.5), math.sqrt(2.0)]
    grid = [*near_one, *np.linspace(0.5, 2.0, 2001), *RNG.uniform(0.99, 1.01, 1000), *RNG.uniform(0, 1, 1000)]
    wide = [*np.exp(RNG.uniform(-708, 709, 1000)), 2.0**-1022, 2.0**-53, 1.7976931348623157e308]
    with localcontext(prec=50):
        assert max(_ulps(log(float(x)), Decimal(float(x)).ln()) for x in (*grid, *wide) if x != 1.0) < 1.0
    assert log(1.0) == 0.0


def test_exp_is_within_one_ulp() -> None:
    grid = [*np.linspace(-1.0, 1.0, 2001), *RNG.uniform(-708.3, 709.7, 2000), *RNG.uniform(-1e-3, 1e-3, 200)]
    halves = [(n + 0.5) * math.log(2.0) for n in range(-1000, 1000, 37)]  # where the reduction changes over
    with localcontext(prec=50):
        assert max(_ulps(exp(float(x)), Decimal(float(x)).exp()) for x in (*grid, *halves)) < 1.0
    assert exp(0.0) == 1.0


def test_exp_and_log_keep_to_their_documented_ends() -> None:
    assert exp(709.782712893384) == pytest.approx(1.7976931348622732e308, rel=1e-13)
    assert exp(709.8) == exp(math.inf) == math.inf
    assert exp(-746.0) == exp(-math.inf) == 0.0
    assert exp(-740.0) == pytest.approx(math.exp(-740.0), abs=5e-324)
    assert log(0.0) == log(-1.0) == log(5e-324) == -math.inf
    assert log(math.inf) == math.inf


def _normal_below(x: float) -> Decimal:
    """The standard normal distribution function by its power series, to far more digits than a double has."""
    getcontext().prec = 80
    square, term = Decimal(x) ** 2, Decimal(x)
    total, n = term, 0
    while abs(term) > Decimal("1e-70"):
        n += 1
        term = -term * square * (2 * n - 1) / (2 * n * (2 * n + 1))
        total += term
    return (
        Decimal("0.5")
        + total / (2 * Decimal("3.14159265358979323846264338327950288419716939937510582097494459")).sqrt()
    )


def test_normal_inverse_is_within_a_relative_1e_15() -> None:
    levels = [2.0**-53, 1e-15, 0.075, 0.925, 1 - 2.0**-53, *10.0 ** RNG.uniform(-15, -1, 100), *RNG.uniform(0, 1, 100)]
    with localcontext():
        for p in map(float, levels):
            x = normal_inverse(p)
            density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
            # One Newton step from x tells how far the exact quantile is.
            assert abs(float(_normal_below(x) - Decimal(p)) / density) < 1e-15 * abs(x)


def test_normal_inverse_agrees_with_scipy_far_out_and_is_odd() -> None:
    far = 10.0 ** RNG.uniform(-300, -15, 300)
    ours = np.array([normal_inverse(float(p)) for p in far])
    assert np.abs(ours / ndtri(far) - 1).max() < 4e-15  # the sum of both errors
    for p in (0.25, 0.03125, 2.0**-50):
        assert normal_inverse(p) == -normal_inverse(1.0 - p)
    assert (normal_inverse(0.5), normal_inverse(0.0), normal_inverse(1.0)) == (0.0, -math.inf, math.inf)


def test_all_three_rise_where_they_should() -> None:
    # Neighbouring doubles may share a value, but none may fall by more than its rounding error of one ulp.
    for function, start in ((log, 0.7), (log, 1.4142), (exp, 0.3465), (exp, -0.3466), (normal_inverse, 0.0749999)):
        x, previous = start, function(start)
        for _ in range(300):
            x = math.nextafter(x, math.inf)
            assert function(x) >= previous - math.ulp(previous) * 2
            previous = function(x)
