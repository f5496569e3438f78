"""Choice of a node: by rotation, at random, by load, by two choices, by key.

The nodes that can serve a newcomer are bits, 32 a word, with words above that say which words are not empty.
"""

from __future__ import annotations

import numpy as np

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast.layout import Choice, Group, Header, Job, Node, Place, PlaceNode, Queue, Ref, Table
from sim.engine.fast.memory import Floats, Memory, high
from sim.engine.fast.nodes import node_at


@inner
def _lowest_bit(bits: int) -> int:
    """Place of the lowest bit of a word that is not 0."""
    return (int(np.float64(bits & -bits).view(np.int64)) >> 52) - 1023


@inner
def set_free(m: Memory, place: Ref[Place], node: int, free: bool) -> None:
    """Take note of whether a node can serve a newcomer."""
    levels = m[place + Place.BITS]
    for level in range(m[place + Place.BITS + Table.COUNT]):
        word = m[levels + level] + (node >> 5)
        bit = 1 << (node & 31)
        before = m[word]
        m[word] = before | bit if free else (before | bit) ^ bit
        if (before == 0) == (m[word] == 0):
            return  # the words above know
        node >>= 5


@inner
def _first_from(m: Memory, place: Ref[Place], start: int) -> int:
    """The first node of the set from `start` on, or -1."""
    levels = m[place + Place.BITS]
    count = m[place + Place.BITS + Table.COUNT]
    level = 0
    at = start
    size = m[place + Place.COUNT]
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
def _fit_from(m: Memory, place: Ref[Place], start: int, units: int) -> int:
    """The first node of the set with that many free units from `start` on, going round; -1 when there is none."""
    node = _first_from(m, place, start)
    while node >= 0 and m[node_at(m, place, node) + PlaceNode.FREE] < units:
        node = _first_from(m, place, node + 1)
    if node >= 0:
        return node
    node = _first_from(m, place, 0)
    while node >= 0 and m[node_at(m, place, node) + PlaceNode.FREE] < units:
        node = _first_from(m, place, node + 1)
    return node


@inner
def _draw(m: Memory, place: Ref[Place], path: int, index: int) -> int:
    return int(uniform(m[place + Place.CHOICE_STREAM], path, index) * m[place + Place.COUNT])


@inner
def node_with_units(m: Memory, place: Ref[Place], job: Ref[Job], stream_offset: int, units: int) -> int:
    """A node with enough free units, by the choice's rule; -1 when there is none."""
    choice = m[place + Place.CHOICE]
    if choice == Choice.ROUND_ROBIN:
        node = _fit_from(m, place, m[place + Place.NEXT], units)
        if node >= 0:
            m[place + Place.NEXT] = node + 1
        return node
    if choice == Choice.LEAST_LOADED:
        best = -1
        most = 0
        node = _first_from(m, place, 0)
        while node >= 0:
            free = m[node_at(m, place, node) + PlaceNode.FREE]
            if free >= units and free > most:
                best = node
                most = free
            node = _first_from(m, place, node + 1)
        return best
    path = child_path(m[job + Job.PATH], stream_offset)
    one = _fit_from(m, place, _draw(m, place, path, 0), units)
    if choice == Choice.RANDOM or one < 0:
        return one
    other = _fit_from(m, place, _draw(m, place, path, 1), units)
    gain = m[node_at(m, place, other) + PlaceNode.FREE] - m[node_at(m, place, one) + PlaceNode.FREE]
    return other if gain > 0 or (gain == 0 and other < one) else one


@inner
def _up_from(m: Memory, place: Ref[Place], start: int) -> int:
    """The first node that is up and stays from `start` on, going round; one of them is."""
    count = m[place + Place.COUNT]
    nodes = m[m[place + Place.GROUP] + Group.NODES]
    node = start
    while True:
        if node >= count:
            node = 0
        if m[nodes + node * Node.SIZE + Node.DOWNS] == 0 and m[nodes + node * Node.SIZE + Node.DRAINS] == 0:
            return node
        node += 1


@inner
def _load(m: Memory, place: Ref[Place], node: int) -> int:
    where = node_at(m, place, node)
    return (
        m[where + PlaceNode.BOUND + Queue.LENGTH]
        + m[where + PlaceNode.CHOSEN + Queue.LENGTH]
        - m[where + PlaceNode.FREE]
    )


@inner
def node_on_arrival(m: Memory, place: Ref[Place], job: Ref[Job], stream_offset: int) -> int:
    """The node to wait at, among those that are up and stay; -1 when there is none."""
    group = m[place + Place.GROUP]
    if m[group + Group.DOWN] + m[group + Group.DRAINING] == m[group + Group.COUNT]:
        return -1
    choice = m[place + Place.CHOICE]
    if choice == Choice.ROUND_ROBIN:
        node = _up_from(m, place, m[place + Place.NEXT])
        m[place + Place.NEXT] = node + 1
        return node
    if choice == Choice.LEAST_LOADED:
        best = -1
        for node in range(m[place + Place.COUNT]):
            where = m[group + Group.NODES] + node * Node.SIZE
            stays = m[where + Node.DOWNS] == 0 and m[where + Node.DRAINS] == 0
            if stays and (best < 0 or _load(m, place, node) < _load(m, place, best)):
                best = node
        return best
    path = child_path(m[job + Job.PATH], stream_offset)
    one = _up_from(m, place, _draw(m, place, path, 0))
    if choice == Choice.RANDOM:
        return one
    other = _up_from(m, place, _draw(m, place, path, 1))
    gain = _load(m, place, one) - _load(m, place, other)
    return other if gain > 0 or (gain == 0 and other < one) else one


@inner
def any_up(m: Memory, place: Ref[Place]) -> bool:
    """Whether any node is up."""
    group = m[place + Place.GROUP]
    return m[group + Group.DOWN] < m[group + Group.COUNT]


@inner
def _node_of_key(m: Memory, f: Floats, place: Ref[Place], path: int) -> int:
    u = uniform(m[place + Place.KEY_STREAM], path, 0)
    count = m[place + Place.COUNT]
    bounds = m[place + Place.KEY_BOUNDS]
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
def node_by_key(m: Memory, f: Floats, place: Ref[Place], job: Ref[Job]) -> int:
    """The node of the job's key; what the execution's own path gives is remembered there."""
    execution = high(m[job + Job.OWN])
    by = m[place + Place.KEYED]
    if by > 1:
        value = m[execution + m[Header.JOB_ATTRIBUTES] + by - 2]
        return _node_of_key(m, f, place, child_path(0, value))
    slot = execution + m[Header.JOB_KEYS] + m[place + Place.KEY_SLOT]
    if m[slot] == 0:
        m[slot] = _node_of_key(m, f, place, m[execution + m[Header.JOB_PATH]]) + 1
    return m[slot] - 1
