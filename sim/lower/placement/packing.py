"""Pods on the nodes of a Kubernetes cluster: which stand together, and how many nodes they need.

Every pod asks for its cores. The largest are placed first, each on the node of its zone that has most cores free, as
the scheduler's default scoring does. Source: Kubernetes documentation, NodeResourcesFit with LeastAllocated, 2024-08.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from sim.errors import Problem
from sim.lower.constants import Constants
from sim.lower.lowered import Computed
from sim.lower.names import pods_of
from sim.lower.steps import Distribution, constant
from sim.lower.sums import least_of
from sim.scenario.model.hosts import Kubernetes
from sim.scenario.scenario import Scenario

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod. group: its node group in the network; index: its number there. zone: 0 where there are none."""

    group: str
    index: int
    cores: float
    zone: int


def pods_on(scenario: Scenario) -> Iterator[Pod]:
    """The pods that stand on the cluster's nodes; of an autoscaled pool the most that there may be."""
    hosted = {component for host in scenario.hosts.values() for component in host.components}
    groups: list[tuple[str, int, float]] = []
    for name, service in scenario.services.items():
        if service.node is None and f"temporal.{name}" not in hosted:
            groups.append((name, service.replicas, service.cpu_cores))
    bouncer = scenario.pgbouncer
    if bouncer is not None and bouncer.node is None:
        groups.append(("pgbouncer", bouncer.replicas, bouncer.cpu_cores))
    for queue, pool in scenario.workers.items():
        elsewhere = pool.node, pool.regions, pool.rtt_ns, pool.spot_mttf_ns
        if all(one is None for one in elsewhere) and f"workers.{queue}" not in hosted:
            groups.append((pods_of(queue), pool.most, pool.cpu_cores))
    zones = scenario.zones
    for group, count, cores in groups:
        for index in range(count):
            yield Pod(group, index, cores, 0 if zones is None else zones.of_pod(index))


def packed(scenario: Scenario, kubernetes: Kubernetes) -> list[list[Pod]] | None:
    """The pods of each node; None where they do not fit."""
    return _placed(scenario, kubernetes, kubernetes.nodes, list(pods_on(scenario)))


def nodes_needed(scenario: Scenario, kubernetes: Kubernetes) -> int:
    """The fewest nodes that hold all pods, each in its zone."""
    pods = list(pods_on(scenario))
    nodes = max(1, ceil(sum(pod.cores for pod in pods) / kubernetes.allocatable - ROUNDING))
    while _placed(scenario, kubernetes, nodes, pods) is None:
        nodes += 1
    return nodes


def nodes_to_lose_a_zone(scenario: Scenario, kubernetes: Kubernetes) -> int:
    """The fewest nodes of which those of two zones hold the pods of the third as well, whichever is lost."""
    assert scenario.zones is not None
    nodes = nodes_needed(scenario, kubernetes)
    zones = range(len(scenario.zones.names))
    while True:
        cluster = kubernetes.model_copy(update={"nodes": nodes})
        if all(has_room_without(scenario, cluster, nodes_in(scenario, cluster, zone)) for zone in zones):
            return nodes
        nodes += 1


def nodes_in(scenario: Scenario, kubernetes: Kubernetes, zone: int) -> tuple[int, ...]:
    """The nodes of a zone."""
    zones = scenario.zones
    assert zones is not None
    return tuple(node for node in range(kubernetes.nodes) if zones.of_pod(node) == zone)


def has_room_without(scenario: Scenario, kubernetes: Kubernetes, lost: Sequence[int]) -> bool:
    """Whether the pods of some nodes find room on the others, of any zone, beside those that stand there."""
    placed = packed(scenario, kubernetes)
    if placed is None:
        return False
    left = [node for node in range(kubernetes.nodes) if node not in lost]
    free = [kubernetes.allocatable - sum(pod.cores for pod in placed[node]) for node in left]
    return _fill(free, [pod for node in lost for pod in placed[node]]) is not None


