"""A federated task queue as steps: a task waits at its own site first, and then at each of the others in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.lower.parts import Parts
from sim.lower.steps import Attempt, AttemptBody, Branch, Option, Step, Steps, acquire, constant, count, delay, set_to
from sim.lower.workers import Workers
from sim.network.routines import Retry
from sim.scenario.federation import Federation
from sim.units.tables import MILLISECOND

CROSS_SITE = "cross_site_byte"
"""Operation: a byte that a task has moved from its site to another."""


@dataclass(frozen=True, slots=True)
class FederatedQueue:
    """The queue, and the pools that serve it.

    spills: whether a task may run at another site than its own.
    """

    parts: Parts
    name: str
    spec: Federation
    pools: Sequence[Workers]
    spills: bool

    @property
    def at(self) -> str:
        """Attribute: index of the pool in whose slot the task is. It is read at the instant at which it is set."""
        return f"{self.name}-pool"

    @property
    def shares(self) -> list[float]:
        """Chance of each site to be a task's own."""
        weights = self.spec.shares or [pool.number_of_activity_slots for pool in self.pools]
        return [weight / sum(weights) for weight in weights]

    def by_site(self, steps: Callable[[int], Steps]) -> Step:
        """The steps of a task, by the site that is its own; it keeps that over all its attempts."""
        *first, last = range(len(self.pools))
        chances = self.shares
        ways = [Option(probability=chances[home], steps=steps(home)) for home in first]
        return Branch(name=f"site-of-{self.name}", branch=(*ways, Option(steps=steps(last))))

    def placed(self, home: int, on_pool: Callable[[Workers], Steps]) -> Steps:
        """From the task's schedule: a slot at its own site, or at the next, and then what it does there."""
        self.parts.attributes[self.at] = 0
        own = self.pools[home]
        ways = [Option(attribute=self.at, below=i + 0.5, steps=on_pool(pool)) for i, pool in enumerate(self.pools)]
        there = Branch(branch=tuple(ways))
        before = (*own.activities.dispatch(), count(activity_task=1, **{own.sync_match.dispatched: 1}))
        if not self.spills:
            return (*before, *own.slot(own.activities, own.activity_slots), set_to(self.at, home), there)
        again = Retry(initial_interval_ns=MILLISECOND, backoff_coefficient=1.0)  # as good as at once
        rounds = AttemptBody(steps=(self._offered(home, 0),), retry=again, counted=False)
        return (*before, Attempt(attempt=rounds), there)

    def _offered(self, home: int, turn: int) -> Step:
        """Offered to the pool whose turn it is, and after a while to the next one; after the last, nobody has it."""
        index = (home + turn) % len(self.pools)
        pool = self.pools[index]
        if turn == 0:
            found = pool.slot(pool.activities, pool.activity_slots, self.spec.spill_after_ns)
        else:
            moved = count(spilled=1, **{CROSS_SITE: self.spec.payload_bytes})
            way = (delay(constant(self.spec.rtt_ns), "network"),) if self.spec.rtt_ns else ()
            found = (acquire(pool.activity_slots, patience_ns=self.spec.spill_after_ns), moved, *way)
        steps = (*found, set_to(self.at, index))
        following = None if turn + 1 == len(self.pools) else (self._offered(home, turn + 1),)
        return Attempt(attempt=AttemptBody(steps=steps, counted=False, on_failure=following))
