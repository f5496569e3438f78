"""Partitions of a task queue that have no poll of their own, and forward their tasks to the first one.

A worker's polls spread evenly over the partitions. The first one of each waits at the first partition, where the most
tasks come together; so a task that comes to another one finds somebody only when that has a second poll. Else it is
forwarded: one at a time and so many a second, of which those of a second are saved up. A task that finds the forwarder
at work or out of tokens is written to the backlog, and waits for the forwarder, or for a poll that comes back to its
partition, whichever is first. Source: Temporal server, service/matching/pri_matcher.go and matcher_data.go, 2025.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.lower.setting import Setting, of
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
    fail,
    release,
    set_to,
    use,
)
from sim.lower.watch import rate
from sim.network.places import Polled
from sim.network.routines import Prompt, Use, UseBody
from sim.units.tables import SECOND

if TYPE_CHECKING:  # the task queue makes its forwarder, which asks it
    from sim.lower.temporal.matching import TaskQueue

PARTITION = "partition"
"""Attribute: the partition of the task at hand, counted over all task queues."""

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
            forwarder = Polled(
                kind="polled",
                interval_ns=round(SECOND / rate_per_s),
                burst=max(1, round(rate_per_s)),
                read=constant(queue.constants.number("temporal.forward_time") + queue.platform.rtt_ns),
            )
            setting = Setting(
                of(queue.queue, f"{queue.kind} forwarder of partition {partition}"),
                "constants.temporal.forward_rate",
                "matching.forwarderMaxRatePerSecond, or more pollers",
                rate("forwarded"),
                "live",
                rate_per_s,
            )
            queue.parts.add_station(name, forwarder, setting)
        queue.constants.note("polls of a task queue", "spread evenly over its partitions, as long as they wait")

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
