"""Timed attempts: their start, their four timers, their signs of life. When to try again is told in `attempts`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    A_OWNER,
    A_SIZE,
    A_VISIT,
    AT_BEAT,
    AT_BEAT_INTERVAL,
    AT_SILENT,
    AT_STARTS,
    AT_STC,
    AT_STOPS,
    D_TRIALS,
    ENDED,
    GRANTED,
    H_NOW,
    H_OFF_PATH,
    HEARTBEAT,
    J_ORDER,
    J_STATE,
    O_ELEMENT,
    SCHEDULE_TO_START,
    START_TO_CLOSE,
    T_TRIAL,
    X_CANCELLED,
    X_CRASH,
    X_TIMEOUT,
    Y_ALARMS,
    Y_BEAT,
    Y_CHILD,
    Y_ERROR,
    Y_EXPIRED,
    Y_JOB,
    Y_LINKS,
    Y_LISTED,
    Y_LOST,
    Y_NODE,
    Y_OPEN,
    Y_OUTER,
    Y_SETTLED,
    Y_STARTED,
    Y_STEP,
)
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add, give, interrupt, take
from sim.engine.order import TIMEOUT


@inner
def set_timer(m: Memory, trial: int, which: int, time: int) -> None:
    """Let one of the four timers expire at a time."""
    alarm = take(m, A_SIZE)
    m[alarm] = key_of(TIMEOUT, m[m[trial + Y_STEP] + O_ELEMENT] + which, T_TRIAL)
    m[alarm + A_VISIT] = m[m[trial + Y_JOB] + J_ORDER]
    m[alarm + A_OWNER] = trial << 2 | which
    m[trial + Y_ALARMS + which] = alarm
    set_alarm(m, time, alarm)


@inner
def stop_timer(m: Memory, trial: int, which: int) -> None:
    """A timer has lost its reason."""
    alarm = m[trial + Y_ALARMS + which]
    if alarm:
        cancel(m, alarm)
        give(m, alarm, A_SIZE)
        m[trial + Y_ALARMS + which] = 0


@inner
def start_trial(m: Memory, trial: int, where: int) -> None:
    """The attempt has started, on a node of a group (0: on none)."""
    if not m[trial + Y_OPEN] or m[trial + Y_STARTED] >= 0:
        return
    now = m[H_NOW]
    step = m[trial + Y_STEP]
    m[trial + Y_STARTED] = now
    m[trial + Y_BEAT] = now
    stop_timer(m, trial, SCHEDULE_TO_START)
    if m[step + AT_STC] >= 0:
        set_timer(m, trial, START_TO_CLOSE, now + m[step + AT_STC])
    if where and (m[step + AT_BEAT] >= 0 or m[step + AT_SILENT]):
        m[trial + Y_NODE] = where
        m[trial + Y_LISTED] = 1
        append(m, where + D_TRIALS, trial, Y_LINKS)


@inner
def trials_granted(m: Memory, trial: int, where: int) -> None:
    """A unit was granted inside: the attempts around start, unless a step says where they do."""
    while trial:
        if m[trial + Y_STARTED] < 0 and m[m[trial + Y_STEP] + AT_STARTS] == GRANTED:
            start_trial(m, trial, where)
        trial = m[trial + Y_OUTER]


@inner
def signs_stop(m: Memory, trial: int) -> None:
    """No sign of life comes for now."""
    step = m[trial + Y_STEP]
    timeout = m[step + AT_BEAT]
    if timeout < 0 or not m[trial + Y_OPEN] or m[trial + Y_ALARMS + HEARTBEAT]:
        return
    now, beat, interval = m[H_NOW], m[trial + Y_BEAT], m[step + AT_BEAT_INTERVAL]
    last = beat + (now - beat) // interval * interval
    set_timer(m, trial, HEARTBEAT, max(last + timeout, now))


@inner
def signs_come(m: Memory, trial: int) -> None:
    """Signs of life come again, the first one now."""
    m[trial + Y_BEAT] = m[H_NOW]
    stop_timer(m, trial, HEARTBEAT)


@inner
def node_lost(m: Memory, where: int) -> None:
    """A node has crashed: no sign of life comes from the attempts on it any more."""
    trial = m[where + D_TRIALS]
    while trial:
        m[trial + Y_LOST] = 1
        signs_stop(m, trial)
        m[trial + Y_LISTED] = 0
        trial = m[trial + Y_LINKS] & ((1 << 31) - 1)
    m[where + D_TRIALS] = 0
    m[where + D_TRIALS + 1] = 0


@inner
def close_trial(m: Memory, trial: int) -> None:
    """Stop the timers; nothing that happens to the child matters any more."""
    m[trial + Y_OPEN] = 0
    for which in range(4):
        stop_timer(m, trial, which)
    if m[trial + Y_LISTED]:
        m[trial + Y_LISTED] = 0
        unlink(m, m[trial + Y_NODE] + D_TRIALS, trial, Y_LINKS)


@inner
def _settle(m: Memory, trial: int, error: int) -> None:
    if m[trial + Y_OPEN]:
        m[trial + Y_OPEN] = 0
        m[trial + Y_SETTLED] = m[H_NOW]
        m[trial + Y_ERROR] = error
        wake(m, m[trial + Y_JOB], 0)


@inner
def timer_expired(m: Memory, trial: int, which: int) -> bool:
    """One of the timers has expired; says whether anybody reacts."""
    if not m[trial + Y_OPEN]:
        return False
    m[trial + Y_EXPIRED] = 1
    child = m[trial + Y_CHILD]
    # Where nobody has begun the task is taken back; a body that learns of its deadline stops, too.
    if (m[trial + Y_STARTED] < 0 or m[m[trial + Y_STEP] + AT_STOPS]) and m[child + J_STATE] & ENDED == 0:
        interrupt(m, child, X_CANCELLED, -1, 0)
    _settle(m, trial, X_TIMEOUT + which)
    return True


@inner
def trial_child_ended(m: Memory, trial: int, error: int) -> None:
    """The child of an attempt has ended."""
    if not m[trial + Y_OPEN]:
        if m[trial + Y_EXPIRED]:  # it ran on for nothing
            add(m, H_OFF_PATH, m[H_NOW] - m[trial + Y_SETTLED])
        return
    if error == X_CANCELLED:
        return
    if error == X_CRASH and m[trial + Y_LOST] and m[m[trial + Y_STEP] + AT_SILENT]:
        return  # nobody hears; only a timer ends this attempt
    _settle(m, trial, error)
