"""Shards of a history pod that dies: they stand still until others own them, and their queues are fired anew.

Goal: the gap is what it takes to notice and to acquire, whoever was hit, and nothing is lost in it. Method: timelines
by hand, on a pod of two at a time.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, in_drill, latencies_ms, small

from sim.draws.build import inverse_of
from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded
from sim.lower.sums import least_of, mean_ns
from sim.network.distributions import Constant, Exponential, Uniform
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
DETECT = "constants.temporal.shard_owner_detect=3 s"
MS = 1_000_000


def crash(*sets: str, nodes: str = "[0]", at: str = "50 ms", repair: str = "1 h") -> Loaded:
    fault = f"faults.boom={{target: temporal.history, nodes: {nodes}, at: {at}, repair: {repair}}}"
    pods = "temporal.history={replicas: 2, cpu: 1}"
    return small(pods, fault, DETECT, "workflows.order.steps.0.activity.start_to_close=10 s", *sets)


def drilled(loaded: Loaded) -> Replication:
    plan = Plan(seed=1, horizon_ns=SECOND, drain_ns=10_000 * SECOND, drill="boom")
    replication = Engine(in_drill(loaded, "boom"), plan).run()
    assert audit(replication) == []
    return replication


def test_a_result_waits_until_its_shard_has_a_new_owner() -> None:
    # Service until 107. The pods are gone at 50; known at 3050, and acquired within a flush (no round trips here).
    # Of the two pods one owns the execution's shard; the death of the other one is not felt.
    took = sorted(latencies_ms(drilled(crash(QUICK, nodes=f"[{pod}]")))[0] for pod in (0, 1))
    assert took == [pytest.approx(113), pytest.approx(3051 + 6)]


def test_a_pod_that_is_back_before_it_is_missed_keeps_its_shards() -> None:
    took = sorted(latencies_ms(drilled(crash(QUICK, nodes=f"[{pod}]", repair="1 s")))[0] for pod in (0, 1))
    assert took == [pytest.approx(113), pytest.approx(1050 + 6)]


def test_nobody_takes_over_when_all_pods_are_gone() -> None:
    for nodes in ("all", "[0, 1]"):
        assert latencies_ms(drilled(crash(QUICK, nodes=nodes, repair="5 s"))) == [pytest.approx(5050 + 6)]


def test_a_queue_is_fired_anew_by_the_next_owner() -> None:
    # The activity's task is there at 6 and its shard's queue is read again at 52; the pods die at 30 and are back at
    # 130. Read at once: started 131, service until 231, completed 233, task 235, closed 237.
    replication = drilled(crash(nodes="all", at="30 ms", repair="100 ms"))
    assert counts(replication)["refired"] == 1
    assert latencies_ms(replication) == [pytest.approx(237)]
    calm = small("temporal.history={replicas: 2, cpu: 1}")
    assert "refired" not in counts(Engine(calm.lowered.network, Plan(seed=1, horizon_ns=SECOND)).run())


def test_a_transition_that_its_pod_did_not_finish_is_done_by_the_next_owner() -> None:
    # The activity is scheduled from 4 to 6; the pods die at 5. Anew after a back-off of 50 ms or more, at 105 when
    # they are back: 107, started 108, service until 208, and 6.
    replication = drilled(crash(QUICK, nodes="all", at="5 ms", repair="100 ms"))
    assert latencies_ms(replication) == [pytest.approx(208 + 6)]
    assert counts(replication)["transition"] == 7


def test_cores_stay_away_after_the_shards_have_moved() -> None:
    loaded = crash(QUICK)
    faults = loaded.lowered.network.faults
    assert loaded.lowered.companions == {"boom": ("boom-cores",)}
    assert faults["boom"].duration == Constant(constant_ns=3 * SECOND + MS)
    assert faults["boom-cores"].duration == Constant(constant_ns=3600 * SECOND)
    assert [target.group for target in faults["boom-cores"].targets] == ["history"]


def test_shards_are_acquired_ten_at_a_time() -> None:
    # 800 shards on two pods: the one that is left acquires 400, in 40 rounds of a flush each.
    faults = crash("temporal.history_shards=800").lowered.network.faults
    assert faults["boom"].duration is not None
    longest = inverse_of(faults["boom"].duration).quantile(1 - 1e-9)
    assert longest == pytest.approx(3.040, abs=1e-3)


def test_the_lesser_of_two_exponentials_is_one_of_the_sum_of_their_rates() -> None:
    lesser = least_of(Exponential(exponential_ns=300 * MS), Exponential(exponential_ns=600 * MS))
    assert mean_ns(lesser) == pytest.approx(200 * MS, rel=0.01)
    assert mean_ns(least_of(Uniform(uniform_ns=(0, 100 * MS)), Constant(constant_ns=MS * 500))) == pytest.approx(
        50 * MS, rel=1e-3
    )
