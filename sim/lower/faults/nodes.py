"""A node of Kubernetes that is lost, stands still or is slow: every pod that stands on it, at one instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.lower.constants import Constants
from sim.lower.faults.pods import as_fault
from sim.lower.placement.packing import Pod, away_on, packed
from sim.lower.steps import Distribution, constant
from sim.lower.stores.base import OWNERS, Store
from sim.lower.sums import sum_of
from sim.lower.temporal.ownership import shards_away
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.effects import Effect
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def node_faults(
    constants: Constants, scenario: Scenario, store: Store, name: str, fault: DeploymentFault
) -> dict[str, Fault]:
    """The faults that one of nodes becomes; the first one bears its name.

    A drill hits the nodes that it lists at once. At random every node with pods has a clock of its own; a rate is
    that of all nodes, each having its share.
    """
    kubernetes, repair = scenario.kubernetes, fault.repair
    assert kubernetes is not None, "checked: there are nodes"
    assert repair is not None, "checked when it was read"
    placed = packed(scenario, kubernetes)
    assert placed is not None, "checked: the pods fit"
    gap_ns: float | None = fault.mean_gap_ns
    if gap_ns is not None and fault.mttf_ns is None:
        gap_ns *= kubernetes.nodes
    is_lost = fault.happens == "crash"
    found = [
        as_fault(fault, targets, away, gap_ns=gap, one_by_one=False)
        for nodes, gap in _lost(placed, fault, gap_ns)
        for targets, away in _away_together(
            constants,
            scenario,
            store,
            [pod for node in nodes for pod in placed[node]],
            away_on(constants, scenario, nodes, repair) if is_lost else repair,
            fault.happens,
        )
    ]
    if is_lost:
        constants.note("pods of a lost node", "come back together, after the longest start_delay of their pools")
    else:
        constants.note("pods of a node that stands still or is slow", "stay there: none is started elsewhere")
    if fault.at_ns is None and OWNERS in {target.group for one in found for target in one.targets}:
        constants.note("shards and pods of a node that is lost at random", "fail at instants of their own, as often")
    return {name if index == 0 else f"{name}-{index}": one for index, one in enumerate(found)}


def _lost(
    placed: Sequence[Sequence[Pod]], fault: DeploymentFault, gap_ns: float | None
) -> Iterator[tuple[tuple[int, ...], float | None]]:
    """The nodes that are hit together, and the mean time between two such hits: those listed; at random one by one,
    and all of them in the share that has a common cause."""
    if isinstance(fault.nodes, tuple):
        yield tuple(sorted(set(fault.nodes))), gap_ns
        return
    assert gap_ns is not None, "checked: a drill names its nodes"
    if fault.common < 1:
        yield from (((node,), gap_ns / (1 - fault.common)) for node, pods in enumerate(placed) if pods)
    if fault.common:
        yield tuple(range(len(placed))), gap_ns / len(placed) / fault.common


def _away_together(
    constants: Constants, scenario: Scenario, store: Store, pods: Sequence[Pod], repair: Distribution, happens: Effect
) -> list[tuple[tuple[NodeTarget, ...], Distribution]]:
    """What is away together: the pods, and the shards of those of history, which others acquire."""
    by_group: dict[str, tuple[int, ...]] = {}
    for pod in pods:
        by_group[pod.group] = (*by_group.get(pod.group, ()), pod.index)
    delays_ns = [pool.start_delay_ns for queue, pool in scenario.workers.items() if f"{queue}-workers" in by_group]
    back = sum_of(repair, constant(max(delays_ns))) if any(delays_ns) and happens == "crash" else repair
    found = [(tuple(NodeTarget(group=group, nodes=nodes) for group, nodes in sorted(by_group.items())), back)]
    if happens != "slow" and (owners := by_group.get("history")):
        history = store.temporal.history
        assert history is not None
        shards = shards_away(constants, store, back, len(owners) == history.replicas)
        found.append(((NodeTarget(group=OWNERS, nodes=owners),), shards))
    return found
