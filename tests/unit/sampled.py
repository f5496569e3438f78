"""The sampler as a function of its own that Python calls, compiled as the engines' draws are."""

from __future__ import annotations

from sim.draws.inverse import Table, sample_of
from sim.draws.jit import njit


@njit("float64(int64, float64, float64, float64, float64[::1], int64, int64, float64)")
def sample(kind: int, a: float, b: float, c: float, table: Table, start: int, length: int, u: float) -> float:
    """The value at u, in (0, 1), of any kind; its own table is table[start : start + length]."""
    return sample_of(kind, a, b, c, table, start, length, u)
