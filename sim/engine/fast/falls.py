"""What a crash takes from a resource or servers, and what a repair brings back."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.choices import node_on_arrival
from sim.engine.fast.layout import (
    AQ_UNITS,
    G_LINKS,
    G_NODE,
    G_SERIAL,
    G_TIME,
    G_WHO,
    IN_LINE,
    L_LENGTH,
    LOW,
    N_CHOSEN,
    N_FREE,
    N_HOLDERS,
    N_OPEN,
    NODE_MASK,
    O_SALT,
    P_DIST,
    P_KIND,
    P_UNITS,
    RESOURCE,
    WANTED_MASK,
    WANTED_SHIFT,
)
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
    holder = m[where + N_HOLDERS]
    while holder:
        m[holder + G_NODE] = (m[holder + G_NODE] | NODE_MASK) ^ NODE_MASK
        released(m, place, m[holder + G_TIME], m[high(m[holder + G_WHO]) + AQ_UNITS])
        holder = m[holder + G_LINKS] & LOW
    m[where + N_HOLDERS] = 0
    m[where + N_HOLDERS + 1] = 0
    units_change(m, place, -m[place + P_UNITS])
    m[where + N_FREE] = 0
    m[where + N_OPEN] = 0
    note(m, place, node)


@inner
def units_back(m: Memory, place: int, node: int) -> None:
    """All units are free again (and closed, where they are opened on demand)."""
    where = node_at(m, place, node)
    m[where + N_FREE] = m[place + P_UNITS]
    if m[place + P_KIND] != RESOURCE or m[place + P_DIST] == 0:
        m[where + N_OPEN] = m[place + P_UNITS]
    units_change(m, place, m[place + P_UNITS])
    note(m, place, node)


@inner
def choose_again(m: Memory, f: Floats, place: int, node: int) -> bool:
    """Those who had chosen this node choose again, oldest first, whatever the limit there; whether there were any."""
    line = node_at(m, place, node) + N_CHOSEN
    if m[line + L_LENGTH] == 0:
        return False
    grant = m[line]
    m[line] = 0
    m[line + 1] = 0
    m[line + L_LENGTH] = 0
    first = grant
    while grant:  # from here on a chain of those who wait, by plain links
        m[grant + G_LINKS] &= LOW
        m[grant + G_NODE] ^= IN_LINE
        grant = m[grant + G_LINKS]
    grant = sort_chain(m, first, G_LINKS, G_SERIAL)
    while grant:
        following = m[grant + G_LINKS]
        who = m[grant + G_WHO]
        again = node_on_arrival(m, place, who & LOW, m[(who >> 31) + O_SALT])
        m[grant + G_NODE] = (m[grant + G_NODE] | WANTED_MASK) ^ WANTED_MASK | (again + 1) << WANTED_SHIFT
        push(m, place, grant)
        grant = following
    return True
