"""Control flow: branches, loops, forks, attempts, sagas, calls, and how a job goes on after a wait."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast.attempts import begin_attempt
from sim.engine.fast.caches import look
from sim.engine.fast.children import hear, step_child, step_tell, told
from sim.engine.fast.delays_and_buckets import account_cut_customer, finish_customer, leave_room
from sim.engine.fast.draw import number_of
from sim.engine.fast.failures import (
    GONE,
    attempt_settled,
    attempt_succeeds,
    called_off,
    fail,
    leave_fork_group,
    next_compensation,
    stop_waiting,
)
from sim.engine.fast.forks import new_fork_group, stop_fork_group
from sim.engine.fast.jobs import grant_place, node_of, paused_at, spend, take_over, wait_for, wait_kind
from sim.engine.fast.layout import (
    LOW,
    AcquireStep,
    AttemptStep,
    BodyStep,
    BranchStep,
    CachedStep,
    DelayStep,
    Failure,
    Fork,
    ForkStep,
    Frame,
    FrameKind,
    Grant,
    Header,
    Job,
    LoopStep,
    Node,
    Op,
    Paused,
    Place,
    Ref,
    Step,
    UseStep,
    Wait,
    Way,
)
from sim.engine.fast.memory import Floats, Memory, allocate, free, high, low, set_low
from sim.engine.fast.plain import acquire_plain, finish_plain
from sim.engine.fast.policies import put_in
from sim.engine.fast.pools import drop_grant, stop_patience
from sim.engine.fast.queues import append
from sim.engine.fast.release import end_job, pop_frame, push_frame
from sim.engine.fast.servers import cut_visit, finish_visit, request_visit
from sim.engine.fast.steps import (
    acquired,
    open_unit,
    step_acquire,
    step_count,
    step_delay,
    step_fail,
    step_forget,
    step_mark,
    step_notify,
    step_prompt,
    step_release,
    step_set,
    step_start,
    step_use,
)
from sim.engine.fast.timer_queues import timer_ended

# -- steps with steps inside --------------------------------------------------------------------------------


@inner
def _step_branch(m: Memory, f: Floats, job: Ref[Job], step: Ref[BranchStep]) -> int:
    """Go the first way whose condition holds."""
    u = uniform(m[step + BranchStep.STREAM], m[job + Job.PATH], 0) if m[step + BranchStep.DRAWS] else 0.0
    upper = 0.0
    for way in range(m[step + BranchStep.COUNT]):
        at = step + BranchStep.WAYS + Way.SIZE * way
        kind = m[at]
        if kind == 0:  # by chance
            upper += f[at + 1]
            taken = u < upper
        elif kind == 1:  # by an attribute
            value = m[high(m[job + Job.OWN]) + m[Header.JOB_ATTRIBUTES] + m[at + 1]]
            taken = (not m[at + 2] or value > f[at + 3]) and (not m[at + 4] or value < f[at + 5])
        else:
            taken = True
        if taken:
            return m[at + 6]
    return m[step + Step.NEXT]


@inner
def _next_round(m: Memory, job: Ref[Job], frame: Ref[Frame]) -> int:
    """The first step of the next round of a loop, or what comes after the last one."""
    step = m[frame + Frame.STEP]
    index = m[frame + Frame.INDEX]
    if index == m[frame + Frame.OTHER]:
        pop_frame(m, job, frame)
        return m[step + Step.NEXT]
    m[frame + Frame.INDEX] = index + 1
    m[job + Job.PATH] = child_path(m[frame + Frame.BASE], index)
    return m[step + LoopStep.BODY]


@inner
def _step_loop(m: Memory, f: Floats, job: Ref[Job], step: Ref[LoopStep]) -> int:
    times = number_of(m, f, step + LoopStep.NUMBER, job, m[job + Job.PATH])
    if times <= 0:
        return m[step + Step.NEXT]
    frame = push_frame(m, job, FrameKind.LOOP, step, Frame.SIZE)
    m[frame + Frame.INDEX] = 0
    m[frame + Frame.OTHER] = times
    m[frame + Frame.BASE] = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
    return _next_round(m, job, frame)


@inner
def _step_fork(m: Memory, f: Floats, job: Ref[Job], step: Ref[ForkStep]) -> int:
    """Start the children and wait for as many as the join asks for."""
    same = m[step + ForkStep.KIND] == 1
    count = number_of(m, f, step + ForkStep.NUMBER, job, m[job + Job.PATH]) if same else m[step + ForkStep.COUNT]
    if count <= 0:
        return m[step + Step.NEXT]
    join = m[step + ForkStep.JOIN]
    needed = count if join == -1 else 1 if join == -2 else join
    if needed > count:
        return fail(m, f, job, Failure.JOIN, -1, False)
    new_fork_group(m, job, step, count, same, needed, m[step + ForkStep.CANCELS], count - needed)
    return m[step + Step.NEXT] if needed == 0 else GONE


@inner
def fork_group_settled(m: Memory, f: Floats, job: Ref[Job], step: Ref[Step], fork_group: Ref[Fork]) -> int:
    """The join has fired or failed: take over the time of the child that decided it."""
    error = m[fork_group + Fork.ERROR]
    take_over(m, job, m[fork_group + Fork.DECIDING])
    if m[fork_group + Fork.CANCELS]:
        stop_fork_group(m, fork_group)
    leave_fork_group(m, fork_group)
    return fail(m, f, job, error, -1, False) if error else m[step + Step.NEXT]


@inner
def _step_attempt(m: Memory, f: Floats, job: Ref[Job], step: Ref[AttemptStep]) -> int:
    frame = push_frame(m, job, FrameKind.ATTEMPT, step, Frame.SIZE)
    m[frame + Frame.INDEX] = 0
    m[frame + Frame.OTHER] = (
        m[Header.NOW] + m[Header.WALL] + m[step + AttemptStep.SCC]
    )  # deadline by the wall clock, if there is one
    f[frame + Frame.VALUE] = 0.0
    m[frame + Frame.HANDLE] = 0
    if m[step + AttemptStep.BUDGET]:
        put_in(m, job, m[step + AttemptStep.BUDGET])
    return begin_attempt(m, f, job, frame)


@inner
def _step_saga(m: Memory, job: Ref[Job], step: Ref[BodyStep]) -> int:
    frame = push_frame(m, job, FrameKind.SAGA, step, Frame.SIZE)
    m[frame + Frame.BASE] = high(m[job + Job.ACCOUNT])
    m[frame + Frame.HANDLE] = low(m[job + Job.SAGA])
    execution = high(m[job + Job.OWN])
    saga = allocate(m, 2)
    m[saga] = 0  # the latest compensation registered
    m[saga + 1] = m[execution + m[Header.JOB_SAGAS]]
    m[execution + m[Header.JOB_SAGAS]] = saga
    set_low(m, job + Job.SAGA, saga)
    return m[step + BodyStep.BODY]


@inner
def _step_compensate(m: Memory, job: Ref[Job], step: Ref[BodyStep]) -> int:
    """Register with the saga around."""
    saga = low(m[job + Job.SAGA])
    if saga:
        entry = allocate(m, 2)
        m[entry] = m[step + BodyStep.BODY]
        m[entry + 1] = m[saga]
        m[saga] = entry
    return m[step + Step.NEXT]


@inner
def _step_cached(m: Memory, f: Floats, job: Ref[Job], step: Ref[CachedStep]) -> int:
    """Look into the cache of the node held, and go on with hit or miss."""
    node = node_of(m, job, m[step + CachedStep.AT])
    if node < 0:
        return fail(m, f, job, Failure.NOT_HELD, -1, False)
    found = look(m, m[step + CachedStep.CACHE], node, high(m[job + Job.OWN]))
    return m[step + CachedStep.HIT] if found else m[step + CachedStep.MISS]


@inner
def _step_return(m: Memory, f: Floats, job: Ref[Job]) -> int:
    """The end of a routine: back to where it was called, or the end of the job."""
    frame = high(m[job + Job.LINK])
    if frame == 0:
        end_job(m, f, job, 0)
        return GONE
    after = m[m[frame + Frame.STEP] + Step.NEXT]
    pop_frame(m, job, frame)
    return after


@inner
def _step_end(m: Memory, f: Floats, job: Ref[Job], step: Ref[Step], code: int) -> int:
    """The end of a list of steps within a routine."""
    frame = high(m[job + Job.LINK])
    if code == Op.LOOP_END:
        return _next_round(m, job, frame)
    around = m[frame + Frame.STEP]
    if code == Op.ATTEMPT_END:
        attempt_succeeds(m, job, frame)
        return m[around + Step.NEXT]
    if code == Op.SAGA_END:
        set_low(m, job + Job.SAGA, m[frame + Frame.HANDLE])
        pop_frame(m, job, frame)
        return m[around + Step.NEXT]
    following = next_compensation(m, job, frame)
    if following:
        return following
    pop_frame(m, job, frame)
    return fail(m, f, job, Failure.COMPENSATED, -1, False)


@inner
def _other_step(m: Memory, f: Floats, job: Ref[Job], step: int, code: int) -> int:
    """Steps that are less frequent than the rest."""
    if code == Op.MARK:
        return step_mark(m, job, step)
    if code == Op.COUNT:
        return step_count(m, job, step)
    if code == Op.BRANCH:
        return _step_branch(m, f, job, step)
    if code == Op.LOOP:
        return _step_loop(m, f, job, step)
    if code == Op.SET:
        return step_set(m, f, job, step)
    if code == Op.ATTEMPT:
        return _step_attempt(m, f, job, step)
    if code == Op.FORK:
        return _step_fork(m, f, job, step)
    if code == Op.RACE:
        count = m[step + ForkStep.COUNT]
        new_fork_group(m, job, step, count, False, 1, 1, 0)
        return GONE
    if code == Op.SAGA:
        return _step_saga(m, job, step)
    if code == Op.COMPENSATE:
        return _step_compensate(m, job, step)
    if code == Op.FAIL:
        return step_fail(m, f, job, step)
    if code == Op.CACHED:
        return _step_cached(m, f, job, step)
    if code == Op.START:
        return step_start(m, job, step)
    if code == Op.FORGET:
        return step_forget(m, job, step)
    if code == Op.NOTIFY:
        return step_notify(m, step)
    if code == Op.PROMPT:
        return step_prompt(m, f, job, step)
    if code == Op.CHILD:
        return step_child(m, job, step)
    if code == Op.TELL:
        return step_tell(m, job, step)
    return _step_end(m, f, job, step, code)


# -- a job's way -------------------------------------------------------------------------------------------


@inner
def _pauses(m: Memory, f: Floats, job: Ref[Job], step: Ref[Step]) -> bool:
    """Whether a node that the job runs on is paused: it then waits for it to go on."""
    node = paused_at(m, f, job)
    if node == 0:
        return False
    waiting = allocate(m, Paused.SIZE)
    m[waiting + Paused.JOB] = job
    m[waiting + Paused.NODE] = node
    append(m, node + Node.RESUMED, waiting, Paused.LINKS)
    wait_for(m, job, Wait.PAUSED, waiting, step)
    return True


@inner
def take_steps(m: Memory, f: Floats, job: Ref[Job], step: int) -> None:
    """Take steps until one makes the job wait, or the job has ended."""
    while step > 0:
        if m[Header.PAUSES] and _pauses(m, f, job, step):
            return
        code = m[step + Step.CODE]
        if code == Op.ACQUIRE_PLAIN:
            step = acquire_plain(m, job, step)
        elif code == Op.ACQUIRE:
            step = step_acquire(m, f, job, step)
        elif code == Op.RELEASE_PLAIN or code == Op.RELEASE:
            step = step_release(m, f, job, step)
        elif code == Op.USE_PLAIN or code == Op.USE:
            step = step_use(m, f, job, step)
        elif code == Op.DELAY:
            step = step_delay(m, f, job, step)
        elif code == Op.CALL:
            push_frame(m, job, FrameKind.CALL, step, Frame.CALL_SIZE)
            m[job + Job.PATH] = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
            step = m[step + BodyStep.BODY]
        elif code == Op.RETURN:
            step = _step_return(m, f, job)
        else:
            step = _other_step(m, f, job, step, code)


# -- going on after a wait -----------------------------------------------------------------------------------


@inner
def _after_line(m: Memory, f: Floats, job: Ref[Job], step: Ref[AcquireStep], grant: Ref[Grant], value: int) -> int:
    """Units have been granted, or patience has run out."""
    place = grant_place(m, grant)
    spend(m, job, m[place + Place.STATE_WAIT], m[Header.NOW])
    if value:
        drop_grant(m, place, grant)
        if m[step + AcquireStep.OTHERWISE] == 0:
            return fail(m, f, job, Failure.PATIENCE, -1, False)
        return m[step + AcquireStep.OTHERWISE]
    stop_patience(m, place, grant)
    if m[grant + Grant.NODE] & Grant.OPENS:
        return open_unit(m, f, job, step, grant)
    return acquired(m, job, step, grant)


@inner
def _after_visit(m: Memory, f: Floats, job: Ref[Job], step: Ref[UseStep], visit: Ref[Grant], value: int) -> int:
    place = m[step + UseStep.PLACE]
    if value:
        cut_visit(m, f, place, job, visit)
        return fail(m, f, job, Failure.PATIENCE, -1, False)
    if m[step + Step.CODE] == Op.USE_PLAIN:
        return finish_plain(m, job, step, visit)
    error = finish_visit(m, f, place, job, step, visit)
    return fail(m, f, job, error, -1, False) if error else m[step + Step.NEXT]


@inner
def _after_rare(m: Memory, f: Floats, job: Ref[Job], step: int, kind: int, at: int, value: int) -> int:
    now = m[Header.NOW]
    if kind == Wait.OPENING:
        spend(m, job, m[grant_place(m, at) + Place.STATE_OPENING], now)
        return acquired(m, job, step, at)
    if kind == Wait.BLOCKED:
        place = m[step + UseStep.PLACE]
        spend(m, job, m[place + Place.STATE_BLOCKED], now)
        request_visit(m, f, place, job, step, at)
        return GONE
    if kind == Wait.NO_SERVER:
        place = m[step + UseStep.PLACE]
        if value:
            account_cut_customer(m, place, job, at)
            return fail(m, f, job, Failure.PATIENCE, -1, False)
        error = finish_customer(m, f, place, job, step, at)
        return fail(m, f, job, error, -1, False) if error else m[step + Step.NEXT]
    if kind == Wait.FORK:
        return fork_group_settled(m, f, job, step, at)
    if kind == Wait.ATTEMPT:
        return attempt_settled(m, f, job, at)
    if kind == Wait.BACKOFF:
        spend(m, job, m[Header.STATE_BACKOFF], now)
        timer_ended(m, m[step + AttemptStep.TIMERS])
        return begin_attempt(m, f, job, high(m[job + Job.LINK]))
    if kind == Wait.CHILD:
        error = hear(m, job, step, at)
        return fail(m, f, job, error, -1, False) if error else m[step + Step.NEXT]
    if kind == Wait.TOLD:
        told(m, job, step, at)
        return m[step + Step.NEXT]
    # paused
    spend(m, job, m[Header.STATE_PAUSED], now)
    free(m, at, Paused.SIZE)
    return step


@inner
def go_on(m: Memory, f: Floats, job: Ref[Job], value: int) -> None:
    """The job's wait is over; value 1: because its patience has run out."""
    state = m[job + Job.STATE]
    kind = wait_kind(m, job)
    step = state & LOW
    at = m[job + Job.LINK] & LOW
    if kind == Wait.VISIT:
        step = _after_visit(m, f, job, step, at, value)
    elif kind == Wait.QUEUE:
        step = _after_line(m, f, job, step, at, value)
    elif kind == Wait.DELAY:
        spend(m, job, m[step + DelayStep.STATE], m[Header.NOW])
        timer_ended(m, m[step + DelayStep.TIMERS])
        step = m[step + Step.NEXT]
    elif kind == Wait.DELAY_STATION:
        place = m[step + UseStep.PLACE]
        leave_room(m, place, job, m[place + Place.STATE_SERVICE])
        step = m[step + Step.NEXT]
    elif kind != Wait.START:
        step = _after_rare(m, f, job, step, kind, at, value)
    take_steps(m, f, job, step)


@inner
def interrupted(m: Memory, f: Floats, job: Ref[Job], error: int, depth: int) -> None:
    """An interruption reaches the job at whatever it waits for."""
    between = wait_kind(m, job) == Wait.BACKOFF
    stop_waiting(m, f, job)
    if between:  # no attempt is under way that could fail
        pop_frame(m, job, high(m[job + Job.LINK]))
    if error == Failure.CANCELLED:
        called_off(m, f, job)
    else:
        take_steps(m, f, job, fail(m, f, job, error, depth, False))
