"""Draws from distributions, compiled: the value of a kind at a uniform u, and its rounding to nanoseconds.

Both engines call these very functions. What the numbers mean is `sim.draws.kinds`; where they come from is
`sim.draws.distributions`.
"""

from __future__ import annotations

import math
from typing import Any

from sim.draws import kinds
from sim.draws.jit import inner, njit
from sim.draws.mathematics import exp, log, log_of_normal, normal_inverse
from sim.draws.streams import uniform

Table = Any  # doubles: an array, or a pointer into the kernel's memory
Words = Any  # whole numbers, likewise

MAX_NS = 2**62 - 1
"""What a time too long for the clock becomes: about 146 years, later than any horizon."""

_LIMIT_NS = 2.0**62
_BELOW_LIMIT = _LIMIT_NS - 512.0  # the double before
_TWO_52 = 2.0**52
_LEAST_U = 2.0**-53
_GREATEST_U = 1.0 - 2.0**-53


@njit("int64(float64)", laid_in=True)
def to_ns(seconds: float) -> int:
    """Seconds as whole nanoseconds, a half going to the even neighbour.

    Negative times become 0; times of 2^62 ns and more, and what is not a number, become MAX_NS.
    """
    ns = seconds * 1e9
    if not ns < _LIMIT_NS:
        return MAX_NS
    if ns <= 0.0:
        return 0
    if ns < _TWO_52:
        # Doubles in [2^52, 2^53] are the integers, so the sum is rounded to one, half to even.
        ns = (ns + _TWO_52) - _TWO_52
    return int(ns)


@njit("float64(int64, float64, float64, float64, float64)")
def sample_without_table(kind: int, a: float, b: float, c: float, u: float) -> float:
    """The value at u, in (0, 1), of a kind up to LAST_WITHOUT_TABLE."""
    if kind == kinds.EXPONENTIAL:
        return -a * log_of_normal(1.0 - u)
    if kind == kinds.LOGNORMAL:
        return exp(a + b * normal_inverse(u))
    if kind == kinds.CONSTANT:
        return a
    if kind == kinds.UNIFORM:
        return a + (b - a) * u
    if kind == kinds.WEIBULL:
        return a * exp(b * log(-log(1.0 - u)))
    if kind == kinds.PARETO:
        return a * exp(-b * log(1.0 - c * u))
    if kind == kinds.HYPEREXPONENTIAL:
        # Both arguments are above 0, because 1 - u is exact and a - u is not 0.
        return -b * log((a - u) / a) if u < a else -c * log((1.0 - u) / (1.0 - a))
    if kind == kinds.GEOMETRIC:
        return float(-math.floor(-(log(1.0 - u) / a)))
    return a + float(math.floor(b * u))


@inner
def _first_above(table: Table, start: int, count: int, u: float) -> int:
    """Index of the first of `count` rising levels that is above u; the last one always is."""
    low, high = 0, count - 1
    while low < high:
        middle = (low + high) >> 1
        if table[start + middle] > u:
            high = middle
        else:
            low = middle + 1
    return low


@inner
def _sample_score(table: Table, start: int, u: float) -> float:
    """The cubic Hermite interpolant of ln x in the normal score of u, then x."""
    position = (normal_inverse(u) - kinds.SCORE_LOW) * kinds.SCORE_PER_UNIT
    cell = min(max(math.floor(position), 0), kinds.SCORE_KNOTS - 2)
    t = position - cell
    at = start + 2 * cell
    left, left_slope = float(table[at]), float(table[at + 1])
    rise, right_slope = float(table[at + 2]) - left, float(table[at + 3])
    bend = left_slope + right_slope - 2.0 * rise
    return exp(left + t * (left_slope + t * (rise - left_slope - bend + t * bend)))


@inner
def _sample_one(kind: int, a: float, b: float, c: float, table: Table, start: int, length: int, u: float) -> float:
    """The value at u of any kind but PIECES."""
    if kind <= kinds.LAST_WITHOUT_TABLE:
        return sample_without_table(kind, a, b, c, u)
    if kind == kinds.STEP:
        count = length >> 1
        return float(table[start + count + _first_above(table, start, count, u)])
    if kind == kinds.LINEAR:
        count = length >> 1
        at = start + _first_above(table, start, count, u)
        level, value = float(table[at - 1]), float(table[at - 1 + count])
        return value + (u - level) / (float(table[at]) - level) * (float(table[at + count]) - value)
    return _sample_score(table, start, u)


