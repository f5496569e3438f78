"""How jobs fail, are called off and end, and what they give back then."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.batches import cut_guest
from sim.engine.fast.breakers import try_ended, try_left
from sim.engine.fast.budgets import take_token
from sim.engine.fast.endings import end_job, give_back, pop_frame
from sim.engine.fast.families import give_family, stop_family
from sim.engine.fast.guests import leave_room
from sim.engine.fast.jobs import (
    grant_place,
    lose,
    release_record,
    spend,
    take_over,
    take_spans,
    wait_for,
    wait_kind,
)
from sim.engine.fast.lines import unlink
from sim.engine.fast.memory import (
    Floats,
    Memory,
    give,
    half_even,
    high,
    interrupt,
    low,
    multiple_above,
    set_low,
)
from sim.engine.fast.pools import drop_grant, leave_line, serve, stop_patience
from sim.engine.fast.records import reacted
from sim.engine.fast.servers import cut_visit, leave_door
from sim.engine.fast.timers import timer_end, timer_ended
from sim.engine.fast.trials import close_trial
from sim.engine.order import TIMEOUT

GONE = 0
"""In place of the next step: the job waits, or has ended."""
_PROPAGATE = -1
_PROPAGATE_ANEW = -2

# -- attempts ----------------------------------------------------------------------------------------------


@inner
def attempt_succeeds(m: Memory, job: int, frame: int) -> None:
    """The try under way has come to a good end."""
    if m[frame + L.F_PASSAGE]:
        try_ended(m, frame, 0)
    pop_frame(m, job, frame)


@inner
def _may_retry(m: Memory, step: int, number: int, error: int) -> bool:
    if not m[step + L.AT_RETRY]:
        return False
    for item in range(m[step + L.AT_FATAL_COUNT]):
        if m[m[step + L.AT_FATAL] + item] == error:
            return False
    return m[step + L.AT_MAXIMUM] < 0 or number < m[step + L.AT_MAXIMUM]


@inner
def _back_off_end(m: Memory, f: Floats, job: int, step: int, interval: float) -> int:
    length = interval
    if f[step + L.AT_JITTER] > 0.0:
        length *= 1 - f[step + L.AT_JITTER] * uniform(m[step + L.AT_JITTER_STREAM], m[job + L.J_PATH], 0)
    end = m[L.H_NOW] + max(half_even(length), m[step + L.AT_FLOOR])
    if m[step + L.AT_GRID]:
        end = multiple_above(end, m[step + L.AT_GRID])
    return timer_end(m, m[step + L.AT_TIMERS], end)


@inner
def _attempt_failed(m: Memory, f: Floats, job: int, frame: int, error: int, depth: int, final: bool) -> int:
    """An attempt has failed: gives the step to go on with, GONE during a back-off, or how the failure goes on."""
    step = m[frame + L.F_STEP]
    base = m[frame + L.F_BASE]
    give_back(m, f, job, base)
    outside = 0 <= depth < base
    if m[frame + L.F_PASSAGE]:
        if outside:
            try_left(m, frame)
        else:
            try_ended(m, frame, 1)
    if m[step + L.AT_TIMED]:
        spend(m, job, m[L.H_ST_LOST], m[L.H_NOW])
    else:
        lose(m, job, low(m[frame + L.F_HANDLE]))
    if outside:
        pop_frame(m, job, frame)
        return _PROPAGATE  # it dies with what was acquired outside, and reacts to nothing
    reacted(m)
    number = m[frame + L.F_INDEX]
    if not final and error != L.X_COMPENSATED and _may_retry(m, step, number, error):
        interval = f[frame + L.F_VALUE] * f[step + L.AT_COEFFICIENT] if number > 1 else f[step + L.AT_FIRST]
        interval = min(f[step + L.AT_LONGEST], interval)
        f[frame + L.F_VALUE] = interval
        if L.X_TIMEOUT <= error < L.X_TIMEOUT + 4:
            timer_ended(m, m[step + L.AT_TIMERS])
        again = _back_off_end(m, f, job, step, interval)
        in_time = m[step + L.AT_SCC] < 0 or again < m[frame + L.F_OTHER] - m[L.H_WALL]
        if in_time and (not m[step + L.AT_BUDGET] or take_token(m, job, m[step + L.AT_BUDGET])):
            m[L.H_ACTIVITIES] += 2
            m[job] = key_of(TIMEOUT, m[step + L.O_ELEMENT], L.T_JOB)
            set_alarm(m, again, job)
            wait_for(m, job, L.W_BACKOFF, 0, step)
            return GONE
    pop_frame(m, job, frame)
    return m[step + L.AT_AFTER] if m[step + L.AT_AFTER] else _PROPAGATE_ANEW


# -- sagas -------------------------------------------------------------------------------------------------


@inner
def next_compensation(m: Memory, job: int, frame: int) -> int:
    """The first step of the next compensation, last registered first; GONE when there is none left."""
    entry = m[frame + L.F_OTHER]
    if entry == 0:
        return GONE
    m[frame + L.F_OTHER] = m[entry + 1]
    step = m[frame + L.F_STEP]
    m[job + L.J_PATH] = child_path(child_path(m[frame + L.F_PATH], m[step + L.O_SALT]), m[frame + L.F_INDEX])
    m[frame + L.F_INDEX] += 1
    return m[entry]


# -- failure -----------------------------------------------------------------------------------------------


@inner
def fail(m: Memory, f: Floats, job: int, error: int, depth: int, final: bool) -> int:
    """A failure goes outwards. depth: number of the grant that a crash took, or -1. final: no other attempt.

    Gives the step that the job goes on with, or GONE.
    """
    while True:
        frame = high(m[job + L.J_LINK])
        if frame == 0:
            end_job(m, f, job, error)
            return GONE
        kind = high(m[frame + L.F_NEXT])
        if kind == L.ATTEMPT_FRAME:
            following = _attempt_failed(m, f, job, frame, error, depth, final)
            if following >= 0:
                return following
            if following == _PROPAGATE_ANEW:
                depth = -1
        elif kind == L.SAGA_FRAME:
            saga = low(m[job + L.J_SAGA])
            set_low(m, job + L.J_SAGA, m[frame + L.F_HANDLE])
            if 0 <= depth < m[frame + L.F_BASE]:
                pop_frame(m, job, frame)
            else:
                m[job + L.J_PATH] = m[frame + L.F_PATH]
                m[frame + L.F_NEXT] = low(m[frame + L.F_NEXT]) | L.UNDO_FRAME << 31
                m[frame + L.F_OTHER] = m[saga]
                m[frame + L.F_INDEX] = 0
                give_back(m, f, job, m[frame + L.F_BASE])
                reacted(m)
                following = next_compensation(m, job, frame)
                if following:
                    return following
                pop_frame(m, job, frame)
                error = L.X_COMPENSATED
                depth = -1
        else:
            pop_frame(m, job, frame)
        final = False


@inner
def called_off(m: Memory, f: Floats, job: int) -> None:
    """The job is no longer wanted: it goes back to nothing, and ends."""
    frame = high(m[job + L.J_LINK])
    while frame:
        if high(m[frame + L.F_NEXT]) == L.ATTEMPT_FRAME and m[frame + L.F_PASSAGE]:
            try_left(m, frame)
        pop_frame(m, job, frame)
        frame = high(m[job + L.J_LINK])
    end_job(m, f, job, L.X_CANCELLED)


# -- interruption of a wait --------------------------------------------------------------------------------


@inner
def _stop_waiting_in_line(m: Memory, f: Floats, job: int, grant: int) -> None:
    place = grant_place(m, grant)
    state = m[grant + L.G_NODE]
    waiting = state & L.IN_LINE != 0
    if waiting:
        leave_line(m, place, grant)
        left_line(m, f, place, ((state & L.WANTED_MASK) >> L.WANTED_SHIFT) - 1)
    spend(m, job, m[place + L.P_ST_WAIT], m[L.H_NOW])
    if waiting:
        drop_grant(m, place, grant)
    else:
        stop_patience(m, place, grant)


@inner
def left_line(m: Memory, f: Floats, place: int, wanted: int) -> None:
    """Who left the line of a resource may have stood before somebody who needs fewer units."""
    if m[place + L.P_UNITS] > 1:
        if wanted >= 0:
            serve(m, f, place, wanted)
            return
        for node in range(m[place + L.P_COUNT]):
            serve(m, f, place, node)


@inner
def leave_family(m: Memory, family: int) -> None:
    """The parent awaits its children no more."""
    m[family + L.B_AWAITED] = 0
    if m[family + L.B_DECIDING]:
        release_record(m, m[family + L.B_DECIDING])
        m[family + L.B_DECIDING] = 0
    give_family(m, family)


@inner
def stop_waiting(m: Memory, f: Floats, job: int) -> None:
    """Interrupted: undo what the job waits for, and book the time."""
    kind = wait_kind(m, job)
    at = low(m[job + L.J_LINK])
    now = m[L.H_NOW]
    if kind == L.W_DELAY:
        cancel(m, job)
        spend(m, job, m[(m[job + L.J_STATE] & L.LOW) + L.DE_STATE], now)
    elif kind == L.W_LINE:
        _stop_waiting_in_line(m, f, job, at)
    elif kind == L.W_OPENING:
        cancel(m, job)
        spend(m, job, m[grant_place(m, at) + L.P_ST_OPENING], now)
    elif kind == L.W_VISIT:
        cut_visit(m, f, grant_place(m, at), job, at)
    elif kind == L.W_DOOR:
        leave_door(m, f, grant_place(m, at), job, at)
    elif kind == L.W_ROOM:
        cancel(m, job)
        leave_room(m, m[(m[job + L.J_STATE] & L.LOW) + L.O_ARGS], job, m[L.H_ST_LOST])
    elif kind == L.W_GUEST:
        cut_guest(m, m[high(m[at]) + L.O_ARGS], job, at)
    elif kind == L.W_FAMILY:
        m[at + L.B_OPEN] = 0
        stop_family(m, at)
        leave_family(m, at)
    elif kind == L.W_TRIAL:
        child = m[at + L.Y_CHILD]
        if m[child + L.J_STATE] & L.ENDED == 0:
            interrupt(m, child, L.X_CANCELLED, -1, 0)
        close_trial(m, at)
        release_record(m, child)
    elif kind == L.W_BACKOFF:
        cancel(m, job)
        spend(m, job, m[L.H_ST_BACKOFF], now)
    elif kind == L.W_PAUSED:
        if m[at + L.Z_NODE]:
            unlink(m, m[at + L.Z_NODE] + L.D_RESUMED, at, L.Z_LINKS)
        spend(m, job, m[L.H_ST_PAUSED], now)
        give(m, at, L.Z_SIZE)


# -- going on after children -------------------------------------------------------------------------------


@inner
def trial_settled(m: Memory, f: Floats, job: int, trial: int) -> int:
    """The attempt that the job awaits has ended: gives the step to go on with, or GONE."""
    error = m[trial + L.Y_ERROR]
    child = m[trial + L.Y_CHILD]
    step = m[trial + L.Y_STEP]
    own = m[trial + L.Y_EXPIRED] != 0
    close_trial(m, trial)
    if error == 0:
        take_over(m, job, child)
        release_record(m, child)
        attempt_succeeds(m, job, high(m[job + L.J_LINK]))
        return m[step + L.O_NEXT]
    take_spans(m, job, child)
    release_record(m, child)
    own = own and (error == L.X_TIMEOUT + L.SCHEDULE_TO_START or error == L.X_TIMEOUT + L.SCHEDULE_TO_CLOSE)
    return fail(m, f, job, error, -1, own)
