"""How jobs fail, are called off and end, and what they give back then."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
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
from sim.engine.fast.layout import (
    AT_AFTER,
    AT_BUDGET,
    AT_COEFFICIENT,
    AT_FATAL,
    AT_FATAL_COUNT,
    AT_FIRST,
    AT_FLOOR,
    AT_GRID,
    AT_JITTER,
    AT_JITTER_STREAM,
    AT_LONGEST,
    AT_MAXIMUM,
    AT_RETRY,
    AT_SCC,
    AT_TIMED,
    AT_TIMERS,
    ATTEMPT_FRAME,
    B_AWAITED,
    B_DECIDING,
    B_OPEN,
    D_RESUMED,
    DE_STATE,
    ENDED,
    F_BASE,
    F_HANDLE,
    F_INDEX,
    F_NEXT,
    F_OTHER,
    F_PASSAGE,
    F_PATH,
    F_STEP,
    F_VALUE,
    G_NODE,
    H_ACTIVITIES,
    H_NOW,
    H_ST_BACKOFF,
    H_ST_LOST,
    H_ST_PAUSED,
    H_WALL,
    IN_LINE,
    J_LINK,
    J_PATH,
    J_SAGA,
    J_STATE,
    LOW,
    O_ARGS,
    O_ELEMENT,
    O_NEXT,
    O_SALT,
    P_COUNT,
    P_ST_OPENING,
    P_ST_WAIT,
    P_UNITS,
    SAGA_FRAME,
    SCHEDULE_TO_CLOSE,
    SCHEDULE_TO_START,
    T_JOB,
    UNDO_FRAME,
    W_BACKOFF,
    W_DELAY,
    W_DOOR,
    W_FAMILY,
    W_GUEST,
    W_LINE,
    W_OPENING,
    W_PAUSED,
    W_ROOM,
    W_TRIAL,
    W_VISIT,
    WANTED_MASK,
    WANTED_SHIFT,
    X_CANCELLED,
    X_COMPENSATED,
    X_TIMEOUT,
    Y_CHILD,
    Y_ERROR,
    Y_EXPIRED,
    Y_STEP,
    Z_LINKS,
    Z_NODE,
    Z_SIZE,
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
    if m[frame + F_PASSAGE]:
        try_ended(m, frame, 0)
    pop_frame(m, job, frame)


@inner
def _may_retry(m: Memory, step: int, number: int, error: int) -> bool:
    if not m[step + AT_RETRY]:
        return False
    for item in range(m[step + AT_FATAL_COUNT]):
        if m[m[step + AT_FATAL] + item] == error:
            return False
    return m[step + AT_MAXIMUM] < 0 or number < m[step + AT_MAXIMUM]


@inner
def _back_off_end(m: Memory, f: Floats, job: int, step: int, interval: float) -> int:
    length = interval
    if f[step + AT_JITTER] > 0.0:
        length *= 1 - f[step + AT_JITTER] * uniform(m[step + AT_JITTER_STREAM], m[job + J_PATH], 0)
    end = m[H_NOW] + max(half_even(length), m[step + AT_FLOOR])
    if m[step + AT_GRID]:
        end = multiple_above(end, m[step + AT_GRID])
    return timer_end(m, m[step + AT_TIMERS], end)


@inner
def _attempt_failed(m: Memory, f: Floats, job: int, frame: int, error: int, depth: int, final: bool) -> int:
    """An attempt has failed: gives the step to go on with, GONE during a back-off, or how the failure goes on."""
    step = m[frame + F_STEP]
    base = m[frame + F_BASE]
    give_back(m, f, job, base)
    outside = 0 <= depth < base
    if m[frame + F_PASSAGE]:
        if outside:
            try_left(m, frame)
        else:
            try_ended(m, frame, 1)
    if m[step + AT_TIMED]:
        spend(m, job, m[H_ST_LOST], m[H_NOW])
    else:
        lose(m, job, low(m[frame + F_HANDLE]))
    if outside:
        pop_frame(m, job, frame)
        return _PROPAGATE  # it dies with what was acquired outside, and reacts to nothing
    reacted(m)
    number = m[frame + F_INDEX]
    if not final and error != X_COMPENSATED and _may_retry(m, step, number, error):
        interval = f[frame + F_VALUE] * f[step + AT_COEFFICIENT] if number > 1 else f[step + AT_FIRST]
        interval = min(f[step + AT_LONGEST], interval)
        f[frame + F_VALUE] = interval
        if X_TIMEOUT <= error < X_TIMEOUT + 4:
            timer_ended(m, m[step + AT_TIMERS])
        again = _back_off_end(m, f, job, step, interval)
        in_time = m[step + AT_SCC] < 0 or again < m[frame + F_OTHER] - m[H_WALL]
        if in_time and (not m[step + AT_BUDGET] or take_token(m, job, m[step + AT_BUDGET])):
            m[H_ACTIVITIES] += 2
            m[job] = key_of(TIMEOUT, m[step + O_ELEMENT], T_JOB)
            set_alarm(m, again, job)
            wait_for(m, job, W_BACKOFF, 0, step)
            return GONE
    pop_frame(m, job, frame)
    return m[step + AT_AFTER] if m[step + AT_AFTER] else _PROPAGATE_ANEW


# -- sagas -------------------------------------------------------------------------------------------------


@inner
def next_compensation(m: Memory, job: int, frame: int) -> int:
    """The first step of the next compensation, last registered first; GONE when there is none left."""
    entry = m[frame + F_OTHER]
    if entry == 0:
        return GONE
    m[frame + F_OTHER] = m[entry + 1]
    step = m[frame + F_STEP]
    m[job + J_PATH] = child_path(child_path(m[frame + F_PATH], m[step + O_SALT]), m[frame + F_INDEX])
    m[frame + F_INDEX] += 1
    return m[entry]


# -- failure -----------------------------------------------------------------------------------------------


@inner
def fail(m: Memory, f: Floats, job: int, error: int, depth: int, final: bool) -> int:
    """A failure goes outwards. depth: number of the grant that a crash took, or -1. final: no other attempt.

    Gives the step that the job goes on with, or GONE.
    """
    while True:
        frame = high(m[job + J_LINK])
        if frame == 0:
            end_job(m, f, job, error)
            return GONE
        kind = high(m[frame + F_NEXT])
        if kind == ATTEMPT_FRAME:
            following = _attempt_failed(m, f, job, frame, error, depth, final)
            if following >= 0:
                return following
            if following == _PROPAGATE_ANEW:
                depth = -1
        elif kind == SAGA_FRAME:
            saga = low(m[job + J_SAGA])
            set_low(m, job + J_SAGA, m[frame + F_HANDLE])
            if 0 <= depth < m[frame + F_BASE]:
                pop_frame(m, job, frame)
            else:
                m[job + J_PATH] = m[frame + F_PATH]
                m[frame + F_NEXT] = low(m[frame + F_NEXT]) | UNDO_FRAME << 31
                m[frame + F_OTHER] = m[saga]
                m[frame + F_INDEX] = 0
                give_back(m, f, job, m[frame + F_BASE])
                reacted(m)
                following = next_compensation(m, job, frame)
                if following:
                    return following
                pop_frame(m, job, frame)
                error = X_COMPENSATED
                depth = -1
        else:
            pop_frame(m, job, frame)
        final = False


@inner
def called_off(m: Memory, f: Floats, job: int) -> None:
    """The job is no longer wanted: it goes back to nothing, and ends."""
    frame = high(m[job + J_LINK])
    while frame:
        if high(m[frame + F_NEXT]) == ATTEMPT_FRAME and m[frame + F_PASSAGE]:
            try_left(m, frame)
        pop_frame(m, job, frame)
        frame = high(m[job + J_LINK])
    end_job(m, f, job, X_CANCELLED)


# -- interruption of a wait --------------------------------------------------------------------------------


@inner
def _stop_waiting_in_line(m: Memory, f: Floats, job: int, grant: int) -> None:
    place = grant_place(m, grant)
    state = m[grant + G_NODE]
    waiting = state & IN_LINE != 0
    if waiting:
        leave_line(m, place, grant)
        left_line(m, f, place, ((state & WANTED_MASK) >> WANTED_SHIFT) - 1)
    spend(m, job, m[place + P_ST_WAIT], m[H_NOW])
    if waiting:
        drop_grant(m, place, grant)
    else:
        stop_patience(m, place, grant)


@inner
def left_line(m: Memory, f: Floats, place: int, wanted: int) -> None:
    """Who left the line of a resource may have stood before somebody who needs fewer units."""
    if m[place + P_UNITS] > 1:
        if wanted >= 0:
            serve(m, f, place, wanted)
            return
        for node in range(m[place + P_COUNT]):
            serve(m, f, place, node)


@inner
def leave_family(m: Memory, family: int) -> None:
    """The parent awaits its children no more."""
    m[family + B_AWAITED] = 0
    if m[family + B_DECIDING]:
        release_record(m, m[family + B_DECIDING])
        m[family + B_DECIDING] = 0
    give_family(m, family)


@inner
def stop_waiting(m: Memory, f: Floats, job: int) -> None:
    """Interrupted: undo what the job waits for, and book the time."""
    kind = wait_kind(m, job)
    at = low(m[job + J_LINK])
    now = m[H_NOW]
    if kind == W_DELAY:
        cancel(m, job)
        spend(m, job, m[(m[job + J_STATE] & LOW) + DE_STATE], now)
    elif kind == W_LINE:
        _stop_waiting_in_line(m, f, job, at)
    elif kind == W_OPENING:
        cancel(m, job)
        spend(m, job, m[grant_place(m, at) + P_ST_OPENING], now)
    elif kind == W_VISIT:
        cut_visit(m, f, grant_place(m, at), job, at)
    elif kind == W_DOOR:
        leave_door(m, f, grant_place(m, at), job, at)
    elif kind == W_ROOM:
        cancel(m, job)
        leave_room(m, m[(m[job + J_STATE] & LOW) + O_ARGS], job, m[H_ST_LOST])
    elif kind == W_GUEST:
        cut_guest(m, m[high(m[at]) + O_ARGS], job, at)
    elif kind == W_FAMILY:
        m[at + B_OPEN] = 0
        stop_family(m, at)
        leave_family(m, at)
    elif kind == W_TRIAL:
        child = m[at + Y_CHILD]
        if m[child + J_STATE] & ENDED == 0:
            interrupt(m, child, X_CANCELLED, -1, 0)
        close_trial(m, at)
        release_record(m, child)
    elif kind == W_BACKOFF:
        cancel(m, job)
        spend(m, job, m[H_ST_BACKOFF], now)
    elif kind == W_PAUSED:
        if m[at + Z_NODE]:
            unlink(m, m[at + Z_NODE] + D_RESUMED, at, Z_LINKS)
        spend(m, job, m[H_ST_PAUSED], now)
        give(m, at, Z_SIZE)


# -- going on after children -------------------------------------------------------------------------------


@inner
def trial_settled(m: Memory, f: Floats, job: int, trial: int) -> int:
    """The attempt that the job awaits has ended: gives the step to go on with, or GONE."""
    error = m[trial + Y_ERROR]
    child = m[trial + Y_CHILD]
    step = m[trial + Y_STEP]
    own = m[trial + Y_EXPIRED] != 0
    close_trial(m, trial)
    if error == 0:
        take_over(m, job, child)
        release_record(m, child)
        attempt_succeeds(m, job, high(m[job + J_LINK]))
        return m[step + O_NEXT]
    take_spans(m, job, child)
    release_record(m, child)
    own = own and (error == X_TIMEOUT + SCHEDULE_TO_START or error == X_TIMEOUT + SCHEDULE_TO_CLOSE)
    return fail(m, f, job, error, -1, own)
