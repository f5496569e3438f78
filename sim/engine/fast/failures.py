"""Job failure: how it travels outwards, which attempt or saga takes it, and how jobs are cancelled."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast.attempt_timers import close_attempt
from sim.engine.fast.batches import cut_customer
from sim.engine.fast.children import stop_hearing, stop_telling
from sim.engine.fast.delays_and_buckets import leave_room
from sim.engine.fast.forks import free_fork_group, stop_fork_group
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
    LOW,
    Attempt,
    AttemptStep,
    DelayStep,
    Due,
    Failure,
    Fork,
    Frame,
    FrameKind,
    Grant,
    Header,
    Job,
    Node,
    Paused,
    Place,
    PlaceStep,
    Ref,
    Step,
    Table,
    Timeout,
    Wait,
)
from sim.engine.fast.memory import (
    Floats,
    Memory,
    free,
    half_even,
    high,
    interrupt,
    low,
    multiple_above,
    set_low,
)
from sim.engine.fast.policies import passage_ended, passage_left, take_token
from sim.engine.fast.pools import drop_grant, leave_line, serve, stop_patience
from sim.engine.fast.queues import unlink
from sim.engine.fast.recorder import reacted
from sim.engine.fast.release import end_job, give_back, pop_frame
from sim.engine.fast.servers import cut_visit, leave_blocked
from sim.engine.fast.timer_queues import timer_end, timer_ended
from sim.engine.fast.timers import cancel, set_due
from sim.engine.order import TIMEOUT

GONE = 0
"""In place of the next step: the job waits, or has ended."""
_PROPAGATE = -1
_PROPAGATE_ANEW = -2

# -- attempts ----------------------------------------------------------------------------------------------


@inner
def attempt_succeeds(m: Memory, job: Ref[Job], frame: Ref[Frame]) -> None:
    """The try under way has come to a good end."""
    if m[frame + Frame.PASSAGE]:
        passage_ended(m, frame, 0)
    pop_frame(m, job, frame)


@inner
def _may_retry(m: Memory, step: Ref[AttemptStep], number: int, error: int) -> bool:
    if not m[step + AttemptStep.RETRY] or error == Failure.COMPENSATED or error == Failure.CANCEL_REQUESTED:
        return False
    for item in range(m[step + AttemptStep.FATAL + Table.COUNT]):
        if m[m[step + AttemptStep.FATAL] + item] == error:
            return False
    return m[step + AttemptStep.MAXIMUM] < 0 or number < m[step + AttemptStep.MAXIMUM]


@inner
def _back_off_end(m: Memory, f: Floats, job: Ref[Job], step: Ref[AttemptStep], interval: float) -> int:
    length = interval
    if f[step + AttemptStep.JITTER] > 0.0:
        length *= 1 - f[step + AttemptStep.JITTER] * uniform(m[step + AttemptStep.JITTER_STREAM], m[job + Job.PATH], 0)
    end = m[Header.NOW] + max(half_even(length), m[step + AttemptStep.FLOOR])
    if m[step + AttemptStep.GRID]:
        end = multiple_above(end, m[step + AttemptStep.GRID])
    return timer_end(m, m[step + AttemptStep.TIMERS], end)


@inner
def _attempt_failed(
    m: Memory, f: Floats, job: Ref[Job], frame: Ref[Frame], error: int, depth: int, final: bool
) -> int:
    """An attempt has failed: gives the step to go on with, GONE during a back-off, or how the failure goes on."""
    step = m[frame + Frame.STEP]
    base = m[frame + Frame.BASE]
    give_back(m, f, job, base)
    outside = 0 <= depth < base
    if m[frame + Frame.PASSAGE]:
        if outside:
            passage_left(m, frame)
        else:
            passage_ended(m, frame, 1)
    if m[step + AttemptStep.TIMED]:
        spend(m, job, m[Header.STATE_LOST], m[Header.NOW])
    else:
        lose(m, job, low(m[frame + Frame.HANDLE]))
    if outside:
        pop_frame(m, job, frame)
        return _PROPAGATE  # it dies with what was acquired outside, and reacts to nothing
    reacted(m)
    number = m[frame + Frame.INDEX]
    if not final and _may_retry(m, step, number, error):
        interval = (
            f[frame + Frame.VALUE] * f[step + AttemptStep.COEFFICIENT] if number > 1 else f[step + AttemptStep.FIRST]
        )
        interval = min(f[step + AttemptStep.LONGEST], interval)
        f[frame + Frame.VALUE] = interval
        if Failure.TIMEOUT_START_TO_CLOSE <= error <= Failure.TIMEOUT_HEARTBEAT:
            timer_ended(m, m[step + AttemptStep.TIMERS])
        again = _back_off_end(m, f, job, step, interval)
        in_time = m[step + AttemptStep.SCC] < 0 or again < m[frame + Frame.OTHER] - m[Header.WALL]
        if in_time and (not m[step + AttemptStep.BUDGET] or take_token(m, job, m[step + AttemptStep.BUDGET])):
            m[Header.ACTIVITIES] += 2
            set_due(m, again, job, TIMEOUT, m[step + Step.ELEMENT], Due.JOB)
            wait_for(m, job, Wait.BACKOFF, 0, step)
            return GONE
    pop_frame(m, job, frame)
    return m[step + AttemptStep.AFTER] if m[step + AttemptStep.AFTER] else _PROPAGATE_ANEW


# -- sagas -------------------------------------------------------------------------------------------------


@inner
def next_compensation(m: Memory, job: Ref[Job], frame: Ref[Frame]) -> int:
    """The first step of the next compensation, last registered first; GONE when there is none left."""
    entry = m[frame + Frame.OTHER]
    if entry == 0:
        return GONE
    m[frame + Frame.OTHER] = m[entry + 1]
    step = m[frame + Frame.STEP]
    m[job + Job.PATH] = child_path(
        child_path(m[frame + Frame.PATH], m[step + Step.STREAM_OFFSET]), m[frame + Frame.INDEX]
    )
    m[frame + Frame.INDEX] += 1
    return m[entry]


# -- failure -----------------------------------------------------------------------------------------------


@inner
def fail(m: Memory, f: Floats, job: Ref[Job], error: int, depth: int, final: bool) -> int:
    """A failure goes outwards. depth: number of the grant that a crash took, or -1. final: no other attempt.

    Gives the step that the job goes on with, or GONE.
    """
    while True:
        frame = high(m[job + Job.LINK])
        if frame == 0:
            end_job(m, f, job, error)
            return GONE
        kind = high(m[frame + Frame.NEXT])
        if kind == FrameKind.ATTEMPT:
            following = _attempt_failed(m, f, job, frame, error, depth, final)
            if following >= 0:
                return following
            if following == _PROPAGATE_ANEW:
                depth = -1
        elif kind == FrameKind.SAGA:
            saga = low(m[job + Job.SAGA])
            set_low(m, job + Job.SAGA, m[frame + Frame.HANDLE])
            if 0 <= depth < m[frame + Frame.BASE]:
                pop_frame(m, job, frame)
            else:
                m[job + Job.PATH] = m[frame + Frame.PATH]
                m[frame + Frame.NEXT] = low(m[frame + Frame.NEXT]) | FrameKind.UNDO << 31
                m[frame + Frame.OTHER] = m[saga]
                m[frame + Frame.INDEX] = 0
                give_back(m, f, job, m[frame + Frame.BASE])
                reacted(m)
                following = next_compensation(m, job, frame)
                if following:
                    return following
                pop_frame(m, job, frame)
                error = Failure.COMPENSATED
                depth = -1
        else:
            pop_frame(m, job, frame)
        final = False


@inner
def called_off(m: Memory, f: Floats, job: Ref[Job]) -> None:
    """The job is no longer wanted: it goes back to nothing, and ends."""
    frame = high(m[job + Job.LINK])
    while frame:
        if high(m[frame + Frame.NEXT]) == FrameKind.ATTEMPT and m[frame + Frame.PASSAGE]:
            passage_left(m, frame)
        pop_frame(m, job, frame)
        frame = high(m[job + Job.LINK])
    end_job(m, f, job, Failure.CANCELLED)


# -- interruption of a wait --------------------------------------------------------------------------------


@inner
def _stop_waiting_in_line(m: Memory, f: Floats, job: Ref[Job], grant: Ref[Grant]) -> None:
    place = grant_place(m, grant)
    state = m[grant + Grant.NODE]
    waiting = state & Grant.IN_QUEUE != 0
    if waiting:
        leave_line(m, place, grant)
        left_line(m, f, place, ((state & Grant.WANTED_MASK) >> Grant.WANTED_SHIFT) - 1)
    spend(m, job, m[place + Place.STATE_WAIT], m[Header.NOW])
    if waiting:
        drop_grant(m, place, grant)
    else:
        stop_patience(m, place, grant)


@inner
def left_line(m: Memory, f: Floats, place: Ref[Place], wanted: int) -> None:
    """Who left the line of a resource may have stood before somebody who needs fewer units."""
    if m[place + Place.UNITS] > 1:
        if wanted >= 0:
            serve(m, f, place, wanted)
            return
        for node in range(m[place + Place.COUNT]):
            serve(m, f, place, node)


@inner
def leave_fork_group(m: Memory, fork_group: Ref[Fork]) -> None:
    """The parent awaits its children no more."""
    m[fork_group + Fork.AWAITED] = 0
    if m[fork_group + Fork.DECIDING]:
        release_record(m, m[fork_group + Fork.DECIDING])
        m[fork_group + Fork.DECIDING] = 0
    free_fork_group(m, fork_group)


@inner
def stop_waiting(m: Memory, f: Floats, job: Ref[Job]) -> None:
    """Interrupted: undo what the job waits for, and book the time."""
    kind = wait_kind(m, job)
    at = low(m[job + Job.LINK])
    now = m[Header.NOW]
    if kind == Wait.DELAY:
        cancel(m, job)
        spend(m, job, m[(m[job + Job.STATE] & LOW) + DelayStep.STATE], now)
    elif kind == Wait.QUEUE:
        _stop_waiting_in_line(m, f, job, at)
    elif kind == Wait.OPENING:
        cancel(m, job)
        spend(m, job, m[grant_place(m, at) + Place.STATE_OPENING], now)
    elif kind == Wait.VISIT:
        cut_visit(m, f, grant_place(m, at), job, at)
    elif kind == Wait.BLOCKED:
        leave_blocked(m, f, grant_place(m, at), job, at)
    elif kind == Wait.DELAY_STATION:
        cancel(m, job)
        leave_room(m, m[(m[job + Job.STATE] & LOW) + PlaceStep.PLACE], job, m[Header.STATE_LOST])
    elif kind == Wait.NO_SERVER:
        cut_customer(m, m[high(m[at]) + PlaceStep.PLACE], job, at)
    elif kind == Wait.FORK:
        m[at + Fork.OPEN] = 0
        stop_fork_group(m, at)
        leave_fork_group(m, at)
    elif kind == Wait.ATTEMPT:
        child = m[at + Attempt.CHILD]
        if m[child + Job.STATE] & Job.ENDED == 0:
            interrupt(m, child, Failure.CANCELLED, -1, 0)
        close_attempt(m, at)
        release_record(m, child)
    elif kind == Wait.BACKOFF:
        cancel(m, job)
        spend(m, job, m[Header.STATE_BACKOFF], now)
    elif kind == Wait.PAUSED:
        if m[at + Paused.NODE]:
            unlink(m, m[at + Paused.NODE] + Node.RESUMED, at, Paused.LINKS)
        spend(m, job, m[Header.STATE_PAUSED], now)
        free(m, at, Paused.SIZE)
    elif kind == Wait.CHILD:
        stop_hearing(m, job, at)
    elif kind == Wait.TOLD:
        stop_telling(m, job, m[job + Job.STATE] & LOW, at)


# -- going on after children -------------------------------------------------------------------------------


@inner
def attempt_settled(m: Memory, f: Floats, job: Ref[Job], attempt: Ref[Attempt]) -> int:
    """The attempt that the job awaits has ended: gives the step to go on with, or GONE."""
    error = m[attempt + Attempt.ERROR]
    child = m[attempt + Attempt.CHILD]
    step = m[attempt + Attempt.STEP]
    own = m[attempt + Attempt.EXPIRED] != 0
    close_attempt(m, attempt)
    if error == 0:
        take_over(m, job, child)
        release_record(m, child)
        attempt_succeeds(m, job, high(m[job + Job.LINK]))
        return m[step + Step.NEXT]
    take_spans(m, job, child)
    release_record(m, child)
    own = own and (
        error == Failure.TIMEOUT_START_TO_CLOSE + Timeout.SCHEDULE_TO_START
        or error == Failure.TIMEOUT_START_TO_CLOSE + Timeout.SCHEDULE_TO_CLOSE
    )
    return fail(m, f, job, error, -1, own)
