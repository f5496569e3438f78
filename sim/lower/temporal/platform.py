"""Temporal between its store and its workers: transfer queues, frontend, history and matching.

The timer queue of a shard is read ahead of time; it is simulated where there is one shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from sim.lower.context import Context
from sim.lower.parts import TIMERS
from sim.lower.placement.zones import CROSS_ZONE
from sim.lower.setting import Setting, cpu, inner, p99
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Distribution,
    Fork,
    ForkBody,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    release,
    use,
)
from sim.lower.stores.base import Store
from sim.lower.temporal.limits import client_retry, starts
from sim.lower.temporal.ownership import read_by_owner
from sim.network.places import Choice, Keyed, NodeGroup, Polled, Resource, Server
from sim.network.policies import TimerQueue
from sim.scenario.model.platform import SERVICES
from sim.units.tables import MILLISECOND, SECOND


def add_timer_queue(context: Context) -> str | None:
    """Put the timer queue in place; gives its name, or None where every timer ends by itself."""
    constants = context.constants
    ahead_ns = constants.number("temporal.timer_ahead")
    shards = context.temporal.history_shards or constants.number("temporal.history_shards")
    if not ahead_ns:
        return None
    if shards > 1:
        constants.record_assumption(
            "timers that are read ahead",
            "are simulated of one shard alone; here timer_floor holds for each, as on a shard that is written to "
            "all the time: on a quiet one a short timer may end up to that much earlier",
        )
        return None
    context.parts.timers[TIMERS] = TimerQueue(ahead_ns=ahead_ns, after_ns=MILLISECOND)
    constants.record_assumption(
        "timers that have lost their meaning",
        "have the queue read when they end, if they are start-to-close timeouts of activities; others do not",
    )
    return TIMERS


PARTITION = "partition"
"""Attribute: the partition of the task at hand, counted over all task queues."""
FIRST = "transfer-first"
"""Resource: what the first of those who wait for a read of the transfer queue holds."""


class Platform:
    """The services' places in the network, and the ways through them as steps.

    timers: the timer queue of the shard, where it is simulated. tells_partitions: whether tasks carry the partition
    that they come to, since any of the task queues needs it; known when all of these are made.
    """

    def __init__(self, context: Context, store: Store) -> None:
        self.context = context
        self.store = store
        self.parts, self.constants, self.temporal = context.parts, context.constants, context.temporal
        self.limits = store.limits
        self._partitions, self.tells_partitions = 0, False
        self.rtt_ns = self.constants.number("temporal.rtt", self.temporal.rtt_ns)
        self._add_transfer_queue()
        self._add_services()
        self.timers = add_timer_queue(context)

    def _add_transfer_queue(self) -> None:
        """The task queue of each shard. What follows a read up to the poller is part of its time: the hops between
        services, and the work of those whose CPU is not simulated."""
        constants, temporal = self.constants, self.temporal
        queue = temporal.transfer_queue
        rate = queue.max_poll_rate_per_s or constants.ratio("temporal.transfer_poll_rate")
        hops = constants.number("temporal.dispatch_hops") - constants.number("temporal.poll_hops")
        on_the_way_ns = self.store.rtt_ns + hops * self.rtt_ns // 2
        if temporal.matching is None:
            on_the_way_ns += constants.number("temporal.matching_cpu")
        if temporal.frontend is None:
            on_the_way_ns += constants.number("temporal.frontend_cpu")
        self.parts.add_station(
            "transfer-queue",
            Polled(
                kind="polled",
                interval_ns=round(SECOND / rate),
                burst=max(1, round(rate * constants.number("temporal.transfer_saved") / SECOND)),
                follow_up=constants.is_on("temporal.transfer_follow_up"),
                batch=queue.batch or constants.number("temporal.transfer_batch"),
                read=self._dispatch(on_the_way_ns),
                nodes=temporal.history_shards or constants.number("temporal.history_shards"),
                keyed=Keyed(),
            ),
            Setting(
                "shards' transfer queues",
                "temporal.transfer_queue.max_poll_rate",
                "history.transferProcessorMaxPollRPS",
                p99("task_latency_load", operation="TransferActive.*"),
                "live",
                rate,
                "/s",
            ),
        )

    def _dispatch(self, near_ns: int) -> Distribution:
        """Time of one read and what follows it; `near_ns` where nobody stands in another zone."""
        zoning = self.parts.zoning
        if zoning is None:
            return constant(near_ns)
        hops = self.constants.number("temporal.dispatch_hops")
        return zoning.dispatch(near_ns, hops, self.rtt_ns, self.store.rtt_ns)

    def _add_services(self) -> None:
        for name in SERVICES:
            service = self.context.scenario.services.get(name)
            if service is None:
                self.constants.record_assumption(
                    f"CPU of {name}", "never runs short: the scenario does not name the service"
                )
                continue
            self.parts.nodes[name] = NodeGroup(count=service.replicas)
            # A partition of a task queue belongs to one matching pod. Requests and shards are spread over the pods
            # that there are at the time.
            keyed = Keyed(by="partition") if name == "matching" else None
            choice: Choice = "random" if name == "history" else "round_robin"
            self.parts.add_station(
                f"{name}-cpu",
                Server(nodes=name, cores=service.cpu_cores, keyed=keyed, choice=choice),
                Setting(
                    f"{name}'s CPU",
                    f"temporal.{name}.replicas",
                    f"replicas and CPU limit of {name}",
                    cpu(name),
                    "live",
                    service.replicas,
                ),
            )

    def partitions_before(self, number: int) -> int:
        """How many partitions of task queues there are before these, which are `number`."""
        before, self._partitions = self._partitions, self._partitions + number
        return before

    def tell_partitions(self) -> None:
        """Have every task carry its partition."""
        self.tells_partitions = True
        self.parts.attributes.setdefault(PARTITION, 0)

    def read_queue(self) -> Iterator[Step]:
        """From a task row in the store to matching: the shard's queue is read at a limited rate."""
        yield from self._read()
        if self.parts.zoning is not None:
            across = self.parts.zoning.hop_bytes(self.constants.number("temporal.dispatch_hops"))
            if across:
                yield count(**{CROSS_ZONE: across})

    def _read(self) -> Steps:
        """A read of the shard's queue by its owner; the first of those that it takes has it cost CPU."""
        read = use("transfer-queue")
        cpu_ns = self.constants.number("temporal.transfer_read_cpu")
        if self.temporal.history is None:
            return (read,)
        if not cpu_ns:
            return read_by_owner((read,))
        cost = Fork(fork=ForkBody(branches=((use("history-cpu", cpu_ns),),), join=0))
        first = (acquire(self._first, patience_ns=0), read, release(self._first), cost)
        return read_by_owner((Attempt(attempt=AttemptBody(steps=first, on_failure=(read,), counted=False)),))

    @cached_property
    def _first(self) -> str:
        """Resource: what the first holds of those who wait for a read; a platform without such reads has none."""
        shards = self.temporal.history_shards or self.constants.number("temporal.history_shards")
        self.parts.add_resource(
            FIRST, Resource(nodes=shards, units=1, keyed=Keyed()), inner("who causes a read of the transfer queue")
        )
        return FIRST

    def closed(self) -> Iterator[Step]:
        """What the close of a workflow causes, which nobody waits for: a read of the shard's queue, CPU of history."""
        behind: list[Step] = []
        if self.constants.is_on("temporal.transfer_of_close"):
            behind += self._read()
        if self.temporal.history is not None and (cpu_ns := self.constants.number("temporal.close_cpu")):
            behind.append(use("history-cpu", cpu_ns))
        if behind:
            yield Fork(fork=ForkBody(branches=(tuple(behind),), join=0))

    def start(self) -> Iterator[Step]:
        """A client's request to start a workflow through the frontend to history."""
        yield from self.limits.start()
        yield from self._frontend()
        if self.temporal.history is not None and (cpu_ns := self.constants.number("temporal.start_cpu")):
            started = use("history-cpu", cpu_ns)
            yield self._made_again(started) if self._pods_may_fail else started

    def enter(self) -> Iterator[Step]:
        """Another request from outside (a signal, the result of a task) through the frontend to history."""
        yield from self.limits.request()
        yield from self._frontend()

    def timer(self, time: Distribution, under_way: bool = False) -> Step:
        """A server timer. under_way: it was set before the run began, and what is left of it may be short."""
        if self.timers is not None:
            return delay(time, "timer", grid_ns=self.temporal.timer_grid_ns, timers=self.timers)
        floor_ns = 0 if under_way else self.constants.number("temporal.timer_floor")
        return delay(time, "timer", floor_ns=floor_ns, grid_ns=self.temporal.timer_grid_ns)

    def polled(self) -> Iterator[Step]:
        """The poll that fetched a task: the frontend's limit, and the way from matching to the worker."""
        yield from self.limits.poll()
        if self.rtt_ns:
            yield delay(constant(self.constants.number("temporal.poll_hops") * self.rtt_ns // 2), "network")

    def _made_again(self, call: Step) -> Step:
        """A client's call, which is made again when the pod that has it at work dies."""
        again = client_retry(self.constants, starts(self.constants))
        return Attempt(attempt=AttemptBody(steps=(call,), retry=again, counted=False))

    @property
    def _pods_may_fail(self) -> bool:
        """Whether any fault hits something else than workers."""
        faults = self.context.scenario.faults.values()
        return any(not target.startswith("workers.") for fault in faults for target in fault.each_target)

    def _frontend(self) -> Iterator[Step]:
        if self.temporal.frontend is not None:
            yield use("frontend-cpu", self.constants.number("temporal.frontend_cpu"))
