"""Distributions made from others: cut, residual life, order statistic."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sim.draws import kinds
from sim.draws.kinds import Inverse
from sim.draws.moments import mean_and_variance
from sim.draws.pieces import Piece, join, pieces_of
from sim.draws.quantiles import normal_score, quantile, tails
from sim.draws.tables import linear, linear_knots, score, step

Array = NDArray[np.float64]

_BY_KNOTS = (kinds.UNIFORM, kinds.STEP, kinds.LINEAR)
_COUNTS = (kinds.GEOMETRIC, kinds.UNIFORM_COUNT)


def cut(inverse: Inverse, least: float, greatest: float) -> Inverse:
    """The distribution given that its value is in [least, greatest].

    Raises ValueError when less than 1e-9 of it is there.
    """
    pieces, kept = [], 0.0
    for piece in pieces_of(inverse):
        below, _ = tails(piece.inner, np.array([least]), before=True)
        upto, _ = tails(piece.inner, np.array([greatest]))
        base = max(float(below[0]), piece.base)
        span = min(float(upto[0]), piece.base + piece.span) - base
        if span > 0.0:
            weight = piece.weight * span / piece.span
            kept += weight
            low, high = max(least, piece.least), min(greatest, piece.greatest)
            if piece.inner.kind in _BY_KNOTS:
                pieces.append(Piece(weight, _cut_knots(piece.inner, base, span, low, high)))
            else:
                pieces.append(Piece(weight, piece.inner, base, span, low, high))
    if kept < 1e-9:
        raise ValueError(f"less than a billionth of the distribution is between {least:g} s and {greatest:g} s")
    return join(pieces)


def _cut_knots(inverse: Inverse, base: float, span: float, least: float, greatest: float) -> Inverse:
    levels, values = linear_knots(inverse)
    return linear(np.clip((levels - base) / span, 0.0, 1.0), np.clip(values, least, greatest))


def residual(inverse: Inverse) -> Inverse:
    """The equilibrium residual life: density (1 - F(x)) / mean, what an observer at a random instant still waits.

    Exact for constant, exponential, hyperexponential, uncut Pareto and discrete times, and for mixtures of these; a
    table otherwise, its distribution function within 1e-6 of the true one. Source: Cox, Renewal Theory (1962),
    section 5.2. Raises ValueError when the mean is infinite or 0, or the distribution one of counts.
    """
    if inverse.kind in _COUNTS:
        raise ValueError("counts have no residual life")
    mean, _ = mean_and_variance(inverse)
    if not 0.0 < mean < math.inf:
        raise ValueError("a residual life needs a positive, finite mean")
    pieces = []
    for piece in pieces_of(inverse):
        one = join([piece])
        # An observer finds each part in proportion to its share of the time.
        weight = piece.weight * mean_and_variance(one)[0]
        if weight > 0.0:
            pieces += [
                Piece(weight * part.weight, part.inner, part.base, part.span, part.least, part.greatest)
                for part in pieces_of(_residual_of_one(one))
            ]
    if inverse.kind == kinds.HYPEREXPONENTIAL:
        share = pieces[0].weight / (pieces[0].weight + pieces[1].weight)
        return Inverse(kinds.HYPEREXPONENTIAL, share, inverse.b, inverse.c)
    return join(pieces)


def _residual_of_one(inverse: Inverse) -> Inverse:
    if inverse.kind == kinds.CONSTANT:
        return Inverse(kinds.UNIFORM, 0.0, inverse.a)
    if inverse.kind == kinds.EXPONENTIAL:
        return inverse
    if inverse.kind in _BY_KNOTS:
        return _residual_of_knots(*linear_knots(inverse))
    least = _support_least(inverse)
    if inverse.kind == kinds.PARETO and inverse.c == 1.0:
        rest, above = (
            Inverse(kinds.PARETO, least, 1.0 / (1.0 / inverse.b - 1.0), 1.0),
            least * inverse.b / (1.0 - inverse.b),
        )
    else:
        rest, above = _residual_above(inverse, least)
    # Below the least value nothing ends, so that part of the residual life is uniform.
    whole = Inverse(kinds.UNIFORM, 0.0, least)
    return join([Piece(least, whole), Piece(above, rest)])


def _residual_of_knots(levels: Array, values: Array) -> Inverse:
    """Of a quantile function linear between points: the residual's is quadratic there, taken in short chords."""
    chords = np.where((np.diff(levels) > 0.0) & (np.diff(values) > 0.0), max(2048 // len(levels), 8), 1)
    share = np.concatenate([np.arange(n) / n for n in chords])
    at = np.repeat(np.arange(len(chords)), chords)
    x = np.append(values[at] + share * np.diff(values)[at], values[-1])
    u = np.append(levels[at] + share * np.diff(levels)[at], 1.0)
    area = np.insert(np.diff(x) * (1.0 - (u[1:] + u[:-1]) / 2), 0, x[0])
    reached = np.insert(np.cumsum(area), 0, 0.0)
    kept = np.insert(area > 0.0, 0, True)
    reached, x = reached[kept] / reached[-1], np.insert(x, 0, 0.0)[kept]
    reached[-1] = 1.0
    return linear(reached, x)


def _residual_above(inverse: Inverse, least: float) -> tuple[Inverse, float]:
    """The part of the residual life above `least`, and the integral of 1 - F over it, of a continuous distribution.

    1 - F is integrated between closely spaced quantiles x(y), y the normal score: over one step it is
    S(y') (x' - x) plus the integral of (x(y) - x) times the normal density, all of it positive.
    """
    from scipy.interpolate import CubicHermiteSpline

    from sim.draws.special import ndtr

    width = 1.0 / 64.0
    y = np.arange(-10.0, 20.0, width)  # a residual reaches further out than the whole
    x = quantile(inverse, ndtr(y), ndtr(-y))
    nodes, weights = np.polynomial.legendre.leggauss(5)
    inner = (y[:-1] + width / 2)[:, None] + width / 2 * nodes
    density = np.exp(-inner * inner / 2) / math.sqrt(2 * math.pi)
    excess = quantile(inverse, ndtr(inner), ndtr(-inner)) - x[:-1, None]
    area = ndtr(-y[1:]) * np.diff(x) + width / 2 * (excess * density) @ weights
    before = np.cumsum(np.insert(area, 0, x[0] - least))
    after = np.append(np.cumsum(area[::-1])[::-1], 0.0)
    total = float(before[-1])
    z = normal_score(before[:-1] / total, after[:-1] / total)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_x = np.log(x[:-1])
        # d ln x / dz: the residual's density is (1 - F)/total.
        slope = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * total / (x[:-1] * ndtr(-y[:-1]))
    kept = np.isfinite(z) & np.isfinite(log_x) & np.isfinite(slope)
    z, log_x, slope = z[kept], log_x[kept], slope[kept]
    apart = np.diff(z, append=math.inf) > 1e-9
    z, log_x, slope = z[apart], log_x[apart], slope[apart]
    first = float(z[0])
    spline = CubicHermiteSpline(z, log_x, slope)

    def log_quantile(u: Array, s: Array) -> Array:
        score_of = normal_score(u, s)
        # Below the first quantile nearly nothing has ended: 1 - F is 1.
        return np.where(score_of < first, np.log(least + total * u), spline(np.maximum(score_of, first)))

    return score(log_quantile, _residual_moments(inverse)), total


def _residual_moments(inverse: Inverse) -> tuple[float, float] | None:
    """E[X^2] / 2 E[X] and the variance, where E[X^3] has a closed form that no quadrature reaches."""
    a, b = inverse.a, inverse.b
    match inverse.kind:
        case kinds.LOGNORMAL:
            logs = [order * a + (order * b) ** 2 / 2 for order in (1, 2, 3)]
        case kinds.WEIBULL:
            logs = [order * math.log(a) + math.lgamma(1 + order * b) for order in (1, 2, 3)]
        case _:
            return None
    mean = math.exp(logs[1] - logs[0]) / 2
    return mean, math.exp(logs[2] - logs[0]) / 3 - mean * mean


def _support_least(inverse: Inverse) -> float:
    piece = pieces_of(inverse)[0]
    least = piece.inner.a if piece.inner.kind in (kinds.PARETO, kinds.UNIFORM) else 0.0
    return max(least, piece.least)


def order_statistic(inverse: Inverse, k: int, n: int) -> Inverse:
    """The k-th smallest of n independent values.

    Its quantile at u is the original's at the u-quantile of Beta(k, n - k + 1) (David & Nagaraja, Order Statistics
    (2003), section 2.1). Exact for constant and discrete times, and for the least of n exponential, Weibull or Pareto
    times; a table otherwise, its distribution function within 2e-5 of the true one (1e-7 unless the original is a
    mixture or measured). Raises ValueError unless 1 <= k <= n, and for counts.
    """
    if not 1 <= k <= n:
        raise ValueError(f"needs 1 <= k <= n, got k = {k}, n = {n}")
    if inverse.kind in _COUNTS:
        raise ValueError("counts have no order statistic")
    if n == 1 or inverse.kind == kinds.CONSTANT:
        return inverse
    if k == 1:
        match inverse.kind:
            case kinds.EXPONENTIAL:
                return Inverse(kinds.EXPONENTIAL, inverse.a / n)
            case kinds.WEIBULL:
                return Inverse(kinds.WEIBULL, inverse.a * n**-inverse.b, inverse.b)
            case kinds.PARETO if inverse.c == 1.0:
                return Inverse(kinds.PARETO, inverse.a, inverse.b / n, 1.0)
    from sim.draws.special import betainc, betainccinv, betaincinv

    m = n - k + 1

    def level(u: Array, s: Array) -> tuple[Array, Array]:
        """The level of the original, from both ends."""
        low = np.where(u < 0.5, betaincinv(k, m, u), betainccinv(k, m, s))
        return low, np.where(u < 0.5, betainccinv(m, k, u), betaincinv(m, k, s))

    if inverse.kind == kinds.STEP:
        levels, values = np.split(inverse.table, 2)
        return step(betainc(k, m, levels), values)
    if _is_smooth(pieces_of(inverse)):
        moments = _pareto_order_moments(inverse, k, n) if inverse.kind == kinds.PARETO else None
        return score(lambda u, s: np.log(quantile(inverse, *level(u, s))), moments)
    levels, values = linear_knots(inverse) if inverse.kind in _BY_KNOTS else _knots(inverse)
    u, s = _fine_levels()
    between, _ = level(u, s)
    knots = np.append(betainc(k, m, levels), u)
    values = np.append(values, quantile(linear(levels, values), between, 1.0 - between))
    order = np.lexsort((values, knots))
    return linear(knots[order], values[order])


def _is_smooth(pieces: list[Piece]) -> bool:
    """Whether ln x is a smooth function of the normal score; parts that begin or end somewhere make corners."""
    if len(pieces) == 1:
        return pieces[0].inner.kind not in (kinds.STEP, kinds.LINEAR)
    endless = (kinds.EXPONENTIAL, kinds.LOGNORMAL, kinds.WEIBULL, kinds.SCORE)
    return all(piece.whole and piece.inner.kind in endless for piece in pieces)


def _fine_levels() -> tuple[Array, Array]:
    from sim.draws.special import ndtr

    y = np.arange(-8.0, 8.0, 1 / 64)
    return ndtr(y), ndtr(-y)


def _knots(inverse: Inverse) -> tuple[Array, Array]:
    """A mixture as a quantile function linear between points, with its atoms and gaps."""
    u, s = (
        np.concatenate([[1.0 - end], levels, [end]]) for end, levels in zip((1.0, 0.0), _fine_levels(), strict=True)
    )
    x = np.unique([quantile(join([Piece(1.0, p.inner, p.base, p.span)]), u, s) for p in pieces_of(inverse)])
    x = x[np.isfinite(x)]
    before, _ = tails(inverse, x, before=True)
    upto, _ = tails(inverse, x)
    levels = np.column_stack([before, upto]).ravel()
    levels[0], levels[-1] = 0.0, 1.0
    return np.maximum.accumulate(levels), np.repeat(x, 2)


def _pareto_order_moments(inverse: Inverse, k: int, n: int) -> tuple[float, float] | None:
    """Mean and variance of an order statistic of a whole Pareto; Malik, Skandinavisk Aktuarietidskrift 49 (1966)."""
    if inverse.c < 1.0:
        return None

    def raw(order: int) -> float:
        left = n - k + 1 - order * inverse.b
        if left <= 0.0:
            return math.inf
        log_ratio = (
            math.lgamma(n + 1) - math.lgamma(n - k + 1) + math.lgamma(left) - math.lgamma(n + 1 - order * inverse.b)
        )
        return inverse.a**order * math.exp(log_ratio)

    mean, second = raw(1), raw(2)
    return mean, second - mean * mean if math.isfinite(second) else math.inf
