"""DBOS by timelines of hand, and against a run that was measured.

Goal: a workflow waits for the next look into its queue, then has two transactions of each step; threads of an executor
share one interpreter; after a crash of its executor a workflow goes on from the last step whose result is there.
Method: constants, a few executions; F = 1 ms. Looks begin at random, so spans and differences are told, not times.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lower_fixture import counts, run

from calibration.systems import dbos
from calibration.systems.cells import read_cells
from calibration.systems.predict import predicted
from sim.calibrate.fits import read_fits
from sim.lower.load import Loaded, load
from sim.results.columns import Replication
from sim.scenario.presets import preset

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
  orders: {replicas: 1, cpu: 2}
dbos: {polling_interval: 100 ms}
postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}
constants:
  dbos:
    {look_cpu: 0 ms, start_cpu: 0 ms, begin_cpu: 0 ms, step_cpu: 0 ms, end_cpu: 0 ms, upkeep_cpu: 0 ms}
  postgres: {cpu_per_message: 0 ms, connect: 0 ms}
"""


def small(*sets: str) -> Loaded:
    return load(SMALL, sets)


def orders_ms(run: Replication) -> list[float]:
    """Latencies of the workflows, without the threads of the executors, in the order of their ends."""
    rows = run.executions
    mine = rows.routine == run.routines.index("order")
    ends, starts = rows.end_ns[mine], rows.start_ns[mine]
    return [float(end - start) / 1e6 for end, start in sorted(zip(ends, starts, strict=True))]


def span_ms(run: Replication, metric: str) -> list[float]:
    return [float(one) / 1e6 for one in run.spans[metric].durations_ns]


def test_a_workflow_waits_for_the_next_look_and_then_for_its_steps_writes() -> None:
    found = run(small())
    # 100 and its record 1, 50 and 1; after the return the outcome's 1.
    assert span_ms(found, "start_to_return.orders") == [100 + 1 + 50 + 1]
    (waited,) = span_ms(found, "schedule_to_start.orders")
    assert orders_ms(found) == [pytest.approx(waited + 152 + 1)]
    # Inserted at 11, the first look after that up to 105 later, what it found marked 1 later.
    assert 1 + 1 <= waited <= 1 + 105 + 1


def test_what_is_changed_is_flushed_and_what_is_read_is_not() -> None:
    # Insert, taken, two records, outcome; looks and checks change nothing.
    assert counts(run(small()))["commit"] == 1 + 1 + 2 + 1


@pytest.mark.parametrize(("executors", "wait_ms"), [(1, 54.2), (4, 20.1)])
def test_looks_of_several_executors_fall_anywhere_between_each_other(executors: int, wait_ms: float) -> None:
    # Intervals of 50 to 150 ms, so that looks of different executors are independent after a few.
    random = "constants.dbos.polling_jitter=50 %"
    changed = small(f"workers.orders.replicas={executors}", "workflows.order.arrivals=10/s", random)
    waits = span_ms(run(changed, horizon_s=60), "schedule_to_start.orders")
    # The least of n residual times of such intervals on average, by quadrature; + insert and mark. 600 waits of a
    # standard deviation of 34 and 20 ms, so 4 ms are nearly three standard errors.
    assert sum(waits) / len(waits) == pytest.approx(wait_ms + 2, abs=4)


def test_every_message_travels_and_takes_cpu() -> None:
    plain = span_ms(run(small()), "start_to_return.orders")[0]
    far = span_ms(run(small("postgres.rtt=1 ms")), "start_to_return.orders")[0]
    assert far - plain == pytest.approx(2 * (5 + 5))  # of each step's check and record
    worked = span_ms(run(small("constants.dbos.step_cpu=30 ms")), "start_to_return.orders")[0]
    assert worked - plain == pytest.approx(2 * 30)
    slow = span_ms(
        run(small("constants.dbos.step_cpu=30 ms", "constants.dbos.core_speed=50 %")), "start_to_return.orders"
    )
    assert slow[0] - plain == pytest.approx(2 * 60)


def test_workflows_of_one_executor_take_turns_with_its_interpreter() -> None:
    two = ("workflows.order.arrivals={burst: 2, at: 10 ms}", "constants.dbos.step_cpu=10 ms")
    together = span_ms(run(small(*two)), "start_to_return.orders")
    # Each has 20 ms of its own and, in turns of a message (1 ms), the other's 20; of each of the four transactions the
    # first turn or the last may be alone.
    assert all(152 + 40 - 4 * 2 <= one <= 152 + 40 for one in together)


