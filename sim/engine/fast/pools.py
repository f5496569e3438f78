"""Pools of units, a resource's or a station's servers: request, queue, grant, release.

`servers` begins a grant that is a visit, and ends it.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.attempt_timers import attempts_granted
from sim.engine.fast.choices import any_up, node_by_key, node_on_arrival, node_with_units, set_free
from sim.engine.fast.jobs import priority_of, take_from_held, wake
from sim.engine.fast.layout import (
    LOW,
    Failure,
    Grant,
    Header,
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
)
from sim.engine.fast.memory import Floats, Memory, allocate, free, high, interrupt, low
from sim.engine.fast.meters import granted, released, wait_begins, wait_ends
from sim.engine.fast.nodes import group_node, is_ready, is_up, node_at, takes
from sim.engine.fast.queues import append, head_of, is_ranked, leave, ranks_before, stand, unlink
from sim.engine.fast.service import begin_service, stop_service
from sim.engine.fast.timers import end_timer

# -- the record ---------------------------------------------------------------------------------------------


@inner
def new_grant(m: Memory, place: Ref[Place], job: Ref[Job], step: Ref[PlaceStep], bound: int) -> int:
    """A request by a step, for the node `bound` (-1: for any)."""
    size = m[place + Place.GRANT_SIZE]
    grant = allocate(m, size)
    m[grant + Grant.WHO] = job | step << 31
    m[grant + Grant.TIME] = m[Header.NOW]
    m[grant + Grant.NODE] = (bound + 1) << Grant.WANTED_SHIFT
    if size >= Grant.RANKED_SIZE:
        if m[step + PlaceStep.PRIORITY]:
            m[grant + Grant.PRIORITY] = m[step + PlaceStep.OWN_PRIORITY]
        else:
            m[grant + Grant.PRIORITY] = priority_of(m, job)
        m[grant + Grant.LIMIT] = 0
        if size == Grant.SIZE:
            m[grant + Grant.CAME] = m[Header.NOW]
    return grant


@inner
def wanted_of(m: Memory, grant: Ref[Grant]) -> int:
    """The one node that it must be, or -1."""
    return ((m[grant + Grant.NODE] & Grant.WANTED_MASK) >> Grant.WANTED_SHIFT) - 1


@inner
def granted_node(m: Memory, grant: Ref[Grant]) -> int:
    """The node whose units it has, or -1."""
    return (m[grant + Grant.NODE] & Grant.NODE_MASK) - 1


@inner
def drop_grant(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> None:
    """Give the record back, with the timer of its patience."""
    stop_patience(m, place, grant)
    free(m, grant, m[place + Place.GRANT_SIZE])


@inner
def stop_patience(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> None:
    """Patience no longer matters."""
    if m[place + Place.GRANT_SIZE] >= Grant.RANKED_SIZE:
        end_timer(m, grant + Grant.LIMIT)


# -- lines -------------------------------------------------------------------------------------------------


@inner
def note(m: Memory, place: Ref[Place], node: int) -> None:
    """Let the chooser know whether the node can serve a newcomer: something is free and nobody waits there."""
    if node < 0 or m[place + Place.PLAIN]:
        return
    where = node_at(m, place, node)
    free = m[where + PlaceNode.FREE] > 0 and takes(m, place, node)
    set_free(
        m,
        place,
        node,
        free and m[where + PlaceNode.BOUND + Queue.LENGTH] == 0 and m[where + PlaceNode.CHOSEN + Queue.LENGTH] == 0,
    )


@inner
def line_of(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> int:
    """The line that a request stands in, or would."""
    wanted = wanted_of(m, grant)
    if wanted < 0:
        return place + Place.QUEUE
    return node_at(m, place, wanted) + (PlaceNode.CHOSEN if m[grant + Grant.NODE] & Grant.CHOSE else PlaceNode.BOUND)


@inner
def push(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> None:
    """Stand in the line of what is wanted."""
    stand(m, m[place + Place.DISCIPLINE], line_of(m, place, grant), grant)
    note(m, place, wanted_of(m, grant))


@inner
def wait_in_line(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> int:
    """Stand in line; gives the failure when it is full or too old."""
    limit = m[place + Place.LIMIT]
    if limit >= 0:
        wanted = wanted_of(m, grant)
        if wanted < 0:
            length = m[place + Place.QUEUE + Queue.LENGTH]
        else:
            where = node_at(m, place, wanted)
            length = m[where + PlaceNode.BOUND + Queue.LENGTH] + m[where + PlaceNode.CHOSEN + Queue.LENGTH]
        if length >= limit:
            m[place + Place.REJECTED] += 1
            return Failure.REJECTED
    if m[place + Place.SHED] >= 0 and sheds(m, place, grant, wanted_of(m, grant)):
        m[place + Place.REJECTED] += 1
        return Failure.REJECTED
    m[grant + Grant.NODE] |= Grant.WAITED
    wait_begins(m, place)
    push(m, place, grant)
    return 0


@inner
def leave_line(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> None:
    """Stop asking, without service."""
    wanted = wanted_of(m, grant)
    leave(m, line_of(m, place, grant), grant)
    wait_ends(m, place, m[grant + Grant.TIME], False)
    note(m, place, wanted)


# -- giving and taking back --------------------------------------------------------------------------------


@inner
def hand_over(m: Memory, f: Floats, place: Ref[Place], grant: Ref[Grant], node: int) -> None:
    """Units of a node go to a request; a visit is served from now on, a job that waited goes on."""
    where = node_at(m, place, node)
    who = m[grant + Grant.WHO]
    job = who & LOW
    units = m[(who >> 31) + PlaceStep.UNITS]
    free = m[where + PlaceNode.FREE] - units
    m[where + PlaceNode.FREE] = free
    taken = m[job + Job.ACCOUNT] >> 31
    m[grant + Grant.HELD] = (m[job + Job.OWN] & LOW) | taken << 31
    m[job + Job.ACCOUNT] += 1 << 31
    m[job + Job.OWN] = (m[job + Job.OWN] >> 31 << 31) | grant
    append(m, where + PlaceNode.HOLDERS, grant, Grant.LINKS)
    state = m[grant + Grant.NODE]
    granted(m, place, m[grant + Grant.TIME], units, state & Grant.WAITED != 0)
    m[grant + Grant.TIME] = m[Header.NOW]
    state = (state | Grant.NODE_MASK) ^ Grant.NODE_MASK | (node + 1) | Grant.WAS_GRANTED
    kind = m[place + Place.KIND]
    if kind == PlaceKind.RESOURCE:
        if m[place + Place.DIST]:
            used = m[place + Place.UNITS] - free
            if used > m[where + PlaceNode.OPEN]:
                m[where + PlaceNode.OPEN] = used
                state |= Grant.OPENS
        m[grant + Grant.NODE] = state
        if state & Grant.WAITED:
            wake(m, job, 0)
    else:
        m[grant + Grant.NODE] = state | Grant.IN_SERVICE
        begin_service(m, f, place, grant, node)
    note(m, place, node)
    if m[Header.STARTED_BY_GRANT]:
        attempt = high(m[job + Job.REFS])
        if attempt:
            attempts_granted(m, attempt, group_node(m, m[place + Place.GROUP], node))


@inner
def serve(m: Memory, f: Floats, place: Ref[Place], node: int) -> None:
    """Give the free units of a node to those who waited longest (or by the line's own rule)."""
    where = node_at(m, place, node)
    queue = m[place + Place.DISCIPLINE]
    if m[place + Place.SINGLE]:
        line = place + Place.QUEUE
        while m[line + Queue.LENGTH] and m[where + PlaceNode.FREE] > 0 and is_ready(m, place, node):
            best = head_of(m, queue, line)
            if m[high(m[best + Grant.WHO]) + PlaceStep.UNITS] > m[where + PlaceNode.FREE]:
                return
            leave(m, line, best)
            wait_ends(m, place, m[best + Grant.TIME], True)
            hand_over(m, f, place, best, node)
        return
    ready = m[group_node(m, m[place + Place.GROUP], node) + Node.READY]
    if ready == Readiness.DOWN:
        return
    while m[where + PlaceNode.FREE] > 0:
        best = 0
        best_line = 0
        for which in range(3):
            if ready == Readiness.ONLY_BOUND and which != 1:
                continue
            line = (
                place + Place.QUEUE
                if which == 0
                else where + PlaceNode.BOUND
                if which == 1
                else where + PlaceNode.CHOSEN
            )
            if m[line + Queue.LENGTH]:
                first = head_of(m, queue, line)
                if best == 0 or ranks_before(m, queue, first, best):
                    best = first
                    best_line = line
        if best == 0 or m[high(m[best + Grant.WHO]) + PlaceStep.UNITS] > m[where + PlaceNode.FREE]:
            return
        leave(m, best_line, best)
        wait_ends(m, place, m[best + Grant.TIME], True)
        hand_over(m, f, place, best, node)


@inner
def take_units(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> int:
    """Take the units of a grant back, if it still has them; gives the node, or -1. Nobody is served yet."""
    state = m[grant + Grant.NODE]
    node = (state & Grant.NODE_MASK) - 1
    if node < 0:
        return -1  # the node crashed, or another took it by priority
    where = node_at(m, place, node)
    units = m[high(m[grant + Grant.WHO]) + PlaceStep.UNITS]
    m[where + PlaceNode.FREE] += units
    m[grant + Grant.NODE] = (state | Grant.NODE_MASK) ^ Grant.NODE_MASK
    unlink(m, where + PlaceNode.HOLDERS, grant, Grant.LINKS)
    released(m, place, m[grant + Grant.TIME], units)
    note(m, place, node)
    return node


# -- asking ------------------------------------------------------------------------------------------------


@inner
def _is_bound_to_draining(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> bool:
    """Whether it wants a node that nobody in the place's line could have."""
    node = wanted_of(m, grant)
    return node >= 0 and m[group_node(m, m[place + Place.GROUP], node) + Node.READY] == Readiness.ONLY_BOUND


@inner
def _node_at_once(m: Memory, place: Ref[Place], grant: Ref[Grant], units: int) -> int:
    """A node that serves the newcomer at once, or -1; nobody overtakes those who wait."""
    if m[place + Place.QUEUE + Queue.LENGTH] and not _is_bound_to_draining(m, place, grant):
        return -1
    if m[place + Place.PLAIN]:
        return 0 if m[node_at(m, place, 0) + PlaceNode.FREE] >= units else -1
    node = wanted_of(m, grant)
    if node < 0:
        who = m[grant + Grant.WHO]
        return node_with_units(m, place, who & LOW, m[(who >> 31) + Step.STREAM_OFFSET], units)
    where = node_at(m, place, node)
    ready = m[group_node(m, m[place + Place.GROUP], node) + Node.READY] != 0
    free = ready and m[where + PlaceNode.BOUND + Queue.LENGTH] == 0 and m[where + PlaceNode.CHOSEN + Queue.LENGTH] == 0
    return node if free and m[where + PlaceNode.FREE] >= units else -1


@inner
def _victim_before(m: Memory, one: Ref[Grant], other: Ref[Grant]) -> bool:
    """Which of two holders loses its units first: the least priority, the youngest among equals."""
    if m[one + Grant.PRIORITY] != m[other + Grant.PRIORITY]:
        return m[one + Grant.PRIORITY] < m[other + Grant.PRIORITY]
    return m[one + Grant.SERIAL] > m[other + Grant.SERIAL]


@inner
def _preempt(m: Memory, f: Floats, place: Ref[Place], grant: Ref[Grant], units: int) -> bool:
    """Take the units of the holder of least priority, the youngest among equals, if below the asker's."""
    wanted = wanted_of(m, grant)
    victim = 0
    victim_node = 0
    for node in range(m[place + Place.COUNT]) if wanted < 0 else range(wanted, wanted + 1):
        if not (takes(m, place, node) if wanted < 0 else is_ready(m, place, node)):
            continue
        holder = m[node_at(m, place, node) + PlaceNode.HOLDERS]
        while holder:
            if (
                m[holder + Grant.PRIORITY] < m[grant + Grant.PRIORITY]
                and m[high(m[holder + Grant.WHO]) + PlaceStep.UNITS] >= units
                and m[holder + Grant.NODE] & Grant.KEPT == 0
                and (victim == 0 or _victim_before(m, holder, victim))
            ):
                victim = holder
                victim_node = node
            holder = m[holder + Grant.LINKS] & LOW
    if victim == 0:
        return False
    where = node_at(m, place, victim_node)
    job = low(m[victim + Grant.WHO])
    lost = m[high(m[victim + Grant.WHO]) + PlaceStep.UNITS]
    m[where + PlaceNode.FREE] += lost
    unlink(m, where + PlaceNode.HOLDERS, victim, Grant.LINKS)
    released(m, place, m[victim + Grant.TIME], lost)
    if m[place + Place.KIND] == PlaceKind.RESOURCE:
        interrupt(m, job, Failure.PREEMPTED, high(m[victim + Grant.HELD]), 1)
        m[victim + Grant.NODE] = (m[victim + Grant.NODE] | Grant.NODE_MASK) ^ Grant.NODE_MASK
    else:
        stop_service(m, f, place, victim, victim_node)
        take_from_held(m, job, victim)
        m[victim + Grant.NODE] = (m[victim + Grant.NODE] | Grant.NODE_MASK | Grant.IN_SERVICE) ^ (
            Grant.NODE_MASK | Grant.IN_SERVICE
        ) | Grant.WAITED
        m[victim + Grant.TIME] = m[Header.NOW]
        m[place + Place.SERVED] -= 1
        wait_begins(m, place)
        push(m, place, victim)
    hand_over(m, f, place, grant, victim_node)
    serve(m, f, place, victim_node)
    return True


@inner
def _enter(m: Memory, f: Floats, place: Ref[Place], grant: Ref[Grant]) -> None:
    """Find out which node it must be, where there are several; take a number."""
    serial = m[place + Place.SERIAL] + 1
    m[place + Place.SERIAL] = serial
    m[grant + Grant.SERIAL] = serial
    state = m[grant + Grant.NODE]
    if m[place + Place.SINGLE]:
        m[grant + Grant.NODE] = (state | Grant.WANTED_MASK) ^ Grant.WANTED_MASK
        return
    if state & Grant.WANTED_MASK:
        return
    who = m[grant + Grant.WHO]
    if m[place + Place.KEYED]:
        m[grant + Grant.NODE] = state | (node_by_key(m, f, place, who & LOW) + 1) << Grant.WANTED_SHIFT
    elif m[place + Place.AT_NODE]:
        node = node_on_arrival(m, place, who & LOW, m[(who >> 31) + Step.STREAM_OFFSET])
        m[grant + Grant.NODE] = state | Grant.CHOSE | (node + 1) << Grant.WANTED_SHIFT


@inner
def must_refuse(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> bool:
    """Whether no node that would do is up; counted."""
    wanted = wanted_of(m, grant)
    if any_up(m, place) if wanted < 0 else is_up(m, place, wanted):
        return False
    m[place + Place.REFUSED] += 1
    return True


@inner
def ask(m: Memory, f: Floats, place: Ref[Place], grant: Ref[Grant]) -> None:
    """Somebody asks: it is counted, and bound to a node where the place says so."""
    m[place + Place.REQUESTED] += 1
    if m[place + Place.GRANT_SIZE] >= Grant.RANKED_SIZE:
        _enter(m, f, place, grant)
    else:  # one node: any will do
        m[grant + Grant.NODE] = 0


@inner
def request(m: Memory, f: Floats, place: Ref[Place], grant: Ref[Grant]) -> int:
    """Ask for units: they are there at once, or the grant stands in line. Gives the failure, or 0."""
    ask(m, f, place, grant)
    if m[place + Place.REFUSES] and not m[place + Place.PLAIN] and must_refuse(m, place, grant):
        return Failure.REFUSED
    units = m[high(m[grant + Grant.WHO]) + PlaceStep.UNITS]
    node = _node_at_once(m, place, grant, units)
    if node >= 0:
        hand_over(m, f, place, grant, node)
        return 0
    if m[place + Place.PREEMPTIVE] and _preempt(m, f, place, grant, units):
        return 0
    return wait_in_line(m, place, grant)


# -- load shedding: a request is refused while the oldest in its queue has waited longer than a limit --------


@inner
def _is_old(m: Memory, place: Ref[Place], line: Ref[Queue]) -> bool:
    """Whether the one who came into a line first (of a ranked line: anybody) has waited for long."""
    latest = m[Header.NOW] - m[place + Place.SHED]
    grant = m[line + Queue.HEAD]
    while grant:
        if m[grant + Grant.TIME] <= latest:
            return True
        grant = m[grant + Grant.LINKS] & LOW if is_ranked(m[place + Place.DISCIPLINE]) else 0
    return False


@inner
def sheds(m: Memory, place: Ref[Place], grant: Ref[Grant], wanted: int) -> bool:
    """Whether it is turned away because the oldest in its line has waited for long. wanted: the one node, or -1."""
    if m[place + Place.SPARES] and m[grant + Grant.PRIORITY] >= m[place + Place.SPARED]:
        return False
    if wanted < 0:
        return _is_old(m, place, place + Place.QUEUE)
    where = node_at(m, place, wanted)
    return _is_old(m, place, where + PlaceNode.BOUND) or _is_old(m, place, where + PlaceNode.CHOSEN)