@inner
def sample_of(kind: int, a: float, b: float, c: float, table: Table, start: int, length: int, u: float) -> float:
    """The value at u, in (0, 1), of any kind; `table` may be a pointer, too."""
    if kind != kinds.PIECES:
        return _sample_one(kind, a, b, c, table, start, length, u)
    row = start
    while u >= table[row + kinds.PIECE_TO]:  # ends at the last row, whose TO is 1
        row += kinds.PIECE_WIDTH
    v = table[row + kinds.PIECE_BASE] + (u - table[row + kinds.PIECE_FROM]) * table[row + kinds.PIECE_SPAN]
    v = min(max(float(v), _LEAST_U), _GREATEST_U)
    x = _sample_one(
        int(table[row + kinds.PIECE_KIND]),
        float(table[row + kinds.PIECE_A]),
        float(table[row + kinds.PIECE_B]),
        float(table[row + kinds.PIECE_C]),
        table,
        start + int(table[row + kinds.PIECE_OFFSET]),
        int(table[row + kinds.PIECE_LENGTH]),
        v,
    )
    return min(max(x, float(table[row + kinds.PIECE_LEAST])), float(table[row + kinds.PIECE_GREATEST]))


@njit("int64(int64, int64, int64, float64)", laid_in=True)
def exponential_ns(key: int, path: int, index: int, mean_s: float) -> int:
    """One exponential time, in ns."""
    return to_ns(-mean_s * log_of_normal(1.0 - uniform(key, path, index)))


# Several exponential times side by side: draws have no state, so that those of the future can be made at any time.
# The loops have neither branch nor call, which is what the compiler needs to use vector instructions; eight times
# then take as long as two by themselves. They are those of `exponential_ns`.


@inner
def exponentials_ns(words: Words, at: int, count: int, key: int, path: int, first: int, mean_s: float) -> None:
    """The times of `count` indices of a path, from `first` on, to words[at] and after."""
    for draw in range(count):
        ns = (-mean_s * log_of_normal(1.0 - uniform(key, path, first + draw))) * 1e9
        whole = (ns + _TWO_52) - _TWO_52
        whole = whole if ns < _TWO_52 else ns
        below = int(min(whole, _BELOW_LIMIT))
        words[at + draw] = below if ns < _LIMIT_NS else MAX_NS


@inner
def exponentials_of_paths_ns(words: Words, at: int, count: int, key: int, paths: int, mean_s: float) -> None:
    """The times of index 0 of `count` paths, which are in words[paths] and after."""
    for draw in range(count):
        ns = (-mean_s * log_of_normal(1.0 - uniform(key, words[paths + draw], 0))) * 1e9
        whole = (ns + _TWO_52) - _TWO_52
        whole = whole if ns < _TWO_52 else ns
        below = int(min(whole, _BELOW_LIMIT))
        words[at + draw] = below if ns < _LIMIT_NS else MAX_NS


@njit("float64(int64, int64, int64, int64, float64, float64, float64)")
def draw_without_table(key: int, path: int, index: int, kind: int, a: float, b: float, c: float) -> float:
    """One value of a kind up to LAST_WITHOUT_TABLE: seconds, or a count."""
    return sample_without_table(kind, a, b, c, uniform(key, path, index))


@njit("int64(int64, int64, int64, int64, float64, float64, float64)")
def draw_ns_without_table(key: int, path: int, index: int, kind: int, a: float, b: float, c: float) -> int:
    """One time of a kind up to LAST_WITHOUT_TABLE, in ns."""
    return to_ns(sample_without_table(kind, a, b, c, uniform(key, path, index)))


@njit("float64(int64, int64, int64, int64, float64, float64, float64, float64[::1], int64, int64)")
def draw(
    key: int,
    path: int,
    index: int,
    kind: int,
    a: float,
    b: float,
    c: float,
    table: Table,
    start: int,
    length: int,
) -> float:
    """One value of any kind: seconds, or a count."""
    return sample_of(kind, a, b, c, table, start, length, uniform(key, path, index))


@njit("int64(int64, int64, int64, int64, float64, float64, float64, float64[::1], int64, int64)")
def draw_ns(
    key: int,
    path: int,
    index: int,
    kind: int,
    a: float,
    b: float,
    c: float,
    table: Table,
    start: int,
    length: int,
) -> int:
    """One time of any kind, in ns."""
    return to_ns(sample_of(kind, a, b, c, table, start, length, uniform(key, path, index)))
