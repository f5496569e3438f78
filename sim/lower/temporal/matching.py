"""Matching: the partitions of a task queue, on the matching pods that own them, and the backlog of each.

A task goes to a partition at random. The partition belongs to one matching pod, whose CPU hands it to a poller;
without a poller in time it is written to the partition's backlog, whose writer takes what has gathered while it wrote
the last batch. Polls spread over the partitions; where there are fewer of them, some partitions have none and forward.

The first poll of a worker waits at the first partition, where the most tasks come together; so a task that comes to
another one finds somebody only when that has a second poll. Else it is forwarded: one at a time and so many a second,
of which those of a second are saved up. A task that finds the forwarder at work or out of tokens is written to the
backlog, and waits for the forwarder, or for a poll that comes back to its partition, whichever is first.
Source: Temporal server, service/matching/pri_matcher.go and matcher_data.go, 2025.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.setting import Setting, gauge, of, rate
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    fail,
    release,
    set_drawn,
    set_to,
    use,
)
from sim.lower.temporal.platform import PARTITION, Platform
from sim.network.distributions import UniformCount
from sim.network.places import Keyed, Polled
from sim.network.routines import Prompt, Use, UseBody
from sim.units.tables import SECOND

ALONE = "no_second_poll"
"""Failure: the partition's only poll waits at the first one."""
HOME = "poll-partition"
"""Attribute: the partition at whose backlog the poll of a task was, counted within its queue; 0 anywhere."""


class Forwarder:
    """What the partitions of one queue but the first do with their tasks."""

    def __init__(self, queue: TaskQueue, rate_per_s: float) -> None:
        self.queue = queue
        # With fewer polls than partitions nobody has a second one; each further poll is the second one of somebody.
        further = max(0, queue.polls.number - queue.partitions)
        self.share = 1 - further / queue.partitions
        self.names = [f"{queue.name}-forward-{partition}" for partition in range(1, queue.partitions)]
        queue.parts.attributes.setdefault(HOME, 0)
        for partition, name in enumerate(self.names, 1):
            queue.parts.add_station(
                name,
                Polled(
                    kind="polled",
                    interval_ns=round(SECOND / rate_per_s),
                    burst=max(1, round(rate_per_s)),
                    read=constant(queue.constants.number("temporal.forward_time") + queue.platform.rtt_ns),
                ),
                Setting(
                    of(queue.queue, f"{queue.kind} forwarder of partition {partition}"),
                    "constants.temporal.forward_rate",
                    "matching.forwarderMaxRatePerSecond, or more pollers",
                    rate("forwarded"),
                    "live",
                    rate_per_s,
                ),
            )
        queue.constants.record_assumption(
            "polls of a task queue", "spread evenly over its partitions, as long as they wait"
        )

    def steps(self) -> Iterator[Step]:
        """From the partition that a task comes to, any of them, to one where a poll waits."""
        first = self.queue.first
        even = 1 / self.queue.partitions
        elsewhere = (
            Option(probability=even, steps=self._come_to(partition, name))
            for partition, name in enumerate(self.names, 1)
        )
        here = Option(steps=(set_to(PARTITION, first), *self.queue.handed_over()))
        yield set_to(HOME, 0)
        yield Branch(branch=(*elsewhere, here))

    def _come_to(self, partition: int, name: str) -> Steps:
        forwarded = self._forwarded(partition, name)
        if self.share < 1:
            # While a poll is away with a task, those that wait are one fewer, and nobody has a second one.
            polls = self.queue.polls
            all_wait = (acquire(polls.pollers, units=polls.each, patience_ns=0),) * polls.pods
            second = Branch(branch=(Option(probability=self.share, steps=(fail(ALONE),)),))
            looked = (*all_wait, *(release(polls.pollers),) * polls.pods, second)
            forwarded = (Attempt(attempt=AttemptBody(steps=looked, on_failure=forwarded, counted=False)),)
        return (set_to(PARTITION, self.queue.first + partition), *self.queue.handed_over(), *forwarded)

    def _forwarded(self, partition: int, name: str) -> Steps:
        at_once = Use(use=UseBody(station=name, patience=constant(0)))
        later = (*self.queue.backlog(), set_to(HOME, partition), use(name))
        return (
            Attempt(attempt=AttemptBody(steps=(at_once,), on_failure=later, counted=False)),
            count(forwarded=1),
            *self.queue.handed_over(),
        )

    def poll_returns(self) -> Steps:
        """A poll is back at its partition, and takes what waits there: where it found its last task, when that waited,
        else anywhere."""
        even = 1 / self.queue.partitions
        prompts: list[tuple[int, Steps]] = [(at, (Prompt(prompt=name),)) for at, name in enumerate(self.names, 1)]
        anywhere = Branch(branch=tuple(Option(probability=even, steps=prompt) for _, prompt in prompts))
        homes = tuple(Option(attribute=HOME, above=at - 0.5, below=at + 0.5, steps=prompt) for at, prompt in prompts)
        return (Branch(branch=(*homes, Option(steps=(anywhere,)))),)


