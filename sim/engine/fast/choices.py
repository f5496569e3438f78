"""Which node: by rotation, at random, by load, by two choices, by key. Who is served there is told elsewhere.

The nodes that can serve a newcomer are bits, 32 a word, with words above that say which words are not empty.
"""

from __future__ import annotations

import numpy as np

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast.layout import (
    D_DOWNS,
    D_LEAVES,
    D_SIZE,
    GR_COUNT,
    GR_DOWN,
    GR_LEAVING,
    GR_NODES,
    J_OWN,
    J_PATH,
    LEAST_LOADED,
    N_BOUND,
    N_CHOSEN,
    N_FREE,
    P_BITS,
    P_CHOICE,
    P_CHOICE_STREAM,
    P_COUNT,
    P_GROUP,
    P_KEY_BOUNDS,
    P_KEY_SLOT,
    P_KEY_STREAM,
    P_KEYED,
    P_LEVELS,
    P_NEXT,
    RANDOM,
    ROUND_ROBIN,
    X_ATTRIBUTES,
    X_KEYS,
    X_PATH,
)
from sim.engine.fast.memory import Floats, Memory, high
from sim.engine.fast.nodes import node_at


@inner
def _lowest_bit(bits: int) -> int:
    """Place of the lowest bit of a word that is not 0."""
    return (int(np.float64(bits & -bits).view(np.int64)) >> 52) - 1023


@inner
def set_free(m: Memory, place: int, node: int, free: bool) -> None:
    """Take note of whether a node can serve a newcomer."""
    levels = m[place + P_BITS]
    for level in range(m[place + P_LEVELS]):
        word = m[levels + level] + (node >> 5)
        bit = 1 << (node & 31)
        before = m[word]
        m[word] = before | bit if free else (before | bit) ^ bit
        if (before == 0) == (m[word] == 0):
            return  # the words above know
        node >>= 5


@inner
def _first_from(m: Memory, place: int, start: int) -> int:
    """The first node of the set from `start` on, or -1."""
    levels = m[place + P_BITS]
    count = m[place + P_LEVELS]
    level = 0
    at = start
    size = m[place + P_COUNT]
    while True:
        if at << (5 * level) >= size:
            return -1
        bits = m[m[levels + level] + (at >> 5)] >> (at & 31)
        if bits:
            at += _lowest_bit(bits)
            break
        level += 1
        if level == count:
            return -1
        at = (at >> 5) + 1
    while level:
        level -= 1
        at = (at << 5) + _lowest_bit(m[m[levels + level] + at])
    return at


@inner
def _fit_from(m: Memory, place: int, start: int, units: int) -> int:
    """The first node of the set with that many free units from `start` on, going round; -1 when there is none."""
    node = _first_from(m, place, start)
    while node >= 0 and m[node_at(m, place, node) + N_FREE] < units:
        node = _first_from(m, place, node + 1)
    if node >= 0:
        return node
    node = _first_from(m, place, 0)
    while node >= 0 and m[node_at(m, place, node) + N_FREE] < units:
        node = _first_from(m, place, node + 1)
    return node


@inner
def _draw(m: Memory, place: int, path: int, index: int) -> int:
    return int(uniform(m[place + P_CHOICE_STREAM], path, index) * m[place + P_COUNT])


@inner
def node_with_units(m: Memory, place: int, job: int, salt: int, units: int) -> int:
    """A node with enough free units, by the choice's rule; -1 when there is none."""
    choice = m[place + P_CHOICE]
    if choice == ROUND_ROBIN:
        node = _fit_from(m, place, m[place + P_NEXT], units)
        if node >= 0:
            m[place + P_NEXT] = node + 1
        return node
    if choice == LEAST_LOADED:
        best = -1
        most = 0
        node = _first_from(m, place, 0)
        while node >= 0:
            free = m[node_at(m, place, node) + N_FREE]
            if free >= units and free > most:
                best = node
                most = free
            node = _first_from(m, place, node + 1)
        return best
    path = child_path(m[job + J_PATH], salt)
    one = _fit_from(m, place, _draw(m, place, path, 0), units)
    if choice == RANDOM or one < 0:
        return one
    other = _fit_from(m, place, _draw(m, place, path, 1), units)
    gain = m[node_at(m, place, other) + N_FREE] - m[node_at(m, place, one) + N_FREE]
    return other if gain > 0 or (gain == 0 and other < one) else one


@inner
def _up_from(m: Memory, place: int, start: int) -> int:
    """The first node that is up and stays from `start` on, going round; one of them is."""
    count = m[place + P_COUNT]
    nodes = m[m[place + P_GROUP] + GR_NODES]
    node = start
    while True:
        if node >= count:
            node = 0
        if m[nodes + node * D_SIZE + D_DOWNS] == 0 and m[nodes + node * D_SIZE + D_LEAVES] == 0:
            return node
        node += 1


@inner
def _load(m: Memory, place: int, node: int) -> int:
    where = node_at(m, place, node)
    return m[where + N_BOUND + 2] + m[where + N_CHOSEN + 2] - m[where + N_FREE]


@inner
def node_on_arrival(m: Memory, place: int, job: int, salt: int) -> int:
    """The node to wait at, among those that are up and stay; -1 when there is none."""
    group = m[place + P_GROUP]
    if m[group + GR_DOWN] + m[group + GR_LEAVING] == m[group + GR_COUNT]:
        return -1
    choice = m[place + P_CHOICE]
    if choice == ROUND_ROBIN:
        node = _up_from(m, place, m[place + P_NEXT])
        m[place + P_NEXT] = node + 1
        return node
    if choice == LEAST_LOADED:
        best = -1
        for node in range(m[place + P_COUNT]):
            where = m[group + GR_NODES] + node * D_SIZE
            stays = m[where + D_DOWNS] == 0 and m[where + D_LEAVES] == 0
            if stays and (best < 0 or _load(m, place, node) < _load(m, place, best)):
                best = node
        return best
    path = child_path(m[job + J_PATH], salt)
    one = _up_from(m, place, _draw(m, place, path, 0))
    if choice == RANDOM:
        return one
    other = _up_from(m, place, _draw(m, place, path, 1))
    gain = _load(m, place, one) - _load(m, place, other)
    return other if gain > 0 or (gain == 0 and other < one) else one


@inner
def any_up(m: Memory, place: int) -> bool:
    """Whether any node is up."""
    group = m[place + P_GROUP]
    return m[group + GR_DOWN] < m[group + GR_COUNT]


@inner
def _node_of_key(m: Memory, f: Floats, place: int, path: int) -> int:
    u = uniform(m[place + P_KEY_STREAM], path, 0)
    count = m[place + P_COUNT]
    bounds = m[place + P_KEY_BOUNDS]
    if bounds == 0:
        return int(u * count)
    least, most = 0, count - 1  # the first whose upper bound is above u
    while least < most:
        middle = (least + most) >> 1
        if u < f[bounds + middle]:
            most = middle
        else:
            least = middle + 1
    return least


@inner
def node_by_key(m: Memory, f: Floats, place: int, job: int) -> int:
    """The node of the job's key; what the execution's own path gives is remembered there."""
    execution = high(m[job + J_OWN])
    by = m[place + P_KEYED]
    if by > 1:
        value = m[execution + m[X_ATTRIBUTES] + by - 2]
        return _node_of_key(m, f, place, child_path(0, value))
    slot = execution + m[X_KEYS] + m[place + P_KEY_SLOT]
    if m[slot] == 0:
        m[slot] = _node_of_key(m, f, place, m[execution + m[X_PATH]]) + 1
    return m[slot] - 1
