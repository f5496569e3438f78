"""Visits to servers: blocking on entry, set-up, the end of a visit, giving the server back.

Lines and grants are those of `pools`, service itself is in `service`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.choices import any_up
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import (
    grant_place,
    holds,
    keep_no_more,
    kept_visit,
    spend,
    spend_two,
    take_from_held,
    wait_for,
    wake,
)
from sim.engine.fast.layout import (
    Due,
    Failure,
    Grant,
    Header,
    Job,
    Place,
    PlaceKind,
    PlaceNode,
    PlaceStep,
    Queue,
    Ref,
    Step,
    Timer,
    UseStep,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, allocate, free, high, low, set_high
from sim.engine.fast.meters import record_wait, wait_ends
from sim.engine.fast.nodes import is_up, node_at, spoils, takes
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
from sim.engine.fast.queues import append, head_of, leave, unlink
from sim.engine.fast.service import stop_service
from sim.engine.fast.timers import cancel, key_of, make_timer, set_timer
from sim.engine.order import COMPLETION, TIMEOUT

FIRST_SETUP = 1 << 62
"""Set-ups stand behind the visits of all executions in the order of events."""
_START_SIZE = Timer.SIZE + 1

# -- set-up -------------------------------------------------------------------------------------------------


@inner
def adjust_starts(m: Memory, f: Floats, place: Ref[Place]) -> None:
    """As many servers are being started as visits wait, at most all that are off."""
    wanted = 0
    if is_up(m, place, 0):
        wanted = min(m[place + Place.QUEUE + Queue.LENGTH], m[node_at(m, place, 0) + PlaceNode.FREE])
    while m[place + Place.STARTING] > wanted:
        start = m[place + Place.STARTS]
        m[place + Place.STARTS] = m[start + Timer.SIZE]
        m[place + Place.STARTING] -= 1
        cancel(m, start)
        free(m, start, _START_SIZE)
    while m[place + Place.STARTING] < wanted:
        count = m[place + Place.SETUPS]
        m[place + Place.SETUPS] = count + 1
        start = allocate(m, _START_SIZE)
        make_timer(m, start, key_of(COMPLETION, m[place + Place.ELEMENT], Due.SETUP), FIRST_SETUP | count, place)
        m[start + Timer.SIZE] = m[place + Place.STARTS]
        m[place + Place.STARTS] = start
        m[place + Place.STARTING] += 1
        set_timer(m, m[Header.NOW] + time_of(m, f, place + Place.DIST, 0, count), start)


@inner
def _serve_after_setup(m: Memory, f: Floats, place: Ref[Place]) -> None:
    """A server that has just become free, or ready, takes the next visit; else it goes off."""
    line = place + Place.QUEUE
    if m[line + Queue.LENGTH] and is_up(m, place, 0):
        visit = head_of(m, m[place + Place.DISCIPLINE], line)
        leave(m, line, visit)
        wait_ends(m, place, m[visit + Grant.TIME], True)
        hand_over(m, f, place, visit, 0)
    adjust_starts(m, f, place)


@inner
def setup_done(m: Memory, f: Floats, start: Ref[Timer]) -> None:
    """A server has been started."""
    place = m[start + Timer.OWNER]
    before = m[place + Place.STARTS]
    if before == start:
        m[place + Place.STARTS] = m[start + Timer.SIZE]
    else:
        while m[before + Timer.SIZE] != start:
            before = m[before + Timer.SIZE]
        m[before + Timer.SIZE] = m[start + Timer.SIZE]
    m[place + Place.STARTING] -= 1
    free(m, start, _START_SIZE)
    _serve_after_setup(m, f, place)


@inner
def _request_setup(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant]) -> int:
    """Wait in any case: a server that is free is off."""
    ask(m, f, place, visit)
    if m[place + Place.REFUSES] and must_refuse(m, place, visit):
        return Failure.REFUSED
    error = wait_in_line(m, place, visit)
    if error == 0:
        adjust_starts(m, f, place)
    return error


# -- blocking on entry ------------------------------------------------------------------------------------------


@inner
def _is_full(m: Memory, place: Ref[Place]) -> bool:
    if m[place + Place.QUEUE + Queue.LENGTH] < m[place + Place.LIMIT]:
        return False
    for node in range(m[place + Place.COUNT]):
        if m[node_at(m, place, node) + PlaceNode.FREE] and takes(m, place, node):
            return False
    return True


@inner
def _let_in(m: Memory, f: Floats, place: Ref[Place]) -> None:
    """Admit blocked visits while there is room."""
    if not m[place + Place.BLOCKS]:
        return
    blocked = place + Place.BLOCKED
    while m[blocked] and not _is_full(m, place) and (not m[place + Place.REFUSES] or any_up(m, place)):
        visit = m[blocked]
        unlink(m, blocked, visit, Grant.LINKS)
        m[visit + Grant.TIME] = m[Header.NOW]
        if m[place + Place.GRANT_SIZE] == Grant.SIZE:
            m[visit + Grant.CAME] = m[Header.NOW]
        request(m, f, place, visit)
        wake(m, low(m[visit]), 0)


@inner
def serve_visits(m: Memory, f: Floats, place: Ref[Place], node: int) -> None:
    """Serve who waits for a node's servers, then admit the blocked."""
    if m[place + Place.KIND] == PlaceKind.SETUP:
        _serve_after_setup(m, f, place)
        return
    serve(m, f, place, node)
    _let_in(m, f, place)


@inner
def withdraw_visit(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant]) -> None:
    """Leave the line, where it stands in one."""
    if m[visit + Grant.NODE] & Grant.IN_QUEUE == 0:
        return
    leave_line(m, place, visit)
    if m[place + Place.KIND] == PlaceKind.SETUP:
        adjust_starts(m, f, place)
    else:
        _let_in(m, f, place)


