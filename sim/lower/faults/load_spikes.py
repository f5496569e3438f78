"""A load spike: while it is there, a workflow is started more often than else."""

from __future__ import annotations

from sim.lower.context import Context
from sim.lower.faults.pods import as_fault
from sim.lower.rates import rate_of
from sim.network.faults import Fault
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.faults import DeploymentFault


def load_spike(context: Context, name: str, fault: DeploymentFault) -> Fault:
    """The fault, whose source sends what comes on top. name: of the fault in the network."""
    workflow = fault.target.removeprefix("workflows.")
    assert fault.factor is not None, "checked when it was read"
    assert fault.repair is not None, "checked when it was read"
    sources = context.parts.sources
    usual = sources[workflow]
    context.constants.note(
        "a load spike",
        "is a Poisson process beside the load that there is, of factor - 1 times its mean rate, whatever the hour",
    )
    sources[f"{workflow}-{name}"] = Source(
        routine=usual.routine,
        arrivals=PoissonArrivals(poisson_per_s=(fault.factor - 1) * rate_of(usual.arrivals)),
        priority=usual.priority,
        during=name,
    )
    return as_fault(fault, (), fault.repair)
