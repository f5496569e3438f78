"""Timer queues: timers that are read ahead of their time, so that new ones may be put off."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.memory import Memory


@inner
def notify(m: Memory, queue: int) -> None:
    """Something new has come."""
    m[queue + L.TQ_LEAST] = max(m[queue + L.TQ_LEAST], m[L.H_NOW] + m[queue + L.TQ_AHEAD])


@inner
def timer_end(m: Memory, queue: int, end: int) -> int:
    """When a timer of a queue (0: of none) ends that would end at `end`."""
    if queue == 0 or end >= m[queue + L.TQ_LEAST]:
        return end
    return m[queue + L.TQ_LEAST] + m[queue + L.TQ_AFTER]


@inner
def timer_ended(m: Memory, queue: int) -> None:
    """A timer has ended."""
    if queue and m[L.H_NOW] >= m[queue + L.TQ_READ]:
        notify(m, queue)
        m[queue + L.TQ_READ] = m[queue + L.TQ_LEAST]
