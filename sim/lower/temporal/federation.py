"""A federated task queue as steps: a task waits at its own site first, and then at each of the others in turn.

And task queues as workflows name them: those that one pool of workers serves, and federated ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.lower.context import Context
from sim.lower.steps import Attempt, AttemptBody, Branch, Option, Step, Steps, acquire, constant, count, delay, set_to
from sim.lower.temporal.platform import Platform
from sim.lower.temporal.workers import Workers
from sim.network.routines import Retry
from sim.units.tables import MILLISECOND

CROSS_SITE = "cross_site_byte"
"""Operation: a byte that a task has moved from its site to another."""


class FederatedQueue:
    """The queue, and the pools that serve it.

    spills: whether a task may run at another site than its own. local: whether its own site is asked first; else any
    is, in proportion to the slots, and it moves what the task works on where it is another one. at: attribute, the
    index of the pool in whose slot the task is; it is read at the instant at which it is set.
    """

    def __init__(self, context: Context, name: str, pools: Sequence[Workers]) -> None:
        self.parts = context.parts
        self.name = name
        self.spec = context.scenario.federations[name]
        self.pools = pools
        behaviours = context.scenario.behaviours
        self.spills, self.local = behaviours.federation, behaviours.locality
        self.at = f"{name}-pool"

    @property
    def shares(self) -> list[float]:
        """Chance of each site to be a task's own."""
        return _scaled(self.spec.shares or self._slots)

    @property
    def _slots(self) -> Sequence[float]:
        return [pool.number_of_activity_slots for pool in self.pools]

    def by_site(self, steps: Callable[[int], Steps]) -> Step:
        """The steps of a task, by the site that is its own; it keeps that over all its attempts."""
        return self._drawn(self.shares, steps)

    def _drawn(self, chances: Sequence[float], steps: Callable[[int], Steps]) -> Step:
        *first, last = range(len(self.pools))
        ways = [Option(probability=chances[index], steps=steps(index)) for index in first]
        return Branch(branch=(*ways, Option(steps=steps(last))))

    def placed(self, home: int, dispatched: Steps, on_pool: Callable[[Workers], Steps]) -> Steps:
        """From the task's schedule: a slot at its own site, or at the next, and then what it does there. dispatched:
        its way to the pollers of its own site."""
        self.parts.attributes[self.at] = 0
        own = self.pools[home]
        ways = [Option(attribute=self.at, below=i + 0.5, steps=on_pool(pool)) for i, pool in enumerate(self.pools)]
        there = Branch(branch=tuple(ways))
        before = (*dispatched, count(activity_task=1, **{own.sync_match.dispatched: 1}))
        if not self.spills:
            return (*before, *own.slot(own.activities, own.activity_slots), set_to(self.at, home), there)
        if self.local:
            return (*before, self._round_and_round(home, home), there)
        placed = self._drawn(_scaled(self._slots), lambda first: (self._round_and_round(home, first),))
        return (*before, placed, there)

    def _round_and_round(self, home: int, first: int) -> Step:
        """Offered to all pools in turn, beginning with one of them, until one has it."""
        again = Retry(initial_interval_ns=MILLISECOND, backoff_coefficient=1.0)  # as good as at once
        rounds = AttemptBody(steps=(self._offered(home, first, 0),), retry=again, counted=False)
        return Attempt(attempt=rounds)

    def _offered(self, home: int, first: int, turn: int) -> Step:
        """Offered to the pool whose turn it is, and after a while to the next one; after the last, nobody has it."""
        index = (first + turn) % len(self.pools)
        pool = self.pools[index]
        found: Steps
        if turn == 0:
            found = pool.slot(pool.activities, pool.activity_slots, self.spec.spill_after_ns)
        else:
            found = (acquire(pool.activity_slots, patience_ns=self.spec.spill_after_ns),)
        if index != home:
            way = (delay(constant(self.spec.rtt_ns), "network"),) if self.spec.rtt_ns else ()
            found = (*found, count(spilled=1, **{CROSS_SITE: self.spec.payload_bytes}), *way)
        steps = (*found, set_to(self.at, index))
        following = None if turn + 1 == len(self.pools) else (self._offered(home, first, turn + 1),)
        return Attempt(attempt=AttemptBody(steps=steps, counted=False, on_failure=following))


def _scaled(weights: Sequence[float]) -> list[float]:
    return [weight / sum(weights) for weight in weights]


@dataclass(frozen=True, slots=True)
class TaskQueues:
    """The queues that workflows and activities name, on one platform."""

    platform: Platform
    pools: dict[str, Workers]
    federated: dict[str, FederatedQueue]

    @classmethod
    def of(cls, platform: Platform) -> TaskQueues:
        """The queues of a scenario; every pool is put in place."""
        context, scenario = platform.context, platform.context.scenario
        pools = {queue: Workers(platform, queue) for queue in scenario.workers}
        federated = {
            name: FederatedQueue(context, name, [pools[pool] for pool in spec.pools])
            for name, spec in scenario.federations.items()
        }
        return cls(platform, pools, federated)

    @property
    def context(self) -> Context:
        """That of the platform."""
        return self.platform.context
