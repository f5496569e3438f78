"""Going on after a wait, or after an interruption of one."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
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
    spend(m, job, m[place + L.P_ST_WAIT], m[L.H_NOW])
    if value:
        drop_grant(m, place, grant)
        if m[step + L.AQ_OTHERWISE] == 0:
            return fail(m, f, job, L.X_PATIENCE, -1, False)
        return m[step + L.AQ_OTHERWISE]
    stop_patience(m, place, grant)
    if m[grant + L.G_NODE] & L.OPENS:
        return open_unit(m, f, job, step, grant)
    return acquired(m, job, step, grant)


@inner
def _after_visit(m: Memory, f: Floats, job: int, step: int, visit: int, value: int) -> int:
    place = m[step + L.US_PLACE]
    if value:
        cut_visit(m, f, place, job, visit)
        return fail(m, f, job, L.X_PATIENCE, -1, False)
    if m[step + L.O_CODE] == L.OP_USE_PLAIN:
        return finish_plain(m, job, step, visit)
    error = finish_visit(m, f, place, job, step, visit)
    return fail(m, f, job, error, -1, False) if error else m[step + L.O_NEXT]


@inner
def _after_rare(m: Memory, f: Floats, job: int, step: int, kind: int, at: int, value: int) -> int:
    now = m[L.H_NOW]
    if kind == L.W_OPENING:
        spend(m, job, m[grant_place(m, at) + L.P_ST_OPENING], now)
        return acquired(m, job, step, at)
    if kind == L.W_DOOR:
        place = m[step + L.US_PLACE]
        spend(m, job, m[place + L.P_ST_BLOCKED], now)
        asked_visit(m, f, place, job, step, at)
        return GONE
    if kind == L.W_GUEST:
        place = m[step + L.US_PLACE]
        if value:
            account_cut_guest(m, place, job, at)
            return fail(m, f, job, L.X_PATIENCE, -1, False)
        error = finish_guest(m, f, place, job, step, at)
        return fail(m, f, job, error, -1, False) if error else m[step + L.O_NEXT]
    if kind == L.W_FAMILY:
        return family_settled(m, f, job, step, at)
    if kind == L.W_TRIAL:
        return trial_settled(m, f, job, at)
    if kind == L.W_BACKOFF:
        spend(m, job, m[L.H_ST_BACKOFF], now)
        timer_ended(m, m[step + L.AT_TIMERS])
        return begin_attempt(m, f, job, high(m[job + L.J_LINK]))
    # paused
    spend(m, job, m[L.H_ST_PAUSED], now)
    give(m, at, L.Z_SIZE)
    return step


@inner
def go_on(m: Memory, f: Floats, job: int, value: int) -> None:
    """The job's wait is over; value 1: because its patience has run out."""
    state = m[job + L.J_STATE]
    kind = wait_kind(m, job)
    step = state & L.LOW
    at = m[job + L.J_LINK] & L.LOW
    if kind == L.W_VISIT:
        step = _after_visit(m, f, job, step, at, value)
    elif kind == L.W_LINE:
        step = _after_line(m, f, job, step, at, value)
    elif kind == L.W_DELAY:
        spend(m, job, m[step + L.DE_STATE], m[L.H_NOW])
        timer_ended(m, m[step + L.DE_TIMERS])
        step = m[step + L.O_NEXT]
    elif kind == L.W_ROOM:
        place = m[step + L.US_PLACE]
        leave_room(m, place, job, m[place + L.P_ST_SERVICE])
        step = m[step + L.O_NEXT]
    elif kind != L.W_START:
        step = _after_rare(m, f, job, step, kind, at, value)
    take_steps(m, f, job, step)


@inner
def interrupted(m: Memory, f: Floats, job: int, error: int, depth: int) -> None:
    """An interruption reaches the job at whatever it waits for."""
    between = wait_kind(m, job) == L.W_BACKOFF
    stop_waiting(m, f, job)
    if between:  # no attempt is under way that could fail
        pop_frame(m, job, high(m[job + L.J_LINK]))
    if error == L.X_CANCELLED:
        called_off(m, f, job)
    else:
        take_steps(m, f, job, fail(m, f, job, error, depth, False))
