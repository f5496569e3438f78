"""Matching on the bridge: partitions and the pods that own them, backlogs, forwarding, what a poller fetches at most.

Goal: each is where the server has it, and changes what it should. Method: constants and counts by hand; closed forms.
"""

from __future__ import annotations

import math

import pytest
from lower_fixture import counts, run, small

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
WIDE = (
    QUICK,
    "temporal.history_shards=20000",
    "temporal.history={replicas: 1, cpu: 1}",
    "temporal.sql.max_conns=1000",
    "postgres.synchronous_commit=false",
)


def test_the_writer_of_a_partition_takes_what_has_gathered_while_it_wrote() -> None:
    # Four activities want the only slot at once: one gets it, three are to be written. One partition: the first one
    # alone, then the other two together; with four partitions the three writers hold them apart or not, as it falls.
    sets = (
        *WIDE,
        "workflows.order.arrivals={burst: 4}",
        "workers.orders={replicas: 1, cpu: 1, activity_slots: 1, workflow_task_pollers: 9}",
    )
    quick = "constants.temporal.sync_match_wait=50 ms"
    replication = run(
        small(*sets, quick, "temporal.matching={replicas: 1, cpu: 4, partitions: 1}", "postgres.rtt=1 ms")
    )
    writer = replication.places["orders-activity-backlog"]
    assert (writer.served, writer.batches) == (3, 2)
    # Four round trips (BEGIN, two statements, COMMIT): the second batch waits for the first.
    assert writer.wait_sum_ns == 4_000_000 * 2
    assert counts(replication)["backlog_write"] == 3


@pytest.mark.parametrize(("partitions", "pods"), [(1, 4), (4, 4)])
def test_a_partition_has_the_cores_of_one_pod(partitions: int, pods: int) -> None:
    # 60 activity tasks at once, 10 ms of matching CPU each on pods of one core: 60 x 10 ms / (pods that are used).
    loaded = small(
        *WIDE,
        "workflows.order.arrivals={burst: 60}",
        "workers.orders={replicas: 1, cpu: 100, workflow_task_pollers: 1000, activity_pollers: 1000}",
        f"temporal.matching={{replicas: {pods}, cpu: 1, partitions: {partitions}}}",
        "constants.temporal.matching_cpu=10 ms",
        "constants.temporal.sync_match_wait=1 min",
    )
    places = run(loaded).places
    busy_ms = places["matching-cpu"].all_busy_area / 1e6
    longest_ms = run(loaded).spans["workflow_task_schedule_to_start.orders"].histogram.quantile(1) / 1e6
    if partitions == 1:
        assert longest_ms == pytest.approx(60 * 10, rel=0.02)
    else:
        # Two partitions on one pod at least, four at most, the fullest with 15 tasks or more.
        assert 15 * 10 <= longest_ms < 60 * 10
    assert busy_ms > 0


def test_a_partition_without_a_poll_forwards() -> None:
    # One pod with one poll and four partitions: three quarters of the tasks reach a partition without a poll.
    # Binomial, within 4 standard deviations (6e-5).
    pool = "workers.orders={replicas: 1, cpu: 100, workflow_task_pollers: 1, activity_pollers: 4}"
    replication = run(small(*WIDE, "workflows.order.arrivals={burst: 500}", pool), drain_s=10_000)
    forwarded = counts(replication)["forwarded"]
    assert abs(forwarded - 750) <= 4 * math.sqrt(1000 * 0.75 * 0.25)
    one = small(
        *WIDE, "workflows.order.arrivals={burst: 500}", pool, "temporal.matching={replicas: 1, cpu: 1, partitions: 1}"
    )
    assert "forwarded" not in counts(run(one, drain_s=10_000))


@pytest.mark.parametrize("pollers", [1, 2, 5])
def test_tasks_are_fetched_at_pollers_over_round_trip_while_slots_are_free(pollers: int) -> None:
    # To history and back and to the worker: three one-way hops of 10 ms keep a poller busy; 100 tasks one after the
    # other at each poller. The slots (1000) are free nearly all the time: what is scarce is the poller.
    loaded = small(
        *WIDE,
        "temporal.rtt=20 ms",
        "workflows.order.arrivals={burst: 100}",
        f"workers.orders={{replicas: 1, cpu: 100, workflow_task_pollers: 1000, activity_pollers: {pollers}}}",
        "constants.temporal.sync_match_wait=1 min",
        "temporal.matching={replicas: 1, cpu: 64, partitions: 1}",
    )
    replication = run(loaded, horizon_s=5)
    waits = replication.spans["schedule_to_start.orders"]
    on_the_way_ms = 2 * 10
    assert waits.histogram.quantile(1) / 1e6 == pytest.approx(on_the_way_ms + 100 / pollers * 30, rel=0.02)
    assert replication.places["orders-activity-slots"].max_waiting == 0
