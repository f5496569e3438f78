"""Timer queues: timers that are read ahead of their time, so that new ones may be put off."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import H_NOW, TQ_AFTER, TQ_AHEAD, TQ_LEAST, TQ_READ
from sim.engine.fast.memory import Memory


@inner
def notify(m: Memory, queue: int) -> None:
    """Something new has come."""
    m[queue + TQ_LEAST] = max(m[queue + TQ_LEAST], m[H_NOW] + m[queue + TQ_AHEAD])


@inner
def timer_end(m: Memory, queue: int, end: int) -> int:
    """When a timer of a queue (0: of none) ends that would end at `end`."""
    if queue == 0 or end >= m[queue + TQ_LEAST]:
        return end
    return m[queue + TQ_LEAST] + m[queue + TQ_AFTER]


@inner
def timer_ended(m: Memory, queue: int) -> None:
    """A timer has ended."""
    if queue and m[H_NOW] >= m[queue + TQ_READ]:
        notify(m, queue)
        m[queue + TQ_READ] = m[queue + TQ_LEAST]
