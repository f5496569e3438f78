"""The bridge against timelines worked out by hand: a small deployment in which only a few things take time.

Goal: every wait of the platform is where it should be, and nothing else is. Method: constants, one execution at a
time, the arithmetic beside the assertion; operations are counted exactly.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run, small

from sim.lower.load import load

FLUSH = 1.0
SERVICE = 100.0
INTERVAL = 50.0


def with_activities(n: int) -> str:
    steps = "\n".join(
        f"      - activity: {{name: step{i}, service: 100 ms, start_to_close: 2 s, effect: done{i}}}" for i in range(n)
    )
    return SMALL.replace(
        "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}", steps
    )


@pytest.mark.parametrize("n", [1, 2, 5])
def test_n_activities_in_a_row_make_4n_plus_3_transitions(n: int) -> None:
    found = counts(run(load(with_activities(n))))
    assert found["transition"] == 4 * n + 3
    # Two commits each, but one where an activity starts: its event is written with its end.
    assert found["commit"] == 2 * (4 * n + 3) - n


def test_statements_are_the_sum_of_what_each_transition_writes_and_reads() -> None:
    # create 11, first workflow task started 17, activity scheduled 10, activity started 7, activity completed 10,
    # workflow task started 8, closed 24: BEGIN and COMMIT apart, queue reads, visibility and deletion included.
    assert counts(run(small()))["storage_query"] == 11 + 17 + 10 + 7 + 10 + 8 + 24


def test_the_history_has_6n_plus_5_events() -> None:
    loaded = load(with_activities(3), ["temporal.retention={closed: 1 day, payload: 0 B}"])
    assert loaded.lowered.histories["order"].bytes == (6 * 3 + 5) * 300


def test_one_execution_takes_its_service_its_flushes_and_the_interval_of_the_transfer_queue() -> None:
    # 0 create 2, read at 2, started 4, scheduled 6; the shard's queue was read at 2, so the next read is at 52;
    # activity started 53, service until 153, completed 155; read at once (the last read was at 52), started 157,
    # closed 159.
    assert latencies_ms(run(small())) == [7 * 2 * FLUSH - FLUSH + (52 - 6) + SERVICE]


def test_a_faster_transfer_queue_shortens_only_the_wait_for_its_next_read() -> None:
    # At 500/s a read every 2 ms: from 2 on the next is at 4, which is before the task is there at 6.
    assert latencies_ms(run(small("temporal.transfer_queue.max_poll_rate=500/s"))) == [13 * FLUSH + SERVICE]


def test_without_synchronous_commit_no_flush_is_waited_for_and_commits_stay() -> None:
    replication = run(small("postgres.synchronous_commit=false"))
    assert counts(replication)["commit"] == 13
    # Created at 0 and read at 0; the activity's task, there at 0, waits for the read at 50.
    assert latencies_ms(replication) == [INTERVAL + SERVICE]


def test_statements_travel_one_by_one() -> None:
    slow = latencies_ms(run(small("postgres.rtt=1 ms", "temporal.transfer_queue.max_poll_rate=100k/s")))
    fast = latencies_ms(run(small("postgres.rtt=0 ms", "temporal.transfer_queue.max_poll_rate=100k/s")))
    # Round trips: statements that are waited for, BEGIN and COMMIT of each transaction (of both when a workflow is
    # created): create 2 + 6 + 4, first task 1 + 6 + 10 + 2, scheduled 1 + 8 + 2, started 7 + 2, completed 1 + 8 + 2,
    # task 1 + 6 + 1 + 2, closed 1 + 8 + 2. Each of the three queue reads takes one as well.
    assert slow[0] - fast[0] == pytest.approx(12 + 19 + 11 + 9 + 11 + 10 + 11 + 3)


def test_a_commit_waits_for_the_fastest_standby_after_its_own_flush() -> None:
    alone = latencies_ms(run(small("temporal.transfer_queue.max_poll_rate=100k/s")))
    loaded = small(
        "postgres.nodes=3",
        "postgres.synchronous_standbys=1",
        "postgres.replication_rtt=2 ms",
        "temporal.transfer_queue.max_poll_rate=100k/s",
    )
    assert latencies_ms(run(loaded))[0] - alone[0] == pytest.approx(13 * (2 + 1))


def test_connections_that_are_not_open_are_opened_once() -> None:
    given = ("temporal.history={replicas: 1, cpu: 4}", "temporal.transfer_queue.max_poll_rate=100k/s")
    opened = small(*given, "temporal.sql={initial: 2, max_conns: 2, connect: 7 ms}")
    closed = small(*given, "temporal.sql={initial: 0, max_conns: 2, connect: 7 ms}")
    assert latencies_ms(run(closed))[0] - latencies_ms(run(opened))[0] == pytest.approx(7)


def test_a_service_that_is_named_takes_cpu_on_its_pods() -> None:
    poll = "temporal.transfer_queue.max_poll_rate=100k/s"
    cpu = ("constants.temporal.history_cpu=3 ms", "constants.temporal.matching_cpu=2 ms")
    named = ("temporal.history={replicas: 2, cpu: 1}", "temporal.matching={replicas: 2, cpu: 1}")
    plain = latencies_ms(run(small(poll)))[0]
    # Seven transitions, three tasks; the same whether the cores are simulated (and idle) or not.
    assert latencies_ms(run(small(poll, *cpu)))[0] - plain == pytest.approx(7 * 3 + 3 * 2)
    assert latencies_ms(run(small(poll, *cpu, *named)))[0] - plain == pytest.approx(7 * 3 + 3 * 2)


def test_two_transitions_of_one_shard_follow_each_other() -> None:
    together = run(small("workflows.order.arrivals={burst: 2}", "temporal.history_shards=1"))
    # Both ask at 0. The first has the shard for 2 ms, then the second has it.
    assert together.spans["start.order"].sum_ns == (2 + 4) * 1_000_000


def test_commits_share_a_flush_unless_it_has_begun() -> None:
    apart = run(small("workflows.order.arrivals={burst: 2}", "temporal.history_shards=4096"))
    # On shards of their own: flushes 0-1 for the first, 1-2 for the second, which came when that one was under way,
    # and so on in turn: the first has its two at 3, the second at 4.
    assert apart.spans["start.order"].sum_ns == (3 + 4) * 1_000_000
    many = run(
        small(
            "workflows.order.arrivals={burst: 50}",
            "temporal.history_shards=20000",
            "temporal.history={replicas: 1, cpu: 1}",
            "temporal.sql={max_conns: 100}",
        )
    )
    # Fifty are not slower than two: all but the first share the flushes 1-2 and 3-4.
    assert many.spans["start.order"].sum_ns == (3 + 49 * 4) * 1_000_000


def test_platform_latency_runs_from_a_result_to_the_next_activity_start() -> None:
    span = run(load(with_activities(2))).spans["span.platform"]
    # Request to first start: 53. Result at 153: completed 155, task read at 155, started 157, scheduled 159, read at
    # 205 (50 after 155), started 206.
    assert span.count == 2
    assert span.sum_ns == (53 + (206 - 153)) * 1_000_000


def test_schedule_to_start_is_told_for_each_queue_and_kind() -> None:
    spans = run(small()).spans
    assert spans["schedule_to_start.orders"].sum_ns == (53 - 6) * 1_000_000
    assert spans["workflow_task_schedule_to_start.orders"].sum_ns == ((4 - 2) + (157 - 155)) * 1_000_000


def test_a_shard_may_write_for_several_executions_at_once_but_for_each_one_at_a_time() -> None:
    sets = ("workflows.order.arrivals={burst: 2}", "temporal.history_shards=1", "postgres.synchronous_commit=false")
    travel = "postgres.rtt=1 ms"
    # Twelve round trips each, one after the other or at once; two writes of one execution would still wait.
    assert run(small(*sets, travel)).spans["start.order"].sum_ns == (12 + 24) * 1_000_000
    wide = run(small(*sets, travel, "temporal.shard_io_concurrency=2"))
    assert wide.spans["start.order"].sum_ns == (12 + 12) * 1_000_000


def test_executions_with_few_hot_ids_wait_for_their_shards() -> None:
    sets = ("workflows.order.arrivals={burst: 200}", "temporal.history_shards=64", "postgres.synchronous_commit=false")
    # With the exponent 1 the first of 64 shards has 1/4.74 of 200 executions: 42, and an even spread 3 in the mean.
    even = run(small(*sets, "postgres.rtt=1 ms")).spans["start.order"].histogram.quantile(1)
    hot = run(small(*sets, "postgres.rtt=1 ms", "temporal.shard_skew=1")).spans["start.order"].histogram.quantile(1)
    assert even < 15 * 12e6
    assert hot > 25 * 12e6


def test_server_timers_have_a_floor_and_a_grid() -> None:
    text = SMALL.replace("    steps:\n", "    steps:\n      - sleep: 100 ms\n")
    quick = "temporal.transfer_queue.max_poll_rate=100k/s"
    # Set at 6 (create 2, task started 2, timer started 2), it fires after a second, the shortest timer that there is;
    # on a grid of 4 s at 4000. Then 13 - 2 flushes and the activity.
    plain = latencies_ms(run(load(text, [quick])))[0]
    assert plain == pytest.approx(6 + 1000 + 13 + SERVICE)
    gridded = latencies_ms(run(load(text, [quick, "temporal.timer_grid=4 s"])))[0]
    assert gridded == pytest.approx(4000 + 13 + SERVICE)
