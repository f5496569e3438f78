"""DBOS by timelines of hand, and against a run that was measured.

Goal: a workflow waits for the next look into its queue, then has a read and a write of each step; after a crash of its
executor it goes on from the last step whose result is there. Method: constants, one execution at a time; F = 1 ms.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run

from sim.lower.load import Loaded, load

SMALL = """
name: small
workflows:
  order:
    arrivals: {burst: 1, at: 10 ms}
    task_queue: orders
    steps:
      - activity: {name: charge, service: 100 ms, effect: charged}
      - activity: {name: ship, service: 50 ms, effect: shipped}
workers:
  orders: {replicas: 1, cpu: 1}
dbos: {polling_interval: 100 ms}
postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}
constants:
  dbos: {step_cpu: 0 ms}
  postgres: {cpu_per_message: 0 ms, connect: 0 ms}
"""


def small(*sets: str) -> Loaded:
    return load(SMALL, sets)


def test_a_workflow_waits_for_the_next_look_and_then_for_its_steps_writes() -> None:
    # Inserted from 10 to 11; seen at 100, taken at 101; charged 201, written 202; shipped 252, written 253; done 254.
    assert latencies_ms(run(small())) == [254 - 10]


def test_each_step_is_a_read_and_a_write() -> None:
    found = counts(run(small()))
    # Insert, end, and for each of two steps a read and a write.
    assert (found["storage_query"], found["commit"]) == (2 + 2 * 2, 2 + 2)


def test_more_executors_look_sooner() -> None:
    # Four of them look every 25 ms: at 25, taken at 26.
    assert latencies_ms(run(small("workers.orders.replicas=4"))) == [254 - 75 - 10]


def test_statements_travel_and_take_cpu() -> None:
    plain = latencies_ms(run(small()))[0]
    far = latencies_ms(run(small("postgres.rtt=1 ms")))[0]
    # BEGIN, statement, COMMIT of five transactions after the look; the look's own four. The insert's three end before.
    assert far - plain == pytest.approx(5 * 3 + 4)
    worked = latencies_ms(run(small("constants.dbos.step_cpu=3 ms")))[0]
    assert worked - plain == pytest.approx(3 * 3)  # the begin and two steps


def test_after_a_crash_the_step_that_was_under_way_is_done_again_and_none_before_it() -> None:
    # Crashed at 220, in the second step, back at 1220: it begins anew, 1 ms of back-off having passed long before.
    crash = "faults.crash={target: workers.orders, at: 220 ms, repair: 1 s}"
    replication = run(small(crash), drill="crash")
    assert latencies_ms(replication) == [1220 + 50 + 1 + 1 - 10]


def test_a_step_is_tried_once_unless_it_says_otherwise() -> None:
    failing = "workflows.order.steps.0.activity={name: charge, service: 100 ms, error_rate: 100 %}"
    once = run(small(failing))
    assert latencies_ms(once) == [201 - 10]
    policy = "workflows.order.retry={initial_interval: 1 s, maximum_attempts: 3}"
    # Three attempts, 1 s and 2 s apart.
    assert latencies_ms(run(small(failing, policy))) == [101 + 3 * 100 + 3000 - 10]


def test_a_limit_of_workflows_at_once_makes_the_others_wait() -> None:
    two = ("workflows.order.arrivals={burst: 2, at: 10 ms}", "dbos.worker_concurrency=1")
    # The first has the one thread until it ends; their inserts share flushes 10 to 11 and 11 to 12.
    first, second = sorted(latencies_ms(run(small(*two))))
    assert first == 254 - 10
    assert second == pytest.approx(first + 153)


def test_a_failover_is_outlived_by_opening_connections_again() -> None:
    loss = "faults.loss={target: postgres.primary, at: 150 ms}"
    # The result of the first step finds no primary at 201; it comes again 1 s later and finds one.
    hurt = run(small(loss, "constants.postgres.restart=300 ms"), drill="loss")
    assert latencies_ms(hurt) == [254 + 1000 - 10]


def test_an_executor_that_stands_still_goes_on_where_it_was_and_a_slow_primary_flushes_slowly() -> None:
    # The first step is over at 201, in the pause; written at 1151, then 50, 1 and 1.
    pause = "faults.boom={target: workers.orders, effect: pause, at: 150 ms, repair: 1 s}"
    assert latencies_ms(run(small(pause), drill="boom")) == [1150 + 1 + 50 + 1 + 1 - 10]
    # Three commits after the look take 2 ms each instead of 1.
    slow = "faults.boom={target: postgres.primary, effect: slow, speed: 0.5, at: 0 s, repair: 1 min}"
    assert latencies_ms(run(small(slow), drill="boom")) == [254 + 3 - 10]


def test_the_library_predicts_a_run_of_it_that_was_measured() -> None:
    # Three empty steps, polled every 0.1 s, 10/s for 5 s, DBOS 3.4.0 with one executor on two cores shared with
    # PostgreSQL 15.20 (2026-11): from enqueue to end 80 ms on average, 76 at the median, 139 at p99. The host's own
    # constants: a flush of 0.13 ms, 72 us of CPU and 30 us on the way for a message. `step_cpu` comes from the time
    # between a workflow's first and last line in that run, so the time in its queue is what is predicted.
    text = SMALL.replace("100 ms, effect: charged", "0 ms").replace("50 ms, effect: shipped", "0 ms")
    text = text.replace("{burst: 1, at: 10 ms}", "10/s")
    text = text.replace(
        "      - activity: {name: ship, service: 0 ms}\n",
        "      - activity: {name: ship, service: 0 ms}\n      - activity: {name: bill, service: 0 ms}\n",
    )
    text = text.replace("constants:\n  dbos: {step_cpu: 0 ms}\n", "constants:\n")
    own = ("workers.orders.cpu=2", "postgres.cpu=2", "postgres.flush=0.13 ms", "postgres.rtt=30 us")
    loaded = load(text, [*own, "constants.postgres.cpu_per_message=72 us"])
    found = sorted(latencies_ms(run(loaded, horizon_s=60)))
    # 50 workflows were measured: the mean has a standard error of 5 ms, and repeats of such runs vary by 9 %.
    assert sum(found) / len(found) == pytest.approx(80, abs=3 * 5)
    assert found[len(found) // 2] == pytest.approx(76, abs=3 * 6)
    assert found[int(0.99 * len(found))] == pytest.approx(139, rel=0.2)
