"""Load on a Temporal development server, closed and open: one run of a cell, one record.

Server, workers and this client are separate processes on one machine. Latencies come from the histories, so from the
server's own clock; the client asks for them when the load is over.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from calibration.measure.machine import CpuWindow, foreign_cpu_s
from calibration.measure.quantiles import summary
from calibration.measure.temporal_cell import CpuSeconds, TemporalCell, opened
from calibration.measure.temporal_cells import Load
from calibration.measure.temporal_figures import count_figures, durations, latency_figures, read_stamps
from calibration.measure.temporal_server import Counters
from calibration.measure.temporal_workflow import Order

DRAIN_S = 12.0
SETTLE_S = 1.0
"""From the last close until the counters are read: the close's own tasks are done by then."""


async def measure(load: Load, seed: int) -> dict[str, Any]:
    """Run one cell from an idle server to a drained one; the fields of its line without id and repeat."""
    order = Order(load.k, load.sleep_ms, seed=seed, **(load.params or {}))
    dynamic = {f"history.{key}": value for key, value in (load.dyn or {}).items()}
    sizes = {"slots": load.slots, "eager": bool(load.eager), "sandbox": bool(load.sandbox)}
    with ExitStack() as stack:
        cell = await opened(stack, load.db, dynamic, [sizes] * load.workers)
        window_began_s, counters = time.monotonic(), cell.server.counters()
        machine, before, began_ns = CpuWindow(), cell.cpu_s(), time.time_ns()
        await offer(cell, load, order, seed)
        in_load, loaded = machine.spent(), cell.cpu_s().since(before)
        left = await cell.drained(load.drain_s or DRAIN_S)
        in_all, spent = machine.spent(), cell.cpu_s().since(before)
        await asyncio.sleep(SETTLE_S)
        counted = cell.server.counters().since(counters)
        window_s = time.monotonic() - window_began_s
        histories = await cell.histories()
        stamps = read_stamps(cell.stamps)
    done = sum(history.completed for history in histories)
    record: dict[str, Any] = {
        "config": load.model_dump(exclude_none=True) | ({"dyn": dynamic} if dynamic else {}),
        "seed": seed,
        "nice": os.nice(0),
        "n_started": len(cell.called_ns),
        "n_left_running": left,
        "load_s": in_load["wall"],
        "drain_s": round(in_all["wall"] - in_load["wall"], 3),
        **cpu_figures(in_all, spent, in_load, loaded),
        "n_completed": done,
        "n_failed": sum(history.closed_ns is not None and not history.completed for history in histories),
    }
    if histories:
        record |= latency_figures(durations(histories, cell.called_ns, stamps))
        record |= {"start_rpc_ms": summary(cell.start_rpc_ms)}
        record |= count_figures(histories, cell.called_ns, began_ns, load.secs, load.workers)
    return record | counter_figures(counted, window_s, max(1, done))


async def offer(cell: TemporalCell, load: Load, order: Order, seed: int) -> None:
    """Offer the load of the cell for its time; a closed loop also waits for its last results."""
    began_s = time.monotonic()

    async def client_of_closed_loop() -> None:
        while time.monotonic() < began_s + load.secs:
            await (await cell.start(order))()

    if load.mode == "closed":
        await asyncio.gather(*(client_of_closed_loop() for _ in range(load.inflight or 0)))
    elif load.mode == "open":
        calls = []
        for at_s in arrivals_s(seed, load.rate or 0.0, load.secs):
            await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
            calls.append(asyncio.create_task(cell.start(order)))
        await asyncio.gather(*calls)
    else:
        await asyncio.sleep(load.secs)


def arrivals_s(seed: int, rate: float, seconds: float) -> list[float]:
    """Times of a Poisson process in s: successive `random.Random(seed).expovariate(rate)` up to the end."""
    draws = random.Random(seed)
    times, at_s = [], draws.expovariate(rate)
    while at_s < seconds:
        times.append(at_s)
        at_s += draws.expovariate(rate)
    return times


def cpu_figures(
    in_all: dict[str, float], spent: CpuSeconds, in_load: dict[str, float], loaded: CpuSeconds
) -> dict[str, Any]:
    """CPU seconds of the machine and of each process, in load and drain together and in the load alone.

    foreign: busy time of the machine that is none of ours.
    """
    return {
        "cpu": in_all,
        "cpu_load": in_load,
        "cpu_server_s": spent.server,
        "cpu_workers_s": spent.workers,
        "cpu_driver_s": spent.driver,
        "cpu_load_server_s": loaded.server,
        "cpu_load_workers_s": round(sum(loaded.workers), 3),
        "cpu_load_driver_s": loaded.driver,
        "cpu_foreign_s": foreign_cpu_s(in_all, spent.server, spent.driver, *spent.workers),
    }


def counter_figures(counted: Counters, window_s: float, workflows: int) -> dict[str, Any]:
    """Calls of the store and between the services in the window, and by workflow."""

    def each(counts: Mapping[str, float]) -> dict[str, float]:
        return {operation: round(n / workflows, 3) for operation, n in sorted(counts.items())}

    persistence = counted.persistence
    return {
        "persistence_requests_total": float(sum(persistence.values())),
        "persistence_ops": dict(persistence),
        "service_ops": dict(sorted(counted.service.items())),
        "metrics_window_s": round(window_s, 3),
        "persistence_per_workflow": each(persistence),
        "persistence_per_workflow_total": round(sum(persistence.values()) / workflows, 3),
        "persistence_mean_latency_ms": {
            operation: round(1e3 * counted.persistence_s[operation] / n, 4) for operation, n in persistence.items()
        },
        "service_requests_per_workflow": each(counted.service),
    }
