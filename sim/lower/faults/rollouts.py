"""A rollout: the pods of a service or of a pool are restarted one after the other; a bad one is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.context import Context
from sim.lower.names import pods_of
from sim.lower.steps import Distribution, constant
from sim.lower.stores.base import OWNERS, Store
from sim.lower.temporal.ownership import shards_away
from sim.network.distributions import Constant
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.faults import BadVersion, DeploymentFault


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


def rolling_restart(context: Context, store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
    """Pods that go one after the other, each once the one before has been back for `min_ready`; with a bad version
    they go again, back to the old one. Rollouts at random become nothing here: see `note`."""
    constants, pods = context.constants, _pods(context, store, fault)
    if fault.is_random:
        constants.note(
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
        constants.note(
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


def _pods(context: Context, store: Store, fault: DeploymentFault) -> Pods:
    """The shards of a history pod are handed over: nobody has to find out that it is gone."""
    constants = context.constants
    assert isinstance(fault.repair, Constant), "checked when it was read"
    if fault.target == "temporal.history":
        history = store.scenario.services["history"]
        constants.note(
            "a history pod that is restarted",
            "hands its shards over at once (shutdownDrainDuration is 0); what it has under way is tried again, as "
            "after a crash",
        )
        handover = shards_away(constants, store, fault.repair, history.replicas == 1, announced=True)
        return Pods("history", history.replicas, fault.repair.constant_ns, handover)
    queue = fault.target.removeprefix("workers.")
    pool = context.scenario.workers[queue]
    if pool.scales:
        constants.note("a rollout of an autoscaled pool", "goes through pods that are off, too")
    if fault.notice_ns is None:
        constants.note(
            "a worker that is restarted",
            "ends at once, as the Go SDK's does by default (WorkerStopTimeout 0): what it has under way is lost with "
            "it and comes again by its timeouts",
        )
    else:
        constants.note(
            "a worker that is restarted on notice",
            "goes when what it has at hand has ended; the next one waits as if the notice had been used up",
        )
    away_ns = fault.repair.constant_ns + pool.start_delay_ns
    return Pods(pods_of(queue), pool.most, away_ns, notice_ns=fault.notice_ns)
