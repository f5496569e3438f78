"""The whole cycles of a periodic load: a warm-up that is a number of them, and the part of a run that is counted.

A load that follows the hour of the day has no steady state, so its warm-up is not searched for (see `warmup`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cycles:
    """The part of a run that is counted, [start_ns, end_ns): `count` whole cycles of `cycle_ns`."""

    cycle_ns: int
    start_ns: int
    count: int

    @property
    def end_ns(self) -> int:
        """End of the last whole cycle."""
        return self.start_ns + self.count * self.cycle_ns


def common_cycle_ns(periods_ns: Sequence[int]) -> int:
    """Length after which all schedules repeat together: their least common multiple."""
    assert periods_ns
    assert all(period > 0 for period in periods_ns)
    return math.lcm(*periods_ns)


def whole_cycles(horizon_ns: int, cycle_ns: int, warm_up_ns: int) -> Cycles:
    """The whole cycles of a run after a warm-up, which is rounded up to whole cycles; `count` is 0 if none is left."""
    assert cycle_ns > 0
    assert warm_up_ns >= 0
    skipped = -(-warm_up_ns // cycle_ns)
    return Cycles(cycle_ns, skipped * cycle_ns, max(0, horizon_ns // cycle_ns - skipped))
