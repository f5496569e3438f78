"""Visits to servers: the door where one may be kept waiting, set-up, the end of a visit, giving the server back.

Lines and grants are those of `pools`, service itself is in `service`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
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
from sim.engine.fast.layout import (
    A_OWNER,
    A_SIZE,
    A_VISIT,
    AQ_PATIENCE,
    AQ_PATIENCE_STREAM,
    D_ERRORS,
    G_CAME,
    G_DEMAND,
    G_FULL,
    G_GRANTED,
    G_HELD,
    G_LEFT,
    G_LIMIT,
    G_LINKS,
    G_NODE,
    G_TIME,
    H_NOW,
    H_ST_LOST,
    IN_LINE,
    IN_SERVICE,
    J_ORDER,
    J_OWN,
    J_PATH,
    J_SAGA,
    J_SINCE,
    KEPT,
    L_LENGTH,
    N_FREE,
    NODE_MASK,
    O_ELEMENT,
    O_SALT,
    P_BLOCKS,
    P_COUNT,
    P_DIST,
    P_DOOR,
    P_ELEMENT,
    P_GRANT_SIZE,
    P_GROUP,
    P_KIND,
    P_LIMIT,
    P_LINE,
    P_QUEUE,
    P_REFUSES,
    P_SETUPS,
    P_ST_BLOCKED,
    P_ST_SERVICE,
    P_ST_WAIT,
    P_STARTING,
    P_STARTS,
    P_STREAM,
    P_TIMED_WAITS,
    SETUP,
    T_PATIENCE,
    T_SETUP,
    US_KEEPS,
    W_DOOR,
    W_VISIT,
    WAITED,
    WAS_GRANTED,
    X_ERROR,
    X_REFUSED,
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
_START_SIZE = A_SIZE + 1

# -- set-up -------------------------------------------------------------------------------------------------


@inner
def adjust_starts(m: Memory, f: Floats, place: int) -> None:
    """As many servers are being started as visits wait, at most all that are off."""
    wanted = 0
    if is_up(m, place, 0):
        wanted = min(m[place + P_LINE + L_LENGTH], m[node_at(m, place, 0) + N_FREE])
    while m[place + P_STARTING] > wanted:
        start = m[place + P_STARTS]
        m[place + P_STARTS] = m[start + A_SIZE]
        m[place + P_STARTING] -= 1
        cancel(m, start)
        give(m, start, _START_SIZE)
    while m[place + P_STARTING] < wanted:
        count = m[place + P_SETUPS]
        m[place + P_SETUPS] = count + 1
        start = take(m, _START_SIZE)
        m[start] = key_of(COMPLETION, m[place + P_ELEMENT], T_SETUP)
        m[start + A_VISIT] = FIRST_SETUP | count
        m[start + A_OWNER] = place
        m[start + A_SIZE] = m[place + P_STARTS]
        m[place + P_STARTS] = start
        m[place + P_STARTING] += 1
        set_alarm(m, m[H_NOW] + time_of(m, f, m[place + P_DIST], m[place + P_STREAM], 0, count), start)


@inner
def _serve_after_setup(m: Memory, f: Floats, place: int) -> None:
    """A server that has just become free, or ready, takes the next visit; else it goes off."""
    line = place + P_LINE
    if m[line + L_LENGTH] and is_up(m, place, 0):
        visit = head_of(m, m[place + P_QUEUE], line)
        leave(m, line, visit)
        wait_ends(m, place, m[visit + G_TIME], True)
        hand_over(m, f, place, visit, 0)
    adjust_starts(m, f, place)


@inner
def setup_done(m: Memory, f: Floats, start: int) -> None:
    """A server has been started."""
    place = m[start + A_OWNER]
    before = m[place + P_STARTS]
    if before == start:
        m[place + P_STARTS] = m[start + A_SIZE]
    else:
        while m[before + A_SIZE] != start:
            before = m[before + A_SIZE]
        m[before + A_SIZE] = m[start + A_SIZE]
    m[place + P_STARTING] -= 1
    give(m, start, _START_SIZE)
    _serve_after_setup(m, f, place)


@inner
def _request_setup(m: Memory, f: Floats, place: int, visit: int) -> int:
    """Wait in any case: a server that is free is off."""
    ask(m, f, place, visit)
    if m[place + P_REFUSES] and must_refuse(m, place, visit):
        return X_REFUSED
    error = wait_in_line(m, place, visit)
    if error == 0:
        adjust_starts(m, f, place)
    return error


# -- the door ----------------------------------------------------------------------------------------------


@inner
def _is_full(m: Memory, place: int) -> bool:
    if m[place + P_LINE + L_LENGTH] < m[place + P_LIMIT]:
        return False
    for node in range(m[place + P_COUNT]):
        if m[node_at(m, place, node) + N_FREE] and takes(m, place, node):
            return False
    return True


@inner
def _let_in(m: Memory, f: Floats, place: int) -> None:
    """Let in whoever stands at the door while there is room."""
    if not m[place + P_BLOCKS]:
        return
    door = place + P_DOOR
    while m[door] and not _is_full(m, place) and (not m[place + P_REFUSES] or any_up(m, place)):
        visit = m[door]
        unlink(m, door, visit, G_LINKS)
        m[visit + G_TIME] = m[H_NOW]
        if m[place + P_GRANT_SIZE] == G_FULL:
            m[visit + G_CAME] = m[H_NOW]
        request(m, f, place, visit)
        wake(m, low(m[visit]), 0)


@inner
def serve_visits(m: Memory, f: Floats, place: int, node: int) -> None:
    """Serve who waits for a node's servers, then let in whoever stands at the door."""
    if m[place + P_KIND] == SETUP:
        _serve_after_setup(m, f, place)
        return
    serve(m, f, place, node)
    _let_in(m, f, place)


