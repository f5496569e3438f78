"""kill -9 of one of two workers in the middle of its activities: when is the work done again, and what brings it back.

Poisson arrivals of `n` workflows over the first LOAD_SHARE of an activity's length, so that all are in their activity
when the victim is killed, PAUSE_S after the last start. Times in a record count from the kill.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import ExitStack
from typing import Any

from calibration.measure.machine import CpuWindow
from calibration.measure.temporal_cell import opened
from calibration.measure.temporal_cells import Kill
from calibration.measure.temporal_figures import read_stamps
from calibration.measure.temporal_recovery import VICTIM, recovery, row
from calibration.measure.temporal_workflow import Order

LOAD_SHARE = 0.8
PAUSE_S = 0.1
RETRY_INITIAL_MS = 100.0
STICKY_S = 10.0
"""Default of the SDK."""


async def measure(kill: Kill, seed: int) -> dict[str, Any]:
    """Run one cell; the fields of its line without id and repeat."""
    order = Order(
        1,
        kill.act_ms,
        start_to_close_s=kill.stc_s,
        heartbeat_s=kill.hb_s or 0.0,
        retry_initial_ms=RETRY_INITIAL_MS,
    )
    draws, rate = random.Random(seed), kill.n / (LOAD_SHARE * kill.act_ms / 1e3)
    sizes = {"slots": kill.slots, "eager": bool(kill.eager), "sticky_s": kill.sticky_s or STICKY_S}
    with ExitStack() as stack:
        victim = sizes | {"activities": kill.kind != "sticky"}
        cell = await opened(stack, "mem", {}, [victim, sizes])
        calls, at_s = [], time.monotonic()
        for _ in range(kill.n):
            at_s += draws.expovariate(rate)
            await asyncio.sleep(max(0.0, at_s - time.monotonic()))
            calls.append(asyncio.create_task(cell.start(order)))
        await asyncio.sleep(PAUSE_S)
        machine, killed_ns = CpuWindow(), time.time_ns()
        cell.workers[VICTIM].kill()
        await asyncio.gather(*calls)
        left = await cell.drained(kill.limit_s)
        cpu = machine.spent()
        histories, stamps = await cell.histories(), read_stamps(cell.stamps)
    rows = [row(i, history, stamps, killed_ns) for i, history in enumerate(histories)]
    return {
        "config": kill.model_dump(exclude_none=True),
        "seed": seed,
        "nice": os.nice(0),
        "n": kill.n,
        "left": left,
        "rows": rows,
        "cpu": cpu,
        **recovery(rows, kill.kind == "sticky"),
    }
