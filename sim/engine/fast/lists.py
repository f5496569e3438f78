"""Reading lists, logs and wide sums of the kernel's memory from outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.engine.fast import layout as L

Words = NDArray[np.int64]


def wide(m: Words, at: int) -> int:
    """A sum of two words."""
    return int(m[at]) + int(m[at + 1]) * L.FULL_SUM


def read_log(m: Words, log: int) -> Words:
    """The words of a log, in order."""
    count = int(m[log + L.LOG_COUNT])
    parts, chunk = [], int(m[log])
    for _ in range(-(-count // L.LOG_CHUNK)):
        parts.append(m[chunk + 1 : chunk + 1 + L.LOG_CHUNK])
        chunk = int(m[chunk])
    return np.concatenate(parts)[:count] if parts else np.zeros(0, np.int64)


def chain(m: Words, first: int, links: int) -> list[int]:
    """The members of a list, from the first on."""
    found = []
    while first:
        found.append(first)
        first = int(m[first + links]) & L.LOW
    return found


def lines_of(m: Words, at: int) -> list[int]:
    """Who stands in a line of a resource or server station."""
    size = L.S_SIZE if m[at + L.P_KIND] == L.SHARED else L.N_SIZE
    found = chain(m, int(m[at + L.P_LINE]), L.G_LINKS)
    if not m[at + L.P_SINGLE]:
        for node in range(int(m[at + L.P_COUNT])):
            where = int(m[at + L.P_NODES]) + node * size
            found += chain(m, int(m[where + L.N_BOUND]), L.G_LINKS) + chain(m, int(m[where + L.N_CHOSEN]), L.G_LINKS)
    return found


def holders_of(m: Words, at: int, node: int) -> list[int]:
    """Who holds units of a node, in the order of the grants."""
    size = L.S_SIZE if m[at + L.P_KIND] == L.SHARED else L.N_SIZE
    return chain(m, int(m[int(m[at + L.P_NODES]) + node * size + L.N_HOLDERS]), L.G_LINKS)


def units_of(m: Words, grant: int) -> int:
    """Units asked for or held."""
    return int(m[(int(m[grant]) >> 31) + L.AQ_UNITS])
