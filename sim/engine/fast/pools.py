"""Resources and the servers of stations alike: asking for units, standing in line, being granted, giving back.

What a visit does once it has a server is told in `servers`; a grant that is a visit is begun there.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel
from sim.engine.fast.choices import any_up, node_by_key, node_on_arrival, node_with_units, set_free
from sim.engine.fast.jobs import take_from_held, wake
from sim.engine.fast.lines import append, head_of, leave, ranks_before, stand, unlink
from sim.engine.fast.memory import Floats, Memory, give, high, interrupt, low, take
from sim.engine.fast.meters import granted, released, wait_begins, wait_ends
from sim.engine.fast.nodes import group_node, is_ready, is_up, node_at, takes
from sim.engine.fast.service import begin_service, stop_service
from sim.engine.fast.shedding import sheds
from sim.engine.fast.trials import trials_granted

# -- the record ---------------------------------------------------------------------------------------------


@inner
def new_grant(m: Memory, place: int, job: int, step: int, bound: int) -> int:
    """A request by a step, for the node `bound` (-1: for any)."""
    size = m[place + L.P_GRANT_SIZE]
    grant = take(m, size)
    m[grant + L.G_WHO] = job | step << 31
    m[grant + L.G_TIME] = m[L.H_NOW]
    m[grant + L.G_NODE] = (bound + 1) << L.WANTED_SHIFT
    if size >= L.G_RANKED:
        if m[step + L.AQ_PRIORITY]:
            m[grant + L.G_PRIORITY] = m[step + L.AQ_OWN_PRIORITY]
        else:
            m[grant + L.G_PRIORITY] = m[m[m[L.H_SOURCES] + (m[job + L.J_STATE] >> L.SOURCE_SHIFT)] + L.U_PRIORITY]
        m[grant + L.G_LIMIT] = 0
        if size == L.G_FULL:
            m[grant + L.G_CAME] = m[L.H_NOW]
    return grant


@inner
def wanted_of(m: Memory, grant: int) -> int:
    """The one node that it must be, or -1."""
    return ((m[grant + L.G_NODE] & L.WANTED_MASK) >> L.WANTED_SHIFT) - 1


@inner
def granted_node(m: Memory, grant: int) -> int:
    """The node whose units it has, or -1."""
    return (m[grant + L.G_NODE] & L.NODE_MASK) - 1


@inner
def drop_grant(m: Memory, place: int, grant: int) -> None:
    """Give the record back, with the alarm of its patience."""
    size = m[place + L.P_GRANT_SIZE]
    if size >= L.G_RANKED and m[grant + L.G_LIMIT]:
        cancel(m, m[grant + L.G_LIMIT])
        give(m, m[grant + L.G_LIMIT], L.A_SIZE)
    give(m, grant, size)


@inner
def stop_patience(m: Memory, place: int, grant: int) -> None:
    """Patience no longer matters."""
    if m[place + L.P_GRANT_SIZE] >= L.G_RANKED and m[grant + L.G_LIMIT]:
        cancel(m, m[grant + L.G_LIMIT])
        give(m, m[grant + L.G_LIMIT], L.A_SIZE)
        m[grant + L.G_LIMIT] = 0


# -- lines -------------------------------------------------------------------------------------------------


@inner
def note(m: Memory, place: int, node: int) -> None:
    """Let the chooser know whether the node can serve a newcomer: something is free and nobody waits there."""
    if node < 0 or m[place + L.P_PLAIN]:
        return
    where = node_at(m, place, node)
    free = m[where + L.N_FREE] > 0 and takes(m, place, node)
    set_free(
        m, place, node, free and m[where + L.N_BOUND + L.L_LENGTH] == 0 and m[where + L.N_CHOSEN + L.L_LENGTH] == 0
    )


@inner
def line_of(m: Memory, place: int, grant: int) -> int:
    """The line that a request stands in, or would."""
    wanted = wanted_of(m, grant)
    if wanted < 0:
        return place + L.P_LINE
    return node_at(m, place, wanted) + (L.N_CHOSEN if m[grant + L.G_NODE] & L.CHOSE else L.N_BOUND)


@inner
def push(m: Memory, place: int, grant: int) -> None:
    """Stand in the line of what is wanted."""
    stand(m, m[place + L.P_QUEUE], line_of(m, place, grant), grant)
    note(m, place, wanted_of(m, grant))


@inner
def wait_in_line(m: Memory, place: int, grant: int) -> int:
    """Stand in line; gives the failure when it is full or too old."""
    limit = m[place + L.P_LIMIT]
    if limit >= 0:
        wanted = wanted_of(m, grant)
        if wanted < 0:
            length = m[place + L.P_LINE + L.L_LENGTH]
        else:
            where = node_at(m, place, wanted)
            length = m[where + L.N_BOUND + L.L_LENGTH] + m[where + L.N_CHOSEN + L.L_LENGTH]
        if length >= limit:
            m[place + L.M_REJECTED] += 1
            return L.X_REJECTED
    if m[place + L.P_SHED] >= 0 and sheds(m, place, grant, wanted_of(m, grant)):
        m[place + L.M_REJECTED] += 1
        return L.X_REJECTED
    m[grant + L.G_NODE] |= L.WAITED
    wait_begins(m, place)
    push(m, place, grant)
    return 0


@inner
def leave_line(m: Memory, place: int, grant: int) -> None:
    """Stop asking, without service."""
    wanted = wanted_of(m, grant)
    leave(m, line_of(m, place, grant), grant)
    wait_ends(m, place, m[grant + L.G_TIME], False)
    note(m, place, wanted)


# -- giving and taking back --------------------------------------------------------------------------------


@inner
def hand_over(m: Memory, f: Floats, place: int, grant: int, node: int) -> None:
    """Units of a node go to a request; a visit is served from now on, a job that waited goes on."""
    where = node_at(m, place, node)
    who = m[grant + L.G_WHO]
    job = who & L.LOW
    units = m[(who >> 31) + L.AQ_UNITS]
    free = m[where + L.N_FREE] - units
    m[where + L.N_FREE] = free
    taken = m[job + L.J_ACCOUNT] >> 31
    m[grant + L.G_HELD] = (m[job + L.J_OWN] & L.LOW) | taken << 31
    m[job + L.J_ACCOUNT] += 1 << 31
    m[job + L.J_OWN] = (m[job + L.J_OWN] >> 31 << 31) | grant
    append(m, where + L.N_HOLDERS, grant, L.G_LINKS)
    state = m[grant + L.G_NODE]
    granted(m, place, m[grant + L.G_TIME], units, state & L.WAITED != 0)
    m[grant + L.G_TIME] = m[L.H_NOW]
    state = (state | L.NODE_MASK) ^ L.NODE_MASK | (node + 1) | L.WAS_GRANTED
    kind = m[place + L.P_KIND]
    if kind == L.RESOURCE:
        if m[place + L.P_DIST]:
            used = m[place + L.P_UNITS] - free
            if used > m[where + L.N_OPEN]:
                m[where + L.N_OPEN] = used
                state |= L.OPENS
        m[grant + L.G_NODE] = state
        if state & L.WAITED:
            wake(m, job, 0)
    else:
        m[grant + L.G_NODE] = state | L.IN_SERVICE
        begin_service(m, f, place, grant, node)
    note(m, place, node)
    if m[L.H_TRIALS]:
        trial = high(m[job + L.J_REFS])
        if trial:
            trials_granted(m, trial, group_node(m, m[place + L.P_GROUP], node))


@inner
def serve(m: Memory, f: Floats, place: int, node: int) -> None:
    """Give the free units of a node to those who waited longest (or by the line's own rule)."""
    where = node_at(m, place, node)
    queue = m[place + L.P_QUEUE]
    if m[place + L.P_SINGLE]:
        line = place + L.P_LINE
        while m[line + L.L_LENGTH] and m[where + L.N_FREE] > 0 and is_ready(m, place, node):
            best = head_of(m, queue, line)
            if m[high(m[best + L.G_WHO]) + L.AQ_UNITS] > m[where + L.N_FREE]:
                return
            leave(m, line, best)
            wait_ends(m, place, m[best + L.G_TIME], True)
            hand_over(m, f, place, best, node)
        return
    ready = m[group_node(m, m[place + L.P_GROUP], node) + L.D_READY]
    if ready == L.NOT_READY:
        return
    while m[where + L.N_FREE] > 0:
        best = 0
        best_line = 0
        for which in range(3):
            if ready == L.ONLY_BOUND and which != 1:
                continue
            line = place + L.P_LINE if which == 0 else where + L.N_BOUND if which == 1 else where + L.N_CHOSEN
            if m[line + L.L_LENGTH]:
                first = head_of(m, queue, line)
                if best == 0 or ranks_before(m, queue, first, best):
                    best = first
                    best_line = line
        if best == 0 or m[high(m[best + L.G_WHO]) + L.AQ_UNITS] > m[where + L.N_FREE]:
            return
        leave(m, best_line, best)
        wait_ends(m, place, m[best + L.G_TIME], True)
        hand_over(m, f, place, best, node)


@inner
def take_units(m: Memory, place: int, grant: int) -> int:
    """Take the units of a grant back, if it still has them; gives the node, or -1. Nobody is served yet."""
    state = m[grant + L.G_NODE]
    node = (state & L.NODE_MASK) - 1
    if node < 0:
        return -1  # the node crashed, or another took it by priority
    where = node_at(m, place, node)
    units = m[high(m[grant + L.G_WHO]) + L.AQ_UNITS]
    m[where + L.N_FREE] += units
    m[grant + L.G_NODE] = (state | L.NODE_MASK) ^ L.NODE_MASK
    unlink(m, where + L.N_HOLDERS, grant, L.G_LINKS)
    released(m, place, m[grant + L.G_TIME], units)
    note(m, place, node)
    return node


# -- asking ------------------------------------------------------------------------------------------------


@inner
def _is_bound_to_leaving(m: Memory, place: int, grant: int) -> bool:
    """Whether it wants a node that nobody in the place's line could have."""
    node = wanted_of(m, grant)
    return node >= 0 and m[group_node(m, m[place + L.P_GROUP], node) + L.D_READY] == L.ONLY_BOUND


@inner
def _node_at_once(m: Memory, place: int, grant: int, units: int) -> int:
    """A node that serves the newcomer at once, or -1; nobody overtakes those who wait."""
    if m[place + L.P_LINE + L.L_LENGTH] and not _is_bound_to_leaving(m, place, grant):
        return -1
    if m[place + L.P_PLAIN]:
        return 0 if m[node_at(m, place, 0) + L.N_FREE] >= units else -1
    node = wanted_of(m, grant)
    if node < 0:
        who = m[grant + L.G_WHO]
        return node_with_units(m, place, who & L.LOW, m[(who >> 31) + L.O_SALT], units)
    where = node_at(m, place, node)
    ready = m[group_node(m, m[place + L.P_GROUP], node) + L.D_READY] != 0
    free = ready and m[where + L.N_BOUND + L.L_LENGTH] == 0 and m[where + L.N_CHOSEN + L.L_LENGTH] == 0
    return node if free and m[where + L.N_FREE] >= units else -1


@inner
def _victim_before(m: Memory, one: int, other: int) -> bool:
    """Which of two holders loses its units first: the least priority, the youngest among equals."""
    if m[one + L.G_PRIORITY] != m[other + L.G_PRIORITY]:
        return m[one + L.G_PRIORITY] < m[other + L.G_PRIORITY]
    return m[one + L.G_SERIAL] > m[other + L.G_SERIAL]


@inner
def _preempt(m: Memory, f: Floats, place: int, grant: int, units: int) -> bool:
    """Take the units of the holder of least priority, the youngest among equals, if below the asker's."""
    wanted = wanted_of(m, grant)
    victim = 0
    victim_node = 0
    for node in range(m[place + L.P_COUNT]) if wanted < 0 else range(wanted, wanted + 1):
        if not (takes(m, place, node) if wanted < 0 else is_ready(m, place, node)):
            continue
        holder = m[node_at(m, place, node) + L.N_HOLDERS]
        while holder:
            if (
                m[holder + L.G_PRIORITY] < m[grant + L.G_PRIORITY]
                and m[high(m[holder + L.G_WHO]) + L.AQ_UNITS] >= units
                and m[holder + L.G_NODE] & L.KEPT == 0
                and (victim == 0 or _victim_before(m, holder, victim))
            ):
                victim = holder
                victim_node = node
            holder = m[holder + L.G_LINKS] & L.LOW
    if victim == 0:
        return False
    where = node_at(m, place, victim_node)
    job = low(m[victim + L.G_WHO])
    lost = m[high(m[victim + L.G_WHO]) + L.AQ_UNITS]
    m[where + L.N_FREE] += lost
    unlink(m, where + L.N_HOLDERS, victim, L.G_LINKS)
    released(m, place, m[victim + L.G_TIME], lost)
    if m[place + L.P_KIND] == L.RESOURCE:
        interrupt(m, job, L.X_PREEMPTED, high(m[victim + L.G_HELD]), 1)
        m[victim + L.G_NODE] = (m[victim + L.G_NODE] | L.NODE_MASK) ^ L.NODE_MASK
    else:
        stop_service(m, f, place, victim, victim_node)
        take_from_held(m, job, victim)
        m[victim + L.G_NODE] = (m[victim + L.G_NODE] | L.NODE_MASK | L.IN_SERVICE) ^ (
            L.NODE_MASK | L.IN_SERVICE
        ) | L.WAITED
        m[victim + L.G_TIME] = m[L.H_NOW]
        m[place + L.M_SERVED] -= 1
        wait_begins(m, place)
        push(m, place, victim)
    hand_over(m, f, place, grant, victim_node)
    serve(m, f, place, victim_node)
    return True


@inner
def _enter(m: Memory, f: Floats, place: int, grant: int) -> None:
    """Find out which node it must be, where there are several; take a number."""
    serial = m[place + L.P_SERIAL] + 1
    m[place + L.P_SERIAL] = serial
    m[grant + L.G_SERIAL] = serial
    state = m[grant + L.G_NODE]
    if m[place + L.P_SINGLE]:
        m[grant + L.G_NODE] = (state | L.WANTED_MASK) ^ L.WANTED_MASK
        return
    if state & L.WANTED_MASK:
        return
    who = m[grant + L.G_WHO]
    if m[place + L.P_KEYED]:
        m[grant + L.G_NODE] = state | (node_by_key(m, f, place, who & L.LOW) + 1) << L.WANTED_SHIFT
    elif m[place + L.P_AT_NODE]:
        node = node_on_arrival(m, place, who & L.LOW, m[(who >> 31) + L.O_SALT])
        m[grant + L.G_NODE] = state | L.CHOSE | (node + 1) << L.WANTED_SHIFT


@inner
def must_refuse(m: Memory, place: int, grant: int) -> bool:
    """Whether no node that would do is up; counted."""
    wanted = wanted_of(m, grant)
    if any_up(m, place) if wanted < 0 else is_up(m, place, wanted):
        return False
    m[place + L.M_REFUSED] += 1
    return True


@inner
def ask(m: Memory, f: Floats, place: int, grant: int) -> None:
    """Somebody asks: it is counted, and bound to a node where the place says so."""
    m[place + L.M_ASKED] += 1
    if m[place + L.P_GRANT_SIZE] >= L.G_RANKED:
        _enter(m, f, place, grant)
    else:  # one node: any will do
        m[grant + L.G_NODE] = 0


@inner
def request(m: Memory, f: Floats, place: int, grant: int) -> int:
    """Ask for units: they are there at once, or the grant stands in line. Gives the failure, or 0."""
    ask(m, f, place, grant)
    if m[place + L.P_REFUSES] and not m[place + L.P_PLAIN] and must_refuse(m, place, grant):
        return L.X_REFUSED
    units = m[high(m[grant + L.G_WHO]) + L.AQ_UNITS]
    node = _node_at_once(m, place, grant, units)
    if node >= 0:
        hand_over(m, f, place, grant, node)
        return 0
    if m[place + L.P_PREEMPTIVE] and _preempt(m, f, place, grant, units):
        return 0
    return wait_in_line(m, place, grant)
