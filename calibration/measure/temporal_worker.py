"""A worker in its own process: `python -m calibration.measure.temporal_worker '{"address": ..., ...}'`.

It prints `ready` when its pollers run, and works until it is told to end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from calibration.measure.temporal_workflow import STAMPS_VARIABLE, Sequence, step

QUEUE = "measured"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Settings of one worker; what is not named here is the SDK's default (5 pollers of either kind).

    slots: activities at once. sticky_s: how long a workflow task waits for the worker that holds the workflow in
    its cache before any worker may take it (SDK default 10 s). activities: it takes activities too.
    """

    address: str
    identity: str
    slots: int = 100
    eager: bool = False
    sandbox: bool = True
    sticky_s: float = 10.0
    activities: bool = True


async def work(settings: WorkerSettings) -> None:
    """Poll until SIGTERM."""
    client = await Client.connect(settings.address, identity=settings.identity)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Sequence],
        activities=[step] if settings.activities else [],
        max_concurrent_activities=settings.slots,
        disable_eager_activity_execution=not settings.eager,
        workflow_runner=SandboxedWorkflowRunner() if settings.sandbox else UnsandboxedWorkflowRunner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_s),
    )
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with worker:
        print("ready", flush=True)
        await told.wait()


def start(settings: WorkerSettings, stamps: Path) -> subprocess.Popen[bytes]:
    """Start a worker and wait until it is ready. stamps: the folder for its stamps, in a file of its name."""
    process = subprocess.Popen(
        [sys.executable, "-m", "calibration.measure.temporal_worker", json.dumps(asdict(settings))],
        cwd=ROOT,
        env=os.environ | {STAMPS_VARIABLE: str(stamps / settings.identity)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != b"ready":
        process.kill()
        raise RuntimeError(f"worker {settings.identity} ended before it was ready")
    return process


if __name__ == "__main__":
    logging.getLogger("temporalio").setLevel(logging.ERROR)  # failures as asked are warnings: not worth a page each
    asyncio.run(work(WorkerSettings(**json.loads(sys.argv[1]))))
