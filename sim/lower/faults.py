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
    each = fault.mttf_ns is not None
    group, away = _group(scenario, store, fault)
    return Fault(
        targets=(NodeTarget(group=group, nodes="all" if each or fault.is_whole else fault.nodes),),
        effect="crash",
        at_ns=fault.at_ns,
        mttf=None if gap_ns is None else Exponential(exponential_ns=gap_ns),
        each=each,
        duration=away,
    )


def _group(scenario: Scenario, store: Store, fault: DeploymentFault) -> tuple[str, Distribution]:
    """The nodes that fail, and how long they are away."""
    if fault.of_store:
        group, away = store.outage(fault.target)
        return group, _given(fault.repair) if away is None else away
    repair = _given(fault.repair)
    if fault.target == "temporal.history":
        return "history", repair
    queue = fault.target.removeprefix("workers.")
    start_delay_ns = scenario.workers[queue].start_delay_ns
    return f"{queue}-workers", sum_of(repair, constant(start_delay_ns)) if start_delay_ns else repair


def _given(repair: Distribution | None) -> Distribution:
    assert repair is not None, "checked when it was read: only a store that replaces its nodes itself needs none"
    return repair
