"""Workers on the bridge: slots, pollers, sticky caches, crashes, retries; timelines by hand and exact counts."""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded
from sim.results.audit import audit
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"


def test_a_task_that_meets_no_poller_in_time_is_written_to_the_backlog() -> None:
    # One activity slot in one pod, two executions at once: the second activity waits 100 ms or so; with a sync-match
    # wait of 200 ms it is matched, with one of 50 ms it is written first.
    sets = ("workflows.order.arrivals={burst: 2}", "workers.orders={replicas: 1, cpu: 1, activity_slots: 1}", QUICK)
    matched = counts(run(small(*sets)))
    missed = counts(run(small(*sets, "constants.temporal.sync_match_wait=50 ms")))
    assert "orders-backlog" not in matched
    assert missed["orders-backlog"] == missed["backlog_write"] == 1
    assert missed["orders-dispatched"] == matched["orders-dispatched"] == 6


def test_pollers_limit_how_fast_tasks_are_fetched_whatever_the_slots() -> None:
    # Two pollers and a round trip of 5 ms fetch 400 activities a second: 200 of them take half a second.
    sets = (
        "workflows.order.arrivals={burst: 200}",
        "workers.orders={replicas: 1, cpu: 100, activity_pollers: 2, workflow_task_pollers: 1000, rtt: 5 ms}",
        "temporal.history_shards=20000",
        "temporal.history={replicas: 1, cpu: 1}",
        "temporal.sql.max_conns=1000",
        "postgres.synchronous_commit=false",
        "constants.temporal.sync_match_wait=1 min",
        QUICK,
    )
    replication = run(small(*sets))
    longest_ms = replication.spans["schedule_to_start.orders"].histogram.quantile(1) / 1e6
    assert longest_ms == pytest.approx(200 / 2 * 5, rel=0.02)


def test_a_state_that_is_not_cached_is_replayed_from_its_history() -> None:
    # One execution at a time fits into the cache; of two at once each finds the other there. The activities are of
    # one length, so the second workflow task of each comes after both have been seen.
    sets = ("workers.orders={replicas: 1, cpu: 1, sticky_cache: 1}", "temporal.history_shards=4096", QUICK)
    assert counts(run(small(*sets)))["replay"] == 1
    assert counts(run(small(*sets, "workflows.order.arrivals={burst: 2}")))["replay"] == 4
    # The second replay has 9 events behind it: create 2, task started 1, scheduled 2, activity 3, task started 1.
    cost = "constants.sdk.replay_cpu_per_event=10 ms"
    slow = run(small(*sets, cost)).executions
    fast = run(small(*sets)).executions
    assert (slow.end_ns - fast.end_ns).tolist() == [3 * 10_000_000]


def crash(at: str, *sets: str) -> Loaded:
    """Both pods crash at `at` and are back after 100 ms; other pods would take over, but there are none."""
    fault = f"faults.boom={{target: workers.orders, nodes: all, at: {at}, repair: 100 ms}}"
    return small(fault, QUICK, *sets)


def test_a_crash_during_an_activity_is_noticed_by_its_timeout_alone() -> None:
    replication = run(crash("50 ms"), drill="boom")
    # Started at 7 (flushes: create 2, task 2, scheduled 2, started 1); start-to-close from the match at 6 is over at
    # 2006; back-off 1 s; matched at 3006, started 3007, service until 3107. The pod that knew the execution is back
    # by then, but it has forgotten: completed 3109, task 3111, closed 3113.
    assert latencies_ms(replication) == [pytest.approx(3113)]
    assert counts(replication)["replay"] == 2
    assert replication.attempts["order"][1] >= 1


def test_a_heartbeat_notices_it_sooner() -> None:
    loaded = crash("50 ms", "workflows.order.steps.0.activity.heartbeat=500 ms")
    # Signs of life every 400 ms from 6 on: the last one at 6, so it is missed at 506; then as above.
    assert latencies_ms(run(loaded, drill="boom")) == [pytest.approx(3113 - 1500)]


def test_a_crash_during_a_workflow_task_waits_for_its_timeout() -> None:
    loaded = crash("3 ms")
    # The task was matched at 2; its timeout of 10 s is over at 10002. Timed out 2, started 2, scheduled 2, started 1,
    # service 100, completed 2, started 2, closed 2; and the millisecond before the next attempt.
    assert latencies_ms(run(loaded, drill="boom")) == [pytest.approx(10_002 + 1 + 13 + 100)]


