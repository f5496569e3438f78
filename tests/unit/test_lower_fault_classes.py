"""Random faults as classes: how often each comes, and its episodes as drills.

Goal: a class's rate follows from its evidence and from how many there are, and an episode is what a drill of the same
target is. Method: rates by hand, and variants held against the lowering of the drill.
"""

from __future__ import annotations

import pytest
from lower_fixture import small

from sim.lower.load import Loaded, load
from sim.lower.lowered import FaultClass
from sim.network.distributions import Exponential
from sim.network.faults import Fault
from sim.units.tables import SECOND, YEAR

YEAR_S = YEAR / SECOND
PODS = ("temporal.history={replicas: 3, cpu: 1}", "workers.orders={replicas: 4, cpu: 1, start_delay: 5 s}")


def class_of(loaded: Loaded, name: str = "boom") -> FaultClass:
    return loaded.lowered.classes[name]


def boom(fault: str, *sets: str) -> FaultClass:
    return class_of(small(*PODS, *sets, f"faults.boom={{{fault}}}"))


def as_drilled(fault: str, *sets: str) -> dict[str, Fault]:
    """What a drill at 0 becomes, as part of every run."""
    faults = small(*PODS, *sets, f"faults.boom={{{fault}, at: 0 s}}").lowered.network.faults
    return {name: one.model_copy(update={"drill": False}) for name, one in faults.items()}


def test_pods_with_a_mean_time_between_failures_fail_as_often_as_there_are_pods() -> None:
    # Each is up for an hour and away for 15 s, the start delay included; four of them.
    found = boom("target: workers.orders, mttf: 1 h, repair: 10 s")
    assert found.rate.per_s == pytest.approx(4 / 3615)
    assert found.rate.seen is None
    [variant] = found.variants
    assert variant.chance == 1
    assert variant.faults == as_drilled("target: workers.orders, nodes: any, repair: 10 s")


def test_a_rate_is_that_of_the_whole_target_and_its_source_goes_along() -> None:
    found = boom("target: workers.orders, nodes: all, rate: 3/year, repair: 10 s, source: 'our log, 2026-03'")
    assert found.rate.per_s * YEAR_S == pytest.approx(3)
    assert found.source == "our log, 2026-03"
    [variant] = found.variants
    assert variant.faults == as_drilled("target: workers.orders, nodes: all, repair: 10 s")
    assert boom("target: workers.orders, rate: 3/year, repair: 10 s").source is None


def test_what_was_seen_is_kept_as_evidence() -> None:
    found = boom("target: postgres.primary, seen: 2 in 2 years")
    assert found.rate.per_s * YEAR_S == pytest.approx(2.5 / 2)
    assert found.rate.seen == (2, 2 * YEAR)
    assert found.rate.times == 1


@pytest.mark.parametrize(("cause", "per_s"), [("mttf: 1 h", 3 / 3610), ("rate: 1/h", 1 / 3600)])
def test_shards_and_cores_of_a_history_pod_begin_together(cause: str, per_s: float) -> None:
    found = boom(f"target: temporal.history, {cause}, repair: 10 s")
    # The mean of the pod's own absence tells how long it is up again: the shards are acquired within 10 s.
    assert found.rate.per_s == pytest.approx(per_s, rel=2e-3)
    assert [variant.chance for variant in found.variants] == [1 / 3] * 3
    for pod, variant in enumerate(found.variants):
        assert variant.faults == as_drilled(f"target: temporal.history, nodes: [{pod}], repair: 10 s")
        assert list(variant.faults) == ["boom", "boom-cores"]


def test_any_zone_is_one_of_each_and_all_of_it_begins_together() -> None:
    zones = ("zones={names: [a, b, c], rtt: 0 ms}", "postgres.nodes=3")
    found = boom("target: zone, seen: 1 in 10 years, repair: 1 h", *zones)
    assert [variant.chance for variant in found.variants] == pytest.approx([1 / 3] * 3)
    for zone, variant in zip("abc", found.variants, strict=True):
        assert variant.faults == as_drilled(f"target: zone.{zone}, repair: 1 h", *zones)
        assert {fault.at_ns for fault in variant.faults.values()} == {0}
    each = boom("target: zone, mttf: 10 years, repair: 1 h", *zones)
    assert each.rate.per_s * YEAR_S == pytest.approx(0.3, rel=1e-4)


def test_the_loss_of_an_empty_node_is_no_episode() -> None:
    # Four nodes, of which two hold a pod each: half of what is seen is felt, and as a fault of either of the two.
    nodes = ("kubernetes={node: box, cpu: 2, nodes: 4}", "prices.nodes={box: 100 USD/month}")
    pair = "workers.orders={replicas: 2, cpu: 1}"
    found = class_of(
        small(*nodes, pair, "faults.boom={target: kubernetes.node, seen: 3 in 1 year, repair: 4 min}"),
    )
    assert found.rate.per_s * YEAR_S == pytest.approx(3.5 / 2)
    assert found.rate.times == pytest.approx(0.5)
    assert [variant.chance for variant in found.variants] == [0.5, 0.5]
    hit = [fault.targets[0].nodes for variant in found.variants for fault in variant.faults.values()]
    assert hit == [(0,), (1,)]


