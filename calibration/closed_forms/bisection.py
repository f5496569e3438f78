"""The one root finder of this package: slow, safe and exact to the last bits. Distributions are elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable


def increasing_root(function: Callable[[float], float], scale: float) -> float:
    """Smallest x > 0 at which a non-decreasing `function` is no longer negative.

    scale: a positive first guess of the size of x; a bad one costs a few more halvings.
    Returns x to a relative precision of about 4e-16 (of the argument, as far as `function` is itself exact).

    Asserts that the function does reach 0 before x overflows.

    >>> round(increasing_root(lambda x: x * x - 2, 1.0), 12)
    1.414213562373
    """
    assert 0 < scale < math.inf, scale
    low, high = 0.0, scale
    while function(high) < 0:
        low, high = high, 2 * high
        assert high < math.inf, "the function never reaches 0"
    while high - low > 4e-16 * high:
        middle = low + (high - low) / 2
        if middle in (low, high):  # neighbouring numbers, or a root at 0
            break
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return high
