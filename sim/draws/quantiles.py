"""Quantiles and probabilities of every kind, in NumPy: for building tables and for looking, not for drawing.

Unlike a draw, `quantile` always rises with u, for mixtures too. Both tails are kept to full relative precision: a
level is given as the pair (u, s) with s = 1 - u. Nothing here is compiled.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.draws import kinds
from sim.draws.kinds import Inverse
from sim.draws.pieces import Piece, pieces_of

Array = NDArray[np.float64]


@np.errstate(divide="ignore", over="ignore", invalid="ignore")
def quantile(inverse: Inverse, u: Array, s: Array) -> Array:
    """The least value that a share u, in [0, 1], does not exceed; s is 1 - u."""
    a, b, c, table = inverse.a, inverse.b, inverse.c, inverse.table
    log_s = np.where(u < 0.5, np.log1p(-np.minimum(u, 0.5)), np.log(s))
    match inverse.kind:
        case kinds.CONSTANT:
            return np.full_like(u, a)
        case kinds.UNIFORM:
            return a + (b - a) * u
        case kinds.EXPONENTIAL:
            return -a * log_s
        case kinds.LOGNORMAL:
            return np.exp(a + b * normal_score(u, s))
        case kinds.WEIBULL:
            return a * np.exp(b * np.log(-log_s))
        case kinds.PARETO:
            return a * np.exp(-b * (log_s if c == 1.0 else np.log((1.0 - c) + c * s)))
        case kinds.GEOMETRIC:
            return np.maximum(np.ceil(log_s / a), 1.0)
        case kinds.UNIFORM_COUNT:
            return a + np.maximum(np.ceil(b * u) - 1.0, 0.0)
        case kinds.STEP:
            levels, values = np.split(table, 2)
            return values[np.searchsorted(levels, u)]
        case kinds.LINEAR:
            levels, values = np.split(table, 2)
            return _linear(levels, values, u)
        case kinds.SCORE:
            return np.exp(score_cubic(table, normal_score(u, s)))
        case _:
            pieces = pieces_of(inverse)
            if len(pieces) == 1:
                return _piece_quantile(pieces[0], u, s)
            return _mixture_quantile(inverse, pieces, u, s)


def tails(inverse: Inverse, x: Array, *, before: bool = False) -> tuple[Array, Array]:
    """P(X <= x) and P(X > x), each to full relative precision; with `before` P(X < x) and P(X >= x).

    Not for counts (GEOMETRIC, UNIFORM_COUNT).
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return _tails(inverse, np.asarray(x, dtype=float), "left" if before else "right")


def _tails(inverse: Inverse, x: Array, side: Literal["left", "right"]) -> tuple[Array, Array]:
    from sim.draws.special import ndtr

    a, b, c, table = inverse.a, inverse.b, inverse.c, inverse.table
    below: Array
    above: Array
    match inverse.kind:
        case kinds.CONSTANT:
            below = np.where((x >= a) if side == "right" else (x > a), 1.0, 0.0)
            above = 1.0 - below
        case kinds.UNIFORM:
            below, above = np.clip((x - a) / (b - a), 0.0, 1.0), np.clip((b - x) / (b - a), 0.0, 1.0)
        case kinds.EXPONENTIAL:
            t = np.maximum(x, 0.0) / a
            below, above = -np.expm1(-t), np.exp(-t)
        case kinds.WEIBULL:
            t = (np.maximum(x, 0.0) / a) ** (1.0 / b)
            below, above = -np.expm1(-t), np.exp(-t)
        case kinds.LOGNORMAL:
            y = (np.log(np.maximum(x, 0.0)) - a) / b
            below, above = ndtr(y), ndtr(-y)
        case kinds.PARETO:
            log_above = np.minimum(np.log(a / x) / b, 0.0)
            below = np.minimum(-np.expm1(log_above) / c, 1.0)
            above = np.clip((np.exp(log_above) - (1.0 - c)) / c, 0.0, 1.0)
        case kinds.STEP:
            levels, values = np.split(table, 2)
            below = np.insert(levels, 0, 0.0)[np.searchsorted(values, x, side=side)]
            above = 1.0 - below
        case kinds.LINEAR:
            levels, values = np.split(table, 2)
            below = _linear_level(levels, values, x, side)
            above = 1.0 - below
        case kinds.SCORE:
            y = _inverse_cubic(table, np.log(np.maximum(x, 0.0)))
            below, above = ndtr(y), ndtr(-y)
        case kinds.HYPEREXPONENTIAL | kinds.PIECES:
            below, above = np.zeros_like(x), np.zeros_like(x)
            for piece in pieces_of(inverse):
                low, high = _tails(piece.inner, x, side)
                rest = 0.0 if piece.whole else 1.0 - piece.base - piece.span
                below += piece.weight * np.clip((low - piece.base) / piece.span, 0.0, 1.0)
                above += piece.weight * np.clip((high - rest) / piece.span, 0.0, 1.0)
        case _:
            raise ValueError("counts have no residual life, no order statistic and no cut")
    return below, above


