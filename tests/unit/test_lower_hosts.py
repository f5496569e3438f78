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


def test_a_slower_host_takes_as_many_times_as_long_and_threads_of_one_core_slow_each_other() -> None:
    # One execution on one core: two workflow tasks of 10 ms, then of 20 ms at half the speed.
    alone = (*IN_STEP[:-2], "workflows.order.arrivals={burst: 1}", "constants.sdk.workflow_task_cpu=10 ms")
    assert latencies_ms(run(small(*alone, hosts("workers.orders", more=", speed: 0.5")))) == [pytest.approx(100 + 40)]
    # Two in step, each on a core of its own: at 50 % contention together they do 2 / 1.5 of what one does.
    two = "hosts={bench: {cpu: 2, components: [workers.orders], contention: 50 %}}"
    assert latencies_ms(run(small(*IN_STEP, two))) == [pytest.approx(100 + 2 * 10 * 1.5, abs=1e-3)] * 2
