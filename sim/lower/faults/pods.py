"""What fails, as faults of the network: pods of a pool or of history, nodes of the store, and a node of Kubernetes.

With that one every pod that stands on it is lost, stands still or is slow, at one instant.
A rollout restarts the pods of a service or of a pool one after the other; a bad one is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.names import pods_of
from sim.lower.placement.packing import Pod, away_on, packed
from sim.lower.steps import Distribution, constant
from sim.lower.stores.base import OWNERS, Store
from sim.lower.sums import sum_of
from sim.lower.temporal.ownership import shards_away
from sim.network.distributions import Constant, Exponential
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.effects import Effect
from sim.scenario.model.faults import BadVersion, DeploymentFault


def faults_of(store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
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
    if fault.target == "temporal.history":
        return _of_history(store, name, fault, fault.lasts)
    assert fault.pool is not None, "all other targets are dealt with elsewhere"
    queue, away = fault.pool, fault.lasts
    if fault.happens == "crash" and (start_delay_ns := store.scenario.workers[queue].start_delay_ns):
        away = sum_of(fault.lasts, constant(start_delay_ns))
    _note_workers(store.constants, fault)
    nodes = "all" if fault.mttf_ns is not None else fault.nodes
    return {name: as_fault(fault, (NodeTarget(group=pods_of(queue), nodes=nodes),), away)}


def _of_store(store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
    return {
        name if index == 0 else f"{name}-{index}": as_fault(fault, loss.targets, loss.away, happens=loss.effect)
        for index, loss in enumerate(store.outage(fault))
    }


def _of_history(store: Store, name: str, fault: DeploymentFault, repair: Distribution) -> dict[str, Fault]:
    nodes = "all" if fault.mttf_ns is not None else fault.nodes
    if fault.happens in ("slow", "errors"):
        return {name: as_fault(fault, (NodeTarget(group="history", nodes=nodes),), repair)}
    if fault.at_ns is not None and nodes == "any":
        nodes = (0,)
        store.constants.record_assumption(
            "the history pod that a drill takes", "is the first one: executions are spread evenly"
        )
    if fault.at_ns is None:
        store.constants.record_assumption(
            "shards and cores of a history pod that fails at random",
            "fail at instants of their own, each as often as the pods",
        )
    if fault.happens == "pause":
        store.constants.record_assumption(
            "a history pod that stands still",
            "is missed as one that has crashed: others own its shards then; what it had at hand goes on with it",
        )
    shards = shards_away(store, repair, _is_whole(store, fault))
    return {
        name: as_fault(fault, (NodeTarget(group=OWNERS, nodes=nodes),), shards),
        f"{name}-cores": as_fault(fault, (NodeTarget(group="history", nodes=nodes),), repair),
    }


def _note_workers(constants: Constants, fault: DeploymentFault) -> None:
    if fault.happens == "slow":
        constants.record_assumption(
            "a worker that is slow",
            "is so with its CPU: workflow tasks, replay and the `cpu` of activities; the rest of their time is no "
            "work of its own",
        )
    if fault.target.startswith("partition."):
        constants.record_assumption(
            "workers that are cut off",
            "stand still, as far as the platform can tell; what they compute stands still too",
        )
    if fault.happens == "errors":
        constants.record_assumption(
            "errors of a worker",
            "an activity fails and is tried again by its policy; a workflow task that fails goes to any pod at once, "
            "without the back-off that the server has from the third failure on",
        )


def _is_whole(store: Store, fault: DeploymentFault) -> bool:
    """Whether no pod of history is left."""
    history = store.scenario.services["history"]
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
    share = 1.0 if fault.probability is None else fault.probability  # all, where the author does not say
    return Fault(
        targets=targets,
        effect="pause" if happens == "hang" else happens,
        speed=fault.speed if happens == "slow" else None,
        probability=share if happens == "errors" else None,
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


def node_faults(store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
    """The faults that one of nodes becomes; the first one bears its name.

    A drill hits the nodes that it lists at once. At random every node with pods has a clock of its own; a rate is
    that of all nodes, each having its share.
    """
    kubernetes, repair = store.scenario.kubernetes, fault.lasts
    assert kubernetes is not None, "checked: there are nodes"
    placed = packed(store.scenario, kubernetes)
    assert placed is not None, "checked: the pods fit"
    gap_ns: float | None = fault.mean_gap_ns
    if gap_ns is not None and fault.mttf_ns is None:
        gap_ns *= kubernetes.nodes
    is_lost = fault.happens == "crash"
    found = [
        as_fault(fault, targets, away, gap_ns=gap, one_by_one=False)
        for nodes, gap in _lost(placed, fault, gap_ns)
        for targets, away in _away_together(
            store,
            [pod for node in nodes for pod in placed[node]],
            away_on(store.constants, store.scenario, nodes, repair) if is_lost else repair,
            fault.happens,
        )
    ]
    if is_lost:
        store.constants.record_assumption(
            "pods of a lost node", "come back together, after the longest start_delay of their pools"
        )
    else:
        store.constants.record_assumption(
            "pods of a node that stands still or is slow", "stay there: none is started elsewhere"
        )
    if fault.at_ns is None and OWNERS in {target.group for one in found for target in one.targets}:
        store.constants.record_assumption(
            "shards and pods of a node that is lost at random", "fail at instants of their own, as often"
        )
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
    store: Store, pods: Sequence[Pod], repair: Distribution, happens: Effect
) -> list[tuple[tuple[NodeTarget, ...], Distribution]]:
    """What is away together: the pods, and the shards of those of history, which others acquire."""
    by_group: dict[str, tuple[int, ...]] = {}
    for pod in pods:
        by_group[pod.group] = (*by_group.get(pod.group, ()), pod.index)
    delays_ns = [pool.start_delay_ns for queue, pool in store.scenario.workers.items() if pods_of(queue) in by_group]
    back = sum_of(repair, constant(max(delays_ns))) if any(delays_ns) and happens == "crash" else repair
    found = [(tuple(NodeTarget(group=group, nodes=nodes) for group, nodes in sorted(by_group.items())), back)]
    if happens != "slow" and (owners := by_group.get("history")):
        history = store.scenario.services["history"]
        shards = shards_away(store, back, len(owners) == history.replicas)
        found.append(((NodeTarget(group=OWNERS, nodes=owners),), shards))
    return found


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods that are restarted.

    away_ns: from the crash of one until it is back. notice_ns: how long it may take to end what it has at hand before.
    handover: how long the shards of one that goes are away; None of pods without any.
    """

    group: str
    count: int
    away_ns: int
    handover: Distribution | None = None
    notice_ns: int | None = None

    @property
    def turn_ns(self) -> int:
        """From the instant at which one is told to go until it is back, at the latest."""
        return self.away_ns + (self.notice_ns or 0)

    def restart(self, pod: int, at_ns: int) -> Iterator[Fault]:
        """One pod goes and comes back."""
        if self.handover is not None:
            yield Fault(targets=(NodeTarget(group=OWNERS, nodes=(pod,)),), at_ns=at_ns, duration=self.handover)
        away = constant(self.away_ns)
        yield Fault(
            targets=(NodeTarget(group=self.group, nodes=(pod,)),),
            at_ns=at_ns,
            duration=away,
            notice_ns=self.notice_ns,
        )

    def fails(self, pod: int, error_rate: float, from_ns: int, until_ns: int) -> Fault:
        """One pod works badly for a while."""
        return Fault(
            targets=(NodeTarget(group=self.group, nodes=(pod,)),),
            effect="errors",
            probability=error_rate,
            at_ns=from_ns,
            duration=constant(until_ns - from_ns),
        )


