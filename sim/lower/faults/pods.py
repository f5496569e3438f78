"""What fails, as faults of the network: pods of a pool or of history, and nodes of the store."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.steps import Distribution, constant
from sim.lower.stores.base import OWNERS, Store
from sim.lower.sums import sum_of
from sim.lower.temporal.ownership import shards_away
from sim.network.distributions import Exponential
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.effects import Effect
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def faults_of(
    constants: Constants, scenario: Scenario, store: Store, name: str, fault: DeploymentFault
) -> dict[str, Fault]:
    """A failure of pods or of the store's nodes as faults of nodes; the first one bears its name.

    A crash of a database's primary closes every connection: whoever waits for it is interrupted, writes are refused
    until a standby has been promoted, and connections are opened one by one afterwards. Of a history pod the shards
    come back before its cores do.
    """
    if fault.of_store and fault.common and fault.mttf_ns is None:
        # One of any rack, or all: each node has its share of the rate, as a clock of its own.
        loss, *_ = store.outage(fault.model_copy(update={"nodes": "all"}))
        assert fault.mean_gap_ns is not None, "checked: at random"
        gap_ns = fault.mean_gap_ns * store.cluster.members(fault.target)
        return {name: as_fault(fault, loss.targets, loss.away, gap_ns=gap_ns, one_by_one=True)}
    if fault.of_store:
        return _of_store(store, name, fault)
    assert fault.repair is not None
    if fault.target == "temporal.history":
        return _of_history(constants, store, name, fault, fault.repair)
    assert fault.pool is not None, "all other targets are dealt with elsewhere"
    queue, away = fault.pool, fault.repair
    if fault.happens == "crash" and (start_delay_ns := scenario.workers[queue].start_delay_ns):
        away = sum_of(fault.repair, constant(start_delay_ns))
    _note_workers(constants, fault)
    nodes = "all" if fault.mttf_ns is not None else fault.nodes
    return {name: as_fault(fault, (NodeTarget(group=f"{queue}-workers", nodes=nodes),), away)}


def _of_store(store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
    return {
        name if index == 0 else f"{name}-{index}": as_fault(fault, loss.targets, loss.away, happens=loss.effect)
        for index, loss in enumerate(store.outage(fault))
    }


def _of_history(
    constants: Constants, store: Store, name: str, fault: DeploymentFault, repair: Distribution
) -> dict[str, Fault]:
    nodes = "all" if fault.mttf_ns is not None else fault.nodes
    if fault.happens in ("slow", "errors"):
        return {name: as_fault(fault, (NodeTarget(group="history", nodes=nodes),), repair)}
    if fault.at_ns is not None and nodes == "any":
        nodes = (0,)
        constants.note("the history pod that a drill takes", "is the first one: executions are spread evenly")
    if fault.at_ns is None:
        constants.note(
            "shards and cores of a history pod that fails at random",
            "fail at instants of their own, each as often as the pods",
        )
    if fault.happens == "pause":
        constants.note(
            "a history pod that stands still",
            "is missed as one that has crashed: others own its shards then; what it had at hand goes on with it",
        )
    shards = shards_away(constants, store, repair, _is_whole(store, fault))
    return {
        name: as_fault(fault, (NodeTarget(group=OWNERS, nodes=nodes),), shards),
        f"{name}-cores": as_fault(fault, (NodeTarget(group="history", nodes=nodes),), repair),
    }


def _note_workers(constants: Constants, fault: DeploymentFault) -> None:
    if fault.happens == "slow":
        constants.note(
            "a worker that is slow",
            "is so with its CPU: workflow tasks, replay and the `cpu` of activities; the rest of their time is no "
            "work of its own",
        )
    if fault.target.startswith("partition."):
        constants.note(
            "workers that are cut off",
            "stand still, as far as the platform can tell; what they compute stands still too",
        )
    if fault.happens == "errors":
        constants.note(
            "errors of a worker",
            "an activity fails and is tried again by its policy; a workflow task that fails goes to any pod at once, "
            "without the back-off that the server has from the third failure on",
        )


def _is_whole(store: Store, fault: DeploymentFault) -> bool:
    """Whether no pod of history is left."""
    history = store.temporal.history
    assert history is not None, "checked: there are pods"
    if isinstance(fault.nodes, tuple):
        return len(set(fault.nodes)) == history.replicas
    return fault.nodes == "all" and fault.mttf_ns is None


def as_fault(
    fault: DeploymentFault,
    targets: tuple[NodeTarget, ...],
    away: Distribution | None,
    *,
    happens: Effect | None = None,
    gap_ns: float | None = None,
    one_by_one: bool | None = None,
) -> Fault:
    """What happens to nodes, for as long as they are away (None: for good), as often as the fault comes.

    happens: another effect than the fault's own. gap_ns: another mean time between two. one_by_one: whether each node
    has a clock of its own; without it, as the fault says.
    """
    happens = fault.happens if happens is None else happens
    gap_ns = fault.mean_gap_ns if gap_ns is None else gap_ns
    each = fault.mttf_ns is not None and not fault.is_whole if one_by_one is None else one_by_one
    chosen = each or any(target.nodes == "any" for target in targets)
    return Fault(
        targets=targets,
        effect="pause" if happens == "hang" else happens,
        speed=fault.speed if happens == "slow" else None,
        probability=_share_that_fails(fault) if happens == "errors" else None,
        at_ns=fault.at_ns,
        mttf=None if gap_ns is None else Exponential(exponential_ns=round(gap_ns)),
        each=each,
        duration=away,
        window=fault.window,
        jump_ns=fault.jump_ns if happens == "clock" else None,
        notice_ns=fault.notice_ns,
        common=fault.common if chosen else 0.0,
        source=fault.source or "",
    )


def _share_that_fails(fault: DeploymentFault) -> float:
    """All, where the author does not say."""
    return 1.0 if fault.probability is None else fault.probability
