"""Timers of an attempt: its start, its four timeouts, its heartbeats. `attempts` decides on a retry."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    Attempt,
    AttemptStep,
    Due,
    Failure,
    Header,
    Job,
    Node,
    Ref,
    Starts,
    Step,
    Timeout,
    Timer,
)
from sim.engine.fast.memory import Memory, add, allocate, interrupt
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import end_timer, key_of, make_timer, set_timer
from sim.engine.order import TIMEOUT


@inner
def set_timeout(m: Memory, attempt: Ref[Attempt], which: int, time: int) -> None:
    """Let one of the four timers expire at a time."""
    timer = allocate(m, Timer.SIZE)
    make_timer(
        m,
        timer,
        key_of(TIMEOUT, m[m[attempt + Attempt.STEP] + Step.ELEMENT] + which, Due.ATTEMPT),
        m[m[attempt + Attempt.JOB] + Job.ORDER],
        attempt << 2 | which,
    )
    m[attempt + Attempt.TIMERS + which] = timer
    set_timer(m, time, timer)


@inner
def start_attempt(m: Memory, attempt: Ref[Attempt], where: Ref[Node]) -> None:
    """The attempt has started, on a node of a group (0: on none)."""
    if not m[attempt + Attempt.OPEN] or m[attempt + Attempt.STARTED] >= 0:
        return
    now = m[Header.NOW]
    step = m[attempt + Attempt.STEP]
    m[attempt + Attempt.STARTED] = now
    m[attempt + Attempt.BEAT] = now
    end_timer(m, attempt + Attempt.TIMERS + Timeout.SCHEDULE_TO_START)
    if m[step + AttemptStep.STC] >= 0:
        set_timeout(m, attempt, Timeout.START_TO_CLOSE, now + m[step + AttemptStep.STC])
    if where and (m[step + AttemptStep.BEAT] >= 0 or m[step + AttemptStep.SILENT]):
        m[attempt + Attempt.NODE] = where
        m[attempt + Attempt.LISTED] = 1
        append(m, where + Node.ATTEMPTS, attempt, Attempt.LINKS)


@inner
def attempts_granted(m: Memory, attempt: Ref[Attempt], where: int) -> None:
    """A unit was granted inside: the attempts around start, unless a step says where they do."""
    while attempt:
        if m[attempt + Attempt.STARTED] < 0 and m[m[attempt + Attempt.STEP] + AttemptStep.STARTS] == Starts.GRANTED:
            start_attempt(m, attempt, where)
        attempt = m[attempt + Attempt.OUTER]


@inner
def signs_stop(m: Memory, attempt: Ref[Attempt]) -> None:
    """No sign of life comes for now."""
    step = m[attempt + Attempt.STEP]
    timeout = m[step + AttemptStep.BEAT]
    if timeout < 0 or not m[attempt + Attempt.OPEN] or m[attempt + Attempt.TIMERS + Timeout.HEARTBEAT]:
        return
    now, beat, interval = m[Header.NOW], m[attempt + Attempt.BEAT], m[step + AttemptStep.BEAT_INTERVAL]
    last = beat + (now - beat) // interval * interval
    set_timeout(m, attempt, Timeout.HEARTBEAT, max(last + timeout, now))


@inner
def signs_come(m: Memory, attempt: Ref[Attempt]) -> None:
    """Signs of life come again, the first one now."""
    m[attempt + Attempt.BEAT] = m[Header.NOW]
    end_timer(m, attempt + Attempt.TIMERS + Timeout.HEARTBEAT)


@inner
def node_lost(m: Memory, where: Ref[Node]) -> None:
    """A node has crashed: no sign of life comes from the attempts on it any more."""
    attempt = m[where + Node.ATTEMPTS]
    while attempt:
        m[attempt + Attempt.LOST] = 1
        signs_stop(m, attempt)
        m[attempt + Attempt.LISTED] = 0
        attempt = m[attempt + Attempt.LINKS] & ((1 << 31) - 1)
    m[where + Node.ATTEMPTS] = 0
    m[where + Node.ATTEMPTS + 1] = 0


@inner
def close_attempt(m: Memory, attempt: Ref[Attempt]) -> None:
    """Stop the timers; nothing that happens to the child matters any more."""
    m[attempt + Attempt.OPEN] = 0
    for which in range(4):
        end_timer(m, attempt + Attempt.TIMERS + which)
    if m[attempt + Attempt.LISTED]:
        m[attempt + Attempt.LISTED] = 0
        unlink(m, m[attempt + Attempt.NODE] + Node.ATTEMPTS, attempt, Attempt.LINKS)


@inner
def _settle(m: Memory, attempt: Ref[Attempt], error: int) -> None:
    if m[attempt + Attempt.OPEN]:
        m[attempt + Attempt.OPEN] = 0
        m[attempt + Attempt.SETTLED] = m[Header.NOW]
        m[attempt + Attempt.ERROR] = error
        wake(m, m[attempt + Attempt.JOB], 0)


@inner
def timer_expired(m: Memory, attempt: Ref[Attempt], which: int) -> bool:
    """One of the timers has expired; says whether anybody reacts."""
    if not m[attempt + Attempt.OPEN]:
        return False
    m[attempt + Attempt.EXPIRED] = 1
    child = m[attempt + Attempt.CHILD]
    # Where nobody has begun the task is taken back; a body that learns of its deadline stops, too.
    if (m[attempt + Attempt.STARTED] < 0 or m[m[attempt + Attempt.STEP] + AttemptStep.STOPS]) and m[
        child + Job.STATE
    ] & Job.ENDED == 0:
        interrupt(m, child, Failure.CANCELLED, -1, 0)
    _settle(m, attempt, Failure.TIMEOUT_START_TO_CLOSE + which)
    return True


@inner
def attempt_child_ended(m: Memory, attempt: Ref[Attempt], error: int) -> None:
    """The child of an attempt has ended."""
    if not m[attempt + Attempt.OPEN]:
        if m[attempt + Attempt.EXPIRED]:  # it ran on for nothing
            add(m, Header.OFF_PATH, m[Header.NOW] - m[attempt + Attempt.SETTLED])
        return
    if error == Failure.CANCELLED:
        return
    if error == Failure.CRASH and m[attempt + Attempt.LOST] and m[m[attempt + Attempt.STEP] + AttemptStep.SILENT]:
        return  # nobody hears; only a timer ends this attempt
    _settle(m, attempt, error)
