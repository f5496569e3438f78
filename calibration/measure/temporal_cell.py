"""One cell at work: a fresh server, its workers and a client of them, and what they are asked afterwards."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, Literal

from temporalio.client import Client

from calibration.measure import temporal_worker
from calibration.measure.machine import PROC, cpu_of_stat_s
from calibration.measure.temporal_history import History, read
from calibration.measure.temporal_server import DevServer, end
from calibration.measure.temporal_worker import QUEUE, WorkerSettings
from calibration.measure.temporal_workflow import Order, Sequence

WARM_UP_WORKFLOWS = 2
"""A worker: they load the code, the sandbox and the namespace."""
REST_S = 2.0
"""From warm-up to load: a server that starts well rested."""
COUNT_EVERY_S = 0.15
HISTORIES_AT_ONCE = 8
RUNNING = "ExecutionStatus='Running' AND WorkflowType='Sequence'"


@dataclass(slots=True)
class TemporalCell:
    """A running server with its workers and a client of it.

    called_ns: when StartWorkflow was called, by workflow in the order of the calls. start_rpc_ms: how long it took.
    stamps: the folder of the workers' stamps.
    """

    server: DevServer
    workers: list[Popen[bytes]]
    client: Client
    stamps: Path
    called_ns: dict[str, int] = field(default_factory=dict)
    start_rpc_ms: list[float] = field(default_factory=list)

    async def start(self, order: Order) -> Callable[[], Awaitable[None]]:
        """Start one workflow; what is returned waits for its result."""
        name = f"w{len(self.called_ns)}"
        self.called_ns[name] = time.time_ns()
        handle = await self.client.start_workflow(Sequence.run, order, id=name, task_queue=QUEUE)
        self.start_rpc_ms.append((time.time_ns() - self.called_ns[name]) / 1e6)
        return handle.result

    async def drained(self, within_s: float) -> int:
        """Wait until no workflow runs; how many still do at the limit."""
        deadline = time.monotonic() + within_s
        while left := (await self.client.count_workflows(RUNNING)).count:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(COUNT_EVERY_S)
        return left

    async def histories(self) -> list[History]:
        """All histories in the order of the starts, fetched a few at a time."""
        few = asyncio.Semaphore(HISTORIES_AT_ONCE)

        async def one(name: str) -> History:
            async with few:
                found = await self.client.get_workflow_handle(name).fetch_history()
            return read(name, found.to_json_dict()["events"])

        return list(await asyncio.gather(*(one(name) for name in self.called_ns)))

    def cpu_s(self) -> CpuSeconds:
        """CPU seconds so far of server, workers and of this program, which is the load generator."""
        return CpuSeconds(
            process_cpu_s(self.server.pid),
            [process_cpu_s(worker.pid) for worker in self.workers],
            process_cpu_s(os.getpid()),
        )


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """CPU seconds of the parts of a cell."""

    server: float
    workers: list[float]
    driver: float

    def since(self, before: CpuSeconds) -> CpuSeconds:
        """The difference of two readings."""
        workers = [round(b - a, 3) for a, b in zip(before.workers, self.workers, strict=True)]
        return CpuSeconds(round(self.server - before.server, 3), workers, round(self.driver - before.driver, 3))


def process_cpu_s(pid: int) -> float:
    """CPU seconds of one process with all its threads, without its living children; 0 when it has gone."""
    try:
        return cpu_of_stat_s((PROC / str(pid) / "stat").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0


async def opened(
    stack: ExitStack, database: Literal["mem", "file"], dynamic: dict[str, Any], workers: list[dict[str, Any]]
) -> TemporalCell:
    """A new server with its workers, warmed up and rested; the stack ends them.

    dynamic: dynamic configuration. workers: fields of `WorkerSettings` of each.
    """
    server = stack.enter_context(DevServer(database, dynamic))
    stamps = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stamps-")))
    processes = []
    for i, settings in enumerate(workers):
        processes.append(temporal_worker.start(WorkerSettings(server.address, f"worker{i}", **settings), stamps))
        stack.callback(end, processes[-1])
    client = await Client.connect(server.address)
    for i in range(WARM_UP_WORKFLOWS * len(workers)):
        await client.execute_workflow(Sequence.run, Order(1, 0), id=f"warm-{i}", task_queue=QUEUE)
    await asyncio.sleep(REST_S)
    return TemporalCell(server, processes, client, stamps)
