"""Timed attempts: their start, their four timers, their signs of life. When to try again is told in `attempts`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.jobs import wake
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add, give, interrupt, take
from sim.engine.order import TIMEOUT


@inner
def set_timer(m: Memory, trial: int, which: int, time: int) -> None:
    """Let one of the four timers expire at a time."""
    alarm = take(m, L.A_SIZE)
    m[alarm] = key_of(TIMEOUT, m[m[trial + L.Y_STEP] + L.O_ELEMENT] + which, L.T_TRIAL)
    m[alarm + L.A_VISIT] = m[m[trial + L.Y_JOB] + L.J_ORDER]
    m[alarm + L.A_OWNER] = trial << 2 | which
    m[trial + L.Y_ALARMS + which] = alarm
    set_alarm(m, time, alarm)


@inner
def stop_timer(m: Memory, trial: int, which: int) -> None:
    """A timer has lost its reason."""
    alarm = m[trial + L.Y_ALARMS + which]
    if alarm:
        cancel(m, alarm)
        give(m, alarm, L.A_SIZE)
        m[trial + L.Y_ALARMS + which] = 0


@inner
def start_trial(m: Memory, trial: int, where: int) -> None:
    """The attempt has started, on a node of a group (0: on none)."""
    if not m[trial + L.Y_OPEN] or m[trial + L.Y_STARTED] >= 0:
        return
    now = m[L.H_NOW]
    step = m[trial + L.Y_STEP]
    m[trial + L.Y_STARTED] = now
    m[trial + L.Y_BEAT] = now
    stop_timer(m, trial, L.SCHEDULE_TO_START)
    if m[step + L.AT_STC] >= 0:
        set_timer(m, trial, L.START_TO_CLOSE, now + m[step + L.AT_STC])
    if where and (m[step + L.AT_BEAT] >= 0 or m[step + L.AT_SILENT]):
        m[trial + L.Y_NODE] = where
        m[trial + L.Y_LISTED] = 1
        append(m, where + L.D_TRIALS, trial, L.Y_LINKS)


@inner
def trials_granted(m: Memory, trial: int, where: int) -> None:
    """A unit was granted inside: the attempts around start, unless a step says where they do."""
    while trial:
        if m[trial + L.Y_STARTED] < 0 and m[m[trial + L.Y_STEP] + L.AT_STARTS] == L.GRANTED:
            start_trial(m, trial, where)
        trial = m[trial + L.Y_OUTER]


@inner
def signs_stop(m: Memory, trial: int) -> None:
    """No sign of life comes for now."""
    step = m[trial + L.Y_STEP]
    timeout = m[step + L.AT_BEAT]
    if timeout < 0 or not m[trial + L.Y_OPEN] or m[trial + L.Y_ALARMS + L.HEARTBEAT]:
        return
    now, beat, interval = m[L.H_NOW], m[trial + L.Y_BEAT], m[step + L.AT_BEAT_INTERVAL]
    last = beat + (now - beat) // interval * interval
    set_timer(m, trial, L.HEARTBEAT, max(last + timeout, now))


@inner
def signs_come(m: Memory, trial: int) -> None:
    """Signs of life come again, the first one now."""
    m[trial + L.Y_BEAT] = m[L.H_NOW]
    stop_timer(m, trial, L.HEARTBEAT)


@inner
def node_lost(m: Memory, where: int) -> None:
    """A node has crashed: no sign of life comes from the attempts on it any more."""
    trial = m[where + L.D_TRIALS]
    while trial:
        m[trial + L.Y_LOST] = 1
        signs_stop(m, trial)
        m[trial + L.Y_LISTED] = 0
        trial = m[trial + L.Y_LINKS] & ((1 << 31) - 1)
    m[where + L.D_TRIALS] = 0
    m[where + L.D_TRIALS + 1] = 0


@inner
def close_trial(m: Memory, trial: int) -> None:
    """Stop the timers; nothing that happens to the child matters any more."""
    m[trial + L.Y_OPEN] = 0
    for which in range(4):
        stop_timer(m, trial, which)
    if m[trial + L.Y_LISTED]:
        m[trial + L.Y_LISTED] = 0
        unlink(m, m[trial + L.Y_NODE] + L.D_TRIALS, trial, L.Y_LINKS)


@inner
def _settle(m: Memory, trial: int, error: int) -> None:
    if m[trial + L.Y_OPEN]:
        m[trial + L.Y_OPEN] = 0
        m[trial + L.Y_SETTLED] = m[L.H_NOW]
        m[trial + L.Y_ERROR] = error
        wake(m, m[trial + L.Y_JOB], 0)


@inner
def timer_expired(m: Memory, trial: int, which: int) -> bool:
    """One of the timers has expired; says whether anybody reacts."""
    if not m[trial + L.Y_OPEN]:
        return False
    m[trial + L.Y_EXPIRED] = 1
    child = m[trial + L.Y_CHILD]
    # Where nobody has begun the task is taken back; a body that learns of its deadline stops, too.
    if (m[trial + L.Y_STARTED] < 0 or m[m[trial + L.Y_STEP] + L.AT_STOPS]) and m[child + L.J_STATE] & L.ENDED == 0:
        interrupt(m, child, L.X_CANCELLED, -1, 0)
    _settle(m, trial, L.X_TIMEOUT + which)
    return True


@inner
def trial_child_ended(m: Memory, trial: int, error: int) -> None:
    """The child of an attempt has ended."""
    if not m[trial + L.Y_OPEN]:
        if m[trial + L.Y_EXPIRED]:  # it ran on for nothing
            add(m, L.H_OFF_PATH, m[L.H_NOW] - m[trial + L.Y_SETTLED])
        return
    if error == L.X_CANCELLED:
        return
    if error == L.X_CRASH and m[trial + L.Y_LOST] and m[m[trial + L.Y_STEP] + L.AT_SILENT]:
        return  # nobody hears; only a timer ends this attempt
    _settle(m, trial, error)
