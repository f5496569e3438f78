"""Stations without servers of their own: delay, token bucket, and what their visits share with batches.

Group commit and the polled queue, which serve in batches, are in `batches`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.alarms import cancel, is_set, key_of, set_alarm
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import spend, wait_for, wake
from sim.engine.fast.layout import (
    A_OWNER,
    A_SIZE,
    A_VISIT,
    AQ_PATIENCE,
    AQ_PATIENCE_STREAM,
    COMMIT,
    D_ERRORS,
    H_NOW,
    H_ST_LOST,
    INSIDE,
    J_ORDER,
    J_PATH,
    J_SINCE,
    L_LENGTH,
    LEFT,
    LOW,
    M_ASKED,
    M_REJECTED,
    O_ELEMENT,
    O_SALT,
    P_ALARM,
    P_ELEMENT,
    P_FULL_AT,
    P_GROUP,
    P_GUESTS,
    P_INTERVAL,
    P_KIND,
    P_LIMIT,
    P_SLACK,
    P_ST_SERVICE,
    P_ST_WAIT,
    POLLED,
    Q_ASKED,
    Q_GRANTED,
    Q_JOB,
    Q_LIMIT,
    Q_LINKS,
    Q_SIZE,
    Q_STATE,
    T_JOB,
    T_PATIENCE,
    T_TOKEN,
    W_GUEST,
    W_ROOM,
    X_ERROR,
    X_REJECTED,
)
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Floats, Memory, give, take
from sim.engine.fast.meters import granted, released, wait_begins, wait_ends
from sim.engine.fast.nodes import group_node, spoils
from sim.engine.order import COMPLETION, TIMEOUT

# -- what they share ----------------------------------------------------------------------------------------


@inner
def new_guest(m: Memory, job: int, step: int) -> int:
    """A job comes to one of these stations."""
    guest = take(m, Q_SIZE)
    m[guest + Q_JOB] = job | step << 31
    m[guest + Q_ASKED] = m[H_NOW]
    m[guest + Q_GRANTED] = m[H_NOW]
    m[guest + Q_STATE] = 0
    m[guest + Q_LIMIT] = 0
    return guest


@inner
def begin_guest(m: Memory, place: int, guest: int, waited: bool) -> None:
    """The service starts."""
    m[guest + Q_STATE] |= INSIDE
    m[guest + Q_GRANTED] = m[H_NOW]
    if waited:
        wait_ends(m, place, m[guest + Q_ASKED], True)
    granted(m, place, m[guest + Q_ASKED], 1, waited)


@inner
def guest_done(m: Memory, place: int, guest: int) -> None:
    """The service is over, or cut off."""
    m[guest + Q_STATE] |= LEFT
    released(m, place, m[guest + Q_GRANTED], 1)


@inner
def guest_gone(m: Memory, place: int, guest: int) -> None:
    """Left the line without service."""
    m[guest + Q_STATE] |= LEFT
    wait_ends(m, place, m[guest + Q_ASKED], False)


@inner
def queue_guest(m: Memory, place: int, line: int, guest: int) -> None:
    """Stand in a line of guests."""
    append(m, line, guest, Q_LINKS)
    m[line + L_LENGTH] += 1
    wait_begins(m, place)


@inner
def unqueue_guest(m: Memory, line: int, guest: int) -> None:
    """Leave it."""
    unlink(m, line, guest, Q_LINKS)
    m[line + L_LENGTH] -= 1


@inner
def drop_guest(m: Memory, guest: int) -> None:
    """Give the record back, with the alarm of its patience."""
    alarm = m[guest + Q_LIMIT]
    if alarm:
        cancel(m, alarm)
        give(m, alarm, A_SIZE)
    give(m, guest, Q_SIZE)


@inner
def guest_waits(m: Memory, f: Floats, job: int, step: int, guest: int) -> None:
    """The job waits for the end of the visit, or until its patience runs out."""
    if m[step + AQ_PATIENCE] and m[guest + Q_STATE] & INSIDE == 0:
        alarm = take(m, A_SIZE)
        m[alarm] = key_of(TIMEOUT, m[step + O_ELEMENT], T_PATIENCE)
        m[alarm + A_VISIT] = m[job + J_ORDER]
        m[alarm + A_OWNER] = guest
        m[guest + Q_LIMIT] = alarm
        length = time_of(m, f, m[step + AQ_PATIENCE], m[step + AQ_PATIENCE_STREAM], m[job + J_PATH], 0)
        set_alarm(m, m[H_NOW] + length, alarm)
    wait_for(m, job, W_GUEST, guest, step)


@inner
def finish_guest(m: Memory, f: Floats, place: int, job: int, step: int, guest: int) -> int:
    """The visit is over. Gives the failure, or 0."""
    spend(m, job, m[place + P_ST_WAIT], max(m[guest + Q_GRANTED], m[job + J_SINCE]))
    spend(m, job, m[place + P_ST_SERVICE], m[H_NOW])
    node = m[guest + Q_STATE] >> 2
    drop_guest(m, guest)
    kind = m[place + P_KIND]
    if kind == COMMIT or kind == POLLED:
        group = m[place + P_GROUP]
        if m[group_node(m, group, node) + D_ERRORS]:
            if spoils(m, f, group, node, child_path(m[job + J_PATH], m[step + O_SALT])):
                return X_ERROR
    return 0


@inner
def account_cut_guest(m: Memory, place: int, job: int, guest: int) -> None:
    """Book the time of a visit that came to nothing, and give the record back."""
    if m[guest + Q_STATE] & INSIDE:  # a service that is cut off is lost work
        spend(m, job, m[place + P_ST_WAIT], max(m[guest + Q_GRANTED], m[job + J_SINCE]))
        spend(m, job, m[H_ST_LOST], m[H_NOW])
    spend(m, job, m[place + P_ST_WAIT], m[H_NOW])
    drop_guest(m, guest)


# -- delay -------------------------------------------------------------------------------------------------


@inner
def enter_room(m: Memory, place: int, job: int, step: int, demand_ns: int) -> None:
    """Be served at once."""
    m[place + M_ASKED] += 1
    granted(m, place, m[H_NOW], 1, False)
    m[job] = key_of(COMPLETION, m[place + P_ELEMENT], T_JOB)
    set_alarm(m, m[H_NOW] + demand_ns, job)
    wait_for(m, job, W_ROOM, 0, step)


@inner
def leave_room(m: Memory, place: int, job: int, state: int) -> None:
    """Served, or cut off."""
    released(m, place, m[job + J_SINCE], 1)
    spend(m, job, state, m[H_NOW])


# -- token bucket ------------------------------------------------------------------------------------------


@inner
def _take_token(m: Memory, place: int, guest: int, waited: bool) -> None:
    m[place + P_FULL_AT] = max(m[place + P_FULL_AT], m[H_NOW]) + m[place + P_INTERVAL]
    begin_guest(m, place, guest, waited)
    guest_done(m, place, guest)
    wake(m, m[guest + Q_JOB] & LOW, 0)


@inner
def _plan_token(m: Memory, place: int) -> None:
    alarm = place + P_ALARM
    if not is_set(m, alarm) and m[place + P_GUESTS]:
        m[alarm] = key_of(COMPLETION, m[place + P_ELEMENT], T_TOKEN)
        m[alarm + A_VISIT] = 0
        m[alarm + A_OWNER] = place
        set_alarm(m, m[place + P_FULL_AT] - m[place + P_SLACK], alarm)


@inner
def enter_bucket(m: Memory, place: int, guest: int) -> int:
    """Take a token, or wait for one in line. Gives the failure, or 0."""
    line = place + P_GUESTS
    if m[line] == 0 and m[place + P_FULL_AT] - m[place + P_SLACK] <= m[H_NOW]:
        _take_token(m, place, guest, False)
        return 0
    limit = m[place + P_LIMIT]
    if limit >= 0 and m[line + L_LENGTH] >= limit:
        m[place + M_REJECTED] += 1
        return X_REJECTED
    queue_guest(m, place, line, guest)
    _plan_token(m, place)
    return 0


@inner
def token_comes(m: Memory, place: int) -> None:
    """The head of the line has its token."""
    guest = m[place + P_GUESTS]
    unqueue_guest(m, place + P_GUESTS, guest)
    _take_token(m, place, guest, True)
    _plan_token(m, place)


@inner
def leave_bucket(m: Memory, place: int, guest: int) -> None:
    """Leave the line."""
    unqueue_guest(m, place + P_GUESTS, guest)
    guest_gone(m, place, guest)
    if m[place + P_GUESTS] == 0:
        cancel(m, place + P_ALARM)
