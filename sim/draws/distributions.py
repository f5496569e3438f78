"""Inverse distribution functions from what a user describes: one function per family.

Times are in seconds, counts in ones, shares in [0, 1]. Everything here is plain Python, NumPy and SciPy, so that a
scenario can be checked without a compiler; drawing is `sim.draws.sampler` and `sim.draws.inverse`. A description that
describes nothing raises ValueError.

Logarithms of parameters are taken by `decimal`, which is the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Context, Decimal
from statistics import NormalDist

import numpy as np

from sim.draws import kinds, tables
from sim.draws.derived import cut as truncated
from sim.draws.derived import order_statistic, residual
from sim.draws.kinds import Inverse
from sim.draws.pieces import Piece, join, pieces_of

__all__ = [
    "Inverse",
    "constant",
    "empirical",
    "exponential",
    "gamma",
    "geometric",
    "hyperexponential",
    "lognormal_mean_cv",
    "lognormal_quantiles",
    "mixture",
    "order_statistic",
    "pareto",
    "poisson",
    "residual",
    "truncated",
    "uniform",
    "uniform_count",
    "weibull",
]

_DIGITS = Context(prec=40)
_POISSON_MEAN_MAX = 1e6  # its table has 18,000 counts there


def constant(value: float) -> Inverse:
    """Always `value`: seconds, or a count; not negative."""
    _require(0.0 <= value < math.inf, "a constant must be at least 0 and finite", value)
    return Inverse(kinds.CONSTANT, float(value))


def uniform(least: float, greatest: float) -> Inverse:
    """Uniform between two times, in seconds."""
    _require(0.0 <= least <= greatest < math.inf, "uniform needs 0 <= least <= greatest", (least, greatest))
    return constant(least) if least == greatest else Inverse(kinds.UNIFORM, float(least), float(greatest))


def exponential(mean: float) -> Inverse:
    """Exponential with the given mean, in seconds."""
    _positive("mean", mean)
    return Inverse(kinds.EXPONENTIAL, float(mean))


def lognormal_mean_cv(mean: float, cv: float) -> Inverse:
    """Lognormal by mean, in seconds, and coefficient of variation; cv = 0 is a constant."""
    _positive("mean", mean)
    _require(0.0 <= cv < math.inf, "cv must be at least 0", cv)
    if cv == 0.0:
        return constant(mean)
    variance = _DIGITS.ln(_DIGITS.add(1, _DIGITS.power(Decimal(cv), 2)))
    mu = float(_DIGITS.subtract(_DIGITS.ln(Decimal(mean)), variance / 2))
    return Inverse(kinds.LOGNORMAL, mu, math.sqrt(variance))


def lognormal_quantiles(level_1: float, value_1: float, level_2: float, value_2: float) -> Inverse:
    """The lognormal of which a share level_1 is below value_1 and a share level_2 below value_2, in seconds.

    So p50 = 80 ms and p99 = 900 ms are lognormal_quantiles(0.5, 0.08, 0.99, 0.9).
    """
    _require(0.0 < level_1 < level_2 < 1.0, "two rising levels inside (0, 1) are needed", (level_1, level_2))
    _require(0.0 < value_1 < value_2 < math.inf, "values must be positive and rise", (value_1, value_2))
    # Thirteen digits: the last ones of the standard library's normal quantile are the machine's.
    score_1, score_2 = (round(NormalDist().inv_cdf(level), 13) for level in (level_1, level_2))
    log_1, log_2 = float(_DIGITS.ln(Decimal(value_1))), float(_DIGITS.ln(Decimal(value_2)))
    sigma = (log_2 - log_1) / (score_2 - score_1)
    return Inverse(kinds.LOGNORMAL, log_1 - sigma * score_1, sigma)


def gamma(mean: float, cv: float) -> Inverse:
    """Gamma by mean, in seconds, and coefficient of variation in [0.001, 30]; cv = 0 is a constant.

    A table, exact to a relative 2e-7 up to cv 3, and 1e-5 up to 30.
    """
    _positive("mean", mean)
    if cv == 0.0:
        return constant(mean)
    if cv == 1.0:
        return exponential(mean)
    _require(1e-3 <= cv <= 30.0, "the cv of a gamma must be 0 or in [0.001, 30]", cv)
    shape = cv**-2
    log_quantile = tables.gamma_log_quantile(shape)
    log_scale = math.log(mean / shape)
    return tables.score(lambda u, s: log_scale + log_quantile(u, s), (mean, (cv * mean) ** 2))


def hyperexponential(mean: float, cv: float) -> Inverse:
    """Two exponential phases of which each takes half of the time (balanced means); cv at least 1.

    Source: Tijms, A First Course in Stochastic Models (2003), appendix B.
    """
    _positive("mean", mean)
    _require(1.0 <= cv < math.inf, "the cv of a hyperexponential must be at least 1", cv)
    if cv == 1.0:
        return exponential(mean)
    square = cv * cv
    share = 0.5 * (1.0 + math.sqrt((square - 1.0) / (square + 1.0)))
    return Inverse(kinds.HYPEREXPONENTIAL, share, mean / (2.0 * share), mean / (2.0 * (1.0 - share)))


def weibull(scale: float, shape: float) -> Inverse:
    """Weibull by scale, in seconds, and shape: P(X > x) = exp(-(x/scale)^shape)."""
    _positive("scale", scale)
    _positive("shape", shape)
    return exponential(scale) if shape == 1.0 else Inverse(kinds.WEIBULL, float(scale), 1.0 / shape)


def pareto(least: float, alpha: float, greatest: float | None = None) -> Inverse:
    """Pareto: P(X > x) = (least/x)^alpha, in seconds; with `greatest` the part below it."""
    _positive("least", least)
    _positive("alpha", alpha)
    share = 1.0
    if greatest is not None:
        _require(least < greatest, "the greatest value must be above the least", (least, greatest))
        share = float(1 - _DIGITS.power(Decimal(least) / Decimal(greatest), Decimal(alpha)))
    return Inverse(kinds.PARETO, float(least), 1.0 / alpha, share)


def empirical(values: Sequence[float], probabilities: Sequence[float] | None = None) -> Inverse:
    """Measured times, in seconds and rising, linear between them.

    probabilities: the share that does not exceed each value, rising from 0 to 1; without, the values are equally
    likely observations, that is i/(n - 1) (definition 7 of Hyndman & Fan, American Statistician 50 (1996)).
    """
    x = np.asarray(values, dtype=float)
    levels = np.linspace(0.0, 1.0, len(x)) if probabilities is None else np.asarray(probabilities, dtype=float)
    _require(len(x) >= 2 and len(levels) == len(x), "at least two values, and one probability each", len(x))
    rising = (np.diff(x) >= 0.0).all() and (np.diff(levels) >= 0.0).all()
    _require(bool(rising) and x[0] >= 0.0 and x[-1] < math.inf, "values and probabilities must rise", values)
    _require(levels[0] == 0.0 and levels[-1] == 1.0, "probabilities go from 0 to 1", probabilities)
    return constant(float(x[0])) if x[0] == x[-1] else tables.linear(levels, x)


def mixture(weights: Sequence[float], parts: Sequence[Inverse]) -> Inverse:
    """One of several distributions, each with its weight; exact, atoms included."""
    _require(len(weights) == len(parts) >= 1, "one weight a part", weights)
    _require(min(weights) >= 0.0 and 0.0 < sum(weights) < math.inf, "weights must not be negative nor all 0", weights)
    return join(
        [
            Piece(weight * piece.weight, piece.inner, piece.base, piece.span, piece.least, piece.greatest)
            for weight, part in zip(weights, parts, strict=True)
            for piece in pieces_of(part)
        ]
    )


def geometric(mean: float) -> Inverse:
    """Counts 1, 2, 3, ... with the given mean: the trials up to the first success."""
    _require(1.0 <= mean < math.inf, "the mean of a count that starts at 1 must be at least 1", mean)
    if mean == 1.0:
        return constant(1.0)
    return Inverse(kinds.GEOMETRIC, float(_DIGITS.ln(1 - 1 / Decimal(mean))))


def poisson(mean: float) -> Inverse:
    """Counts 0, 1, 2, ... with the given mean, at most 1e6."""
    _positive("mean", mean)
    _require(mean <= _POISSON_MEAN_MAX, "the mean of a Poisson count must be at most 1e6", mean)
    return tables.poisson(mean)


def uniform_count(least: int, greatest: int) -> Inverse:
    """Whole numbers between two, both included, equally likely."""
    _require(0 <= least <= greatest, "a count needs 0 <= least <= greatest", (least, greatest))
    return Inverse(kinds.UNIFORM_COUNT, float(least), float(greatest - least + 1))


def _positive(name: str, value: float) -> None:
    _require(0.0 < value < math.inf, f"the {name} must be positive and finite", value)


def _require(condition: bool, message: str, found: object) -> None:
    if not condition:
        raise ValueError(f"{message}; got {found}")