@inner
def free_visit(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant]) -> None:
    """Leave, served or not, and let the next one be served."""
    if m[visit + Grant.NODE] & Grant.IN_SERVICE:
        node = granted_node(m, visit)
        if node >= 0:
            stop_service(m, f, place, visit, node)
        m[visit + Grant.NODE] ^= Grant.IN_SERVICE
    node = take_units(m, place, visit)
    if node >= 0:
        serve_visits(m, f, place, node)


# -- the visit ---------------------------------------------------------------------------------------------


@inner
def set_patience(
    m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], step: Ref[PlaceStep], grant: Ref[Grant]
) -> None:
    """From now on the wait is limited, where the step says so."""
    if m[step + PlaceStep.PATIENCE] == 0:
        return
    timer = allocate(m, Timer.SIZE)
    make_timer(m, timer, key_of(TIMEOUT, m[step + Step.ELEMENT], Due.PATIENCE), m[job + Job.ORDER], grant)
    m[grant + Grant.LIMIT] = timer
    length = time_of(m, f, step + PlaceStep.PATIENCE, m[job + Job.PATH], 0)
    set_timer(m, m[Header.NOW] + length, timer)


@inner
def _give_up_kept(m: Memory, f: Floats, job: Ref[Job]) -> None:
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
def request_visit(
    m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], step: Ref[PlaceStep], visit: Ref[Grant]
) -> None:
    """It is in line or in service: the server kept so far is free; the job waits for the end of the visit."""
    if kept_visit(m, job):
        _give_up_kept(m, f, job)
    if granted_node(m, visit) < 0:
        set_patience(m, f, place, job, step, visit)
    wait_for(m, job, Wait.VISIT, visit, step)


@inner
def begin_visit(
    m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], step: Ref[PlaceStep], demand_ns: int, bound: int
) -> int:
    """Ask for a server, or wait blocked. Gives the failure, or 0: the job waits."""
    visit = new_grant(m, place, job, step, bound)
    m[visit + Grant.DEMAND] = demand_ns
    if m[place + Place.GRANT_SIZE] == Grant.SIZE:
        m[visit + Grant.LEFT] = demand_ns
    if m[place + Place.BLOCKS] and (m[place + Place.BLOCKED] or _is_full(m, place)):
        if not m[place + Place.REFUSES] or any_up(m, place):
            append(m, place + Place.BLOCKED, visit, Grant.LINKS)
            wait_for(m, job, Wait.BLOCKED, visit, step)
            return 0
    if m[place + Place.KIND] == PlaceKind.SETUP:
        error = _request_setup(m, f, place, visit)
    else:
        error = request(m, f, place, visit)
    if error:
        drop_grant(m, place, visit)
        return error
    request_visit(m, f, place, job, step, visit)
    return 0


@inner
def leave_blocked(m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], visit: Ref[Grant]) -> None:
    """Interrupted while blocked, or just inside."""
    spend(m, job, m[place + Place.STATE_BLOCKED], m[Header.NOW])
    if m[visit + Grant.NODE] & (Grant.IN_QUEUE | Grant.WAS_GRANTED) == 0:
        unlink(m, place + Place.BLOCKED, visit, Grant.LINKS)
    cut_visit(m, f, place, job, visit)


@inner
def cut_visit(m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], visit: Ref[Grant]) -> None:
    """Interrupted, or out of patience: a service that is cut off is lost work."""
    withdraw_visit(m, f, place, visit)
    if m[visit + Grant.NODE] & Grant.WAS_GRANTED:
        begun = m[visit + Grant.GRANTED] if m[place + Place.GRANT_SIZE] == Grant.SIZE else m[visit + Grant.TIME]
        spend(m, job, m[place + Place.STATE_WAIT], max(begun, m[job + Job.SINCE]))
        spend(m, job, m[Header.STATE_LOST], m[Header.NOW])
    spend(m, job, m[place + Place.STATE_WAIT], m[Header.NOW])
    if m[visit + Grant.NODE] & Grant.WAS_GRANTED and holds(m, job, high(m[visit + Grant.HELD])):
        stop_patience(m, place, visit)  # what it holds is given back with the rest
    else:
        drop_grant(m, place, visit)


@inner
def finish_visit(m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], step: Ref[UseStep], visit: Ref[Grant]) -> int:
    """The service is over. Gives the failure, or 0."""
    demand = m[visit + Grant.DEMAND]
    passed = m[Header.NOW] - m[job + Job.SINCE]
    waited = max(0, passed - demand)
    spend_two(m, job, m[place + Place.STATE_WAIT], waited, m[place + Place.STATE_SERVICE])
    state = m[visit + Grant.NODE]
    if not m[place + Place.TIMED_WAITS]:
        came = m[visit + Grant.CAME]
        record_wait(m, place, came, m[Header.NOW] - came - demand, state & Grant.WAITED != 0)
    m[visit + Grant.NODE] = (state | Grant.IN_SERVICE) ^ Grant.IN_SERVICE
    stop_patience(m, place, visit)
    group = m[place + Place.GROUP]
    node = (state & Grant.NODE_MASK) - 1
    if spoils(m, f, group, node, job, step):
        return Failure.ERROR
    if m[step + UseStep.KEEPS]:
        m[visit + Grant.NODE] |= Grant.KEPT
        set_high(m, job + Job.SAGA, visit)
        return 0
    take_from_held(m, job, visit)
    node = take_units(m, place, visit)
    if node >= 0:
        serve_visits(m, f, place, node)
    drop_grant(m, place, visit)
    return 0
