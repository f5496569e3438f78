"""Connections to PostgreSQL: pools that queue when they are small and thrash when they are large, and pgbouncer.

Goal: a pool has a best size between its ends, for the reasons that are modelled; pgbouncer holds a backend for one
transaction and outlives the primary. Method: timelines by hand, and a backlog released at once whose completion tells
the throughput.
"""

from __future__ import annotations

from functools import cache

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run, small

from sim.lower.load import load

FAST_QUEUE = "temporal.transfer_queue.max_poll_rate=100k/s"
BOUNCER = "pgbouncer={cpu: 1, pool_mode: transaction, default_pool_size: 4}"
HOP_OFF = ("constants.postgres.pgbouncer_hop=0 ms", "constants.postgres.pgbouncer_cpu_per_message=0 ms")

BACKLOG = SMALL.replace("burst: 1", "burst: 100").replace("history_shards: 4", "history_shards: 20000")
"""A hundred executions at once, on shards of their own."""


@cache
def backlog_ms(connections: int, *sets: str) -> float:
    """When the last of the backlog is done, on one core with 1 ms round trips."""
    loaded = load(
        BACKLOG,
        [
            FAST_QUEUE,
            "workers.orders={replicas: 2, cpu: 1, workflow_task_pollers: 400, activity_pollers: 400}",
            "temporal.history={replicas: 1, cpu: 64}",
            f"temporal.sql={{max_conns: {connections}, acquire_timeout: 1 h}}",
            "postgres.cpu=1",
            "postgres.rtt=1 ms",
            "constants.postgres.cpu_per_message=57 us",
            *sets,
        ],
    )
    return max(latencies_ms(run(loaded)))


THRASH = "constants.postgres.backend_coherency=0.0004"
"""Some 200 times the preset's, so that a hundred backends do what 1,400 do in truth."""


def test_too_few_connections_queue_and_too_many_thrash() -> None:
    few, right, many = (backlog_ms(n, THRASH) for n in (2, 20, 100))
    # 100 x 103 messages of 57 us are 0.6 s of the core; two connections are held for 83 round trips and 13 flushes by
    # each of 100 executions: 5 s. With 100 at work at once the core does 1 / (1 + 0.0004 x 100 x 99), a fifth.
    assert few > 2 * right
    assert many > 1.2 * right


def test_without_a_cost_of_company_more_connections_never_hurt() -> None:
    none = "postgres.backend_coherency=0"
    few, right, many = (backlog_ms(n, none) for n in (2, 20, 100))
    assert few > right >= many * 0.99


def test_pgbouncer_keeps_many_clients_from_thrashing() -> None:
    bouncer = "pgbouncer={cpu: 1, pool_mode: transaction, default_pool_size: 20}"
    assert backlog_ms(100, THRASH, bouncer, *HOP_OFF) < 0.85 * backlog_ms(100, THRASH)


def test_pgbouncer_adds_a_hop_and_its_cpu_to_each_message() -> None:
    plain = latencies_ms(run(small(FAST_QUEUE)))[0]
    passed = latencies_ms(run(small(FAST_QUEUE, BOUNCER, "constants.postgres.pgbouncer_hop=2 ms")))[0]
    # Round trips of the seven transitions: 12 + 19 + 11 + 9 + 11 + 10 + 11, see the timelines; each message costs
    # 15 us, the background ones too: 3 + 0 + 1 + 0 + 1 + 0 + 15.
    assert passed - plain == pytest.approx(83 * (2 + 0.015) + 20 * 0.015)


def test_a_backend_is_held_for_a_transaction_and_not_for_a_transition() -> None:
    # One backend, two executions at once. Without a bouncer the second waits for both flushes of the first; behind one
    # the two transactions of each take turns, and the flushes follow each other all the same: 1, 2, 3, 4 ms.
    sets = (
        "workflows.order.arrivals={burst: 2}",
        "temporal.history_shards=4096",
        "temporal.history={replicas: 1, cpu: 8}",
        *HOP_OFF,
    )
    direct = run(small(*sets, "temporal.sql={max_conns: 1}"))
    bounced = run(small(*sets, BOUNCER.replace("size: 4", "size: 1")))
    assert direct.spans["start.order"].sum_ns == (2 + 4) * 1_000_000
    assert bounced.spans["start.order"].sum_ns == (3 + 4) * 1_000_000


def test_who_waits_too_long_in_pgbouncer_is_turned_away_and_comes_again() -> None:
    sets = (
        "workflows.order.arrivals={burst: 20}",
        "temporal.history_shards=4096",
        *HOP_OFF,
        BOUNCER.replace("size: 4}", "size: 1, query_wait_timeout: 5 ms}"),
    )
    replication = run(small(*sets))
    assert replication.places["server-connections"].abandoned > 0
    assert len(latencies_ms(replication)) == 20


