"""What a crash takes from a resource or servers, and what a repair brings back."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.choices import node_on_arrival
from sim.engine.fast.lines import sort_chain
from sim.engine.fast.memory import Floats, Memory, high
from sim.engine.fast.meters import released, units_change
from sim.engine.fast.nodes import node_at
from sim.engine.fast.pools import note, push

# -- faults ------------------------------------------------------------------------------------------------


@inner
def units_lost(m: Memory, place: int, node: int) -> None:
    """Units are gone with their holders, who have been noted."""
    where = node_at(m, place, node)
    holder = m[where + L.N_HOLDERS]
    while holder:
        m[holder + L.G_NODE] = (m[holder + L.G_NODE] | L.NODE_MASK) ^ L.NODE_MASK
        released(m, place, m[holder + L.G_TIME], m[high(m[holder + L.G_WHO]) + L.AQ_UNITS])
        holder = m[holder + L.G_LINKS] & L.LOW
    m[where + L.N_HOLDERS] = 0
    m[where + L.N_HOLDERS + 1] = 0
    units_change(m, place, -m[place + L.P_UNITS])
    m[where + L.N_FREE] = 0
    m[where + L.N_OPEN] = 0
    note(m, place, node)


@inner
def units_back(m: Memory, place: int, node: int) -> None:
    """All units are free again (and closed, where they are opened on demand)."""
    where = node_at(m, place, node)
    m[where + L.N_FREE] = m[place + L.P_UNITS]
    if m[place + L.P_KIND] != L.RESOURCE or m[place + L.P_DIST] == 0:
        m[where + L.N_OPEN] = m[place + L.P_UNITS]
    units_change(m, place, m[place + L.P_UNITS])
    note(m, place, node)


@inner
def choose_again(m: Memory, f: Floats, place: int, node: int) -> bool:
    """Those who had chosen this node choose again, oldest first, whatever the limit there; whether there were any."""
    line = node_at(m, place, node) + L.N_CHOSEN
    if m[line + L.L_LENGTH] == 0:
        return False
    grant = m[line]
    m[line] = 0
    m[line + 1] = 0
    m[line + L.L_LENGTH] = 0
    first = grant
    while grant:  # from here on a chain of those who wait, by plain links
        m[grant + L.G_LINKS] &= L.LOW
        m[grant + L.G_NODE] ^= L.IN_LINE
        grant = m[grant + L.G_LINKS]
    grant = sort_chain(m, first, L.G_LINKS, L.G_SERIAL)
    while grant:
        following = m[grant + L.G_LINKS]
        who = m[grant + L.G_WHO]
        again = node_on_arrival(m, place, who & L.LOW, m[(who >> 31) + L.O_SALT])
        m[grant + L.G_NODE] = (m[grant + L.G_NODE] | L.WANTED_MASK) ^ L.WANTED_MASK | (again + 1) << L.WANTED_SHIFT
        push(m, place, grant)
        grant = following
    return True
