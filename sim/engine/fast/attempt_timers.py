"""Timers of an attempt: its start, its four timeouts, its heartbeats. `attempts` decides on a retry."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    Attempt,
    AttemptAt,
    AttemptStep,
    Due,
    Failure,
    Header,
    Job,
    Node,
    NodeAt,
    Starts,
    Step,
    Timeout,
    Timer,
)
from sim.engine.fast.memory import Memory, add, allocate, free, interrupt
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import cancel, key_of, set_alarm
from sim.engine.order import TIMEOUT


@inner
def set_timer(m: Memory, trial: AttemptAt, which: int, time: int) -> None:
    """Let one of the four timers expire at a time."""
    alarm = allocate(m, Timer.SIZE)
    m[alarm] = key_of(TIMEOUT, m[m[trial + Attempt.STEP] + Step.ELEMENT] + which, Due.ATTEMPT)
    m[alarm + Timer.VISIT] = m[m[trial + Attempt.JOB] + Job.ORDER]
    m[alarm + Timer.OWNER] = trial << 2 | which
    m[trial + Attempt.TIMERS + which] = alarm
    set_alarm(m, time, alarm)


@inner
def stop_timer(m: Memory, trial: AttemptAt, which: int) -> None:
    """A timer has lost its reason."""
    alarm = m[trial + Attempt.TIMERS + which]
    if alarm:
        cancel(m, alarm)
        free(m, alarm, Timer.SIZE)
        m[trial + Attempt.TIMERS + which] = 0


@inner
def start_trial(m: Memory, trial: AttemptAt, where: NodeAt) -> None:
    """The attempt has started, on a node of a group (0: on none)."""
    if not m[trial + Attempt.OPEN] or m[trial + Attempt.STARTED] >= 0:
        return
    now = m[Header.NOW]
    step = m[trial + Attempt.STEP]
    m[trial + Attempt.STARTED] = now
    m[trial + Attempt.BEAT] = now
    stop_timer(m, trial, Timeout.SCHEDULE_TO_START)
    if m[step + AttemptStep.STC] >= 0:
        set_timer(m, trial, Timeout.START_TO_CLOSE, now + m[step + AttemptStep.STC])
    if where and (m[step + AttemptStep.BEAT] >= 0 or m[step + AttemptStep.SILENT]):
        m[trial + Attempt.NODE] = where
        m[trial + Attempt.LISTED] = 1
        append(m, where + Node.ATTEMPTS, trial, Attempt.LINKS)


@inner
def trials_granted(m: Memory, trial: AttemptAt, where: int) -> None:
    """A unit was granted inside: the attempts around start, unless a step says where they do."""
    while trial:
        if m[trial + Attempt.STARTED] < 0 and m[m[trial + Attempt.STEP] + AttemptStep.STARTS] == Starts.GRANTED:
            start_trial(m, trial, where)
        trial = m[trial + Attempt.OUTER]


@inner
def signs_stop(m: Memory, trial: AttemptAt) -> None:
    """No sign of life comes for now."""
    step = m[trial + Attempt.STEP]
    timeout = m[step + AttemptStep.BEAT]
    if timeout < 0 or not m[trial + Attempt.OPEN] or m[trial + Attempt.TIMERS + Timeout.HEARTBEAT]:
        return
    now, beat, interval = m[Header.NOW], m[trial + Attempt.BEAT], m[step + AttemptStep.BEAT_INTERVAL]
    last = beat + (now - beat) // interval * interval
    set_timer(m, trial, Timeout.HEARTBEAT, max(last + timeout, now))


@inner
def signs_come(m: Memory, trial: AttemptAt) -> None:
    """Signs of life come again, the first one now."""
    m[trial + Attempt.BEAT] = m[Header.NOW]
    stop_timer(m, trial, Timeout.HEARTBEAT)


@inner
def node_lost(m: Memory, where: NodeAt) -> None:
    """A node has crashed: no sign of life comes from the attempts on it any more."""
    trial = m[where + Node.ATTEMPTS]
    while trial:
        m[trial + Attempt.LOST] = 1
        signs_stop(m, trial)
        m[trial + Attempt.LISTED] = 0
        trial = m[trial + Attempt.LINKS] & ((1 << 31) - 1)
    m[where + Node.ATTEMPTS] = 0
    m[where + Node.ATTEMPTS + 1] = 0


@inner
def close_trial(m: Memory, trial: AttemptAt) -> None:
    """Stop the timers; nothing that happens to the child matters any more."""
    m[trial + Attempt.OPEN] = 0
    for which in range(4):
        stop_timer(m, trial, which)
    if m[trial + Attempt.LISTED]:
        m[trial + Attempt.LISTED] = 0
        unlink(m, m[trial + Attempt.NODE] + Node.ATTEMPTS, trial, Attempt.LINKS)


@inner
def _settle(m: Memory, trial: AttemptAt, error: int) -> None:
    if m[trial + Attempt.OPEN]:
        m[trial + Attempt.OPEN] = 0
        m[trial + Attempt.SETTLED] = m[Header.NOW]
        m[trial + Attempt.ERROR] = error
        wake(m, m[trial + Attempt.JOB], 0)


@inner
def timer_expired(m: Memory, trial: AttemptAt, which: int) -> bool:
    """One of the timers has expired; says whether anybody reacts."""
    if not m[trial + Attempt.OPEN]:
        return False
    m[trial + Attempt.EXPIRED] = 1
    child = m[trial + Attempt.CHILD]
    # Where nobody has begun the task is taken back; a body that learns of its deadline stops, too.
    if (m[trial + Attempt.STARTED] < 0 or m[m[trial + Attempt.STEP] + AttemptStep.STOPS]) and m[
        child + Job.STATE
    ] & Job.ENDED == 0:
        interrupt(m, child, Failure.CANCELLED, -1, 0)
    _settle(m, trial, Failure.TIMEOUT_START_TO_CLOSE + which)
    return True


@inner
def trial_child_ended(m: Memory, trial: AttemptAt, error: int) -> None:
    """The child of an attempt has ended."""
    if not m[trial + Attempt.OPEN]:
        if m[trial + Attempt.EXPIRED]:  # it ran on for nothing
            add(m, Header.OFF_PATH, m[Header.NOW] - m[trial + Attempt.SETTLED])
        return
    if error == Failure.CANCELLED:
        return
    if error == Failure.CRASH and m[trial + Attempt.LOST] and m[m[trial + Attempt.STEP] + AttemptStep.SILENT]:
        return  # nobody hears; only a timer ends this attempt
    _settle(m, trial, error)