def test_spot_machines_and_dependencies_are_classes_too() -> None:
    loaded = small(
        "workers.orders={replicas: 4, cpu: 1, start_delay: 60 s, capacity: spot, spot_mttf: 1 day}",
        "prices.spot_saving=60 %",
        "workflows.order.steps=[{activity: {name: pay, service: 1 ms, start_to_close: 1 s, calls: [bank]}}]",
        "dependencies.bank={latency: 5 ms}",
        "faults.outage={target: dependencies.bank, mttf: 7 days, repair: 2 min}",
    )
    assert set(loaded.lowered.classes) == {"outage", "orders-spot-loss"}
    spot = class_of(loaded, "orders-spot-loss")
    assert spot.rate.per_s == pytest.approx(4 / (86_400 + 60))
    [fault] = spot.variants[0].faults.values()
    assert fault.targets[0].nodes == "any"
    assert (fault.at_ns, fault.mttf, fault.each, fault.is_drill) == (0, None, False, False)
    assert class_of(loaded, "outage").rate.per_s == pytest.approx(1 / (7 * 86_400 + 120))


NETWORK = """
name: a server
network:
  nodes: {left: {count: 3}, right: {count: 1}}
  sources: {jobs: {routine: job, arrivals: 1/s}}
  resources: {slots: {nodes: left, units: 1}, others: {nodes: right, units: 1}}
  routines: {job: [{delay: 1 ms}]}
  faults:
    boom: {targets: [{group: left}, {group: right}], mttf: 99 s, duration: {uniform: [0 s, 2 s]}, each: true}
    once: {targets: [{group: left}], at: 5 s, duration: 1 s}
"""


def test_a_fault_of_each_node_of_a_network_is_one_of_any_node_as_often_as_there_are_nodes() -> None:
    found = class_of(load(NETWORK))
    assert found.rate.per_s == pytest.approx(4 / 100)
    assert [variant.chance for variant in found.variants] == [0.75, 0.25]
    targets = [fault.targets[0] for variant in found.variants for fault in variant.faults.values()]
    assert [(target.group, target.nodes) for target in targets] == [("left", "any"), ("right", "any")]
    assert set(load(NETWORK).lowered.classes) == {"boom"}


def test_a_common_cause_takes_all_pods_in_its_share_of_the_failures() -> None:
    beta = "mttf: 1 h, repair: 10 s, common: 10 %"
    loaded = small(*PODS, f"faults.boom={{target: workers.orders, {beta}}}")
    assert loaded.lowered.network.faults["boom"].common == 0.1
    found = class_of(loaded)
    assert found.rate.per_s == pytest.approx(4 / 3615)
    assert [variant.chance for variant in found.variants] == [0.9, 0.1]
    assert [variant.faults["boom"].targets[0].nodes for variant in found.variants] == ["any", "all"]
    history = boom(f"target: temporal.history, {beta}")
    assert [variant.chance for variant in history.variants] == pytest.approx([0.3, 0.3, 0.3, 0.1])
    assert history.variants[-1].faults == as_drilled("target: temporal.history, nodes: all, repair: 10 s")


def test_all_nodes_of_kubernetes_are_lost_as_often_as_their_common_cause_comes() -> None:
    nodes = ("kubernetes={node: box, cpu: 2, nodes: 4}", "prices.nodes={box: 100 USD/month}")
    pair = "workers.orders={replicas: 2, cpu: 1}"
    loaded = small(*nodes, pair, "faults.boom={target: kubernetes.node, mttf: 1 year, repair: 4 min, common: 25 %}")
    gaps = {name: fault.mttf for name, fault in loaded.lowered.network.faults.items()}
    # Four fail once a year each: one of them has all down with it, three are of a node alone, of which two have pods.
    assert [gap.exponential_ns / YEAR for gap in gaps.values() if isinstance(gap, Exponential)] == pytest.approx(
        [4 / 3, 4 / 3, 1]
    )
    found = class_of(loaded)
    assert found.rate.per_s * YEAR_S == pytest.approx(0.75 * 2 + 1, rel=1e-4)
    assert [variant.chance for variant in found.variants] == pytest.approx([0.3, 0.3, 0.4])


def test_a_maintenance_window_goes_along() -> None:
    night = "window: {from: 3 h, to: 4 h, period: 1 day}"
    loaded = small(f"faults.boom={{target: postgres.primary, rate: 2/year, {night}}}")
    window = class_of(loaded).window
    assert window is not None
    assert (window.from_ns, window.to_ns) == (3 * 3600 * SECOND, 4 * 3600 * SECOND)
    assert loaded.lowered.network.faults["boom"].window == window
    [variant] = class_of(loaded).variants
    assert variant.faults["boom"].window is None


def test_a_fault_of_a_network_says_its_window_its_source_and_its_common_cause() -> None:
    more = "common: 20 %, source: our log, window: {from: 0 s, to: 1 h, period: 1 day}"
    found = class_of(load(NETWORK.replace("each: true", f"each: true, {more}")))
    assert found.source == "our log"
    assert found.window is not None
    assert [variant.chance for variant in found.variants] == pytest.approx([0.6, 0.2, 0.2])
    [both] = found.variants[-1].faults.values()
    assert [(target.group, target.nodes) for target in both.targets] == [("left", "all"), ("right", "all")]
    assert (both.common, both.window) == (0, None)
