"""Rollouts: pods that are restarted one after the other.

Goal: each pod goes once, when the one before is back; a history pod hands its shards over, a crashed one is missed
first. Method: times by hand, and the same pods crashed and restarted.
"""

from __future__ import annotations

import pytest
from lower_fixture import in_drill, latencies_ms, small

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded
from sim.network.distributions import Constant
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
ROLLING = "nodes: rolling, at: 1 s, repair: 2 s"


def rolled(loaded: Loaded) -> Replication:
    plan = Plan(seed=1, horizon_ns=20 * SECOND, drain_ns=1000 * SECOND, drill="roll")
    replication = Engine(in_drill(loaded, "roll"), plan).run()
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


def bad(detected_after: str) -> list[tuple[str, tuple[int, ...], float, float]]:
    """Effect, pods, begin and end in s of each fault of a bad rollout of three pods, each away for 3 s from 1 s on."""
    more = f", bad: {{error_rate: 30 %, detected_after: {detected_after}}}"
    found = []
    for fault in workers(more).lowered.network.faults.values():
        assert isinstance(fault.duration, Constant)
        assert isinstance(fault.targets[0].nodes, tuple)
        assert fault.at_ns is not None
        assert fault.probability == (0.3 if fault.effect == "errors" else None)
        end_ns = fault.at_ns + fault.duration.constant_ns
        found.append((fault.effect, fault.targets[0].nodes, fault.at_ns / 1e9, end_ns / 1e9))
    return found


def test_a_bad_version_fails_until_it_is_noticed_and_rolled_back() -> None:
    # Noticed at 6, while the second pod is away: that one comes back as the old one at 7, then the first one goes.
    assert bad("2 s") == [
        ("crash", (0,), 1, 4),
        ("crash", (1,), 4, 7),
        ("errors", (0,), 4, 7),
        ("crash", (0,), 7, 10),
    ]


def test_a_bad_version_that_is_noticed_late_is_rolled_back_pod_by_pod() -> None:
    # Everywhere at 10, noticed at 12.
    assert bad("8 s") == [
        ("crash", (0,), 1, 4),
        ("crash", (1,), 4, 7),
        ("crash", (2,), 7, 10),
        ("errors", (0,), 4, 12),
        ("crash", (0,), 12, 15),
        ("errors", (1,), 7, 15),
        ("crash", (1,), 15, 18),
        ("errors", (2,), 10, 18),
        ("crash", (2,), 18, 21),
    ]


def test_a_bad_version_of_history_fails_at_its_cores() -> None:
    faults = history("nodes: rolling, at: 50 ms, repair: 2 s, bad: {error_rate: 10 %, detected_after: 1 min}")
    found = [fault for fault in faults.lowered.network.faults.values() if fault.effect == "errors"]
    assert [(fault.targets[0].group, fault.targets[0].nodes) for fault in found] == [
        ("history", (pod,)) for pod in range(3)
    ]


def test_of_rollouts_at_random_a_share_is_bad() -> None:
    often = "faults.roll={target: workers.orders, nodes: rolling, rate: 2/week, repair: 2 s%s}"
    pool = "workers.orders={replicas: 3, cpu: 1, start_delay: 1 s}"
    more = ", change_failure_rate: 5 %, bad: {error_rate: 30 %, detected_after: 2 s}"
    loaded = small(QUICK, pool, often % more)
    assert loaded.lowered.network.faults == {}
    found = loaded.lowered.classes["roll"]
    assert found.rate.per_s * 7 * 86_400 == pytest.approx(2)
    assert [variant.chance for variant in found.variants] == pytest.approx([0.95, 0.05])
    good, other = (list(variant.faults.values()) for variant in found.variants)
    assert [fault.at_ns for fault in good] == [0, 3 * SECOND, 6 * SECOND]
    assert [fault.effect for fault in other] == ["crash", "crash", "errors", "crash"]
    [alone] = small(QUICK, pool, often % "").lowered.classes["roll"].variants
    assert alone.chance == 1


def test_activities_fail_on_pods_with_the_bad_version() -> None:
    # From 4 to 12 s on the first pod, from 7 and 10 on the others: of what comes then, some is tried again.
    more = ", bad: {error_rate: 100 %, detected_after: 8 s}"
    load = "workflows.order.arrivals={renewal: 100 ms}"
    pool = "workers.orders={replicas: 3, cpu: 1, start_delay: 1 s}"
    loaded = small(QUICK, pool, load, f"faults.roll={{target: workers.orders, {ROLLING}{more}}}")
    replication = rolled(loaded)
    rows = replication.executions
    late = (rows.end_ns - rows.start_ns) > 500_000_000
    begun = rows.start_ns[late] / 1e9
    assert late.sum() > 10
    assert (begun > 0.5).all()
    assert not late[rows.start_ns > 21 * SECOND].any()
    assert replication.attempts["order"][1] > 10


def test_pods_that_drain_first_follow_each_other_after_their_notice() -> None:
    # Each is told, may take 1 s to drain, and is away for 3 s; these are idle and go at once.
    assert times_s(workers(", notice: 1 s")) == [(1, 4), (5, 8), (9, 12)]