FAILOVER = (
    "faults.loss={target: postgres.primary, at: 1 s}",
    "postgres={nodes: 2, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}",
    "postgres.failover={detect: 1 s, promote: 0 s}",
    "workflows.order.arrivals=20/s",
)


def refused(*sets: str) -> int:
    replication = run(small(*FAILOVER, *sets), horizon_s=3, drill="loss")
    return replication.places["connections"].refused


def test_behind_pgbouncer_nobody_is_refused_while_the_primary_is_away() -> None:
    assert refused() > 0
    assert refused(BOUNCER) == 0


def test_a_name_that_pgbouncer_still_holds_lengthens_the_failover() -> None:
    def away_ns(*sets: str) -> int:
        few = "workflows.order.arrivals=1/s"
        replication = run(small(*FAILOVER, few, *sets), horizon_s=3, drill="loss", follow_s=20)
        [episode] = replication.episodes
        return episode.end_ns - episode.start_ns

    assert away_ns() == 1_000_000_000
    assert away_ns(BOUNCER.replace("size: 4}", "size: 4, dns_max_ttl: 0 s}")) == 1_000_000_000
    assert 1_000_000_000 < away_ns(BOUNCER) < 16_000_000_000


def test_connections_that_come_of_age_are_away_while_they_are_opened_anew() -> None:
    def mean_in_use(*sets: str) -> float:
        pool = "connect: 20 ms, max_conns: 10"
        loaded = small("temporal.history={replicas: 1, cpu: 8}", f"temporal.sql={{{', '.join((pool, *sets))}}}")
        return run(loaded, horizon_s=30).places["connections"].busy_area / 30e9

    # Ten connections of 1 s each: 10/s x 20 ms = 0.2 in use; 300 of them, so within 3 standard errors of 6 %.
    aged = mean_in_use("max_conn_lifetime: 1 s") - mean_in_use()
    assert aged == pytest.approx(0.2, rel=0.2)


STORM = (
    "workflows.order.arrivals={burst: 40}",
    "temporal.history_shards=4096",
    "temporal.history={replicas: 1, cpu: 64}",
    "temporal.sql={max_conns: 40, acquire_timeout: 1 h}",
    "workers.orders={replicas: 2, cpu: 1, workflow_task_pollers: 100, activity_pollers: 100}",
    "postgres={nodes: 2, cpu: 1, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}",
    "postgres.failover={detect: 1 s, promote: 0 s, redirect: 0 s}",
    "faults.loss={target: postgres.primary, at: 101 ms}",
    "workflows.order.steps.0.activity.start_to_close=1 min",
    "constants.temporal.client_retry_jitter=0",  # whose results they are: all workers come again at once
    FAST_QUEUE,
)
"""Forty executions whose activities have ended when the primary dies: all of them come back for a connection."""


def test_a_new_primary_sets_up_a_connection_for_everybody_who_lost_one() -> None:
    free = run(small(*STORM), horizon_s=10, drill="loss")
    paid = run(small(*STORM, "constants.postgres.connect_cpu=20 ms"), horizon_s=10, drill="loss")
    # Each of 40 transitions that were hit or turned down has its connection set up once: 0.8 s of the only core.
    assert counts(paid)["connection"] == 40
    # All share it from the first to the last.
    assert paid.places["postgres-cpu"].busy_area == pytest.approx(40 * 800e6, rel=0.01)
    assert free.places["postgres-cpu"].busy_area == 0
    assert max(latencies_ms(paid)) - max(latencies_ms(free)) == pytest.approx(40 * 20, rel=0.2)


def test_connections_are_opened_one_by_one_after_the_primary_is_back() -> None:
    slow = run(small(*STORM, "temporal.sql.connect=300 ms"), drill="loss")
    fast = run(small(*STORM), drill="loss")
    # All are closed by the crash, those that nobody used as well; whoever needs one waits for its opening.
    assert max(latencies_ms(slow)) - max(latencies_ms(fast)) == pytest.approx(300, rel=0.05)
    undisturbed = small(*(one for one in STORM if "faults" not in one), "temporal.sql.connect=300 ms")
    assert max(latencies_ms(run(undisturbed))) < 300


def test_in_a_series_of_pools_the_smallest_one_holds_up_the_storm() -> None:
    def last_ms(size: int) -> float:
        bouncer = BOUNCER.replace("size: 4}", f"size: {size}, dns_max_ttl: 0 s}}")
        sets = (*STORM, bouncer, *HOP_OFF, "temporal.sql.connect=20 ms", "postgres.rtt=1 ms")
        return max(latencies_ms(run(small(*sets), drill="loss")))

    assert last_ms(1) > last_ms(4) > last_ms(40)
