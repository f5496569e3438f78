"""Visits to servers: the door where one may be kept waiting, set-up, the end of a visit, giving the server back.

Lines and grants are those of `pools`, service itself is in `service`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.choices import any_up
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import (
    grant_place,
    keep_no_more,
    kept_visit,
    spend,
    spend_two,
    take_from_held,
    wait_for,
    wake,
)
from sim.engine.fast.lines import append, head_of, leave, unlink
from sim.engine.fast.memory import Floats, Memory, give, low, set_high, take
from sim.engine.fast.meters import record_wait, wait_ends
from sim.engine.fast.nodes import group_node, is_up, node_at, spoils, takes
from sim.engine.fast.pools import (
    ask,
    drop_grant,
    granted_node,
    hand_over,
    leave_line,
    must_refuse,
    new_grant,
    request,
    serve,
    stop_patience,
    take_units,
    wait_in_line,
)
from sim.engine.fast.service import stop_service
from sim.engine.order import COMPLETION, TIMEOUT

FIRST_SETUP = 1 << 62
"""Set-ups stand behind the visits of all executions in the order of events."""
_START_SIZE = L.A_SIZE + 1

# -- set-up -------------------------------------------------------------------------------------------------


@inner
def adjust_starts(m: Memory, f: Floats, place: int) -> None:
    """As many servers are being started as visits wait, at most all that are off."""
    wanted = 0
    if is_up(m, place, 0):
        wanted = min(m[place + L.P_LINE + L.L_LENGTH], m[node_at(m, place, 0) + L.N_FREE])
    while m[place + L.P_STARTING] > wanted:
        start = m[place + L.P_STARTS]
        m[place + L.P_STARTS] = m[start + L.A_SIZE]
        m[place + L.P_STARTING] -= 1
        cancel(m, start)
        give(m, start, _START_SIZE)
    while m[place + L.P_STARTING] < wanted:
        count = m[place + L.P_SETUPS]
        m[place + L.P_SETUPS] = count + 1
        start = take(m, _START_SIZE)
        m[start] = key_of(COMPLETION, m[place + L.P_ELEMENT], L.T_SETUP)
        m[start + L.A_VISIT] = FIRST_SETUP | count
        m[start + L.A_OWNER] = place
        m[start + L.A_SIZE] = m[place + L.P_STARTS]
        m[place + L.P_STARTS] = start
        m[place + L.P_STARTING] += 1
        set_alarm(m, m[L.H_NOW] + time_of(m, f, m[place + L.P_DIST], m[place + L.P_STREAM], 0, count), start)


@inner
def _serve_after_setup(m: Memory, f: Floats, place: int) -> None:
    """A server that has just become free, or ready, takes the next visit; else it goes off."""
    line = place + L.P_LINE
    if m[line + L.L_LENGTH] and is_up(m, place, 0):
        visit = head_of(m, m[place + L.P_QUEUE], line)
        leave(m, line, visit)
        wait_ends(m, place, m[visit + L.G_TIME], True)
        hand_over(m, f, place, visit, 0)
    adjust_starts(m, f, place)


@inner
def setup_done(m: Memory, f: Floats, start: int) -> None:
    """A server has been started."""
    place = m[start + L.A_OWNER]
    before = m[place + L.P_STARTS]
    if before == start:
        m[place + L.P_STARTS] = m[start + L.A_SIZE]
    else:
        while m[before + L.A_SIZE] != start:
            before = m[before + L.A_SIZE]
        m[before + L.A_SIZE] = m[start + L.A_SIZE]
    m[place + L.P_STARTING] -= 1
    give(m, start, _START_SIZE)
    _serve_after_setup(m, f, place)


@inner
def _request_setup(m: Memory, f: Floats, place: int, visit: int) -> int:
    """Wait in any case: a server that is free is off."""
    ask(m, f, place, visit)
    if m[place + L.P_REFUSES] and must_refuse(m, place, visit):
        return L.X_REFUSED
    error = wait_in_line(m, place, visit)
    if error == 0:
        adjust_starts(m, f, place)
    return error


# -- the door ----------------------------------------------------------------------------------------------


@inner
def _is_full(m: Memory, place: int) -> bool:
    if m[place + L.P_LINE + L.L_LENGTH] < m[place + L.P_LIMIT]:
        return False
    for node in range(m[place + L.P_COUNT]):
        if m[node_at(m, place, node) + L.N_FREE] and takes(m, place, node):
            return False
    return True


@inner
def _let_in(m: Memory, f: Floats, place: int) -> None:
    """Let in whoever stands at the door while there is room."""
    if not m[place + L.P_BLOCKS]:
        return
    door = place + L.P_DOOR
    while m[door] and not _is_full(m, place) and (not m[place + L.P_REFUSES] or any_up(m, place)):
        visit = m[door]
        unlink(m, door, visit, L.G_LINKS)
        m[visit + L.G_TIME] = m[L.H_NOW]
        if m[place + L.P_GRANT_SIZE] == L.G_FULL:
            m[visit + L.G_CAME] = m[L.H_NOW]
        request(m, f, place, visit)
        wake(m, low(m[visit]), 0)


@inner
def serve_visits(m: Memory, f: Floats, place: int, node: int) -> None:
    """Serve who waits for a node's servers, then let in whoever stands at the door."""
    if m[place + L.P_KIND] == L.SETUP:
        _serve_after_setup(m, f, place)
        return
    serve(m, f, place, node)
    _let_in(m, f, place)


