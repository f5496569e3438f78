"""Logarithm, exponential and normal inverse, the same bits on every machine, compiled or not.

Only + - x / and square root, which IEEE 754 rounds correctly, floor, and the bits of a number are used, in a fixed
order and without contraction; the C library's functions differ from one machine to the next in the last bit.
Nothing here knows distributions. Helpers come before their callers, here and wherever functions are compiled as they
are defined.
"""

from __future__ import annotations

import math

import numpy as np

from sim.draws.jit import constants, njit

# -- tables, computed in whole numbers, so that every machine has the same bits -------------------------------

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
        entries += [math.ldexp(inverse, -20), _double(high), _double(exact - high)]
    return entries


def _power_entries() -> list[float]:
    """2^(i/128) as a double and what is missing from it."""
    step = 2 * _ONE
    for _ in range(7):
        step = math.isqrt(step * _ONE)
    entries: list[float] = []
    power = _ONE
    for _ in range(INTERVALS):
        nearest = _double(power)
        entries += [nearest, _double(power - int(math.ldexp(nearest, 60)) * (_ONE >> 60))]
        power = power * step >> _BITS
    return entries


LOGS = constants(_log_entries())
"""Three doubles a part: inverse, logarithm high, logarithm low."""
POWERS = constants(_power_entries())
"""Two doubles an entry: 2^(i/128), and the rest."""

# -- functions ---------------------------------------------------------------------------------------------

_LOG_FROM_BITS = 0x3FE6000000000000  # of 0.6875, where the parts of the table begin
_HIGH_HALF = -1 << 21  # keeps the upper 32 bits of a mantissa
# ln 2 in two parts; the first has 32 significant bits, so that its product with an exponent is exact.
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_STEPS_PER_UNIT = 184.6649652337873  # 128 / ln 2
_STEP_HIGH, _STEP_LOW = _LN2_HIGH / 128, _LN2_LOW / 128
_ROUNDING = 1.5 * 2.0**52  # added and taken away again, it leaves the nearest whole number
_SMALLEST_NORMAL = 2.0**-1022
_LARGEST_EXPONENT = 709.782712893384  # exp of this is the last finite one


@njit("float64(float64)", laid_in=True)
def log_of_normal(x: float) -> float:
    """Natural logarithm of a number from 2^-1022 up that is not infinite; error below 1 ulp.

    x = 2^k m with m in [0.6875, 1.375); for the part of that range that m lies in a table has c, about 1/m, and -ln c.
    ln x = k ln 2 - ln c + ln(1 + r), r = m c - 1 (exact but for one rounding), |r| < 2^-7, by its power series to r^8
    (the rest is below 2^-59 r).
    """
    bits = int(np.float64(x).view(np.int64))
    k = (bits - _LOG_FROM_BITS) >> 52
    part = ((bits - _LOG_FROM_BITS) >> 45) & 127
    mantissa = bits - (k << 52)
    m = float(np.int64(mantissa).view(np.float64))
    upper = float(np.int64(mantissa & _HIGH_HALF).view(np.float64))
    c = float(LOGS[3 * part])
    n = float(k)
    # c has 20 bits after the point and each half of m at most 32, so that both products are exact.
    r = (upper * c - 1.0) + (m - upper) * c
    z = r * r
    whole = n * _LN2_HIGH + float(LOGS[3 * part + 1])  # exact
    head = whole + r
    tail = ((whole - head) + r) + (n * _LN2_LOW + float(LOGS[3 * part + 2]))
    # Pairs of terms at once shorten the chain of operations that wait for each other.
    series = (r * (1 / 3) - 0.5) + z * ((r * (1 / 5) - 1 / 4) + z * ((r * (1 / 7) - 1 / 6) - z * (1 / 8)))
    return (tail + z * series) + head


@njit("float64(float64)")
def log(x: float) -> float:
    """Natural logarithm; error below 1 ulp. -inf at and below 0 and for what is below 2^-1022; log(inf) = inf."""
    if not x >= _SMALLEST_NORMAL:
        return -math.inf
    if x == math.inf:
        return math.inf
    return log_of_normal(x)


@njit("float64(int64)")
def _power_of_two(n: int) -> float:
    """2^n for n in [-1022, 1023]."""
    return float(np.int64((n + 1023) << 52).view(np.float64))


