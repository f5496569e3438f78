"""Attempts: begin the first one and each retry. `failures` ends them, `attempt_timers` times them."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.attempt_timers import set_timeout, start_attempt
from sim.engine.fast.failures import GONE, fail
from sim.engine.fast.jobs import new_child, snapshot, wait_for
from sim.engine.fast.layout import (
    Attempt,
    AttemptStep,
    Frame,
    Header,
    Job,
    Parent,
    Ref,
    Source,
    Starts,
    Step,
    Timeout,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, cleared, free, high, low
from sim.engine.fast.policies import ask_breaker


@inner
def _new_attempt(m: Memory, job: Ref[Job], step: Ref[AttemptStep], deadline: int) -> int:
    attempt = cleared(m, Attempt.SIZE)
    m[attempt + Attempt.KIND] = Parent.ATTEMPT
    m[attempt + Attempt.STEP] = step
    m[attempt + Attempt.JOB] = job
    m[attempt + Attempt.OUTER] = high(m[job + Job.REFS])
    m[attempt + Attempt.OPEN] = 1
    m[attempt + Attempt.STARTED] = -1
    m[attempt + Attempt.BEAT] = -1
    m[attempt + Attempt.SETTLED] = -1
    child = new_child(m, job, m[job + Job.PATH], m[step + AttemptStep.BODY], attempt, attempt)
    m[child + Job.REFS] += 1  # the attempt needs it until it is closed
    m[attempt + Attempt.CHILD] = child
    if m[step + AttemptStep.SCC] >= 0:
        set_timeout(m, attempt, Timeout.SCHEDULE_TO_CLOSE, max(m[Header.NOW], deadline - m[Header.WALL]))
    if m[step + AttemptStep.STARTS] == Starts.AT_ONCE:
        start_attempt(m, attempt, 0)
    elif m[step + AttemptStep.STS] >= 0:
        set_timeout(m, attempt, Timeout.SCHEDULE_TO_START, m[Header.NOW] + m[step + AttemptStep.STS])
    return attempt


@inner
def begin_attempt(m: Memory, f: Floats, job: Ref[Job], frame: Ref[Frame]) -> int:
    """The next attempt: gives its first step, or GONE when it runs as a child that the job awaits."""
    step = m[frame + Frame.STEP]
    number = m[frame + Frame.INDEX] + 1
    m[frame + Frame.INDEX] = number
    if m[step + AttemptStep.COUNTED] and m[job + Job.STATE] & Job.COHORT:
        routine = m[m[m[Header.SOURCES] + (m[job + Job.STATE] >> Job.SOURCE_SHIFT)] + Source.ROUTINE]
        m[m[Header.ATTEMPTS] + 2 * routine + (0 if number == 1 else 1)] += 1
    m[job + Job.PATH] = child_path(child_path(m[frame + Frame.PATH], m[step + Step.STREAM_OFFSET]), number)
    m[frame + Frame.BASE] = high(m[job + Job.ACCOUNT])
    m[frame + Frame.PASSAGE] = 0
    if not m[step + AttemptStep.TIMED]:
        before = low(m[frame + Frame.HANDLE])
        if before:
            free(m, before, m[Header.STATES])
        m[frame + Frame.HANDLE] = snapshot(m, job)
    if m[step + AttemptStep.BREAKER]:
        passage = ask_breaker(m, job, m[step + AttemptStep.BREAKER])
        if passage < 0:
            return fail(m, f, job, -passage, -1, False)
        m[frame + Frame.PASSAGE] = passage
    if not m[step + AttemptStep.TIMED]:
        return m[step + AttemptStep.BODY]
    attempt = _new_attempt(m, job, step, m[frame + Frame.OTHER])
    m[frame + Frame.HANDLE] = attempt << 31
    wait_for(m, job, Wait.ATTEMPT, attempt, step)
    return GONE
