"""Stations without servers of their own: delay, token bucket, and what their visits share with batches.

Group commit and the polled queue, which serve in batches, are in `batches`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, is_set, key_of, set_alarm
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import spend, wait_for, wake
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Floats, Memory, give, take
from sim.engine.fast.meters import granted, released, wait_begins, wait_ends
from sim.engine.fast.nodes import group_node, spoils
from sim.engine.order import COMPLETION, TIMEOUT

# -- what they share ----------------------------------------------------------------------------------------


@inner
def new_guest(m: Memory, job: int, step: int) -> int:
    """A job comes to one of these stations."""
    guest = take(m, L.Q_SIZE)
    m[guest + L.Q_JOB] = job | step << 31
    m[guest + L.Q_ASKED] = m[L.H_NOW]
    m[guest + L.Q_GRANTED] = m[L.H_NOW]
    m[guest + L.Q_STATE] = 0
    m[guest + L.Q_LIMIT] = 0
    return guest


@inner
def begin_guest(m: Memory, place: int, guest: int, waited: bool) -> None:
    """The service starts."""
    m[guest + L.Q_STATE] |= L.INSIDE
    m[guest + L.Q_GRANTED] = m[L.H_NOW]
    if waited:
        wait_ends(m, place, m[guest + L.Q_ASKED], True)
    granted(m, place, m[guest + L.Q_ASKED], 1, waited)


@inner
def guest_done(m: Memory, place: int, guest: int) -> None:
    """The service is over, or cut off."""
    m[guest + L.Q_STATE] |= L.LEFT
    released(m, place, m[guest + L.Q_GRANTED], 1)


@inner
def guest_gone(m: Memory, place: int, guest: int) -> None:
    """Left the line without service."""
    m[guest + L.Q_STATE] |= L.LEFT
    wait_ends(m, place, m[guest + L.Q_ASKED], False)


@inner
def queue_guest(m: Memory, place: int, line: int, guest: int) -> None:
    """Stand in a line of guests."""
    append(m, line, guest, L.Q_LINKS)
    m[line + L.L_LENGTH] += 1
    wait_begins(m, place)


@inner
def unqueue_guest(m: Memory, line: int, guest: int) -> None:
    """Leave it."""
    unlink(m, line, guest, L.Q_LINKS)
    m[line + L.L_LENGTH] -= 1


@inner
def drop_guest(m: Memory, guest: int) -> None:
    """Give the record back, with the alarm of its patience."""
    alarm = m[guest + L.Q_LIMIT]
    if alarm:
        cancel(m, alarm)
        give(m, alarm, L.A_SIZE)
    give(m, guest, L.Q_SIZE)


@inner
def guest_waits(m: Memory, f: Floats, job: int, step: int, guest: int) -> None:
    """The job waits for the end of the visit, or until its patience runs out."""
    if m[step + L.AQ_PATIENCE] and m[guest + L.Q_STATE] & L.INSIDE == 0:
        alarm = take(m, L.A_SIZE)
        m[alarm] = key_of(TIMEOUT, m[step + L.O_ELEMENT], L.T_PATIENCE)
        m[alarm + L.A_VISIT] = m[job + L.J_ORDER]
        m[alarm + L.A_OWNER] = guest
        m[guest + L.Q_LIMIT] = alarm
        length = time_of(m, f, m[step + L.AQ_PATIENCE], m[step + L.AQ_PATIENCE_STREAM], m[job + L.J_PATH], 0)
        set_alarm(m, m[L.H_NOW] + length, alarm)
    wait_for(m, job, L.W_GUEST, guest, step)


@inner
def finish_guest(m: Memory, f: Floats, place: int, job: int, step: int, guest: int) -> int:
    """The visit is over. Gives the failure, or 0."""
    spend(m, job, m[place + L.P_ST_WAIT], max(m[guest + L.Q_GRANTED], m[job + L.J_SINCE]))
    spend(m, job, m[place + L.P_ST_SERVICE], m[L.H_NOW])
    node = m[guest + L.Q_STATE] >> 2
    drop_guest(m, guest)
    kind = m[place + L.P_KIND]
    if kind == L.COMMIT or kind == L.POLLED:
        group = m[place + L.P_GROUP]
        if m[group_node(m, group, node) + L.D_ERRORS]:
            if spoils(m, f, group, node, child_path(m[job + L.J_PATH], m[step + L.O_SALT])):
                return L.X_ERROR
    return 0


@inner
def account_cut_guest(m: Memory, place: int, job: int, guest: int) -> None:
    """Book the time of a visit that came to nothing, and give the record back."""
    if m[guest + L.Q_STATE] & L.INSIDE:  # a service that is cut off is lost work
        spend(m, job, m[place + L.P_ST_WAIT], max(m[guest + L.Q_GRANTED], m[job + L.J_SINCE]))
        spend(m, job, m[L.H_ST_LOST], m[L.H_NOW])
    spend(m, job, m[place + L.P_ST_WAIT], m[L.H_NOW])
    drop_guest(m, guest)


# -- delay -------------------------------------------------------------------------------------------------


@inner
def enter_room(m: Memory, place: int, job: int, step: int, demand_ns: int) -> None:
    """Be served at once."""
    m[place + L.M_ASKED] += 1
    granted(m, place, m[L.H_NOW], 1, False)
    m[job] = key_of(COMPLETION, m[place + L.P_ELEMENT], L.T_JOB)
    set_alarm(m, m[L.H_NOW] + demand_ns, job)
    wait_for(m, job, L.W_ROOM, 0, step)


@inner
def leave_room(m: Memory, place: int, job: int, state: int) -> None:
    """Served, or cut off."""
    released(m, place, m[job + L.J_SINCE], 1)
    spend(m, job, state, m[L.H_NOW])


# -- token bucket ------------------------------------------------------------------------------------------


@inner
def _take_token(m: Memory, place: int, guest: int, waited: bool) -> None:
    m[place + L.P_FULL_AT] = max(m[place + L.P_FULL_AT], m[L.H_NOW]) + m[place + L.P_INTERVAL]
    begin_guest(m, place, guest, waited)
    guest_done(m, place, guest)
    wake(m, m[guest + L.Q_JOB] & L.LOW, 0)


@inner
def _plan_token(m: Memory, place: int) -> None:
    alarm = place + L.P_ALARM
    if not is_set(m, alarm) and m[place + L.P_GUESTS]:
        m[alarm] = key_of(COMPLETION, m[place + L.P_ELEMENT], L.T_TOKEN)
        m[alarm + L.A_VISIT] = 0
        m[alarm + L.A_OWNER] = place
        set_alarm(m, m[place + L.P_FULL_AT] - m[place + L.P_SLACK], alarm)


@inner
def enter_bucket(m: Memory, place: int, guest: int) -> int:
    """Take a token, or wait for one in line. Gives the failure, or 0."""
    line = place + L.P_GUESTS
    if m[line] == 0 and m[place + L.P_FULL_AT] - m[place + L.P_SLACK] <= m[L.H_NOW]:
        _take_token(m, place, guest, False)
        return 0
    limit = m[place + L.P_LIMIT]
    if limit >= 0 and m[line + L.L_LENGTH] >= limit:
        m[place + L.M_REJECTED] += 1
        return L.X_REJECTED
    queue_guest(m, place, line, guest)
    _plan_token(m, place)
    return 0


@inner
def token_comes(m: Memory, place: int) -> None:
    """The head of the line has its token."""
    guest = m[place + L.P_GUESTS]
    unqueue_guest(m, place + L.P_GUESTS, guest)
    _take_token(m, place, guest, True)
    _plan_token(m, place)


@inner
def leave_bucket(m: Memory, place: int, guest: int) -> None:
    """Leave the line."""
    unqueue_guest(m, place + L.P_GUESTS, guest)
    guest_gone(m, place, guest)
    if m[place + L.P_GUESTS] == 0:
        cancel(m, place + L.P_ALARM)
