"""The measured workflow: k activities one after another, each sleeping for a while, some failing.

An activity stamps when its code starts and ends, so that the way from the server to the code and back can be told
from the code itself.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

STAMPS_VARIABLE = "TEMPORAL_STAMPS"
"""Environment variable with the file that this worker's stamps are appended to."""

HEARTBEATS_PER_TIMEOUT = 5
"""Heartbeats are sent this often per timeout: the SDK passes on one in 0.8 timeouts at most."""

BEGINNING_STAMPED_FROM_MS = 500.0
"""Activities as long as this may be killed: their start is stamped at once; others write one line at their end."""


@dataclass(frozen=True)
class Order:
    """What a workflow is asked to do.

    steps: activities one after another. sleep_ms: of each one. fail_p: probability that an attempt fails after its
    sleep; drawn from the names of workflow, step and attempt, so a run can be repeated. heartbeat_s: 0 for none.
    """

    steps: int
    sleep_ms: float
    fail_p: float = 0.0
    seed: int = 0
    start_to_close_s: float = 60.0
    heartbeat_s: float = 0.0
    retry_initial_ms: float = 1000.0
    retry_coeff: float = 2.0


@workflow.defn
class Sequence:
    """Activities one after another."""

    @workflow.run
    async def run(self, order: Order) -> None:
        """Do all steps of the order."""
        retry = RetryPolicy(
            initial_interval=timedelta(milliseconds=order.retry_initial_ms),
            backoff_coefficient=order.retry_coeff,
        )
        for _ in range(order.steps):
            await workflow.execute_activity(
                step,
                order,
                start_to_close_timeout=timedelta(seconds=order.start_to_close_s),
                heartbeat_timeout=timedelta(seconds=order.heartbeat_s) if order.heartbeat_s else None,
                retry_policy=retry,
            )


@activity.defn
async def step(order: Order) -> None:
    """One activity; its stamp says `workflow activity attempt start_ns end_ns`, and `-` while it runs."""
    info = activity.info()
    name = f"{info.workflow_id} {info.activity_id} {info.attempt}"
    start_ns = time.time_ns()
    if order.sleep_ms >= BEGINNING_STAMPED_FROM_MS:
        stamp(f"{name} {start_ns} -")
    if order.heartbeat_s:
        await sleep_with_heartbeats(order)
    elif order.sleep_ms:
        await asyncio.sleep(order.sleep_ms / 1e3)
    stamp(f"{name} {start_ns} {time.time_ns()}")
    if random.Random(f"{order.seed} {name}").random() < order.fail_p:
        raise ApplicationError("fails as asked")


async def sleep_with_heartbeats(order: Order) -> None:
    """Sleep as ordered, and say so to the server now and then."""
    pause_s = order.heartbeat_s / HEARTBEATS_PER_TIMEOUT
    until = time.monotonic() + order.sleep_ms / 1e3
    while (left_s := until - time.monotonic()) > 0:
        activity.heartbeat()
        await asyncio.sleep(min(pause_s, left_s))


def stamp(line: str) -> None:
    """Append a line with one write, so that a kill loses none."""
    global _stamps
    if _stamps is None:
        _stamps = os.open(os.environ[STAMPS_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(_stamps, f"{line}\n".encode())


_stamps: int | None = None