def normal_score(u: Array, s: Array) -> Array:
    """The standard normal quantile of u = 1 - s."""
    from sim.draws.special import ndtri

    y: Array = np.where(u < 0.5, ndtri(u), -ndtri(s))
    return y


def score_cubic(table: Array, y: Array) -> Array:
    """ln x at the normal scores y by the table of the kind SCORE; straight lines beyond its ends."""
    position = (y - kinds.SCORE_LOW) * kinds.SCORE_PER_UNIT
    inside = np.clip(position, 0.0, kinds.SCORE_KNOTS - 1.0)
    cell = np.minimum(inside.astype(np.int64), kinds.SCORE_KNOTS - 2)
    t = inside - cell
    left, left_slope = table[2 * cell], table[2 * cell + 1]
    rise, right_slope = table[2 * cell + 2] - left, table[2 * cell + 3]
    bend = left_slope + right_slope - 2.0 * rise
    inner = left + t * (left_slope + t * (rise - left_slope - bend + t * bend))
    beyond = position - inside
    log_x: Array = inner + np.where(beyond == 0.0, 0.0, beyond * np.where(beyond < 0.0, left_slope, right_slope))
    return log_x


def _inverse_cubic(table: Array, log_x: Array) -> Array:
    """The normal score at which `score_cubic` reaches log_x, by bisection."""
    low, high = np.full_like(log_x, -40.0), np.full_like(log_x, 40.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        reached = score_cubic(table, middle) >= log_x
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def _linear(levels: Array, values: Array, u: Array) -> Array:
    """Linear between the knots; at a level where the values jump, the lesser one."""
    at = np.clip(np.searchsorted(levels, u), 1, len(levels) - 1)
    width = levels[at] - levels[at - 1]
    share = np.where(width > 0.0, (u - levels[at - 1]) / np.where(width > 0.0, width, 1.0), 0.0)
    x: Array = values[at - 1] + share * (values[at] - values[at - 1])
    return x


def _linear_level(levels: Array, values: Array, x: Array, side: Literal["left", "right"]) -> Array:
    """The level up to x: at an atom the upper end of its jump from the right, the lower from the left."""
    found = np.searchsorted(values, x, side=side)
    at = np.clip(found, 1, len(values) - 1)
    rise = values[at] - values[at - 1]
    share = np.clip(np.where(rise > 0.0, (x - values[at - 1]) / np.where(rise > 0.0, rise, 1.0), 1.0), 0.0, 1.0)
    inside = levels[at - 1] + share * (levels[at] - levels[at - 1])
    level: Array = np.where(found == 0, 0.0, np.where(found == len(values), 1.0, inside))
    return level


def _piece_quantile(piece: Piece, u: Array, s: Array) -> Array:
    rest = 0.0 if piece.whole else 1.0 - piece.base - piece.span
    x = quantile(piece.inner, piece.base + piece.span * u, rest + piece.span * s)
    return np.clip(x, piece.least, piece.greatest)


def _mixture_quantile(inverse: Inverse, pieces: list[Piece], u: Array, s: Array) -> Array:
    """By bisection: the quantile of a mixture lies between the least and the greatest of its parts' quantiles."""
    parts = np.array([_piece_quantile(piece, u, s) for piece in pieces])
    low: Array = parts.min(axis=0)
    high: Array = parts.max(axis=0)
    for _ in range(70):
        middle = np.where(np.isfinite(high), 0.5 * (low + high), high)
        below, above = _tails(inverse, middle, "right")
        reached = np.where(u < 0.5, below >= u, above <= s)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high
