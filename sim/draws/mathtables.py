"""Tables of the logarithm and the exponential, computed in whole numbers, so that every machine has the same bits.

`sim.draws.mathematics` reads them.
"""

from __future__ import annotations

from math import isqrt, ldexp

from sim.draws.jit import constants

INTERVALS = 128
_BITS = 140
"""Fraction bits of the whole numbers that stand for reals here; a double has 53."""
_ONE = 1 << _BITS


def _double(value: int) -> float:
    """The nearest double; a quotient of whole numbers is rounded correctly."""
    return value / _ONE


def _log_fixed(numerator: int, denominator: int) -> int:
    """ln(numerator / denominator), by 2 atanh(s), s = (numerator - denominator) / (numerator + denominator)."""
    s = (numerator - denominator) * _ONE // (numerator + denominator)
    square = s * s >> _BITS
    total, power, n = 0, s, 1
    while power not in (0, -1):
        total += power // n
        power = power * square >> _BITS
        n += 2
    return 2 * total


def _log_entries() -> list[float]:
    """For each part of [0.6875, 1.375): about 1 / its middle, with 20 fraction bits, and - ln of that in two parts.

    Below 1 a part is 2^-8 wide, from there on 2^-7; the two next to 1 have 1 itself. The high part is a multiple of
    2^-42, so that it can be added to a multiple of ln 2 without rounding.
    """
    entries: list[float] = []
    for part in range(INTERVALS):
        middle = (2 * (176 + part) + 1 if part < 80 else 4 * (part - 80 + 128) + 2, 512)
        inverse = 1 << 20 if part in (79, 80) else (2 * middle[1] << 20) // middle[0] + 1 >> 1
        exact = -_log_fixed(inverse, 1 << 20)
        high = ((exact >> _BITS - 43) + 1 >> 1) << _BITS - 42
        entries += [ldexp(inverse, -20), _double(high), _double(exact - high)]
    return entries


def _power_entries() -> list[float]:
    """2^(i/128) as a double and what is missing from it."""
    step = 2 * _ONE
    for _ in range(7):
        step = isqrt(step * _ONE)
    entries: list[float] = []
    power = _ONE
    for _ in range(INTERVALS):
        nearest = _double(power)
        entries += [nearest, _double(power - int(ldexp(nearest, 60)) * (_ONE >> 60))]
        power = power * step >> _BITS
    return entries


LOGS = constants(_log_entries())
"""Three doubles a part: inverse, logarithm high, logarithm low."""
POWERS = constants(_power_entries())
"""Two doubles an entry: 2^(i/128), and the rest."""