@njit("float64(float64)")
def exp(x: float) -> float:
    """Exponential; error below 1 ulp where the result is at least 2^-1022, inf above 709.78, 0 below -745.2.

    x = n ln(2)/128 + r with |r| <= ln(2)/256; exp x = 2^(n/128) exp r, the first by the exponent and a table, the
    second by its power series to r^5 (the rest is below 2^-60).
    """
    if x > _LARGEST_EXPONENT:
        return math.inf
    if not x > -746.0:
        return 0.0
    steps = (x * _STEPS_PER_UNIT + _ROUNDING) - _ROUNDING
    n = int(steps)
    r = (x - steps * _STEP_HIGH) - steps * _STEP_LOW
    z = r * r
    at = 2 * (n & 127)
    power = float(POWERS[at])
    rest = r + z * ((0.5 + r * (1 / 6)) + z * (1 / 24 + r * (1 / 120)))
    y = power + (float(POWERS[at + 1]) + power * rest)
    k = n >> 7
    if -1000 < k < 1000:
        return float(np.int64(int(np.float64(y).view(np.int64)) + (k << 52)).view(np.float64))
    # Two steps, because 2^k alone may be outside the range of doubles where the product is not.
    half = k >> 1
    return y * _power_of_two(half) * _power_of_two(k - half)


@njit("float64(float64, float64, float64, float64, float64, float64, float64, float64, float64)")
def _degree_7(
    x: float, c0: float, c1: float, c2: float, c3: float, c4: float, c5: float, c6: float, c7: float
) -> float:
    """The polynomial c0 + c1 x + ... + c7 x^7 by Estrin's scheme: pairs, then pairs of pairs, which do not wait."""
    square = x * x
    return ((c7 * x + c6) * square + (c5 * x + c4)) * (square * square) + ((c3 * x + c2) * square + (c1 * x + c0))


@njit("float64(float64)")
def normal_inverse(p: float) -> float:
    """The standard normal quantile of p in (0, 1); relative error below 1e-15, -inf at 0, inf at 1.

    Source: Wichura, Algorithm AS 241, Applied Statistics 37 (1988) 477-484, routine PPND16.
    """
    q = p - 0.5
    if -0.425 <= q <= 0.425:
        r = 0.180625 - q * q
        return q * (
            _degree_7(
                r,
                3.3871328727963666080e0,
                1.3314166789178437745e2,
                1.9715909503065514427e3,
                1.3731693765509461125e4,
                4.5921953931549871457e4,
                6.7265770927008700853e4,
                3.3430575583588128105e4,
                2.5090809287301226727e3,
            )
            / _degree_7(
                r,
                1.0,
                4.2313330701600911252e1,
                6.8718700749205790830e2,
                5.3941960214247511077e3,
                2.1213794301586595867e4,
                3.9307895800092710610e4,
                2.8729085735721942674e4,
                5.2264952788528545610e3,
            )
        )
    tail = p if q < 0.0 else 1.0 - p
    if not tail > 0.0:
        return -math.inf if q < 0.0 else math.inf
    r = math.sqrt(-log(tail))
    if r <= 5.0:
        r -= 1.6
        x = _degree_7(
            r,
            1.42343711074968357734e0,
            4.63033784615654529590e0,
            5.76949722146069140550e0,
            3.64784832476320460504e0,
            1.27045825245236838258e0,
            2.41780725177450611770e-1,
            2.27238449892691845833e-2,
            7.74545014278341407640e-4,
        ) / _degree_7(
            r,
            1.0,
            2.05319162663775882187e0,
            1.67638483018380384940e0,
            6.89767334985100004550e-1,
            1.48103976427480074590e-1,
            1.51986665636164571966e-2,
            5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        )
    else:
        r -= 5.0
        x = _degree_7(
            r,
            6.65790464350110377720e0,
            5.46378491116411436990e0,
            1.78482653991729133580e0,
            2.96560571828504891230e-1,
            2.65321895265761230930e-2,
            1.24266094738807843860e-3,
            2.71155556874348757815e-5,
            2.01033439929228813265e-7,
        ) / _degree_7(
            r,
            1.0,
            5.99832206555887937690e-1,
            1.36929880922735805310e-1,
            1.48753612908506148525e-2,
            7.86869131145613259100e-4,
            1.84631831751005468180e-5,
            1.42151175831644588870e-7,
            2.04426310338993978564e-15,
        )
    return -x if q < 0.0 else x
