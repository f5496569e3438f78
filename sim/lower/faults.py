"""What fails, as faults of the network."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.steps import Distribution, constant
from sim.lower.store import PRIMARY
from sim.lower.sums import sum_of
from sim.network.distributions import Exponential
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def fault_of(constants: Constants, scenario: Scenario, fault: DeploymentFault) -> Fault:
    """A failure of pods or of the database's primary as crashes of nodes.

    A crash of the primary closes every connection: whoever waits for it is interrupted, writes are refused until a
    standby has been promoted, and connections are opened one by one afterwards.
    """
    gap_ns = fault.mean_gap_ns
    each = fault.mttf_ns is not None
    whole = each or fault.target == "postgres.primary"
    return Fault(
        targets=(NodeTarget(group=_group(fault), nodes="all" if whole else fault.nodes),),
        effect="crash",
        at_ns=fault.at_ns,
        mttf=None if gap_ns is None else Exponential(exponential_ns=gap_ns),
        each=each,
        duration=_duration(constants, scenario, fault),
    )


def _group(fault: DeploymentFault) -> str:
    if fault.target == "postgres.primary":
        return PRIMARY
    if fault.target == "temporal.history":
        return "history"
    return f"{fault.target.removeprefix('workers.')}-workers"


def _duration(constants: Constants, scenario: Scenario, fault: DeploymentFault) -> Distribution:
    if fault.target == "postgres.primary":
        assert scenario.postgres is not None
        own = scenario.postgres.failover
        found = (
            (constants.distribution("postgres.failover_lease"), constants.distribution("postgres.failover_loop"))
            if own.detect is None
            else (own.detect,)
        )
        promote = constants.distribution("postgres.failover_promote") if own.promote is None else own.promote
        return sum_of(*found, promote)
    assert fault.repair is not None
    if fault.target == "temporal.history":
        return fault.repair
    pool = scenario.workers[fault.target.removeprefix("workers.")]
    return sum_of(fault.repair, constant(pool.start_delay_ns)) if pool.start_delay_ns else fault.repair
