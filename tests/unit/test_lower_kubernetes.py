"""Pods on the nodes of a cluster: which stand together, what is lost with a node, how many nodes are needed.

Goal: pods find room by their cores and zones, or the file is refused; those of one node are lost at one instant.
Method: small packings by hand, and a drill whose end depends on who stood where.
"""

from __future__ import annotations

import pytest
from lower_fixture import latencies_ms, messages, run, small

from sim.errors import InputErrors
from sim.lower.load import Loaded
from sim.lower.lowered import Machine
from sim.lower.placement.packing import Pod, packed, pods_on
from sim.lower.sums import mean_ns
from sim.network.distributions import Constant, Exponential
from sim.studies.metrics.families import metric_units
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
PRICES = "prices.nodes={box: 100 USD/month}"
SERVICES = (
    "temporal.history={replicas: 1, cpu: 4}",
    "temporal.frontend={replicas: 1, cpu: 3}",
    "temporal.matching={replicas: 2, cpu: 2}",
    "workers.orders={replicas: 1, cpu: 1, node: box}",
)
"""Pods of 4, 3, 2 and 2 cores; the worker stands on a machine of its own."""


def cluster(nodes: int, cpu: float, *sets: str, more: str = "") -> Loaded:
    return small(QUICK, PRICES, f"kubernetes={{node: box, cpu: {cpu}, nodes: {nodes}{more}}}", *sets)


def names(loaded: Loaded) -> list[list[str]]:
    assert loaded.scenario.kubernetes is not None
    placed = packed(loaded.scenario, loaded.scenario.kubernetes)
    assert placed is not None
    return [[f"{pod.group} {pod.index}" for pod in pods] for pods in placed]


def test_the_largest_pod_is_placed_first_and_each_where_most_is_free() -> None:
    # 4 on the first; 3 on the second, which has more free; 2 there too, with 3 free against 2; 2 on the first.
    assert names(cluster(2, 6, *SERVICES)) == [["history 0", "matching 1"], ["frontend 0", "matching 0"]]


def test_what_the_system_keeps_is_no_room_for_pods() -> None:
    assert names(cluster(2, 6.25, *SERVICES, more=", system_reserved: 4 %")) == names(cluster(2, 6, *SERVICES))
    with pytest.raises(InputErrors) as caught:
        cluster(2, 6, *SERVICES, more=", system_reserved: 10 %")
    assert messages(caught.value)[0].startswith(
        "kubernetes.nodes: is 2, with 10.8 cores for pods in all; 11 are asked"
    )
    assert caught.value.problems[0].hint == "write   nodes: 3"


def test_a_pod_finds_room_only_on_the_nodes_of_its_zone() -> None:
    zones = "zones={names: [a, b], rtt: 0 ms}"
    pods = ("temporal.history={replicas: 3, cpu: 2}", "workers.orders={replicas: 1, cpu: 1}", zones)
    # Nodes 0 and 2 are in a, with history 0 and 2; in b there is one.
    assert names(cluster(3, 3, *pods)) == [["history 0", "orders-workers 0"], ["history 1"], ["history 2"]]


def test_pods_that_stand_elsewhere_ask_for_nothing() -> None:
    def groups(*sets: str) -> set[str]:
        loaded = cluster(4, 8, "temporal.history={replicas: 1, cpu: 1}", "prices.spot_saving=60 %", *sets)
        return {pod.group for pod in pods_on(loaded.scenario)}

    assert groups() == {"history", "orders-workers"}
    for elsewhere in ("node: box", "rtt: 5 ms", "capacity: spot, spot_mttf: 1 day"):
        assert groups(f"workers.orders={{replicas: 2, cpu: 1, {elsewhere}}}") == {"history"}
    assert groups("hosts.laptop={cpu: 4, components: [workers.orders]}") == {"history"}
    assert groups("pgbouncer={replicas: 2, cpu: 0.5}") == {"history", "orders-workers", "pgbouncer"}


def test_the_most_pods_of_an_autoscaled_pool_need_room() -> None:
    loaded = cluster(4, 8, "workers.orders={replicas: 1..5, cpu: 2, target_cpu: 65 %}")
    assert list(pods_on(loaded.scenario)) == [Pod("orders-workers", index, 2.0, 0) for index in range(5)]


def test_the_nodes_are_on_the_bill_and_the_pods_on_them_are_not() -> None:
    assert cluster(2, 6, *SERVICES).lowered.machines == (
        Machine("workers.orders", "box", 1, 100.0),
        Machine("kubernetes", "box", 2, 100.0),
    )