@inner
def withdraw_visit(m: Memory, f: Floats, place: int, visit: int) -> None:
    """Leave the line, where it stands in one."""
    if m[visit + L.G_NODE] & L.IN_LINE == 0:
        return
    leave_line(m, place, visit)
    if m[place + L.P_KIND] == L.SETUP:
        adjust_starts(m, f, place)
    else:
        _let_in(m, f, place)


@inner
def free_visit(m: Memory, f: Floats, place: int, visit: int) -> None:
    """Leave, served or not, and let the next one be served."""
    if m[visit + L.G_NODE] & L.IN_SERVICE:
        node = granted_node(m, visit)
        if node >= 0:
            stop_service(m, f, place, visit, node)
        m[visit + L.G_NODE] ^= L.IN_SERVICE
    node = take_units(m, place, visit)
    if node >= 0:
        serve_visits(m, f, place, node)


# -- the visit ---------------------------------------------------------------------------------------------


@inner
def set_patience(m: Memory, f: Floats, place: int, job: int, step: int, grant: int) -> None:
    """From now on the wait is limited, where the step says so."""
    if m[step + L.AQ_PATIENCE] == 0:
        return
    alarm = take(m, L.A_SIZE)
    m[alarm] = key_of(TIMEOUT, m[step + L.O_ELEMENT], L.T_PATIENCE)
    m[alarm + L.A_VISIT] = m[job + L.J_ORDER]
    m[alarm + L.A_OWNER] = grant
    m[grant + L.G_LIMIT] = alarm
    length = time_of(m, f, m[step + L.AQ_PATIENCE], m[step + L.AQ_PATIENCE_STREAM], m[job + L.J_PATH], 0)
    set_alarm(m, m[L.H_NOW] + length, alarm)


@inner
def _give_up_kept(m: Memory, f: Floats, job: int) -> None:
    """There is room at the next station: the server kept at the last one is free."""
    kept = kept_visit(m, job)
    keep_no_more(m, job)
    take_from_held(m, job, kept)
    place = grant_place(m, kept)
    node = take_units(m, place, kept)
    if node >= 0:
        serve_visits(m, f, place, node)
    drop_grant(m, place, kept)


@inner
def asked_visit(m: Memory, f: Floats, place: int, job: int, step: int, visit: int) -> None:
    """It is in line or in service: the server kept so far is free; the job waits for the end of the visit."""
    if kept_visit(m, job):
        _give_up_kept(m, f, job)
    if granted_node(m, visit) < 0:
        set_patience(m, f, place, job, step, visit)
    wait_for(m, job, L.W_VISIT, visit, step)


