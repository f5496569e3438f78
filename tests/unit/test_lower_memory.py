"""Memory that activities hold, by hand: as long as an attempt is at work, and not while its workflow waits.

Goal: memory-hours are those of attempts. Method: the small deployment, in which only flushes (1 ms) and services take
time.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, run, small

from sim.lower.load import load
from sim.stats.metrics import memory_hours

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
HELD = "workflows.order.steps.0.activity.memory=256 MiB"


def test_an_attempt_holds_its_memory_from_its_start_until_its_result_is_durable() -> None:
    loaded = small(QUICK, HELD)
    replication = run(loaded)
    # 100 ms of work and 2 flushes of its result.
    assert replication.places["orders-memory"].busy_area == 256 * 102_000_000
    figure = memory_hours([replication, replication], loaded.lowered.memories, 0.95)
    assert figure["memory_gib_hours.orders.per_execution"].value == pytest.approx(0.25 * 0.102 / 3600)


def test_a_workflow_that_waits_holds_none() -> None:
    step = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"
    charge = step.replace("effect: charged", "memory: 256 MiB")
    text = SMALL.replace(step, f"{charge}\n      - sleep: 1 h\n{charge.replace('charge', 'again')}")
    replication = run(load(text, [QUICK]), horizon_s=4000)
    assert replication.places["orders-memory"].busy_area == 2 * 256 * 102_000_000


def test_nobody_ever_waits_for_memory() -> None:
    many = ("workflows.order.arrivals={burst: 50}", "workers.orders.activity_slots=3", "workers.orders.replicas=1")
    replication = run(small(QUICK, HELD, *many))
    assert replication.places["orders-activity-slots"].wait_sum_ns > 0
    assert replication.places["orders-memory"].wait_sum_ns == 0
