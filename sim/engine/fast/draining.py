"""Draining nodes: they serve the jobs bound to them and accept no new ones."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.groups import set_ready
from sim.engine.fast.layout import Group, GroupAt, Hit, Immediate, Node, Place, PlaceNode, Queue
from sim.engine.fast.memory import Floats, Memory, allocate, run_next
from sim.engine.fast.nodes import group_node, node_at
from sim.engine.fast.pools import note
from sim.engine.fast.servers import serve_visits


@inner
def load_of(m: Memory, group: GroupAt, node: int) -> int:
    """Units in use on a node, and how many wait at it, over all places there."""
    up = m[group_node(m, group, node) + Node.DOWNS] == 0
    load = 0
    for number in range(m[group + Group.RESIDENT_COUNT]):
        place = m[m[group + Group.RESIDENTS] + number]
        if place > 0:
            where = node_at(m, place, node)
            load += m[where + PlaceNode.BOUND + Queue.LENGTH] + m[where + PlaceNode.CHOSEN + Queue.LENGTH]
            if up:
                load += m[place + Place.UNITS] - m[where + PlaceNode.FREE]
    return load


@inner
def is_left(m: Memory, group: GroupAt, node: int) -> bool:
    """Whether nothing is left on a node: no load, and no attempt that is silent or has a heartbeat."""
    return load_of(m, group, node) == 0 and m[group_node(m, group, node) + Node.ATTEMPTS] == 0


@inner
def change_leaves(m: Memory, f: Floats, group: GroupAt, node: int, by: int) -> bool:
    """One more that wants the node to leave, or one less; whether it leaves, or takes new work, from now on."""
    where = group_node(m, group, node)
    before = m[where + Node.DRAINS]
    m[where + Node.DRAINS] = before + by
    if (before == 0) == (before + by == 0):
        return False
    if m[where + Node.DOWNS] == 0:
        m[group + Group.DRAINING] += by
    set_ready(m, f, where)
    return True


@inner
def _tell_places(m: Memory, f: Floats, group: GroupAt, node: int, serves: bool) -> None:
    for number in range(m[group + Group.RESIDENT_COUNT]):
        place = m[m[group + Group.RESIDENTS] + number]
        if place > 0:
            note(m, place, node)
            if serves:
                serve_visits(m, f, place, node)


@inner
def leave(m: Memory, f: Floats, group: GroupAt, node: int) -> None:
    """The node takes no new work; who had chosen it on arrival chooses again."""
    if not change_leaves(m, f, group, node, 1):
        return
    _tell_places(m, f, group, node, False)
    for number in range(m[group + Group.CHOOSER_COUNT]):
        again = allocate(m, Hit.SIZE)
        m[again + Hit.JOB] = m[m[group + Group.CHOOSERS] + number]
        m[again + Hit.DEPTH] = node
        run_next(m, Immediate.CHOOSE, again)


@inner
def stay(m: Memory, f: Floats, group: GroupAt, node: int) -> None:
    """One that wanted the node to leave does so no longer."""
    if change_leaves(m, f, group, node, -1):
        _tell_places(m, f, group, node, True)
