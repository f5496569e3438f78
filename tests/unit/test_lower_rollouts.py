"""Rollouts: pods that are restarted one after the other.

Goal: each pod goes once, when the one before is back; a history pod hands its shards over, a crashed one is missed
first. Method: times by hand, and the same pods crashed and restarted.
"""

from __future__ import annotations

from lower_fixture import latencies_ms, small

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
ROLLING = "nodes: rolling, at: 1 s, repair: 2 s"


def rolled(loaded: Loaded) -> Replication:
    plan = Plan(seed=1, horizon_ns=20 * SECOND, drain_ns=1000 * SECOND, drill="roll")
    replication = Engine(loaded.lowered.drilled("roll"), plan).run()
    assert audit(replication) == []
    return replication


def times_s(loaded: Loaded) -> list[tuple[float, float]]:
    return [(one.start_ns / 1e9, one.end_ns / 1e9) for one in rolled(loaded).episodes]


def workers(more: str = "") -> Loaded:
    pool = "workers.orders={replicas: 3, cpu: 1, start_delay: 1 s}"
    return small(QUICK, pool, f"faults.roll={{target: workers.orders, {ROLLING}{more}}}")


def test_each_pod_goes_when_the_one_before_is_back_and_ready() -> None:
    assert times_s(workers()) == [(1, 4), (4, 7), (7, 10)]
    assert times_s(workers(", min_ready: 500 ms")) == [(1, 4), (4.5, 7.5), (8, 11)]
    targets = [one.targets for one in workers().lowered.network.faults.values()]
    assert [(target.group, target.nodes) for (target,) in targets] == [("orders-workers", (pod,)) for pod in range(3)]
    assert workers().lowered.companions == {"roll": ("roll-1", "roll-2")}


def history(fault: str, *sets: str) -> Loaded:
    pods = ("temporal.history={replicas: 3, cpu: 4}", "temporal.history_shards=300", *sets)
    # Pods that are known to be gone after 10 s; a hundred executions, a third of them on the first pod's shards.
    known = "constants.temporal.shard_owner_detect=10 s"
    busy = "workflows.order.arrivals={burst: 100}"
    return small(QUICK, known, busy, *pods, f"faults.roll={{target: temporal.history, {fault}}}")


def test_shards_of_a_restarted_pod_are_handed_over_and_those_of_a_crashed_one_are_missed_first() -> None:
    restarted = latencies_ms(rolled(history("nodes: rolling, at: 50 ms, repair: 2 s")))
    crashed = latencies_ms(rolled(history("nodes: [0], at: 50 ms, repair: 20 s")))
    assert max(crashed) > 10_000
    assert max(restarted) < 1_000
    # And the time of a handover is that of acquiring, which the fault itself knows nothing of.
    slow = history("nodes: rolling, at: 50 ms, repair: 2 s", "postgres.flush=100 ms")
    assert times_s(slow)[0][1] - 0.05 > 0.1


def test_a_lone_history_pod_has_nobody_to_hand_its_shards_to() -> None:
    alone = history("nodes: rolling, at: 50 ms, repair: 2 s", "temporal.history={replicas: 1, cpu: 4}")
    assert times_s(alone) == [(0.05, 2.05), (0.05, 2.05)]
    assert max(latencies_ms(rolled(alone))) > 2_000
