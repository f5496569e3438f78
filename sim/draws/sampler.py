"""Draws one at a time from plain Python, by the compiled functions, for the reference engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.draws import kinds
from sim.draws.inverse import (
    draw,
    draw_ns,
    draw_ns_without_table,
    draw_without_table,
    exponential_ns,
    to_ns,
)
from sim.draws.kinds import Inverse


class Sampler:
    """One distribution in one stream.

    ns: draws a time: `ns(path, index)` in whole nanoseconds.
    value: draws the number itself: `value(path, index)`, seconds or a count.

    Both are the same draw at the same path and index. They are attributes, made for the distribution's kind once,
    because looking the kind up at each call would cost as much as the draw.
    """

    __slots__ = ("ns", "value")

    def __init__(self, inverse: Inverse, key: int) -> None:
        self.ns, self.value = _functions(inverse, key)


def _functions(inverse: Inverse, key: int) -> tuple[Callable[[int, int], int], Callable[[int, int], float]]:
    kind, a, b, c = inverse.kind, inverse.a, inverse.b, inverse.c
    if kind == kinds.CONSTANT:
        fixed_ns = to_ns(a)
        return (lambda path, index: fixed_ns), (lambda path, index: a)
    if kind == kinds.EXPONENTIAL:
        return (
            lambda path, index: exponential_ns(key, path, index, a),
            lambda path, index: draw_without_table(key, path, index, kind, a, b, c),
        )
    if kind <= kinds.LAST_WITHOUT_TABLE:
        return (
            lambda path, index: draw_ns_without_table(key, path, index, kind, a, b, c),
            lambda path, index: draw_without_table(key, path, index, kind, a, b, c),
        )
    table, length = np.array(inverse.table), len(inverse.table)  # writable: the compiled functions know no other
    return (
        lambda path, index: draw_ns(key, path, index, kind, a, b, c, table, 0, length),
        lambda path, index: draw(key, path, index, kind, a, b, c, table, 0, length),
    )