def test_after_a_crash_the_step_that_was_under_way_is_done_again_and_none_before_it() -> None:
    # Shipping is under way from 220 at the latest; crashed at 600, back at 1600, 1 ms of back-off long over.
    crash = "faults.crash={target: workers.orders, at: 600 ms, repair: 1 s}"
    replication = run(small(crash, "workflows.order.steps.1.activity.service=1 s"), drill="crash")
    assert orders_ms(replication) == [1600 + 1000 + 1 + 1 - 10]


def test_a_step_is_tried_once_unless_it_says_otherwise() -> None:
    failing = "workflows.order.steps.0.activity={name: charge, service: 100 ms, error_rate: 100 %}"
    policy = "workflows.order.retry={initial_interval: 1 s, maximum_attempts: 3}"
    once, often = orders_ms(run(small(failing)))[0], orders_ms(run(small(failing, policy)))[0]
    # Three attempts, 1 s and 2 s apart.
    assert often - once == pytest.approx(2 * 100 + 3000)


def test_steps_may_be_repeated() -> None:
    twice = "workflows.order.steps=[{repeat: {times: 2, steps: [{activity: {name: charge, service: 100 ms}}]}}]"
    assert span_ms(run(small(twice)), "start_to_return.orders") == [2 * (100 + 1)]


def test_a_limit_of_workflows_at_once_makes_the_others_wait_for_a_later_look() -> None:
    two = ("workflows.order.arrivals={burst: 2, at: 10 ms}", "dbos.worker_concurrency=1")
    first, second = orders_ms(run(small(*two)))
    # The other one has 153 of its own, the mark's 1, and its wait for the next look.
    assert first + 154 <= second <= first + 154 + 105 + 1


def test_a_failover_is_outlived_by_opening_connections_again() -> None:
    long = "workflows.order.steps.0.activity.service=1 s"
    loss = "faults.loss={target: postgres.primary, at: 1005 ms}"
    # The result of the first step, between 1011 and 1117, finds no primary, which is away from 1005 to 1305; it comes
    # again 1 s later and finds one.
    hurt = run(small(long, loss, "constants.postgres.restart=300 ms"), drill="loss")
    assert orders_ms(hurt)[0] - orders_ms(run(small(long)))[0] == pytest.approx(1000)


def test_an_executor_that_stands_still_goes_on_where_it_was_and_a_slow_primary_flushes_slowly() -> None:
    # The first step is over at 1117 at the latest, in the pause; written at 2601, then 50, 1 and 1.
    pause = "faults.boom={target: workers.orders, effect: pause, at: 600 ms, repair: 2 s}"
    long = "workflows.order.steps.0.activity.service=1 s"
    assert orders_ms(run(small(pause, long), drill="boom")) == [2600 + 1 + 50 + 1 + 1 - 10]
    slow = "faults.boom={target: postgres.primary, effect: slow, speed: 0.5, at: 0 s, repair: 1 min}"
    assert span_ms(run(small(slow), drill="boom"), "start_to_return.orders") == [152 + 2]


def test_the_constants_are_those_of_the_fit() -> None:
    values = read_fits(Path("calibration/fits/dbos.yaml")).values
    step = preset("dbos", "3")["step_cpu"].value
    assert step / 1e6 == pytest.approx(values["step"], rel=1e-3)
    assert f"constants.dbos.core_speed={100 * values['speed_xeon']:.3g} %" in dbos.HOSTS["xeon"]


def test_the_run_that_was_fitted_to_comes_out_again() -> None:
    # 50 workflows were measured: their mean has a standard error of 5 ms. Part of the constants come from this run.
    (cell,) = read_cells([Path("calibration/measured/epyc/dbos_c.jsonl")])
    found = predicted(dbos.case(cell), replications=4, processes=1)
    assert found.mean("latency.mean") == pytest.approx(cell.values["latency.mean"], abs=3 * 5)
    assert found.mean("service.mean") == pytest.approx(cell.values["service.mean"], rel=0.2)
    assert found.mean("throughput") == pytest.approx(cell.values["throughput"], rel=0.05)