def test_how_many_nodes_are_needed_is_known_before_any_run() -> None:
    # Two pods of two cores in each zone fill a node of four there. A lost zone's two find room beside the others' with
    # a second node in two zones, so that one of them is always left.
    pods = ("zones={names: [a, b, c], rtt: 0 ms}", "workers.orders={replicas: 6, cpu: 2}")
    computed = cluster(6, 4, *pods).lowered.computed
    assert {name: one.value for name, one in computed.items()} == {
        "kubernetes.requested": 12 / 24,
        "kubernetes.nodes_needed": 3,
        "kubernetes.nodes_to_lose_a_zone": 5,
    }
    assert metric_units(cluster(6, 4, *pods).lowered)["kubernetes.nodes_needed"] == ""


LOSS = "faults.loss={target: kubernetes.node, nodes: [0], at: 50 ms, repair: 20 s}"
PAIR = "workers.orders={replicas: 2, cpu: 1, start_delay: 5 s}"


def test_a_lost_node_takes_its_pods_until_they_have_started_again() -> None:
    loaded = cluster(2, 4, "temporal.history={replicas: 2, cpu: 2}", PAIR, LOSS)
    faults = loaded.lowered.network.faults
    pods, shards = faults["loss"], faults["loss-1"]
    assert [(target.group, target.nodes) for target in pods.targets] == [("history", (0,)), ("orders-workers", (0,))]
    assert pods.duration == Constant(constant_ns=25 * SECOND)
    assert [(target.group, target.nodes) for target in shards.targets] == [("history-shards", (0,))]
    assert loaded.lowered.companions == {"loss": ("loss-1",)}


def test_pods_that_share_a_node_are_lost_together_and_those_on_two_are_not() -> None:
    together, apart = (latencies_ms(run(cluster(n, 4, PAIR, LOSS), drill="loss"))[0] for n in (1, 2))
    # The attempt that is lost is known to be after its 2 s; a pod that is left takes it, or nobody before 25 s.
    assert together > 25_000
    assert apart < 10_000


def test_at_random_each_node_with_pods_has_a_clock_of_its_own() -> None:
    week_ns = 7 * 86_400 * SECOND

    def clocks(cause: str) -> list[object]:
        loaded = cluster(4, 4, PAIR, f"faults.loss={{target: kubernetes.node, {cause}, repair: 1 min}}")
        return [fault.mttf for fault in loaded.lowered.network.faults.values()]

    assert clocks("mttf: 1 week") == [Exponential(exponential_ns=week_ns)] * 2
    # One a week of any of the four nodes is one in four weeks of each; two of them are empty.
    found = clocks("rate: 1/week")
    assert len(found) == 2
    for clock in found:
        assert isinstance(clock, Exponential)
        assert clock.exponential_ns == pytest.approx(4 * week_ns)


def away_s(loaded: Loaded, fault: str = "loss") -> float:
    duration = loaded.lowered.network.faults[fault].duration
    assert duration is not None
    return mean_ns(duration) * 1e-9


def test_pods_of_a_node_that_stays_away_start_on_the_others_where_these_have_room() -> None:
    hour = LOSS.replace("repair: 20 s", "repair: 1 h")
    # Known to be lost after 40 s, given up 300 s later; then the pod needs its 5 s. Two nodes of one core are full.
    assert away_s(cluster(2, 2, PAIR, hour)) == 40 + 300 + 5
    assert away_s(cluster(2, 1, PAIR, hour)) == 3600 + 5
    assert away_s(cluster(2, 2, PAIR, LOSS)) == 20 + 5


def test_with_room_for_them_elsewhere_pods_need_not_wait_for_their_zone() -> None:
    zone = ("zones={names: [a, b], rtt: 0 ms}", "faults.loss={target: zone.b, at: 50 ms, repair: 1 h}")
    assert away_s(cluster(2, 2, PAIR, *zone)) == 345
    assert away_s(cluster(2, 1, PAIR, *zone)) == 3605


def test_the_standby_of_a_lost_zone_does_not_move_as_its_pods_do() -> None:
    zone = ("zones={names: [a, b], rtt: 0 ms}", "faults.loss={target: zone.b, at: 50 ms, repair: 1 h}")
    loaded = cluster(2, 2, PAIR, *zone, "postgres.nodes=2")
    assert [target.group for target in loaded.lowered.network.faults["loss-1"].targets] == ["postgres-standby-1"]
    assert away_s(loaded, "loss-1") == 3600
