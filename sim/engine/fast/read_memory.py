"""Reading lists, logs and wide sums of the kernel's memory from outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.engine.fast import layout as L

Words = NDArray[np.int64]


def wide(m: Words, at: int) -> int:
    """A sum of two words."""
    return int(m[at]) + int(m[at + 1]) * L.FULL_SUM


def total(values: Words) -> int:
    """The sum of non-negative words, exactly."""
    return (int((values >> 31).sum()) << 31) + int((values & L.LOW).sum())


def read_log(m: Words, log: int) -> Words:
    """The words of a log, in order."""
    count = int(m[log + L.Log.COUNT])
    parts, chunk = [], int(m[log])
    for _ in range(-(-count // L.Log.CHUNK)):
        parts.append(m[chunk + 1 : chunk + 1 + L.Log.CHUNK])
        chunk = int(m[chunk])
    return np.concatenate(parts)[:count] if parts else np.zeros(0, np.int64)


def chain(m: Words, first: int, links: L.At) -> list[int]:
    """The members of a list, from the first on."""
    words = memoryview(m.data)  # its items are had in a third of the time of those of an array
    found = []
    while first:
        found.append(first)
        first = words[first + links] & L.LOW
    return found


def column(m: Words, at: int, word: L.At) -> Words:
    """One word of every node of a resource or server station."""
    size = L.CoresNode.SIZE if m[at + L.Place.KIND] == L.PlaceKind.CORES else L.PlaceNode.SIZE
    nodes = int(m[at + L.Place.NODES])
    return m[nodes : nodes + size * int(m[at + L.Place.COUNT])].reshape(-1, size)[:, word]


def chains(m: Words, at: int, word: L.At) -> list[int]:
    """The members of one list of every node of a resource or server station."""
    heads = column(m, at, word)
    return [grant for head in heads[heads != 0].tolist() for grant in chain(m, head, L.Grant.LINKS)]


def lines_of(m: Words, at: int) -> list[int]:
    """Who stands in a line of a resource or server station."""
    found = chain(m, int(m[at + L.Place.QUEUE]), L.Grant.LINKS)
    return (
        found
        if m[at + L.Place.SINGLE]
        else found + chains(m, at, L.PlaceNode.BOUND) + chains(m, at, L.PlaceNode.CHOSEN)
    )


def holders_of(m: Words, at: int, node: int) -> list[int]:
    """Who holds units of a node, in the order of the grants."""
    return chain(m, int(column(m, at, L.PlaceNode.HOLDERS)[node]), L.Grant.LINKS)


def units_of(m: Words, grant: int) -> int:
    """Units asked for or held."""
    return int(m[(int(m[grant]) >> 31) + L.AcquireStep.UNITS])
