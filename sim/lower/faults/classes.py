"""Faults as those of the network; and those that come at random as classes too: how often, and episodes as scripted.

An episode is made by the lowering that makes drills, with its beginning at 0: what fails at once fails at once there,
where the random faults of a network have clocks of their own. See `FaultClass`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from sim.lower.context import Context
from sim.lower.lowered import FaultClass, Rate, Variant
from sim.lower.placement.packing import packed
from sim.lower.sums import mean_ns
from sim.network import Network
from sim.network.facts import node_groups
from sim.network.faults import Fault, Target
from sim.scenario.checks.faults import number_of
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.scenario import Scenario
from sim.units.tables import SECOND, YEAR

Lowering = Callable[[str, DeploymentFault], Mapping[str, Fault]]
"""What a fault of a deployment becomes, by its name."""


def class_of(context: Context, name: str, fault: DeploymentFault, lowering: Lowering) -> FaultClass:
    """The class of a deployment's random fault. What nobody would feel, such as the loss of an empty node, is no
    episode of it."""
    members, ways = _ways(context.scenario, fault)
    lowered = [(share, lowering(name, one)) for share, one in ways]
    felt = sum(share for share, faults in lowered if faults)
    variants = tuple(Variant(share / felt, _as_scripted(faults)) for share, faults in lowered if faults)
    if fault.mttf_ns is not None:
        away = sum(variant.chance * _mean_ns(next(iter(variant.faults.values()))) for variant in variants)
        rate = Rate(felt * members * SECOND / (fault.mttf_ns + away))
    else:
        assert fault.mean_gap_ns is not None, "a fault at random"
        rate = Rate(felt * SECOND / fault.mean_gap_ns, fault.seen, felt)
    context.constants.record_assumption(
        f"how often `{name}` comes", f"{rate.per_s * YEAR / SECOND:.3g} times a year", fault.source or ""
    )
    return FaultClass(rate, variants, fault.source, fault.window)


def _ways(scenario: Scenario, fault: DeploymentFault) -> tuple[int, list[tuple[float, DeploymentFault]]]:
    """How many there are that may fail, and the drills that the fault may be, each with its chance."""
    drill = _with(fault, at_ns=0, mttf_ns=None, rate_per_s=None, seen=None, window=None, common=0.0)
    if not isinstance(fault.targets, str):
        return 1, [(1.0, drill)]
    if fault.is_rolling:
        bad = fault.change_failure_rate or 0.0
        ways = [(1 - bad, _with(drill, bad=None)), (bad, drill)]
        return 1, [(chance, one) for chance, one in ways if chance]
    if fault.target == "zone":
        assert scenario.zones is not None
        names = scenario.zones.names
        return len(names), [(1 / len(names), _with(drill, targets=f"zone.{zone}")) for zone in names]
    members = number_of(scenario, fault)
    if fault.mttf_ns is None and fault.nodes != "any":
        return members, [(1.0, drill)]
    alone = [(share * (1 - fault.common), one) for share, one in _one_of(scenario, drill, members)]
    everywhere: tuple[int, ...] | str = tuple(range(members)) if fault.of_node else "all"
    return members, [*alone, *([(fault.common, _with(drill, nodes=everywhere))] if fault.common else [])]


def _one_of(scenario: Scenario, drill: DeploymentFault, members: int) -> list[tuple[float, DeploymentFault]]:
    """One pod or node fails: any, where the lowering can draw it; else each in turn."""
    if drill.of_node:
        assert scenario.kubernetes is not None
        placed = packed(scenario, scenario.kubernetes)
        assert placed is not None, "checked: the pods fit"
        return [(1 / members, _with(drill, nodes=(node,))) for node, pods in enumerate(placed) if pods]
    if drill.target == "temporal.history":
        # Its cores and its shards are nodes of two groups: the same one of both.
        return [(1 / members, _with(drill, nodes=(pod,))) for pod in range(members)]
    return [(1.0, _with(drill, nodes="any"))]


def _with(fault: DeploymentFault, **changes: object) -> DeploymentFault:
    return fault.model_copy(update=changes)


def network_classes(network: Network, known: Collection[str] = ()) -> dict[str, FaultClass]:
    """The classes of random faults as a network has them. known: faults that are told as classes elsewhere."""
    return {
        name: _network_class(node_groups(network), name, fault)
        for name, fault in network.faults.items()
        if fault.mttf is not None and name not in known
    }


def _network_class(groups: Mapping[str, int], name: str, fault: Fault) -> FaultClass:
    assert fault.mttf is not None, "a fault at random"
    once = SECOND / (mean_ns(fault.mttf) + _mean_ns(fault))
    ways: list[tuple[float, tuple[Target, ...]]] = [(1.0, fault.targets)]
    members = 1
    if fault.each:
        one_by_one = list(_nodes_one_by_one(groups, fault))
        members = sum(count for count, _ in one_by_one)
        ways = [(count / members, (target,)) for count, target in one_by_one]
    if fault.common:
        ways = [(share * (1 - fault.common), targets) for share, targets in ways]
        ways.append((fault.common, tuple(_all_of(target) for target in fault.targets)))
    variants = tuple(
        Variant(chance, _as_scripted({name: fault.model_copy(update={"targets": targets})}))
        for chance, targets in ways
        if chance
    )
    return FaultClass(Rate(members * once), variants, fault.source or None, fault.window)


def _nodes_one_by_one(groups: Mapping[str, int], fault: Fault) -> Iterator[tuple[int, Target]]:
    """Each target as so many nodes, of which one is hit."""
    for target in fault.targets:
        if isinstance(target.nodes, tuple):
            yield from ((1, Target(group=target.group, nodes=(node,))) for node in target.nodes)
        else:
            yield groups[target.group], Target(group=target.group, nodes="any")


def _all_of(target: Target) -> Target:
    return target if isinstance(target.nodes, tuple) else Target(group=target.group)


def _as_scripted(faults: Mapping[str, Fault]) -> dict[str, Fault]:
    """The faults of an episode, each at its time after the first, as part of any run."""
    scripted = {"mttf": None, "each": False, "window": None, "common": 0.0, "source": "", "drill": False}
    return {name: fault.model_copy(update={**scripted, "at_ns": fault.at_ns or 0}) for name, fault in faults.items()}


def _mean_ns(fault: Fault) -> float:
    assert fault.duration is not None, "checked: a random fault ends"
    return mean_ns(fault.duration)


class Failures:
    """Puts what fails in place. companions: as in `Lowered`. lowering: what each fault becomes."""

    def __init__(self, context: Context, lowering: Lowering) -> None:
        self.context = context
        self.lowering = lowering
        self.companions: dict[str, tuple[str, ...]] = {}
        self._classes: dict[str, FaultClass] = {}
        self._told: set[str] = set()

    def add(self, name: str, fault: DeploymentFault) -> set[str]:
        """Put a fault in place; gives the groups of nodes that it hits."""
        found = dict(self.lowering(name, fault))
        self.context.parts.faults.update(found)
        if not fault.is_random and len(found) > 1:
            self.companions[name] = tuple(found)[1:]
        if fault.is_random:
            self._told |= found.keys()
            known = self._classes[name] = class_of(self.context, name, fault, self.lowering)
            hits = [one for variant in known.variants for one in variant.faults.values()]
        else:
            hits = list(found.values())
        return {target.group for one in hits for target in one.targets}

    def classes(self, network: Network) -> dict[str, FaultClass]:
        """Every kind of fault that comes at random: those of the scenario, and others of the finished network, such as
        spot machines that are taken back."""
        return self._classes | network_classes(network, self._told)
