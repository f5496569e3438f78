"""What fails, as faults of the network."""

from __future__ import annotations

from sim.lower.persistence import Store
from sim.lower.steps import Distribution, constant
from sim.lower.sums import sum_of
from sim.network.distributions import Exponential
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def fault_of(scenario: Scenario, store: Store, fault: DeploymentFault) -> Fault:
    """A failure of pods or of the store's nodes as crashes of nodes.

    A crash of a database's primary closes every connection: whoever waits for it is interrupted, writes are refused
    until a standby has been promoted, and connections are opened one by one afterwards.
    """
    gap_ns = fault.mean_gap_ns
    targets, away = store.outage(fault) if fault.of_store else _pods(scenario, fault)
    return Fault(
        targets=targets,
        effect="crash",
        at_ns=fault.at_ns,
        mttf=None if gap_ns is None else Exponential(exponential_ns=gap_ns),
        each=fault.mttf_ns is not None,
        duration=away,
    )


def _pods(scenario: Scenario, fault: DeploymentFault) -> tuple[tuple[NodeTarget, ...], Distribution]:
    """The pods that fail, and how long until their replacements are at work."""
    assert fault.repair is not None
    away, group = fault.repair, "history"
    if fault.target != "temporal.history":
        queue = fault.target.removeprefix("workers.")
        start_delay_ns = scenario.workers[queue].start_delay_ns
        away = sum_of(away, constant(start_delay_ns)) if start_delay_ns else away
        group = f"{queue}-workers"
    return (NodeTarget(group=group, nodes="all" if fault.mttf_ns is not None else fault.nodes),), away