def rolling_restart(store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
    """Pods that go one after the other, each once the one before has been back for `min_ready`; with a bad version
    they go again, back to the old one. Rollouts at random add no fault here."""
    constants, pods = store.constants, _pods(store, fault)
    if fault.is_random:
        constants.record_assumption(
            "rollouts at random",
            "are in no run: what one of them does is told by drills and by the error budget",
        )
        return {}
    assert fault.at_ns is not None
    gap_ns = fault.min_ready_ns or 0
    if fault.bad is None:
        found: list[Fault] = []
        for pod in range(pods.count):
            found += pods.restart(pod, _goes_ns(pods, fault.at_ns, pod, gap_ns))
    else:
        constants.record_assumption(
            "a bad version",
            "fails work at the pods that have it alone; the pod that is away when it is noticed comes back with the "
            "old one",
        )
        found = list(_rolled_back(pods, fault.at_ns, gap_ns, fault.bad))
    return {f"{name}-{index}" if index else name: one for index, one in enumerate(found)}


def _rolled_back(pods: Pods, at_ns: int, gap_ns: int, bad: BadVersion) -> Iterator[Fault]:
    noticed_ns = at_ns + pods.turn_ns + bad.detected_after_ns
    gone_ns = [_goes_ns(pods, at_ns, pod, gap_ns) for pod in range(pods.count)]
    gone_ns = [one for one in gone_ns if one < noticed_ns]
    for pod, one in enumerate(gone_ns):
        yield from pods.restart(pod, one)
    updated = [pod for pod, one in enumerate(gone_ns) if one + pods.turn_ns <= noticed_ns]
    begins_ns = noticed_ns if len(updated) == len(gone_ns) else gone_ns[-1] + pods.turn_ns + gap_ns
    for turn, pod in enumerate(updated):
        back_ns = _goes_ns(pods, begins_ns, turn, gap_ns)
        yield pods.fails(pod, bad.error_rate, gone_ns[pod] + pods.turn_ns, back_ns)
        yield from pods.restart(pod, back_ns)


def _goes_ns(pods: Pods, begins_ns: int, turn: int, gap_ns: int) -> int:
    """When the pod goes whose turn it is, counted from 0."""
    return begins_ns + turn * (pods.turn_ns + gap_ns)


def _pods(store: Store, fault: DeploymentFault) -> Pods:
    """The shards of a history pod are handed over: nobody has to find out that it is gone."""
    constants = store.constants
    assert isinstance(fault.repair, Constant), "checked when it was read"
    if fault.target == "temporal.history":
        history = store.scenario.services["history"]
        constants.record_assumption(
            "a history pod that is restarted",
            "hands its shards over at once (shutdownDrainDuration is 0); what it has under way is tried again, as "
            "after a crash",
        )
        handover = shards_away(store, fault.repair, history.replicas == 1, announced=True)
        return Pods("history", history.replicas, fault.repair.constant_ns, handover)
    queue = fault.target.removeprefix("workers.")
    pool = store.scenario.workers[queue]
    if pool.scales:
        constants.record_assumption("a rollout of an autoscaled pool", "goes through pods that are off, too")
    if fault.notice_ns is None:
        constants.record_assumption(
            "a worker that is restarted",
            "ends at once, as the Go SDK's does by default (WorkerStopTimeout 0): what it has under way is lost with "
            "it and comes again by its timeouts",
        )
    else:
        constants.record_assumption(
            "a worker that is restarted on notice",
            "goes when what it has at hand has ended; the next one waits as if the notice had been used up",
        )
    away_ns = fault.repair.constant_ns + pool.start_delay_ns
    return Pods(pods_of(queue), pool.most, away_ns, notice_ns=fault.notice_ns)
