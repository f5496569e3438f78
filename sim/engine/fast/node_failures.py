"""Crash and repair of a node: which grants are lost, how many units go and come back."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.choices import node_on_arrival
from sim.engine.fast.layout import (
    LOW,
    Grant,
    Header,
    Hit,
    Job,
    JobAt,
    Place,
    PlaceAt,
    PlaceKind,
    PlaceNode,
    PlaceStep,
    Queue,
    Step,
)
from sim.engine.fast.memory import Floats, Memory, allocate, high
from sim.engine.fast.meters import released, units_change
from sim.engine.fast.nodes import node_at
from sim.engine.fast.pools import note, push
from sim.engine.fast.queues import sort_chain

# -- whom a crash hits -----------------------------------------------------------------------------------------------


@inner
def add_hit(m: Memory, job: JobAt, depth: int) -> None:
    """Note that a crash hits a job; depth -1: it loses no grant. One job may be noted several times."""
    hit = allocate(m, Hit.SIZE)
    m[hit + Hit.NEXT] = m[Header.HITS]
    m[hit + Hit.ORDER] = m[job + Job.ORDER]
    m[hit + Hit.JOB] = job
    m[hit + Hit.DEPTH] = depth
    m[Header.HITS] = hit


# -- what it takes, what a repair brings back ------------------------------------------------------------------------


# -- faults ------------------------------------------------------------------------------------------------


@inner
def units_lost(m: Memory, place: PlaceAt, node: int) -> None:
    """Units are gone with their holders, who have been noted."""
    where = node_at(m, place, node)
    holder = m[where + PlaceNode.HOLDERS]
    while holder:
        m[holder + Grant.NODE] = (m[holder + Grant.NODE] | Grant.NODE_MASK) ^ Grant.NODE_MASK
        released(m, place, m[holder + Grant.TIME], m[high(m[holder + Grant.WHO]) + PlaceStep.UNITS])
        holder = m[holder + Grant.LINKS] & LOW
    m[where + PlaceNode.HOLDERS] = 0
    m[where + PlaceNode.LAST_HOLDER] = 0
    units_change(m, place, -m[place + Place.UNITS])
    m[where + PlaceNode.FREE] = 0
    m[where + PlaceNode.OPEN] = 0
    note(m, place, node)


@inner
def units_back(m: Memory, place: PlaceAt, node: int) -> None:
    """All units are free again (and closed, where they are opened on demand)."""
    where = node_at(m, place, node)
    m[where + PlaceNode.FREE] = m[place + Place.UNITS]
    if m[place + Place.KIND] != PlaceKind.RESOURCE or m[place + Place.DIST] == 0:
        m[where + PlaceNode.OPEN] = m[place + Place.UNITS]
    units_change(m, place, m[place + Place.UNITS])
    note(m, place, node)


@inner
def choose_again(m: Memory, f: Floats, place: PlaceAt, node: int) -> bool:
    """Those who had chosen this node choose again, oldest first, whatever the limit there; whether there were any."""
    line = node_at(m, place, node) + PlaceNode.CHOSEN
    if m[line + Queue.LENGTH] == 0:
        return False
    grant = m[line]
    m[line] = 0
    m[line + 1] = 0
    m[line + Queue.LENGTH] = 0
    first = grant
    while grant:  # from here on a chain of those who wait, by plain links
        m[grant + Grant.LINKS] &= LOW
        m[grant + Grant.NODE] ^= Grant.IN_QUEUE
        grant = m[grant + Grant.LINKS]
    grant = sort_chain(m, first, Grant.LINKS, Grant.SERIAL)
    while grant:
        following = m[grant + Grant.LINKS]
        who = m[grant + Grant.WHO]
        again = node_on_arrival(m, place, who & LOW, m[(who >> 31) + Step.STREAM_OFFSET])
        m[grant + Grant.NODE] = (m[grant + Grant.NODE] | Grant.WANTED_MASK) ^ Grant.WANTED_MASK | (
            again + 1
        ) << Grant.WANTED_SHIFT
        push(m, place, grant)
        grant = following
    return True
