"""Hosts whose cores several components share.

Goal: who shares a host slows the others down, and only by CPU. Method: constants, executions in step, by hand.
"""

from __future__ import annotations

import pytest
from lower_fixture import latencies_ms, run, small

IN_STEP = (
    "temporal.transfer_queue.max_poll_rate=100k/s",
    "temporal.history_shards=20000",
    "postgres.synchronous_commit=false",
    "workflows.order.arrivals={burst: 2}",
    "constants.sdk.workflow_task_cpu=10 ms",
)


def hosts(*components: str, more: str = "") -> str:
    return f"hosts={{bench: {{cpu: 1, components: [{', '.join(components)}]{more}}}}}"


def test_pods_on_one_host_share_its_cores() -> None:
    # Two workflow tasks each, at the same instants: 10 ms on a pod of their own, 20 ms on one core together.
    assert latencies_ms(run(small(*IN_STEP))) == [pytest.approx(100 + 2 * 10)] * 2
    assert latencies_ms(run(small(*IN_STEP, hosts("workers.orders")))) == [pytest.approx(100 + 2 * 20)] * 2


def test_the_database_beside_the_workers_has_the_cores_that_they_leave() -> None:
    one = (*IN_STEP, "constants.postgres.cpu_per_message=1 ms")
    apart = run(small(*one, hosts("workers.orders")))
    together = run(small(*one, hosts("workers.orders", "postgres")))
    # Statements of one execution and workflow tasks of the other get into each other's way, and two executions'
    # statements, for which the primary has four cores of its own.
    assert min(latencies_ms(together)) > max(latencies_ms(apart)) + 20
    use = together.places["host-bench"]
    assert "postgres-cpu" not in together.places
    assert use.all_busy_area > apart.places["host-bench"].all_busy_area


def test_the_clients_that_start_workflows_may_run_there_too() -> None:
    free = run(small(*IN_STEP, hosts("workers.orders")))
    loaded = run(small(*IN_STEP, hosts("workers.orders", "load", more=", start_cpu: 5 ms")))
    # Two starts at once: 10 ms on the one core.
    difference = [after - before for before, after in zip(latencies_ms(free), latencies_ms(loaded), strict=True)]
    assert difference == [pytest.approx(10)] * 2


def test_a_crash_of_a_worker_on_a_shared_host_is_its_own() -> None:
    boom = "faults.boom={target: workers.orders, nodes: all, at: 5 ms, repair: 100 ms}"
    calm = latencies_ms(run(small(*IN_STEP, hosts("workers.orders", "postgres"))))
    hurt = latencies_ms(run(small(*IN_STEP, boom, hosts("workers.orders", "postgres")), drill="boom"))
    # Both workflow tasks are lost, and known to be after 10 s.
    assert min(hurt) > 10_000 > max(calm)