@inner
def begin_visit(m: Memory, f: Floats, place: int, job: int, step: int, demand_ns: int, bound: int) -> int:
    """Ask for a server, or wait at the door. Gives the failure, or 0: the job waits."""
    visit = new_grant(m, place, job, step, bound)
    m[visit + L.G_DEMAND] = demand_ns
    if m[place + L.P_GRANT_SIZE] == L.G_FULL:
        m[visit + L.G_LEFT] = demand_ns
    if m[place + L.P_BLOCKS] and (m[place + L.P_DOOR] or _is_full(m, place)):
        if not m[place + L.P_REFUSES] or any_up(m, place):
            append(m, place + L.P_DOOR, visit, L.G_LINKS)
            wait_for(m, job, L.W_DOOR, visit, step)
            return 0
    if m[place + L.P_KIND] == L.SETUP:
        error = _request_setup(m, f, place, visit)
    else:
        error = request(m, f, place, visit)
    if error:
        drop_grant(m, place, visit)
        return error
    asked_visit(m, f, place, job, step, visit)
    return 0


@inner
def leave_door(m: Memory, f: Floats, place: int, job: int, visit: int) -> None:
    """Interrupted at the door, or just inside."""
    spend(m, job, m[place + L.P_ST_BLOCKED], m[L.H_NOW])
    if m[visit + L.G_NODE] & (L.IN_LINE | L.WAS_GRANTED) == 0:
        unlink(m, place + L.P_DOOR, visit, L.G_LINKS)
    cut_visit(m, f, place, job, visit)


@inner
def cut_visit(m: Memory, f: Floats, place: int, job: int, visit: int) -> None:
    """Interrupted, or out of patience: a service that is cut off is lost work."""
    withdraw_visit(m, f, place, visit)
    if m[visit + L.G_NODE] & L.WAS_GRANTED:
        begun = m[visit + L.G_GRANTED] if m[place + L.P_GRANT_SIZE] == L.G_FULL else m[visit + L.G_TIME]
        spend(m, job, m[place + L.P_ST_WAIT], max(begun, m[job + L.J_SINCE]))
        spend(m, job, m[L.H_ST_LOST], m[L.H_NOW])
    spend(m, job, m[place + L.P_ST_WAIT], m[L.H_NOW])
    if m[visit + L.G_NODE] & L.WAS_GRANTED and _is_held(m, job, visit):
        stop_patience(m, place, visit)  # what it holds is given back with the rest
    else:
        drop_grant(m, place, visit)


@inner
def _is_held(m: Memory, job: int, visit: int) -> bool:
    grant = low(m[job + L.J_OWN])
    while grant:
        if grant == visit:
            return True
        grant = low(m[grant + L.G_HELD])
    return False


@inner
def finish_visit(m: Memory, f: Floats, place: int, job: int, step: int, visit: int) -> int:
    """The service is over. Gives the failure, or 0."""
    demand = m[visit + L.G_DEMAND]
    passed = m[L.H_NOW] - m[job + L.J_SINCE]
    waited = max(0, passed - demand)
    spend_two(m, job, m[place + L.P_ST_WAIT], waited, m[place + L.P_ST_SERVICE])
    state = m[visit + L.G_NODE]
    if not m[place + L.P_TIMED_WAITS]:
        came = m[visit + L.G_CAME]
        record_wait(m, place, came, m[L.H_NOW] - came - demand, state & L.WAITED != 0)
    m[visit + L.G_NODE] = (state | L.IN_SERVICE) ^ L.IN_SERVICE
    stop_patience(m, place, visit)
    group = m[place + L.P_GROUP]
    node = (state & L.NODE_MASK) - 1
    if m[group_node(m, group, node) + L.D_ERRORS]:
        if spoils(m, f, group, node, child_path(m[job + L.J_PATH], m[step + L.O_SALT])):
            return L.X_ERROR
    if m[step + L.US_KEEPS]:
        m[visit + L.G_NODE] |= L.KEPT
        set_high(m, job + L.J_SAGA, visit)
        return 0
    take_from_held(m, job, visit)
    node = take_units(m, place, visit)
    if node >= 0:
        serve_visits(m, f, place, node)
    drop_grant(m, place, visit)
    return 0
