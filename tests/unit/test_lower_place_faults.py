"""The loss of a zone on the bridge: who fails together, for how long, and what stays.

Goal: everything that stands in a zone fails at one instant; a primary is replaced elsewhere while the pods of its zone
stay away. Method: faults read off the lowered network, and timelines by hand.
"""

from __future__ import annotations

import pytest
from lower_fixture import in_drill, latencies_ms, small

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded
from sim.network.distributions import Constant, Exponential
from sim.network.faults import Fault
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.studies.metrics.families import metric_units
from sim.studies.run.study import Options, predict
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
PODS = (
    "temporal.history={replicas: 3, cpu: 1}",
    "temporal.matching={replicas: 2, cpu: 1}",
    "workers.orders={replicas: 4, cpu: 1, start_delay: 5 s}",
)
ZONES = "zones={names: [a, b], rtt: 0 ms, primary: a}"
FAILOVER = "postgres.failover={detect: 3 s, promote: 1 s}"


def lost(zone: str, *sets: str, cause: str = "at: 50 ms") -> Loaded:
    fault = f"faults.boom={{target: {zone}, {cause}, repair: 20 s}}"
    detect = "constants.temporal.shard_owner_detect=10 s"
    return small(QUICK, *PODS, ZONES, "postgres.nodes=3", FAILOVER, detect, *sets, fault)


def targets(fault: Fault) -> dict[str, object]:
    return {target.group: target.nodes for target in fault.targets}


def drilled(loaded: Loaded, drill: str = "boom") -> Replication:
    plan = Plan(seed=1, horizon_ns=30 * SECOND, drain_ns=1000 * SECOND, drill=drill)
    replication = Engine(in_drill(loaded, drill), plan).run()
    assert audit(replication) == []
    return replication


def test_every_second_pod_stands_in_the_second_of_two_zones() -> None:
    faults = lost("zone.b").lowered.network.faults
    assert set(faults) == {"boom", "boom-1"}
    pods = {"history": (1,), "matching": (1,), "orders-workers": (1, 3)}
    assert targets(faults["boom"]) == {"postgres-standby-1": (0,)} | pods
    assert targets(faults["boom-1"]) == {"history-shards": (1,)}
    assert faults["boom"].duration == Constant(constant_ns=25 * SECOND)  # with the start delay of the workers


def test_the_primary_is_replaced_while_the_pods_of_its_zone_stay_away() -> None:
    loaded = lost("zone.a")
    faults = loaded.lowered.network.faults
    pods = {"history": (0, 2), "matching": (0,), "orders-workers": (0, 2)}
    assert targets(faults["boom"]) == {"postgres-standby-2": (0,)} | pods
    assert targets(faults["boom-1"]) == {"postgres-primary": "all"}
    assert faults["boom-1"].duration == Constant(constant_ns=4 * SECOND)
    assert loaded.lowered.companions == {"boom": ("boom-1", "boom-2")}
    episodes = [(one.fault, one.start_ns, one.end_ns) for one in drilled(loaded).episodes]
    # The shards have been acquired, within the time of a flush, when the pods are known to be gone.
    assert episodes == [
        ("boom", 50_000_000, 25_050_000_000),
        ("boom-1", 50_000_000, 4_050_000_000),
        ("boom-2", 50_000_000, 10_051_000_000),
    ]


def test_a_companion_happens_with_its_drill_and_only_then() -> None:
    loaded = lost("zone.a")
    plan = Plan(seed=1, horizon_ns=SECOND, drain_ns=1000 * SECOND)
    assert len(Engine(loaded.lowered.network, plan).run().episodes) == 0
    assert not any("boom-1" in name for name in metric_units(loaded.lowered))


def test_without_a_standby_that_is_left_the_primary_stays_away_with_its_zone() -> None:
    # Of one node nobody can take over; of two, with one that has to confirm, the new primary would be alone.
    for sets in (
        ("postgres.nodes=1", "postgres.failover={detect: 3 s}"),
        ("postgres.nodes=2", "postgres.synchronous_standbys=1"),
    ):
        faults = lost("zone.a", *sets).lowered.network.faults
        assert set(faults) == {"boom", "boom-1"}
        assert targets(faults["boom"])["postgres-primary"] == "all"
        assert targets(faults["boom-1"]) == {"history-shards": (0, 2)}


def test_commits_wait_for_standbys_that_are_lost() -> None:
    # Of the standbys in b and a both have to confirm: with b lost no commit returns until it is back.
    both = drilled(lost("zone.b", "postgres.synchronous_standbys=2"))
    assert latencies_ms(both)[0] > 20_000


def test_a_loss_at_random_is_that_of_each_zone_at_its_share() -> None:
    rate = lost("zone", cause="rate: 2/year").lowered.network.faults
    pods = [fault for fault in rate.values() if "history" in targets(fault)]
    assert len(pods) == 2
    year_ns = 365.25 * 86400 * 1e9
    for fault in pods:
        assert isinstance(fault.mttf, Exponential)
        assert fault.mttf.exponential_ns == pytest.approx(year_ns, rel=0.01)
    each = lost("zone", cause="mttf: 1 year").lowered.network.faults
    assert {fault.mttf for fault in each.values()} == {each["boom"].mttf}
    assert not any(fault.is_drill for fault in each.values())


def test_spread_over_zones_outlives_the_loss_of_one_and_packed_into_it_does_not() -> None:
    # The same pods, the same database with its standbys elsewhere: whether anything runs before the zone is back is
    # told by the recovery of the drill, which neither knows of.
    restore = {}
    # History's pods are not named: shards that wait for the pod that owns them would hide what this is about.
    load = ("workflows.order.arrivals=20/s", "run={replications: 2, horizon: 5 s, warmup: 0 s, drill_window: 60 s}")
    for spread in ("even", "primary"):
        loaded = lost("zone.a", f"zones.spread={spread}", "temporal={rtt: 0 ms, history_shards: 512}", QUICK, *load)
        found = predict(loaded, Options(processes=1)).summary.metrics
        value = found["recovery.boom.restore.mean"].value
        assert value is not None
        restore[spread] = value
        assert "recovery.boom-1.restore.mean" not in found
    # Looked at in windows of 5 s. Packed: nothing before the 25 s are over. Spread: the failover takes 4 s, executions
    # that were known to lost pods or ran there some 10 s more.
    assert restore["primary"] > 20
    assert restore["even"] < 20


def test_workers_of_a_zone_that_is_cut_off_stand_still_and_the_rest_is_lost() -> None:
    found = lost("partition.a").lowered.network.faults
    assert {name: (fault.effect, targets(fault)) for name, fault in found.items()} == {
        "boom": ("pause", {"orders-workers": (0, 2)}),
        "boom-1": ("crash", {"history": (0, 2), "matching": (0,), "postgres-standby-2": (0,)}),
        "boom-2": ("crash", {"postgres-primary": "all"}),
        "boom-3": ("crash", {"history-shards": (0, 2)}),
    }
    # No pod is started again; a standby takes over for the primary.
    assert found["boom"].duration == found["boom-1"].duration == Constant(constant_ns=20 * SECOND)
    assert found["boom-2"].duration == Constant(constant_ns=4 * SECOND)
    drilled(lost("partition.a"))