WRITER = "backlog-partition"
"""Attribute: what picks the writer among the partitions of a queue."""
MANY = 2**30 - 1


@dataclass(frozen=True, slots=True)
class Polls:
    """The polls of one kind that workers have open when nobody is at work: `each` of each of the pods.

    pollers: the resource of which a poll that has fetched a task holds a unit.
    """

    pollers: str
    pods: int
    each: int

    @property
    def number(self) -> int:
        """Of all pods."""
        return self.pods * self.each


class TaskQueue:
    """The partitions of one kind of tasks of one queue. Sticky queues have one each, and no other poller's tasks."""

    def __init__(self, platform: Platform, queue: str, kind: str, polls: Polls) -> None:
        self.platform = platform
        constants = self.constants = platform.constants
        self.parts = platform.parts
        self.queue = queue
        self.kind = kind
        self.name = f"{queue}-{kind}"
        self.writer = f"{self.name}-backlog"
        matching = platform.temporal.matching
        self.is_simulated = matching is not None
        self.partitions = constants.number(
            "temporal.task_queue_partitions", None if matching is None else matching.partitions
        )
        self.first = platform.partitions_before(self.partitions)
        self.polls = polls
        rate = constants.ratio("temporal.forward_rate")
        forwards = rate > 0 and self.partitions > 1 and polls.number < 2 * self.partitions
        self.forwarder = Forwarder(self, rate) if forwards else None
        if self.is_simulated or polls.number < self.partitions or forwards:
            platform.tell_partitions()

    def dispatch(self, sticky: bool = False) -> Iterator[Step]:
        """From a task row in the store to the pollers: the shard's queue, then the partition. sticky: to a
        worker's own queue, which has one partition, where partitions are told apart by their polls."""
        yield from self.platform.read_queue()
        if sticky and self.forwarder is not None:
            yield from self.handed_over()
        else:
            yield from self.offered()

    def offered(self) -> Iterator[Step]:
        """From history to the pollers: by way of a partition."""
        if self.forwarder is not None:
            yield from self.forwarder.steps()
            return
        if self.platform.tells_partitions:
            yield set_drawn(PARTITION, UniformCount(between=(self.first, self.first + self.partitions - 1)))
        if self.polls.number >= self.partitions:
            yield from self.handed_over()
            return
        self.constants.record_assumption(
            "polls and partitions",
            "polls spread evenly; a partition without one forwards its tasks to the first one, at any rate",
        )
        forward = (
            count(forwarded=1),
            *self.handed_over(),
            delay(constant(self.platform.rtt_ns), "network"),
            set_to(PARTITION, self.first),
            *self.handed_over(),
        )
        without = Option(attribute=PARTITION, above=self.first + self.polls.number - 0.5, steps=forward)
        yield Branch(branch=(without, Option(steps=tuple(self.handed_over()))))

    def poll_returns(self) -> Steps:
        """What happens when a poll that has fetched a task is back."""
        return () if self.forwarder is None else self.forwarder.poll_returns()

    def direct(self) -> Iterator[Step]:
        """What needs no row in the store, such as a query: from the frontend to a poller by way of a partition."""
        if self.platform.tells_partitions:
            yield set_drawn(PARTITION, UniformCount(between=(self.first, self.first + self.partitions - 1)))
        yield from self.handed_over()

    def backlog(self) -> Steps:
        """No poller in time: the task is written by its partition's writer, with what has gathered."""
        return (self.parts.call_of(f"persist-{self.writer}", self._backlog_write),)

    def _backlog_write(self) -> Steps:
        """A task is written by the writer of its partition."""
        store = self.platform.store
        self.parts.attributes.setdefault(WRITER, 0)
        self.parts.add_station(
            self.writer,
            Polled(
                kind="polled",
                interval_ns=store.batch_ns(),
                batch=self.constants.number("temporal.backlog_batch"),
                nodes=self.partitions,
                keyed=Keyed(by=WRITER) if self.partitions > 1 else None,
            ),
            self._of_partitions("backlog writers"),
        )
        self.constants.record_assumption(
            "a batch of backlog writes",
            "begins when the last one is done on an idle store; each task costs a transaction of its own there",
        )
        return (set_drawn(WRITER, UniformCount(between=(0, MANY))), *store.backlog_write(self.writer))

    def _of_partitions(self, what: str) -> Setting:
        """The setting of what each partition has one of."""
        return Setting(
            of(self.queue, f"{self.kind} {what}"),
            "temporal.matching.partitions",
            "matching.numTaskqueueReadPartitions, matching.numTaskqueueWritePartitions",
            gauge("approximate_backlog_count", taskqueue=self.queue),
            "live",
            self.partitions,
        )

    def handed_over(self) -> Iterator[Step]:
        """CPU of matching for a task."""
        if self.is_simulated:
            yield use("matching-cpu", self.constants.number("temporal.matching_cpu"))
