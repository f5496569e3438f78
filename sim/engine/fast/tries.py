"""The beginning of each try of an attempt. How one fails or succeeds is told in `ends`, its timers in `trials`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.breakers import ask_breaker
from sim.engine.fast.ends import GONE, fail
from sim.engine.fast.jobs import new_child, snapshot, wait_for
from sim.engine.fast.layout import (
    AT_BODY,
    AT_BREAKER,
    AT_COUNTED,
    AT_ONCE,
    AT_SCC,
    AT_STARTS,
    AT_STS,
    AT_TIMED,
    COHORT,
    F_BASE,
    F_HANDLE,
    F_INDEX,
    F_OTHER,
    F_PASSAGE,
    F_PATH,
    F_STEP,
    H_ATTEMPTS,
    H_NOW,
    H_SOURCES,
    H_STATES,
    H_WALL,
    J_ACCOUNT,
    J_PATH,
    J_REFS,
    J_STATE,
    O_SALT,
    SCHEDULE_TO_CLOSE,
    SCHEDULE_TO_START,
    SOURCE_SHIFT,
    TRIAL,
    U_ROUTINE,
    W_TRIAL,
    Y_ALARMS,
    Y_BEAT,
    Y_CHILD,
    Y_ERROR,
    Y_EXPIRED,
    Y_JOB,
    Y_KIND,
    Y_LISTED,
    Y_LOST,
    Y_NODE,
    Y_OPEN,
    Y_OUTER,
    Y_SETTLED,
    Y_SIZE,
    Y_STARTED,
    Y_STEP,
)
from sim.engine.fast.memory import Floats, Memory, give, high, low, take
from sim.engine.fast.trials import set_timer, start_trial


@inner
def _new_trial(m: Memory, job: int, step: int, deadline: int) -> int:
    trial = take(m, Y_SIZE)
    m[trial + Y_KIND] = TRIAL
    m[trial + Y_STEP] = step
    m[trial + Y_JOB] = job
    m[trial + Y_OUTER] = high(m[job + J_REFS])
    m[trial + Y_OPEN] = 1
    m[trial + Y_EXPIRED] = 0
    m[trial + Y_LOST] = 0
    m[trial + Y_STARTED] = -1
    m[trial + Y_BEAT] = -1
    m[trial + Y_SETTLED] = -1
    m[trial + Y_NODE] = 0
    m[trial + Y_ERROR] = 0
    m[trial + Y_LISTED] = 0
    for which in range(4):
        m[trial + Y_ALARMS + which] = 0
    child = new_child(m, job, m[job + J_PATH], m[step + AT_BODY], trial, trial)
    m[child + J_REFS] += 1  # the trial needs it until it is closed
    m[trial + Y_CHILD] = child
    if m[step + AT_SCC] >= 0:
        set_timer(m, trial, SCHEDULE_TO_CLOSE, max(m[H_NOW], deadline - m[H_WALL]))
    if m[step + AT_STARTS] == AT_ONCE:
        start_trial(m, trial, 0)
    elif m[step + AT_STS] >= 0:
        set_timer(m, trial, SCHEDULE_TO_START, m[H_NOW] + m[step + AT_STS])
    return trial


@inner
def begin_attempt(m: Memory, f: Floats, job: int, frame: int) -> int:
    """The next attempt: gives its first step, or GONE when it runs as a child that the job awaits."""
    step = m[frame + F_STEP]
    number = m[frame + F_INDEX] + 1
    m[frame + F_INDEX] = number
    if m[step + AT_COUNTED] and m[job + J_STATE] & COHORT:
        routine = m[m[m[H_SOURCES] + (m[job + J_STATE] >> SOURCE_SHIFT)] + U_ROUTINE]
        m[m[H_ATTEMPTS] + 2 * routine + (0 if number == 1 else 1)] += 1
    m[job + J_PATH] = child_path(child_path(m[frame + F_PATH], m[step + O_SALT]), number)
    m[frame + F_BASE] = high(m[job + J_ACCOUNT])
    m[frame + F_PASSAGE] = 0
    if not m[step + AT_TIMED]:
        before = low(m[frame + F_HANDLE])
        if before:
            give(m, before, m[H_STATES])
        m[frame + F_HANDLE] = snapshot(m, job)
    if m[step + AT_BREAKER]:
        passage = ask_breaker(m, job, m[step + AT_BREAKER])
        if passage < 0:
            return fail(m, f, job, -passage, -1, False)
        m[frame + F_PASSAGE] = passage
    if not m[step + AT_TIMED]:
        return m[step + AT_BODY]
    trial = _new_trial(m, job, step, m[frame + F_OTHER])
    m[frame + F_HANDLE] = trial << 31
    wait_for(m, job, W_TRIAL, trial, step)
    return GONE
