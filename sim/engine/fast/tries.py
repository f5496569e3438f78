"""The beginning of each try of an attempt. How one fails or succeeds is told in `ends`, its timers in `trials`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast import layout as L
from sim.engine.fast.breakers import ask_breaker
from sim.engine.fast.ends import GONE, fail
from sim.engine.fast.jobs import new_child, snapshot, wait_for
from sim.engine.fast.memory import Floats, Memory, give, high, low, take
from sim.engine.fast.trials import set_timer, start_trial


@inner
def _new_trial(m: Memory, job: int, step: int, deadline: int) -> int:
    trial = take(m, L.Y_SIZE)
    m[trial + L.Y_KIND] = L.TRIAL
    m[trial + L.Y_STEP] = step
    m[trial + L.Y_JOB] = job
    m[trial + L.Y_OUTER] = high(m[job + L.J_REFS])
    m[trial + L.Y_OPEN] = 1
    m[trial + L.Y_EXPIRED] = 0
    m[trial + L.Y_LOST] = 0
    m[trial + L.Y_STARTED] = -1
    m[trial + L.Y_BEAT] = -1
    m[trial + L.Y_SETTLED] = -1
    m[trial + L.Y_NODE] = 0
    m[trial + L.Y_ERROR] = 0
    m[trial + L.Y_LISTED] = 0
    for which in range(4):
        m[trial + L.Y_ALARMS + which] = 0
    child = new_child(m, job, m[job + L.J_PATH], m[step + L.AT_BODY], trial, trial)
    m[child + L.J_REFS] += 1  # the trial needs it until it is closed
    m[trial + L.Y_CHILD] = child
    if m[step + L.AT_SCC] >= 0:
        set_timer(m, trial, L.SCHEDULE_TO_CLOSE, max(m[L.H_NOW], deadline - m[L.H_WALL]))
    if m[step + L.AT_STARTS] == L.AT_ONCE:
        start_trial(m, trial, 0)
    elif m[step + L.AT_STS] >= 0:
        set_timer(m, trial, L.SCHEDULE_TO_START, m[L.H_NOW] + m[step + L.AT_STS])
    return trial


@inner
def begin_attempt(m: Memory, f: Floats, job: int, frame: int) -> int:
    """The next attempt: gives its first step, or GONE when it runs as a child that the job awaits."""
    step = m[frame + L.F_STEP]
    number = m[frame + L.F_INDEX] + 1
    m[frame + L.F_INDEX] = number
    if m[step + L.AT_COUNTED] and m[job + L.J_STATE] & L.COHORT:
        routine = m[m[m[L.H_SOURCES] + (m[job + L.J_STATE] >> L.SOURCE_SHIFT)] + L.U_ROUTINE]
        m[m[L.H_ATTEMPTS] + 2 * routine + (0 if number == 1 else 1)] += 1
    m[job + L.J_PATH] = child_path(child_path(m[frame + L.F_PATH], m[step + L.O_SALT]), number)
    m[frame + L.F_BASE] = high(m[job + L.J_ACCOUNT])
    m[frame + L.F_PASSAGE] = 0
    if not m[step + L.AT_TIMED]:
        before = low(m[frame + L.F_HANDLE])
        if before:
            give(m, before, m[L.H_STATES])
        m[frame + L.F_HANDLE] = snapshot(m, job)
    if m[step + L.AT_BREAKER]:
        passage = ask_breaker(m, job, m[step + L.AT_BREAKER])
        if passage < 0:
            return fail(m, f, job, -passage, -1, False)
        m[frame + L.F_PASSAGE] = passage
    if not m[step + L.AT_TIMED]:
        return m[step + L.AT_BODY]
    trial = _new_trial(m, job, step, m[frame + L.F_OTHER])
    m[frame + L.F_HANDLE] = trial << 31
    wait_for(m, job, L.W_TRIAL, trial, step)
    return GONE