def test_a_sticky_task_waits_for_its_pod_and_then_goes_to_another() -> None:
    # One pod of two crashes during the service of an activity that runs on the other one.
    loaded = small(
        QUICK,
        "workflows.order.steps.0.activity.service=1 s",
        "workers.far={replicas: 1, cpu: 1}",
        "workflows.order.steps.0.activity.task_queue=far",
        "faults.boom={target: workers.orders, nodes: [0], at: 500 ms, repair: 1 h}",
    )
    replication = run(loaded, drill="boom", horizon_s=10)
    found = counts(replication)
    assert found["sticky_timeout"] == 1
    assert found["transition"] == 8
    # 7 + 1000 + 2: the task is there at 1009 and waits 5 s for its pod; then timed out 2, started 2, closed 2.
    assert latencies_ms(replication) == [pytest.approx(1009 + 5000 + 6)]
    assert replication.spans["worker_recovery.orders"].sum_ns == pytest.approx(5004e6)


def test_a_pod_that_has_been_gone_for_the_lease_is_not_waited_for() -> None:
    loaded = small(
        QUICK,
        "workflows.order.steps.0.activity.service=20 s",
        "workflows.order.steps.0.activity.start_to_close=1 min",
        "workers.far={replicas: 1, cpu: 1}",
        "workflows.order.steps.0.activity.task_queue=far",
        "faults.boom={target: workers.orders, nodes: [0], at: 500 ms, repair: 1 h}",
    )
    assert latencies_ms(run(loaded, drill="boom")) == [pytest.approx(7 + 20_000 + 2 + 6)]


def test_a_back_off_takes_at_least_as_long_as_server_timers_do() -> None:
    always = (
        "workflows.order.steps.0.activity.error_rate=1",
        "workflows.order.steps.0.activity.retry={initial_interval: 100 ms, maximum_attempts: 3}",
    )
    replication = run(small(QUICK, *always))
    # Started at 7; three attempts of 1 + 100 + 1 (the retry is written with one commit), two back-offs of 1 s, the
    # last failure 2, then the task that closes the workflow 4.
    assert latencies_ms(replication) == [pytest.approx(6 + 3 * 102 + 2 * 1000 + 2 + 4)]
    assert replication.attempts["order"][1] == 2


def test_an_idempotency_key_makes_an_effect_happen_once() -> None:
    monitor = "monitors.once={at_most_once: charged}"
    # The crash hits while the result is written: the effect has happened, nobody knows, the activity runs again.
    late = "faults.boom={target: workers.orders, nodes: all, at: 107500 us, repair: 100 ms}"
    twice = run(small(QUICK, monitor, late), drill="boom").monitors[0]
    once = run(small(QUICK, monitor, late, "workflows.order.steps.0.activity.idempotent=true"), drill="boom").monitors[
        0
    ]
    assert (twice.violated, once.violated) == (1, 0)
    assert once.checked == 1


def test_workers_that_crash_at_random_lose_no_execution() -> None:
    loaded = small(
        "workflows.order.arrivals=20/s",
        "workflows.order.steps.0.activity.idempotent=true",
        "monitors.once={at_most_once: charged}",
        "faults.boom={target: workers.orders, mttf: 5 s, repair: 1 s}",
    )
    plan = Plan(seed=3, horizon_ns=60 * SECOND, follow_ns=0, drain_ns=600 * SECOND)
    replication = Engine(loaded.lowered.network, plan).run()
    assert audit(replication) == []
    assert len(replication.episodes) >= 10
    rows = replication.executions
    assert (rows.outcome[rows.cohort] == 0).all()
    assert replication.monitors[0].violated == 0


def test_a_result_that_is_lost_on_the_way_is_known_by_a_timeout_and_the_work_has_been_done() -> None:
    # Started at 6; nobody hears of the end of its service at 107, so it times out at 2006; again from 3006 to 5006.
    # That was the last attempt: its failure is durable at 5008, the last workflow task ends at 5012.
    loaded = small(
        QUICK,
        "workflows.order.steps.0.activity.lost_reply_rate=1",
        "workflows.order.steps.0.activity.retry={maximum_attempts: 2}",
        "monitors.once={at_most_once: charged}",
    )
    replication = run(loaded)
    assert latencies_ms(replication) == [pytest.approx(5012)]
    assert counts(replication)["lost_reply"] == 2
    assert replication.monitors[0].violated == 1
