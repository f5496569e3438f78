"""A series as one line of text: higher blocks are higher values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = " "


Fold = Callable[[Sequence[float]], float]
"""Makes one value of several."""


def spark(values: Sequence[float], ends: tuple[float, float], width: int, fold: Fold = max, each: int = 1) -> str:
    """Values between two ends as blocks, at most `width` of them and each `each` wide; more values are folded.

    What is not a number, and what nothing is known of, is a blank.

    >>> spark([0, 1, 2, 4, float("nan"), 8], (0, 8), 6)
    '▁▂▃▅ █'
    >>> spark([0, 8, 0, 8], (0, 8), 2)
    '██'
    """
    return "".join(each * _block(value, *ends) for value in folded(values, width, fold))


def folded(values: Sequence[float], width: int, fold: Fold = max) -> list[float]:
    """At most `width` values, each made of as many of the given ones."""
    each = -(-len(values) // width)
    parts = (values[at : at + each] for at in range(0, len(values), each or 1))
    known = ([value for value in part if not math.isnan(value)] for part in parts)
    return [fold(part) if part else math.nan for part in known]


def _block(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return NOTHING
    share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]