def away_on(constants: Constants, scenario: Scenario, lost: Sequence[int], repair: Distribution) -> Distribution:
    """Until the pods of lost nodes are started again: on these when they are back, or on others that have room, once
    Kubernetes has given these up."""
    kubernetes = scenario.kubernetes
    assert kubernetes is not None
    if not has_room_without(scenario, kubernetes, lost):
        constants.record_assumption(
            "pods of lost nodes for which the others have no room", "wait until theirs are back"
        )
        return repair
    constants.record_assumption(
        "pods that are started on other nodes", "are as near to everybody as before, and go back unseen"
    )
    known_ns = constants.number("kubernetes.node_monitor_grace_period")
    return least_of(repair, constant(known_ns + constants.number("kubernetes.eviction_delay")))


def _placed(scenario: Scenario, kubernetes: Kubernetes, nodes: int, pods: Sequence[Pod]) -> list[list[Pod]] | None:
    found: list[list[Pod]] = [[] for _ in range(nodes)]
    zones = scenario.zones
    where = [0 if zones is None else zones.of_pod(node) for node in range(nodes)]
    for zone in sorted({pod.zone for pod in pods}):
        there = [node for node in range(nodes) if where[node] == zone]
        mine = [pod for pod in pods if pod.zone == zone]
        chosen = _fill([kubernetes.allocatable] * len(there), mine)
        if chosen is None:
            return None
        for pod, node in chosen:
            found[there[node]].append(pod)
    return found


def _fill(free: list[float], pods: Sequence[Pod]) -> list[tuple[Pod, int]] | None:
    """Each pod with its node; None where one finds no room."""
    found = []
    for pod in sorted(pods, key=lambda one: -one.cores):
        node = max(range(len(free)), key=free.__getitem__, default=None)
        if node is None or free[node] < pod.cores - ROUNDING:
            return None
        free[node] -= pod.cores
        found.append((pod, node))
    return found


# -- what a scenario is told about it ------------------------------------------------------------------------------


def infeasible_packing(scenario: Scenario) -> Iterator[Problem]:
    """Pods that find no node."""
    kubernetes = scenario.kubernetes
    if kubernetes is None:
        return
    pods = list(pods_on(scenario))
    largest = max(pods, key=lambda pod: pod.cores, default=None)
    if largest is None:
        yield Problem("kubernetes", "has nodes on which no pod stands", "leave it out, or leave out `node` elsewhere")
    elif largest.cores > kubernetes.allocatable + ROUNDING:
        yield Problem(
            "kubernetes.node",
            f"is {kubernetes.node}, of which pods can have {kubernetes.allocatable:.4g} cores, and one of "
            f"{largest.group} asks for {largest.cores:g}",
            "choose a larger machine",
        )
    elif packed(scenario, kubernetes) is None:
        requested = sum(pod.cores for pod in pods)
        yield Problem(
            "kubernetes.nodes",
            f"is {kubernetes.nodes}, with {kubernetes.nodes * kubernetes.allocatable:.4g} cores for pods in all; "
            f"{requested:.4g} are asked for, each pod's on one node of its zone",
            f"write   nodes: {nodes_needed(scenario, kubernetes)}",
        )
    else:
        yield from _drills(scenario, kubernetes)


def _drills(scenario: Scenario, kubernetes: Kubernetes) -> Iterator[Problem]:
    """Nodes whose loss nobody feels."""
    placed = packed(scenario, kubernetes)
    assert placed is not None
    for name, fault in scenario.faults.items():
        if "kubernetes.node" in fault.each_target and isinstance(fault.nodes, tuple):
            for node in fault.nodes:
                if not placed[node]:
                    yield Problem(f"faults.{name}.nodes", f"names node {node}, on which no pod stands")


def figures_of(scenario: Scenario) -> dict[str, Computed]:
    """What the packing tells without a run."""
    kubernetes = scenario.kubernetes
    if kubernetes is None:
        return {}
    requested = sum(pod.cores for pod in pods_on(scenario))
    share = requested / (kubernetes.nodes * kubernetes.allocatable)
    found = {
        "kubernetes.requested": Computed(share, "ratio", "cores that pods ask for, of those that they can have"),
        "kubernetes.nodes_needed": Computed(float(nodes_needed(scenario, kubernetes)), "", "nodes that hold all pods"),
    }
    if scenario.zones is not None and scenario.zones.spread == "even":
        found["kubernetes.nodes_to_lose_a_zone"] = Computed(
            float(nodes_to_lose_a_zone(scenario, kubernetes)),
            "",
            "nodes of which those of the other zones hold all pods, whichever zone is lost",
        )
    return found
