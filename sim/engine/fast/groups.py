"""Node groups: a node goes down, comes back or drains, with the places, jobs and queues on it."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.attempt_timers import node_lost
from sim.engine.fast.batches import batches_down, batches_up
from sim.engine.fast.caches import cache_down
from sim.engine.fast.choices import node_on_arrival
from sim.engine.fast.layout import (
    LOW,
    ONE_CORE,
    CoresNode,
    Failure,
    Grant,
    Group,
    Header,
    Hit,
    Immediate,
    Job,
    Node,
    Place,
    PlaceKind,
    PlaceNode,
    PlaceStep,
    Queue,
    Readiness,
    Ref,
    Step,
    Table,
)
from sim.engine.fast.memory import Floats, Memory, allocate, free, high, interrupt, run_next
from sim.engine.fast.meters import released, units_change
from sim.engine.fast.nodes import add_hit, group_node, node_at
from sim.engine.fast.policies import breakers_down, budgets_down
from sim.engine.fast.pools import note, push
from sim.engine.fast.queues import append_plain, sort_chain
from sim.engine.fast.recorder import node_crashed
from sim.engine.fast.servers import adjust_starts, serve_visits
from sim.engine.fast.service import cut_off, stop_service

# -- what lives on a node ----------------------------------------------------------------------------------


@inner
def _place_down(m: Memory, f: Floats, place: Ref[Place], node: int) -> None:
    """A place loses what it had on a node; whoever ran there is hit."""
    kind = m[place + Place.KIND]
    if kind == PlaceKind.COMMIT or kind == PlaceKind.POLLED:
        batches_down(m, place, node)
        return
    holder = m[node_at(m, place, node) + PlaceNode.HOLDERS]
    while holder:
        add_hit(m, m[holder + Grant.WHO] & LOW, high(m[holder + Grant.HELD]))
        if m[holder + Grant.NODE] & Grant.IN_SERVICE and kind != PlaceKind.CORES:
            stop_service(m, f, place, holder, node)
            m[holder + Grant.NODE] ^= Grant.IN_SERVICE
        holder = m[holder + Grant.LINKS] & LOW
    if kind == PlaceKind.CORES:
        cut_off(m, f, place, node)
    units_lost(m, place, node)
    if kind == PlaceKind.SETUP:
        adjust_starts(m, f, place)


@inner
def _place_up(m: Memory, f: Floats, group: Ref[Group], place: Ref[Place], node: int) -> None:
    """A place has its node back, empty."""
    kind = m[place + Place.KIND]
    if kind == PlaceKind.COMMIT or kind == PlaceKind.POLLED:
        batches_up(m, f, place, node)
        return
    if kind == PlaceKind.CORES:
        m[node_at(m, place, node) + CoresNode.SPEED] = int(f[group_node(m, group, node) + Node.SPEED] * ONE_CORE)
    units_back(m, place, node)
    if kind == PlaceKind.SETUP:
        adjust_starts(m, f, place)
    else:
        serve_visits(m, f, place, node)


# -- crash and repair --------------------------------------------------------------------------------------


@inner
def _mark_running(m: Memory, hit: Ref[Hit], before: int) -> None:
    while hit != before:
        job = m[hit + Hit.JOB]
        m[high(m[job + Job.OWN]) + Job.STATE] |= Job.RUNNING_HERE
        hit = m[hit + Hit.NEXT]


@inner
def set_ready(m: Memory, f: Floats, where: Ref[Node]) -> None:
    """Work out whether a node is ready."""
    ready = m[where + Node.DOWNS] == 0 and f[where + Node.SPEED] > 0.0
    m[where + Node.READY] = (
        Readiness.DOWN if not ready else Readiness.ONLY_BOUND if m[where + Node.DRAINS] else Readiness.READY
    )


@inner
def node_down(m: Memory, f: Floats, group: Ref[Group], node: int, crashes: bool) -> None:
    """One node crashes, whom that hits is noted; or it goes off with nothing to do."""
    where = group_node(m, group, node)
    m[where + Node.DOWNS] += 1
    if m[where + Node.DOWNS] > 1:
        return
    m[group + Group.DOWN] += 1
    if m[where + Node.DRAINS]:
        m[group + Group.DRAINING] -= 1
    m[where + Node.SINCE] = m[Header.NOW]
    m[where + Node.READY] = Readiness.DOWN
    node_lost(m, where)
    before = m[Header.HITS]
    for number in range(m[group + Group.RESIDENTS + Table.COUNT]):
        resident = m[m[group + Group.RESIDENTS] + number]
        if resident < 0:
            cache_down(m, -resident, node)
        else:
            _place_down(m, f, resident, node)
    breakers_down(m, group, node)
    budgets_down(m, group, node)
    if not crashes:
        return
    if m[Header.RECOVERIES + Table.COUNT]:
        _mark_running(m, m[Header.HITS], before)
        node_crashed(m, group, where)
    for number in range(m[group + Group.CHOOSERS + Table.COUNT]):
        again = allocate(m, Hit.SIZE)
        m[again + Hit.JOB] = m[m[group + Group.CHOOSERS] + number]
        m[again + Hit.DEPTH] = node
        append_plain(m, Header.CHOOSING, again)


@inner
def interrupt_hit(m: Memory) -> int:
    """Interrupt whoever was hit, once, in the order of job numbers; gives how many."""
    hit = sort_chain(m, m[Header.HITS], Hit.NEXT, Hit.ORDER) if m[Header.HITS] else 0
    m[Header.HITS] = 0
    count = 0
    while hit:
        job, depth = m[hit + Hit.JOB], m[hit + Hit.DEPTH]
        following = m[hit + Hit.NEXT]
        free(m, hit, Hit.SIZE)
        while following and m[following + Hit.JOB] == job:  # of several grants lost the outermost one counts
            other = m[following + Hit.DEPTH]
            if depth < 0 or 0 <= other < depth:
                depth = other
            hit = following
            following = m[hit + Hit.NEXT]
            free(m, hit, Hit.SIZE)
        interrupt(m, job, Failure.CRASH, depth, 0)
        count += 1
        hit = following
    again = m[Header.CHOOSING]
    m[Header.CHOOSING] = 0
    m[Header.CHOOSING_LAST] = 0
    while again:
        run_next(m, Immediate.CHOOSE, again)
        again = m[again + Hit.NEXT]
    return count


@inner
def node_up(m: Memory, f: Floats, group: Ref[Group], node: int) -> None:
    """One crash that held a node down is over."""
    where = group_node(m, group, node)
    m[where + Node.DOWNS] -= 1
    if m[where + Node.DOWNS]:
        return
    m[group + Group.DOWN] -= 1
    if m[where + Node.DRAINS]:
        m[group + Group.DRAINING] += 1
    m[where + Node.SINCE] = -1
    set_ready(m, f, where)
    for number in range(m[group + Group.RESIDENTS + Table.COUNT]):
        resident = m[m[group + Group.RESIDENTS] + number]
        if resident >= 0:
            _place_up(m, f, group, resident, node)


@inner
def choose_again_after(m: Memory, f: Floats, again: Ref[Hit]) -> None:
    """Those who had chosen a fallen node choose again, and all nodes of the place serve."""
    place, node = m[again + Hit.JOB], m[again + Hit.DEPTH]
    free(m, again, Hit.SIZE)
    if choose_again(m, f, place, node):
        for other in range(m[place + Place.COUNT]):
            serve_visits(m, f, place, other)


# -- what it takes, what a repair brings back ------------------------------------------------------------------------


@inner
def units_lost(m: Memory, place: Ref[Place], node: int) -> None:
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
def units_back(m: Memory, place: Ref[Place], node: int) -> None:
    """All units are free again (and closed, where they are opened on demand)."""
    where = node_at(m, place, node)
    m[where + PlaceNode.FREE] = m[place + Place.UNITS]
    if m[place + Place.KIND] != PlaceKind.RESOURCE or m[place + Place.DIST] == 0:
        m[where + PlaceNode.OPEN] = m[place + Place.UNITS]
    units_change(m, place, m[place + Place.UNITS])
    note(m, place, node)


@inner
def choose_again(m: Memory, f: Floats, place: Ref[Place], node: int) -> bool:
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


# -- draining: a node serves the jobs bound to it and accepts no new ones ------------------------------------


@inner
def load_of(m: Memory, group: Ref[Group], node: int) -> int:
    """Units in use on a node, and how many wait at it, over all places there."""
    up = m[group_node(m, group, node) + Node.DOWNS] == 0
    load = 0
    for number in range(m[group + Group.RESIDENTS + Table.COUNT]):
        place = m[m[group + Group.RESIDENTS] + number]
        if place > 0:
            where = node_at(m, place, node)
            load += m[where + PlaceNode.BOUND + Queue.LENGTH] + m[where + PlaceNode.CHOSEN + Queue.LENGTH]
            if up:
                load += m[place + Place.UNITS] - m[where + PlaceNode.FREE]
    return load


@inner
def is_left(m: Memory, group: Ref[Group], node: int) -> bool:
    """Whether nothing is left on a node: no load, and no attempt that is silent or has a heartbeat."""
    return load_of(m, group, node) == 0 and m[group_node(m, group, node) + Node.ATTEMPTS] == 0


@inner
def change_leaves(m: Memory, f: Floats, group: Ref[Group], node: int, by: int) -> bool:
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
def _tell_places(m: Memory, f: Floats, group: Ref[Group], node: int, serves: bool) -> None:
    for number in range(m[group + Group.RESIDENTS + Table.COUNT]):
        place = m[m[group + Group.RESIDENTS] + number]
        if place > 0:
            note(m, place, node)
            if serves:
                serve_visits(m, f, place, node)


@inner
def leave(m: Memory, f: Floats, group: Ref[Group], node: int) -> None:
    """The node takes no new work; who had chosen it on arrival chooses again."""
    if not change_leaves(m, f, group, node, 1):
        return
    _tell_places(m, f, group, node, False)
    for number in range(m[group + Group.CHOOSERS + Table.COUNT]):
        again = allocate(m, Hit.SIZE)
        m[again + Hit.JOB] = m[m[group + Group.CHOOSERS] + number]
        m[again + Hit.DEPTH] = node
        run_next(m, Immediate.CHOOSE, again)


@inner
def stay(m: Memory, f: Floats, group: Ref[Group], node: int) -> None:
    """One that wanted the node to leave does so no longer."""
    if change_leaves(m, f, group, node, -1):
        _tell_places(m, f, group, node, True)
