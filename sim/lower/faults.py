"""What fails, as faults of the network."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.ownership import shards_away
from sim.lower.persistence import OWNERS, Store
from sim.lower.steps import Distribution, constant
from sim.lower.sums import sum_of
from sim.network.distributions import Exponential
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def faults_of(
    constants: Constants, scenario: Scenario, store: Store, name: str, fault: DeploymentFault
) -> dict[str, Fault]:
    """A failure of pods or of the store's nodes as crashes of nodes; the first one bears its name.

    A crash of a database's primary closes every connection: whoever waits for it is interrupted, writes are refused
    until a standby has been promoted, and connections are opened one by one afterwards. Of a history pod the shards
    come back before its cores do.
    """
    if fault.of_store:
        targets, away = store.outage(fault)
        return {name: crash(fault, targets, away)}
    assert fault.repair is not None
    nodes = "all" if fault.mttf_ns is not None else fault.nodes
    if fault.target == "temporal.history":
        if fault.at_ns is not None and nodes == "any":
            nodes = (0,)
            constants.note("the history pod that a drill takes", "is the first one: executions are spread evenly")
        shards = shards_away(constants, store, fault.repair, _is_whole(store, fault))
        if fault.at_ns is None:
            constants.note(
                "shards and cores of a history pod that crashes at random",
                "fail at instants of their own, each as often as the pods",
            )
        return {
            name: crash(fault, (NodeTarget(group=OWNERS, nodes=nodes),), shards),
            f"{name}-cores": crash(fault, (NodeTarget(group="history", nodes=nodes),), fault.repair),
        }
    queue = fault.target.removeprefix("workers.")
    start_delay_ns = scenario.workers[queue].start_delay_ns
    away = sum_of(fault.repair, constant(start_delay_ns)) if start_delay_ns else fault.repair
    return {name: crash(fault, (NodeTarget(group=f"{queue}-workers", nodes=nodes),), away)}


def _is_whole(store: Store, fault: DeploymentFault) -> bool:
    """Whether no pod of history is left."""
    history = store.temporal.history
    assert history is not None, "checked: there are pods"
    if isinstance(fault.nodes, tuple):
        return len(set(fault.nodes)) == history.replicas
    return fault.nodes == "all" and fault.mttf_ns is None


def crash(fault: DeploymentFault, targets: tuple[NodeTarget, ...], away: Distribution) -> Fault:
    """A crash of nodes, for as long as they are away."""
    gap_ns = fault.mean_gap_ns
    return Fault(
        targets=targets,
        effect="crash",
        at_ns=fault.at_ns,
        mttf=None if gap_ns is None else Exponential(exponential_ns=gap_ns),
        each=fault.mttf_ns is not None,
        duration=away,
    )
