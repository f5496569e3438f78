"""The timer queue of a shard: read ahead of time, it is simulated where there is one shard."""

from __future__ import annotations

from sim.lower.context import Context
from sim.lower.parts import TIMERS
from sim.network.policies import TimerQueue
from sim.units.tables import MILLISECOND


def add_timer_queue(context: Context) -> str | None:
    """Put the timer queue in place; gives its name, or None where every timer ends by itself."""
    constants = context.constants
    ahead_ns = constants.number("temporal.timer_ahead")
    shards = context.temporal.history_shards or constants.number("temporal.history_shards")
    if not ahead_ns:
        return None
    if shards > 1:
        constants.note(
            "timers that are read ahead",
            "are simulated of one shard alone; here timer_floor holds for each, as on a shard that is written to "
            "all the time: on a quiet one a short timer may end up to that much earlier",
        )
        return None
    context.parts.timers[TIMERS] = TimerQueue(ahead_ns=ahead_ns, after_ns=MILLISECOND)
    constants.note(
        "timers that have lost their meaning",
        "have the queue read when they end, if they are start-to-close timeouts of activities; others do not",
    )
    return TIMERS
