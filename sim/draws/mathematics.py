"""Logarithm, exponential and normal inverse, the same bits on every machine, compiled or not.

Only + - x / and square root, which IEEE 754 rounds correctly, floor, and the bits of a number are used, in a fixed
order and without contraction; the C library's functions differ from one machine to the next in the last bit.
Nothing here knows distributions. Helpers come
before their callers, here and wherever functions are compiled as they are defined.
"""

from __future__ import annotations

import math

import numpy as np

from sim.draws.jit import njit

_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2)
# ln 2 in two parts; the first has 32 trailing zeros, so that its product with an exponent is exact.
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_LOG2_E = 1.4426950408889634
_SMALLEST_NORMAL = 2.0**-1022
_LARGEST_EXPONENT = 709.782712893384  # exp of this is the last finite one


@njit("float64(float64)")
def log(x: float) -> float:
    """Natural logarithm; error below 1 ulp.

    x = 2^k m with m in [sqrt(1/2), sqrt(2)), then log m = 2 atanh(s), s = (m - 1)/(m + 1), by its power series to
    s^21 (the rest is below 2^-57). -inf at and below 0 and for what is smaller than 2^-1022; log(inf) = inf.
    """
    if not x >= _SMALLEST_NORMAL:
        return -math.inf
    if x == math.inf:
        return math.inf
    bits = int(np.float64(x).view(np.int64))
    # Subtracting the bits of sqrt(1/2) before the exponent is cut off puts m where it should be.
    k = (bits - _SQRT_HALF_BITS) >> 52
    f = float(np.int64(bits - (k << 52)).view(np.float64)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    # 2 atanh(s) - 2 s = s * rest; even and odd powers apart shorten the chain of dependent operations.
    even = w * (2 / 5 + w * (2 / 9 + w * (2 / 13 + w * (2 / 17 + w * (2 / 21)))))
    odd = z * (2 / 3 + w * (2 / 7 + w * (2 / 11 + w * (2 / 15 + w * (2 / 19)))))
    rest = even + odd
    # 2 s = f - s f = f - f^2/2 + s f^2/2: the leading f is exact, only the small terms are rounded.
    half_square = 0.5 * f * f
    n = float(k)
    return n * _LN2_HIGH - ((half_square - (s * (half_square + rest) + n * _LN2_LOW)) - f)


@njit("float64(int64)")
def _power_of_two(n: int) -> float:
    """2^n for n in [-1022, 1023]."""
    return float(np.int64((n + 1023) << 52).view(np.float64))


@njit("float64(float64)")
def exp(x: float) -> float:
    """Exponential; error below 1 ulp where the result is at least 2^-1022, inf above 709.78, 0 below -745.2.

    x = n ln 2 + r with |r| <= ln(2)/2 (Cody and Waite), then exp r = 1 + r + r c/(2 - c), where
    c = r - (r coth(r/2) - 2) and r coth(r/2) = sum of B_2k r^2k/(2k)! x 2, to r^12 (the rest is below 2^-56).
    """
    if x > _LARGEST_EXPONENT:
        return math.inf
    if not x > -746.0:
        return 0.0
    n = math.floor(x * _LOG2_E + 0.5)
    high = x - n * _LN2_HIGH
    low = n * _LN2_LOW
    r = high - low
    z = r * r
    coth = z * (
        1 / 6 + z * (-1 / 360 + z * (1 / 15120 + z * (-1 / 604800 + z * (1 / 23950080 - z * (691 / 653837184000)))))
    )
    c = r - coth
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    # Two steps, because 2^n alone may be outside the range of doubles where the product is not.
    half = n >> 1
    return y * _power_of_two(half) * _power_of_two(n - half)


@njit("float64(float64, float64, float64, float64, float64, float64, float64, float64, float64)")
def _degree_7(
    x: float, c0: float, c1: float, c2: float, c3: float, c4: float, c5: float, c6: float, c7: float
) -> float:
    """The polynomial c0 + c1 x + ... + c7 x^7 by Horner's rule."""
    return ((((((c7 * x + c6) * x + c5) * x + c4) * x + c3) * x + c2) * x + c1) * x + c0


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
