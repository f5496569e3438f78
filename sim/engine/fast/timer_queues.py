"""Timer queues: timers that are read ahead of their time, so that new ones may be put off."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import Header, Ref, TimerQueue
from sim.engine.fast.memory import Memory


@inner
def notify(m: Memory, queue: Ref[TimerQueue]) -> None:
    """Something new has come."""
    m[queue + TimerQueue.LEAST] = max(m[queue + TimerQueue.LEAST], m[Header.NOW] + m[queue + TimerQueue.AHEAD])


@inner
def timer_end(m: Memory, queue: Ref[TimerQueue], end: int) -> int:
    """When a timer of a queue (0: of none) ends that would end at `end`."""
    if queue == 0 or end >= m[queue + TimerQueue.LEAST]:
        return end
    return m[queue + TimerQueue.LEAST] + m[queue + TimerQueue.AFTER]


@inner
def timer_ended(m: Memory, queue: Ref[TimerQueue]) -> None:
    """A timer has ended."""
    if queue and m[Header.NOW] >= m[queue + TimerQueue.READ]:
        notify(m, queue)
        m[queue + TimerQueue.READ] = m[queue + TimerQueue.LEAST]
