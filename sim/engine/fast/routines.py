"""Steps with steps inside, and taking one step after the other. Going on after a wait is told in `waits`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast import layout as L
from sim.engine.fast.budgets import put_in
from sim.engine.fast.caches import look
from sim.engine.fast.draw import number_of
from sim.engine.fast.endings import end_job, pop_frame, push_frame
from sim.engine.fast.ends import (
    GONE,
    attempt_succeeds,
    fail,
    leave_family,
    next_compensation,
)
from sim.engine.fast.families import new_family, stop_family
from sim.engine.fast.jobs import node_of, paused_at, take_over, wait_for
from sim.engine.fast.lines import append
from sim.engine.fast.memory import Floats, Memory, high, low, set_low, take
from sim.engine.fast.plain import acquire_plain
from sim.engine.fast.steps import (
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
from sim.engine.fast.tries import begin_attempt

# -- steps with steps inside --------------------------------------------------------------------------------


@inner
def _step_branch(m: Memory, f: Floats, job: int, step: int) -> int:
    """Go the first way whose condition holds."""
    u = uniform(m[step + L.BR_STREAM], m[job + L.J_PATH], 0) if m[step + L.BR_DRAWS] else 0.0
    upper = 0.0
    for way in range(m[step + L.BR_COUNT]):
        at = step + L.BR_WAYS + L.BR_WAY * way
        kind = m[at]
        if kind == 0:  # by chance
            upper += f[at + 1]
            taken = u < upper
        elif kind == 1:  # by an attribute
            value = m[high(m[job + L.J_OWN]) + m[L.X_ATTRIBUTES] + m[at + 1]]
            taken = (not m[at + 2] or value > f[at + 3]) and (not m[at + 4] or value < f[at + 5])
        else:
            taken = True
        if taken:
            return m[at + 6]
    return m[step + L.O_NEXT]


@inner
def _next_round(m: Memory, job: int, frame: int) -> int:
    """The first step of the next round of a loop, or what comes after the last one."""
    step = m[frame + L.F_STEP]
    index = m[frame + L.F_INDEX]
    if index == m[frame + L.F_OTHER]:
        pop_frame(m, job, frame)
        return m[step + L.O_NEXT]
    m[frame + L.F_INDEX] = index + 1
    m[job + L.J_PATH] = child_path(m[frame + L.F_BASE], index)
    return m[step + L.LO_BODY]


@inner
def _step_loop(m: Memory, f: Floats, job: int, step: int) -> int:
    times = number_of(m, f, step + L.LO_NUMBER, job, m[job + L.J_PATH])
    if times <= 0:
        return m[step + L.O_NEXT]
    frame = push_frame(m, job, L.LOOP_FRAME, step, L.F_SIZE)
    m[frame + L.F_INDEX] = 0
    m[frame + L.F_OTHER] = times
    m[frame + L.F_BASE] = child_path(m[job + L.J_PATH], m[step + L.O_SALT])
    return _next_round(m, job, frame)


@inner
def _step_fork(m: Memory, f: Floats, job: int, step: int) -> int:
    """Start the children and wait for as many as the join asks for."""
    same = m[step + L.FO_KIND] == 1
    count = number_of(m, f, step + L.FO_NUMBER, job, m[job + L.J_PATH]) if same else m[step + L.FO_COUNT]
    if count <= 0:
        return m[step + L.O_NEXT]
    join = m[step + L.FO_JOIN]
    needed = count if join == -1 else 1 if join == -2 else join
    if needed > count:
        return fail(m, f, job, L.X_JOIN, -1, False)
    new_family(m, job, step, count, same, needed, m[step + L.FO_CANCELS], count - needed)
    return m[step + L.O_NEXT] if needed == 0 else GONE


@inner
def family_settled(m: Memory, f: Floats, job: int, step: int, family: int) -> int:
    """The join has fired or failed: take over the time of the child that decided it."""
    error = m[family + L.B_ERROR]
    take_over(m, job, m[family + L.B_DECIDING])
    if m[family + L.B_CANCELS]:
        stop_family(m, family)
    leave_family(m, family)
    return fail(m, f, job, error, -1, False) if error else m[step + L.O_NEXT]


@inner
def _step_attempt(m: Memory, f: Floats, job: int, step: int) -> int:
    frame = push_frame(m, job, L.ATTEMPT_FRAME, step, L.F_SIZE)
    m[frame + L.F_INDEX] = 0
    m[frame + L.F_OTHER] = m[L.H_NOW] + m[L.H_WALL] + m[step + L.AT_SCC]  # deadline by the wall clock, if there is one
    f[frame + L.F_VALUE] = 0.0
    m[frame + L.F_HANDLE] = 0
    if m[step + L.AT_BUDGET]:
        put_in(m, job, m[step + L.AT_BUDGET])
    return begin_attempt(m, f, job, frame)


@inner
def _step_saga(m: Memory, job: int, step: int) -> int:
    frame = push_frame(m, job, L.SAGA_FRAME, step, L.F_SIZE)
    m[frame + L.F_BASE] = high(m[job + L.J_ACCOUNT])
    m[frame + L.F_HANDLE] = low(m[job + L.J_SAGA])
    execution = high(m[job + L.J_OWN])
    saga = take(m, 2)
    m[saga] = 0  # the latest compensation registered
    m[saga + 1] = m[execution + m[L.X_SAGAS]]
    m[execution + m[L.X_SAGAS]] = saga
    set_low(m, job + L.J_SAGA, saga)
    return m[step + L.SG_BODY]


@inner
def _step_compensate(m: Memory, job: int, step: int) -> int:
    """Register with the saga around."""
    saga = low(m[job + L.J_SAGA])
    if saga:
        entry = take(m, 2)
        m[entry] = m[step + L.CO_BODY]
        m[entry + 1] = m[saga]
        m[saga] = entry
    return m[step + L.O_NEXT]


@inner
def _step_cached(m: Memory, f: Floats, job: int, step: int) -> int:
    """Look into the cache of the node held, and go on with hit or miss."""
    node = node_of(m, job, m[step + L.CC_AT])
    if node < 0:
        return fail(m, f, job, L.X_NOT_HELD, -1, False)
    found = look(m, m[step + L.CC_CACHE], node, high(m[job + L.J_OWN]))
    return m[step + L.CC_HIT] if found else m[step + L.CC_MISS]


@inner
def _step_return(m: Memory, f: Floats, job: int) -> int:
    """The end of a routine: back to where it was called, or the end of the job."""
    frame = high(m[job + L.J_LINK])
    if frame == 0:
        end_job(m, f, job, 0)
        return GONE
    after = m[m[frame + L.F_STEP] + L.O_NEXT]
    pop_frame(m, job, frame)
    return after


@inner
def _step_end(m: Memory, f: Floats, job: int, step: int, code: int) -> int:
    """The end of a list of steps within a routine."""
    frame = high(m[job + L.J_LINK])
    if code == L.OP_LOOP_END:
        return _next_round(m, job, frame)
    around = m[frame + L.F_STEP]
    if code == L.OP_ATTEMPT_END:
        attempt_succeeds(m, job, frame)
        return m[around + L.O_NEXT]
    if code == L.OP_SAGA_END:
        set_low(m, job + L.J_SAGA, m[frame + L.F_HANDLE])
        pop_frame(m, job, frame)
        return m[around + L.O_NEXT]
    following = next_compensation(m, job, frame)
    if following:
        return following
    pop_frame(m, job, frame)
    return fail(m, f, job, L.X_COMPENSATED, -1, False)


@inner
def _other_step(m: Memory, f: Floats, job: int, step: int, code: int) -> int:
    """Steps that are less frequent than the rest."""
    if code == L.OP_MARK:
        return step_mark(m, job, step)
    if code == L.OP_COUNT:
        return step_count(m, job, step)
    if code == L.OP_BRANCH:
        return _step_branch(m, f, job, step)
    if code == L.OP_LOOP:
        return _step_loop(m, f, job, step)
    if code == L.OP_SET:
        return step_set(m, f, job, step)
    if code == L.OP_ATTEMPT:
        return _step_attempt(m, f, job, step)
    if code == L.OP_FORK:
        return _step_fork(m, f, job, step)
    if code == L.OP_RACE:
        count = m[step + L.FO_COUNT]
        new_family(m, job, step, count, False, 1, 1, 0)
        return GONE
    if code == L.OP_SAGA:
        return _step_saga(m, job, step)
    if code == L.OP_COMPENSATE:
        return _step_compensate(m, job, step)
    if code == L.OP_FAIL:
        return step_fail(m, f, job, step)
    if code == L.OP_CACHED:
        return _step_cached(m, f, job, step)
    if code == L.OP_START:
        return step_start(m, job, step)
    if code == L.OP_FORGET:
        return step_forget(m, job, step)
    if code == L.OP_NOTIFY:
        return step_notify(m, step)
    if code == L.OP_PROMPT:
        return step_prompt(m, f, job, step)
    return _step_end(m, f, job, step, code)


# -- a job's way -------------------------------------------------------------------------------------------


@inner
def _pauses(m: Memory, f: Floats, job: int, step: int) -> bool:
    """Whether a node that the job runs on is paused: it then waits for it to go on."""
    node = paused_at(m, f, job)
    if node == 0:
        return False
    waiting = take(m, L.Z_SIZE)
    m[waiting + L.Z_JOB] = job
    m[waiting + L.Z_NODE] = node
    append(m, node + L.D_RESUMED, waiting, L.Z_LINKS)
    wait_for(m, job, L.W_PAUSED, waiting, step)
    return True


@inner
def take_steps(m: Memory, f: Floats, job: int, step: int) -> None:
    """Take steps until one makes the job wait, or the job has ended."""
    while step > 0:
        if m[L.H_PAUSES] and _pauses(m, f, job, step):
            return
        code = m[step + L.O_CODE]
        if code == L.OP_ACQUIRE_PLAIN:
            step = acquire_plain(m, job, step)
        elif code == L.OP_ACQUIRE:
            step = step_acquire(m, f, job, step)
        elif code == L.OP_RELEASE_PLAIN or code == L.OP_RELEASE:
            step = step_release(m, f, job, step)
        elif code == L.OP_USE_PLAIN or code == L.OP_USE:
            step = step_use(m, f, job, step)
        elif code == L.OP_DELAY:
            step = step_delay(m, f, job, step)
        elif code == L.OP_CALL:
            push_frame(m, job, L.CALL_FRAME, step, L.F_CALL_SIZE)
            m[job + L.J_PATH] = child_path(m[job + L.J_PATH], m[step + L.O_SALT])
            step = m[step + L.CL_BODY]
        elif code == L.OP_RETURN:
            step = _step_return(m, f, job)
        else:
            step = _other_step(m, f, job, step, code)
