"""What is measured of a run, and what its settings can never give, is said before or beside the figures."""

from __future__ import annotations

import pytest

from sim.errors import InputErrors
from sim.studies.loading.inputs import check_inputs
from sim.studies.loading.load import load
from sim.studies.run.study import Options, predict

WAITS = """
name: waits
workflows:
  order:
    arrivals: 2/s
    task_queue: orders
    steps:
      - activity: {name: pay, service: 10 ms}
      - wait: {signal: paid, after: 5 min}
workers: {orders: {replicas: 2, cpu: 2}}
temporal: {history_shards: 4}
postgres: {cpu: 4}
run: {warmup: 20 s, horizon: 40 s, follow: 0 s, drain: 0 s, replications: 2}
"""


def warnings_of(*sets: str) -> str:
    return "\n".join(predict(load(WAITS, sets), Options(processes=1)).summary.warnings)


def test_waits_longer_than_the_warm_up_are_warned_of_where_a_run_begins_empty() -> None:
    said = warnings_of()
    assert "executions of order stay for about 5 min, longer than the warm-up of 20 s" in said
    assert "run: {warmup: 15 min}, or start: in_progress" in said


@pytest.mark.parametrize(
    "change",
    ["run.start=in_progress", "workflows.order.steps.1.wait.after=1 s", "workflows.order.arrivals={closed: 5}"],
)
def test_a_run_that_has_settled_or_begins_inside_is_not_warned_of(change: str) -> None:
    assert "longer than the warm-up" not in warnings_of(change)


@pytest.mark.parametrize("metric", ["latency.order.p99", "wait.history-cpu.p50", "schedule_to_start.orders.p95"])
def test_a_percentile_that_so_few_replications_never_carry_is_refused_before_the_run(metric: str) -> None:
    objective = f"objectives=[{{metric: {metric}, below: 1 s}}]"
    sets = [objective, "temporal.history={replicas: 1, cpu: 2}"]
    with pytest.raises(InputErrors) as caught:
        check_inputs(load(WAITS, [*sets, "run.replications=4"]))
    (problem,) = caught.value.problems
    assert "which 4 replications can never carry: 5 are needed" in problem.message
    check_inputs(load(WAITS, [*sets, "run.replications=5"]))
    check_inputs(load(WAITS, [*sets, "run.replications=4", "run.precision=5 %"]))


def test_a_mean_and_a_percentile_of_recoveries_are_carried_by_two_replications() -> None:
    sets = ["faults={crash: {target: workers.orders, at: 30 s, repair: 1 s}}"]
    for metric in ("latency.order.mean", "recovery.crash.drain.p95", "worker_recovery.orders.p95"):
        check_inputs(load(WAITS, [*sets, f"objectives=[{{metric: {metric}, below: 1 s}}]"]))
