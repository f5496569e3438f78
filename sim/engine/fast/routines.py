"""Steps with steps inside, and taking one step after the other. Going on after a wait is told in `waits`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
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
from sim.engine.fast.layout import (
    AT_BUDGET,
    AT_SCC,
    ATTEMPT_FRAME,
    B_CANCELS,
    B_DECIDING,
    B_ERROR,
    BR_COUNT,
    BR_DRAWS,
    BR_STREAM,
    BR_WAY,
    BR_WAYS,
    CALL_FRAME,
    CC_AT,
    CC_CACHE,
    CC_HIT,
    CC_MISS,
    CL_BODY,
    CO_BODY,
    D_RESUMED,
    F_BASE,
    F_CALL_SIZE,
    F_HANDLE,
    F_INDEX,
    F_OTHER,
    F_SIZE,
    F_STEP,
    F_VALUE,
    FO_CANCELS,
    FO_COUNT,
    FO_JOIN,
    FO_KIND,
    FO_NUMBER,
    H_NOW,
    H_PAUSES,
    H_WALL,
    J_ACCOUNT,
    J_LINK,
    J_OWN,
    J_PATH,
    J_SAGA,
    LO_BODY,
    LO_NUMBER,
    LOOP_FRAME,
    O_CODE,
    O_NEXT,
    O_SALT,
    OP_ACQUIRE,
    OP_ACQUIRE_PLAIN,
    OP_ATTEMPT,
    OP_ATTEMPT_END,
    OP_BRANCH,
    OP_CACHED,
    OP_CALL,
    OP_COMPENSATE,
    OP_COUNT,
    OP_DELAY,
    OP_FAIL,
    OP_FORGET,
    OP_FORK,
    OP_LOOP,
    OP_LOOP_END,
    OP_MARK,
    OP_NOTIFY,
    OP_PROMPT,
    OP_RACE,
    OP_RELEASE,
    OP_RELEASE_PLAIN,
    OP_RETURN,
    OP_SAGA,
    OP_SAGA_END,
    OP_SET,
    OP_START,
    OP_USE,
    OP_USE_PLAIN,
    SAGA_FRAME,
    SG_BODY,
    W_PAUSED,
    X_ATTRIBUTES,
    X_COMPENSATED,
    X_JOIN,
    X_NOT_HELD,
    X_SAGAS,
    Z_JOB,
    Z_LINKS,
    Z_NODE,
    Z_SIZE,
)
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
    u = uniform(m[step + BR_STREAM], m[job + J_PATH], 0) if m[step + BR_DRAWS] else 0.0
    upper = 0.0
    for way in range(m[step + BR_COUNT]):
        at = step + BR_WAYS + BR_WAY * way
        kind = m[at]
        if kind == 0:  # by chance
            upper += f[at + 1]
            taken = u < upper
        elif kind == 1:  # by an attribute
            value = m[high(m[job + J_OWN]) + m[X_ATTRIBUTES] + m[at + 1]]
            taken = (not m[at + 2] or value > f[at + 3]) and (not m[at + 4] or value < f[at + 5])
        else:
            taken = True
        if taken:
            return m[at + 6]
    return m[step + O_NEXT]


@inner
def _next_round(m: Memory, job: int, frame: int) -> int:
    """The first step of the next round of a loop, or what comes after the last one."""
    step = m[frame + F_STEP]
    index = m[frame + F_INDEX]
    if index == m[frame + F_OTHER]:
        pop_frame(m, job, frame)
        return m[step + O_NEXT]
    m[frame + F_INDEX] = index + 1
    m[job + J_PATH] = child_path(m[frame + F_BASE], index)
    return m[step + LO_BODY]


@inner
def _step_loop(m: Memory, f: Floats, job: int, step: int) -> int:
    times = number_of(m, f, step + LO_NUMBER, job, m[job + J_PATH])
    if times <= 0:
        return m[step + O_NEXT]
    frame = push_frame(m, job, LOOP_FRAME, step, F_SIZE)
    m[frame + F_INDEX] = 0
    m[frame + F_OTHER] = times
    m[frame + F_BASE] = child_path(m[job + J_PATH], m[step + O_SALT])
    return _next_round(m, job, frame)


@inner
def _step_fork(m: Memory, f: Floats, job: int, step: int) -> int:
    """Start the children and wait for as many as the join asks for."""
    same = m[step + FO_KIND] == 1
    count = number_of(m, f, step + FO_NUMBER, job, m[job + J_PATH]) if same else m[step + FO_COUNT]
    if count <= 0:
        return m[step + O_NEXT]
    join = m[step + FO_JOIN]
    needed = count if join == -1 else 1 if join == -2 else join
    if needed > count:
        return fail(m, f, job, X_JOIN, -1, False)
    new_family(m, job, step, count, same, needed, m[step + FO_CANCELS], count - needed)
    return m[step + O_NEXT] if needed == 0 else GONE


@inner
def family_settled(m: Memory, f: Floats, job: int, step: int, family: int) -> int:
    """The join has fired or failed: take over the time of the child that decided it."""
    error = m[family + B_ERROR]
    take_over(m, job, m[family + B_DECIDING])
    if m[family + B_CANCELS]:
        stop_family(m, family)
    leave_family(m, family)
    return fail(m, f, job, error, -1, False) if error else m[step + O_NEXT]


@inner
def _step_attempt(m: Memory, f: Floats, job: int, step: int) -> int:
    frame = push_frame(m, job, ATTEMPT_FRAME, step, F_SIZE)
    m[frame + F_INDEX] = 0
    m[frame + F_OTHER] = m[H_NOW] + m[H_WALL] + m[step + AT_SCC]  # deadline by the wall clock, if there is one
    f[frame + F_VALUE] = 0.0
    m[frame + F_HANDLE] = 0
    if m[step + AT_BUDGET]:
        put_in(m, job, m[step + AT_BUDGET])
    return begin_attempt(m, f, job, frame)


@inner
def _step_saga(m: Memory, job: int, step: int) -> int:
    frame = push_frame(m, job, SAGA_FRAME, step, F_SIZE)
    m[frame + F_BASE] = high(m[job + J_ACCOUNT])
    m[frame + F_HANDLE] = low(m[job + J_SAGA])
    execution = high(m[job + J_OWN])
    saga = take(m, 2)
    m[saga] = 0  # the latest compensation registered
    m[saga + 1] = m[execution + m[X_SAGAS]]
    m[execution + m[X_SAGAS]] = saga
    set_low(m, job + J_SAGA, saga)
    return m[step + SG_BODY]


@inner
def _step_compensate(m: Memory, job: int, step: int) -> int:
    """Register with the saga around."""
    saga = low(m[job + J_SAGA])
    if saga:
        entry = take(m, 2)
        m[entry] = m[step + CO_BODY]
        m[entry + 1] = m[saga]
        m[saga] = entry
    return m[step + O_NEXT]


@inner
def _step_cached(m: Memory, f: Floats, job: int, step: int) -> int:
    """Look into the cache of the node held, and go on with hit or miss."""
    node = node_of(m, job, m[step + CC_AT])
    if node < 0:
        return fail(m, f, job, X_NOT_HELD, -1, False)
    found = look(m, m[step + CC_CACHE], node, high(m[job + J_OWN]))
    return m[step + CC_HIT] if found else m[step + CC_MISS]


@inner
def _step_return(m: Memory, f: Floats, job: int) -> int:
    """The end of a routine: back to where it was called, or the end of the job."""
    frame = high(m[job + J_LINK])
    if frame == 0:
        end_job(m, f, job, 0)
        return GONE
    after = m[m[frame + F_STEP] + O_NEXT]
    pop_frame(m, job, frame)
    return after


@inner
def _step_end(m: Memory, f: Floats, job: int, step: int, code: int) -> int:
    """The end of a list of steps within a routine."""
    frame = high(m[job + J_LINK])
    if code == OP_LOOP_END:
        return _next_round(m, job, frame)
    around = m[frame + F_STEP]
    if code == OP_ATTEMPT_END:
        attempt_succeeds(m, job, frame)
        return m[around + O_NEXT]
    if code == OP_SAGA_END:
        set_low(m, job + J_SAGA, m[frame + F_HANDLE])
        pop_frame(m, job, frame)
        return m[around + O_NEXT]
    following = next_compensation(m, job, frame)
    if following:
        return following
    pop_frame(m, job, frame)
    return fail(m, f, job, X_COMPENSATED, -1, False)


@inner
def _other_step(m: Memory, f: Floats, job: int, step: int, code: int) -> int:
    """Steps that are less frequent than the rest."""
    if code == OP_MARK:
        return step_mark(m, job, step)
    if code == OP_COUNT:
        return step_count(m, job, step)
    if code == OP_BRANCH:
        return _step_branch(m, f, job, step)
    if code == OP_LOOP:
        return _step_loop(m, f, job, step)
    if code == OP_SET:
        return step_set(m, f, job, step)
    if code == OP_ATTEMPT:
        return _step_attempt(m, f, job, step)
    if code == OP_FORK:
        return _step_fork(m, f, job, step)
    if code == OP_RACE:
        count = m[step + FO_COUNT]
        new_family(m, job, step, count, False, 1, 1, 0)
        return GONE
    if code == OP_SAGA:
        return _step_saga(m, job, step)
    if code == OP_COMPENSATE:
        return _step_compensate(m, job, step)
    if code == OP_FAIL:
        return step_fail(m, f, job, step)
    if code == OP_CACHED:
        return _step_cached(m, f, job, step)
    if code == OP_START:
        return step_start(m, job, step)
    if code == OP_FORGET:
        return step_forget(m, job, step)
    if code == OP_NOTIFY:
        return step_notify(m, step)
    if code == OP_PROMPT:
        return step_prompt(m, f, job, step)
    return _step_end(m, f, job, step, code)


# -- a job's way -------------------------------------------------------------------------------------------


@inner
def _pauses(m: Memory, f: Floats, job: int, step: int) -> bool:
    """Whether a node that the job runs on is paused: it then waits for it to go on."""
    node = paused_at(m, f, job)
    if node == 0:
        return False
    waiting = take(m, Z_SIZE)
    m[waiting + Z_JOB] = job
    m[waiting + Z_NODE] = node
    append(m, node + D_RESUMED, waiting, Z_LINKS)
    wait_for(m, job, W_PAUSED, waiting, step)
    return True


@inner
def take_steps(m: Memory, f: Floats, job: int, step: int) -> None:
    """Take steps until one makes the job wait, or the job has ended."""
    while step > 0:
        if m[H_PAUSES] and _pauses(m, f, job, step):
            return
        code = m[step + O_CODE]
        if code == OP_ACQUIRE_PLAIN:
            step = acquire_plain(m, job, step)
        elif code == OP_ACQUIRE:
            step = step_acquire(m, f, job, step)
        elif code == OP_RELEASE_PLAIN or code == OP_RELEASE:
            step = step_release(m, f, job, step)
        elif code == OP_USE_PLAIN or code == OP_USE:
            step = step_use(m, f, job, step)
        elif code == OP_DELAY:
            step = step_delay(m, f, job, step)
        elif code == OP_CALL:
            push_frame(m, job, CALL_FRAME, step, F_CALL_SIZE)
            m[job + J_PATH] = child_path(m[job + J_PATH], m[step + O_SALT])
            step = m[step + CL_BODY]
        elif code == OP_RETURN:
            step = _step_return(m, f, job)
        else:
            step = _other_step(m, f, job, step, code)
