"""Going on after a wait, or after an interruption of one."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.endings import pop_frame
from sim.engine.fast.ends import (
    GONE,
    called_off,
    fail,
    stop_waiting,
    trial_settled,
)
from sim.engine.fast.guests import account_cut_guest, finish_guest, leave_room
from sim.engine.fast.jobs import grant_place, spend, wait_kind
from sim.engine.fast.layout import (
    AQ_OTHERWISE,
    AT_TIMERS,
    DE_STATE,
    DE_TIMERS,
    G_NODE,
    H_NOW,
    H_ST_BACKOFF,
    H_ST_PAUSED,
    J_LINK,
    J_STATE,
    LOW,
    O_CODE,
    O_NEXT,
    OP_USE_PLAIN,
    OPENS,
    P_ST_BLOCKED,
    P_ST_OPENING,
    P_ST_SERVICE,
    P_ST_WAIT,
    US_PLACE,
    W_BACKOFF,
    W_DELAY,
    W_DOOR,
    W_FAMILY,
    W_GUEST,
    W_LINE,
    W_OPENING,
    W_ROOM,
    W_START,
    W_TRIAL,
    W_VISIT,
    X_CANCELLED,
    X_PATIENCE,
    Z_SIZE,
)
from sim.engine.fast.memory import Floats, Memory, give, high
from sim.engine.fast.plain import finish_plain
from sim.engine.fast.pools import drop_grant, stop_patience
from sim.engine.fast.routines import family_settled, take_steps
from sim.engine.fast.servers import asked_visit, cut_visit, finish_visit
from sim.engine.fast.steps import (
    acquired,
    open_unit,
)
from sim.engine.fast.timers import timer_ended
from sim.engine.fast.tries import begin_attempt


@inner
def _after_line(m: Memory, f: Floats, job: int, step: int, grant: int, value: int) -> int:
    """Units have been granted, or patience has run out."""
    place = grant_place(m, grant)
    spend(m, job, m[place + P_ST_WAIT], m[H_NOW])
    if value:
        drop_grant(m, place, grant)
        if m[step + AQ_OTHERWISE] == 0:
            return fail(m, f, job, X_PATIENCE, -1, False)
        return m[step + AQ_OTHERWISE]
    stop_patience(m, place, grant)
    if m[grant + G_NODE] & OPENS:
        return open_unit(m, f, job, step, grant)
    return acquired(m, job, step, grant)


@inner
def _after_visit(m: Memory, f: Floats, job: int, step: int, visit: int, value: int) -> int:
    place = m[step + US_PLACE]
    if value:
        cut_visit(m, f, place, job, visit)
        return fail(m, f, job, X_PATIENCE, -1, False)
    if m[step + O_CODE] == OP_USE_PLAIN:
        return finish_plain(m, job, step, visit)
    error = finish_visit(m, f, place, job, step, visit)
    return fail(m, f, job, error, -1, False) if error else m[step + O_NEXT]


@inner
def _after_rare(m: Memory, f: Floats, job: int, step: int, kind: int, at: int, value: int) -> int:
    now = m[H_NOW]
    if kind == W_OPENING:
        spend(m, job, m[grant_place(m, at) + P_ST_OPENING], now)
        return acquired(m, job, step, at)
    if kind == W_DOOR:
        place = m[step + US_PLACE]
        spend(m, job, m[place + P_ST_BLOCKED], now)
        asked_visit(m, f, place, job, step, at)
        return GONE
    if kind == W_GUEST:
        place = m[step + US_PLACE]
        if value:
            account_cut_guest(m, place, job, at)
            return fail(m, f, job, X_PATIENCE, -1, False)
        error = finish_guest(m, f, place, job, step, at)
        return fail(m, f, job, error, -1, False) if error else m[step + O_NEXT]
    if kind == W_FAMILY:
        return family_settled(m, f, job, step, at)
    if kind == W_TRIAL:
        return trial_settled(m, f, job, at)
    if kind == W_BACKOFF:
        spend(m, job, m[H_ST_BACKOFF], now)
        timer_ended(m, m[step + AT_TIMERS])
        return begin_attempt(m, f, job, high(m[job + J_LINK]))
    # paused
    spend(m, job, m[H_ST_PAUSED], now)
    give(m, at, Z_SIZE)
    return step


@inner
def go_on(m: Memory, f: Floats, job: int, value: int) -> None:
    """The job's wait is over; value 1: because its patience has run out."""
    state = m[job + J_STATE]
    kind = wait_kind(m, job)
    step = state & LOW
    at = m[job + J_LINK] & LOW
    if kind == W_VISIT:
        step = _after_visit(m, f, job, step, at, value)
    elif kind == W_LINE:
        step = _after_line(m, f, job, step, at, value)
    elif kind == W_DELAY:
        spend(m, job, m[step + DE_STATE], m[H_NOW])
        timer_ended(m, m[step + DE_TIMERS])
        step = m[step + O_NEXT]
    elif kind == W_ROOM:
        place = m[step + US_PLACE]
        leave_room(m, place, job, m[place + P_ST_SERVICE])
        step = m[step + O_NEXT]
    elif kind != W_START:
        step = _after_rare(m, f, job, step, kind, at, value)
    take_steps(m, f, job, step)


@inner
def interrupted(m: Memory, f: Floats, job: int, error: int, depth: int) -> None:
    """An interruption reaches the job at whatever it waits for."""
    between = wait_kind(m, job) == W_BACKOFF
    stop_waiting(m, f, job)
    if between:  # no attempt is under way that could fail
        pop_frame(m, job, high(m[job + J_LINK]))
    if error == X_CANCELLED:
        called_off(m, f, job)
    else:
        take_steps(m, f, job, fail(m, f, job, error, depth, False))
