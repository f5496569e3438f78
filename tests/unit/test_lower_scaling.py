"""Pools whose pods come and go: scale from zero and back, the time to end what is at hand, spot losses, the bill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lower_fixture import latencies_ms, run, small

from sim.lower.load import Loaded, load
from sim.results.columns import Replication
from sim.studies.billing import usage_of
from sim.units.tables import SECOND

CONFIGS = Path(__file__).parents[2] / "configs"
QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
AUTOSCALED = "replicas: 0..2, cpu: 1, target_backlog: 1, interval: 500 ms, cool_down: 0 s, start_delay: 1 s"


def pool(text: str, *sets: str) -> Loaded:
    """The small deployment with another pool of workers."""
    return small(f"workers.orders={{{text}}}", QUICK, *sets)


def more_attempts(replication: Replication) -> int:
    return sum(more for _, more in replication.attempts.values())


def test_a_pool_scales_from_zero_when_a_task_waits_and_back_when_all_is_done() -> None:
    # The first workflow task waits at the look of 0.5 s; the pod that is started then polls at 1.5 s. What follows
    # takes less than half a second, so at the look of 2 s nothing is there.
    there = latencies_ms(run(pool("replicas: 1, cpu: 1")))[0]
    scaled = run(pool(AUTOSCALED), horizon_s=4)
    asked_ms = 2  # when the first task is there: two flushes of the start
    late = latencies_ms(scaled)[0] - there
    assert 1500 - asked_ms - 1 <= late <= 1500  # and the read of the transfer queue, which was quick
    assert scaled.nodes_on["orders"].area == round(1.5 * SECOND)
    assert scaled.nodes_on["orders"].starts == 1


@pytest.mark.parametrize(("grace", "killed"), [("30 s", 0), ("0 s", 1)])
def test_a_pod_that_goes_ends_its_work_if_it_is_given_the_time(grace: str, killed: int) -> None:
    # Four activities of 10 s, one slot a pod, a pod wanted for two tasks: two pods work, and when two tasks are left,
    # both at work, one pod has to go.
    slow = "replicas: 1..2, cpu: 1, activity_slots: 1, target_backlog: 2, interval: 1 s, cool_down: 0 s"
    text = f"{slow}, grace_period: {grace}"
    charge = "{name: charge, service: 10 s, start_to_close: 15 s}"
    loaded = pool(text, "workflows.order.arrivals={burst: 4}", f"workflows.order.steps.0.activity={charge}")
    assert more_attempts(run(loaded, horizon_s=60)) == killed


def test_spot_machines_are_lost_with_their_work_and_priced_as_spot() -> None:
    burst, long = (
        "workflows.order.arrivals={burst: 40}",
        "workflows.order.steps.0.activity={name: charge, service: 5 s, start_to_close: 8 s}",
    )
    node = "node: g4dn.xlarge"
    prices = "prices={catalogue: aws-us-east-1, spot_saving: 60 %}"
    kept = pool(f"replicas: 8, cpu: 1, {node}", burst, long, prices)
    spot = pool(f"replicas: 8, cpu: 1, {node}, capacity: spot, spot_mttf: 5 s", burst, long, prices)
    assert more_attempts(run(kept)) == 0
    assert more_attempts(run(spot)) > 0  # 8 pods for 5 s: none is lost in e^-8 of all runs
    assert [machine.spot for machine in (*kept.lowered.machines, *spot.lowered.machines)] == [False, True]


def test_the_bill_has_the_hours_that_pods_were_kept_not_those_of_all_that_there_could_be() -> None:
    loaded = pool(f"{AUTOSCALED}, node: g4dn.xlarge", "prices={catalogue: aws-us-east-1}")
    runs = [run(loaded, horizon_s=4, seed=seed) for seed in (1, 2)]
    use = usage_of(loaded.lowered, runs, True, None, 0.95).nodes[0]
    assert use.hours.value == pytest.approx(1.5 / 3600)
    fixed = replace(loaded.lowered, machines=(replace(loaded.lowered.machines[0], controller=None),))
    assert usage_of(fixed, runs, True, None, 0.95).nodes[0].hours.value == pytest.approx(2 * 4 / 3600)


def test_the_autoscaler_of_cpu_looks_at_cores_and_that_of_slots_at_every_kind_in_use() -> None:
    cores = pool("replicas: 1..3, cpu: 1, target_cpu: 65 %").lowered.network.controllers["orders"]
    slots = pool("replicas: 1..3, cpu: 1, target_utilisation: 65 %").lowered.network.controllers["orders"]
    assert cores.of == ("orders-cpu",)
    assert slots.of == ("orders-workflow-slots", "orders-activity-slots")


def test_machines_of_a_network_are_paid_for_as_long_as_its_controller_keeps_them() -> None:
    # One is kept from the look of 1 s, when a job waits, to that of 3 s, when it has been done: 2 of 4 s.
    loaded = load("""
name: jobs
network:
  nodes: {fleet: {count: 3}}
  sources: {jobs: {routine: job, arrivals: {burst: 1}}}
  resources: {slots: {nodes: fleet, units: 1}}
  routines: {job: [{acquire: slots}, {delay: 1500 ms}]}
  controllers: {scaler: {nodes: fleet, of: slots, backlog: 1, interval: 1 s}}
machines: {fleet: {node: g5.xlarge, kept_by: scaler}}
prices: {catalogue: aws-us-east-1}
""")
    use = usage_of(loaded.lowered, [run(loaded, horizon_s=4), run(loaded, horizon_s=4)], True, None, 0.95).nodes[0]
    assert use.hours.value == pytest.approx(2 / 3600)


def test_the_always_on_cluster_of_netflix_is_the_same_but_for_its_gpu_nodes() -> None:
    demand, always = (load(CONFIGS / f"{name}.yaml").document.data for name in ("netflix", "netflix-always-on"))
    for key in ("run", "workflows", "temporal", "postgres", "prices"):
        assert demand[key] == always[key], key
    assert demand["workers"]["titles"] == always["workers"]["titles"]
    same = ("cpu", "activity_slots", "node")
    assert [demand["workers"]["gpu"][key] for key in same] == [always["workers"]["gpu"][key] for key in same]
