"""A rollout: the pods of a service or of a pool are restarted one after the other."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.ownership import shards_away
from sim.lower.persistence import OWNERS, Store
from sim.lower.steps import constant
from sim.network.distributions import Constant
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def rolling_restart(
    constants: Constants, scenario: Scenario, store: Store, name: str, fault: DeploymentFault
) -> dict[str, Fault]:
    """Pods that go one after the other, each once the one before has been back for `min_ready`.

    The shards of a history pod are handed over: nobody has to find out that it is gone.
    """
    assert isinstance(fault.repair, Constant), "checked when it was read"
    assert fault.at_ns is not None, "checked when it was read"
    found: dict[str, Fault] = {}
    if fault.target == "temporal.history":
        history = store.temporal.history
        assert history is not None, "checked: there are pods"
        group, pods, away_ns = "history", history.replicas, fault.repair.constant_ns
        handover = shards_away(constants, store, fault.repair, pods == 1, announced=True)
        constants.note(
            "a history pod that is restarted",
            "hands its shards over at once (shutdownDrainDuration is 0); what it has under way is tried again, as "
            "after a crash",
        )
    else:
        queue = fault.target.removeprefix("workers.")
        pool = scenario.workers[queue]
        group, pods, handover = f"{queue}-workers", pool.most, None
        away_ns = fault.repair.constant_ns + pool.start_delay_ns
        if pool.scales:
            constants.note("a rollout of an autoscaled pool", "goes through pods that are off, too")
        constants.note(
            "a worker that is restarted",
            "ends at once, as the Go SDK's does by default (WorkerStopTimeout 0): what it has under way is lost with "
            "it and comes again by its timeouts; a pod that drains first has no fault of its own",
        )
    for pod in range(pods):
        at_ns = fault.at_ns + pod * (away_ns + (fault.min_ready_ns or 0))
        crashes = (
            [(group, constant(away_ns))] if handover is None else [(OWNERS, handover), (group, constant(away_ns))]
        )
        for hit, away in crashes:
            whole = Fault(targets=(NodeTarget(group=hit, nodes=(pod,)),), at_ns=at_ns, duration=away)
            found[f"{name}-{len(found)}" if found else name] = whole
    return found