@inner
def withdraw_visit(m: Memory, f: Floats, place: int, visit: int) -> None:
    """Leave the line, where it stands in one."""
    if m[visit + G_NODE] & IN_LINE == 0:
        return
    leave_line(m, place, visit)
    if m[place + P_KIND] == SETUP:
        adjust_starts(m, f, place)
    else:
        _let_in(m, f, place)


@inner
def free_visit(m: Memory, f: Floats, place: int, visit: int) -> None:
    """Leave, served or not, and let the next one be served."""
    if m[visit + G_NODE] & IN_SERVICE:
        node = granted_node(m, visit)
        if node >= 0:
            stop_service(m, f, place, visit, node)
        m[visit + G_NODE] ^= IN_SERVICE
    node = take_units(m, place, visit)
    if node >= 0:
        serve_visits(m, f, place, node)


# -- the visit ---------------------------------------------------------------------------------------------


@inner
def set_patience(m: Memory, f: Floats, place: int, job: int, step: int, grant: int) -> None:
    """From now on the wait is limited, where the step says so."""
    if m[step + AQ_PATIENCE] == 0:
        return
    alarm = take(m, A_SIZE)
    m[alarm] = key_of(TIMEOUT, m[step + O_ELEMENT], T_PATIENCE)
    m[alarm + A_VISIT] = m[job + J_ORDER]
    m[alarm + A_OWNER] = grant
    m[grant + G_LIMIT] = alarm
    length = time_of(m, f, m[step + AQ_PATIENCE], m[step + AQ_PATIENCE_STREAM], m[job + J_PATH], 0)
    set_alarm(m, m[H_NOW] + length, alarm)


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
    wait_for(m, job, W_VISIT, visit, step)


@inner
def begin_visit(m: Memory, f: Floats, place: int, job: int, step: int, demand_ns: int, bound: int) -> int:
    """Ask for a server, or wait at the door. Gives the failure, or 0: the job waits."""
    visit = new_grant(m, place, job, step, bound)
    m[visit + G_DEMAND] = demand_ns
    if m[place + P_GRANT_SIZE] == G_FULL:
        m[visit + G_LEFT] = demand_ns
    if m[place + P_BLOCKS] and (m[place + P_DOOR] or _is_full(m, place)):
        if not m[place + P_REFUSES] or any_up(m, place):
            append(m, place + P_DOOR, visit, G_LINKS)
            wait_for(m, job, W_DOOR, visit, step)
            return 0
    if m[place + P_KIND] == SETUP:
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
    spend(m, job, m[place + P_ST_BLOCKED], m[H_NOW])
    if m[visit + G_NODE] & (IN_LINE | WAS_GRANTED) == 0:
        unlink(m, place + P_DOOR, visit, G_LINKS)
    cut_visit(m, f, place, job, visit)


@inner
def cut_visit(m: Memory, f: Floats, place: int, job: int, visit: int) -> None:
    """Interrupted, or out of patience: a service that is cut off is lost work."""
    withdraw_visit(m, f, place, visit)
    if m[visit + G_NODE] & WAS_GRANTED:
        begun = m[visit + G_GRANTED] if m[place + P_GRANT_SIZE] == G_FULL else m[visit + G_TIME]
        spend(m, job, m[place + P_ST_WAIT], max(begun, m[job + J_SINCE]))
        spend(m, job, m[H_ST_LOST], m[H_NOW])
    spend(m, job, m[place + P_ST_WAIT], m[H_NOW])
    if m[visit + G_NODE] & WAS_GRANTED and _is_held(m, job, visit):
        stop_patience(m, place, visit)  # what it holds is given back with the rest
    else:
        drop_grant(m, place, visit)


@inner
def _is_held(m: Memory, job: int, visit: int) -> bool:
    grant = low(m[job + J_OWN])
    while grant:
        if grant == visit:
            return True
        grant = low(m[grant + G_HELD])
    return False


@inner
def finish_visit(m: Memory, f: Floats, place: int, job: int, step: int, visit: int) -> int:
    """The service is over. Gives the failure, or 0."""
    demand = m[visit + G_DEMAND]
    passed = m[H_NOW] - m[job + J_SINCE]
    waited = max(0, passed - demand)
    spend_two(m, job, m[place + P_ST_WAIT], waited, m[place + P_ST_SERVICE])
    state = m[visit + G_NODE]
    if not m[place + P_TIMED_WAITS]:
        came = m[visit + G_CAME]
        record_wait(m, place, came, m[H_NOW] - came - demand, state & WAITED != 0)
    m[visit + G_NODE] = (state | IN_SERVICE) ^ IN_SERVICE
    stop_patience(m, place, visit)
    group = m[place + P_GROUP]
    node = (state & NODE_MASK) - 1
    if m[group_node(m, group, node) + D_ERRORS]:
        if spoils(m, f, group, node, child_path(m[job + J_PATH], m[step + O_SALT])):
            return X_ERROR
    if m[step + US_KEEPS]:
        m[visit + G_NODE] |= KEPT
        set_high(m, job + J_SAGA, visit)
        return 0
    take_from_held(m, job, visit)
    node = take_units(m, place, visit)
    if node >= 0:
        serve_visits(m, f, place, node)
    drop_grant(m, place, visit)
    return 0
