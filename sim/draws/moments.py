"""Mean and variance of every kind: closed forms where they exist, Gauss-Legendre quadrature elsewhere."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sim.draws import kinds
from sim.draws.kinds import Inverse
from sim.draws.pieces import Piece, pieces_of
from sim.draws.quantiles import quantile


def mean_and_variance(inverse: Inverse) -> tuple[float, float]:
    """Mean and variance, in seconds and seconds squared (or counts); inf where the integral diverges.

    Closed forms but for SCORE (which carries its own), and cut distributions other than the lognormal: there by
    quadrature, to a relative 1e-9.
    """
    a, b, c, table = inverse.a, inverse.b, inverse.c, inverse.table
    match inverse.kind:
        case kinds.CONSTANT:
            return a, 0.0
        case kinds.UNIFORM:
            return (a + b) / 2, (b - a) ** 2 / 12
        case kinds.EXPONENTIAL:
            return a, a * a
        case kinds.LOGNORMAL:
            mean = _exp(a + b * b / 2)
            return mean, mean * mean * _expm1(b * b)
        case kinds.WEIBULL:
            mean = a * _exp(math.lgamma(1 + b))
            return mean, mean * mean * _expm1(math.lgamma(1 + 2 * b) - 2 * math.lgamma(1 + b))
        case kinds.PARETO:
            return _of_raw(_pareto_moment(a, 1 / b, c, 1), _pareto_moment(a, 1 / b, c, 2))
        case kinds.GEOMETRIC:
            success = -math.expm1(a)
            return 1 / success, (1 - success) / success**2
        case kinds.UNIFORM_COUNT:
            return a + (b - 1) / 2, (b * b - 1) / 12
        case kinds.STEP:
            levels, values = np.split(table, 2)
            weights = np.diff(levels, prepend=0.0)
            mean = float(weights @ values)
            return mean, float(weights @ (values - mean) ** 2)
        case kinds.LINEAR:
            levels, values = np.split(table, 2)
            weights = np.diff(levels)
            mean = float(weights @ (values[1:] + values[:-1])) / 2
            left, right = values[:-1] - mean, values[1:] - mean
            return mean, float(weights @ (left * left + left * right + right * right)) / 3
        case kinds.SCORE:
            return a, b * a * a
        case _:
            return _of_mixture(pieces_of(inverse))


def quadrature(inverse: Inverse, base: float = 0.0, span: float = 1.0) -> tuple[float, float]:
    """Mean and variance by quadrature over the normal score, for smooth quantile functions without a heavy tail.

    base, span: between the levels `base` and `base + span` alone.
    """
    weight, u, s = score_nodes()
    x = quantile(inverse, base + span * u, (1.0 - base - span) + span * s)
    mean = float(weight @ x)
    return mean, float(weight @ (x - mean) ** 2)


def score_nodes() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Nodes for integrals over a distribution, close together in both tails: weights, and the levels (u, 1 - u)."""
    from sim.draws.special import ndtr

    nodes, weights = np.polynomial.legendre.leggauss(5)
    width = 1.0 / kinds.SCORE_PER_UNIT
    middles = kinds.SCORE_LOW + width * (np.arange(kinds.SCORE_KNOTS - 1) + 0.5)
    y = (middles[:, None] + width / 2 * nodes).ravel()
    density = np.exp(-y * y / 2) / math.sqrt(2 * math.pi)
    return np.tile(width / 2 * weights, len(middles)) * density, ndtr(y), ndtr(-y)


def _of_mixture(pieces: list[Piece]) -> tuple[float, float]:
    weights = np.array([piece.weight for piece in pieces])
    parts = np.array([_of_piece(piece) for piece in pieces])
    if np.isinf(parts[:, 0]).any():
        return math.inf, math.inf
    mean = float(weights @ parts[:, 0])
    return mean, float(weights @ (parts[:, 1] + (parts[:, 0] - mean) ** 2))


def _of_piece(piece: Piece) -> tuple[float, float]:
    if piece.whole:
        return mean_and_variance(piece.inner)
    if piece.inner.kind == kinds.LOGNORMAL:
        return _of_raw(_cut_lognormal_moment(piece, 1), _cut_lognormal_moment(piece, 2))
    return quadrature(piece.inner, piece.base, piece.span)


def _cut_lognormal_moment(piece: Piece, order: int) -> float:
    """E[X^order] between two levels; Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 14."""
    from sim.draws.special import ndtr, ndtri

    mu, sigma = piece.inner.a, piece.inner.b
    low, high = ndtri(piece.base), -ndtri(max(1.0 - piece.base - piece.span, 0.0))
    inside = ndtr(high - order * sigma) - ndtr(low - order * sigma)
    return math.exp(order * mu + (order * sigma) ** 2 / 2) * float(inside) / piece.span


def _pareto_moment(least: float, alpha: float, share: float, order: int) -> float:
    """E[X^order] of a Pareto of which only the lower `share` is kept."""
    if share < 1.0:
        log_cut = -math.log1p(-share) / alpha  # ln(cut / least)
        exponent = (order - alpha) * log_cut
        # The integral of x^(order - alpha - 1); expm1(z)/z is 1 where order and alpha agree.
        ratio = math.expm1(exponent) / exponent if exponent else 1.0
        return least**order * alpha * log_cut * ratio / share
    return least**order * alpha / (alpha - order) if alpha > order else math.inf


def _of_raw(first: float, second: float) -> tuple[float, float]:
    return (first, second - first * first) if math.isfinite(second) else (first, math.inf)


def _exp(x: float) -> float:
    return math.exp(x) if x < 709.0 else math.inf


def _expm1(x: float) -> float:
    return math.expm1(x) if x < 709.0 else math.inf
