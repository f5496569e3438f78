"""How executors of DBOS come to their work: each looks into its queue, waits, and looks again.

A look takes all that is enqueued by then, for its own executor: the first of those has them all marked as taken and
read, then they are started one after the other, each on a thread of its own, while the first ones are at work already
and want the interpreter too. Then the executor waits again: from one look to the next it is the interval and the time
that the look has taken.

Which executor has looked is told by `claim`: who does not look keeps some of its units there, so that what was found
goes where most are free.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.dbos.database import LOOK, SETTINGS, STATUSES, TAKE, UPKEEP, Database
from sim.lower.names import ExecutorNames
from sim.lower.setting import Setting, inner, of
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Loop,
    LoopBody,
    Option,
    Step,
    Steps,
    acquire,
    constant,
    delay,
    release,
    set_to,
    use,
)
from sim.network.distributions import Distribution, Uniform
from sim.network.places import Polled, Resource
from sim.network.routines import Prompt, Retry
from sim.network.sources import BurstArrivals, Source
from sim.units.tables import SECOND

NEVER_NS = 10**18
"""31 years: a queue that is read by prompts alone."""
FOR_EVER = 10**9
"""Rounds of a thread that ends with its process."""
UNITS = 10**9
"""Of resources that only say on which executor something is."""
KEPT = 10**6
"""Units of its claim that an executor keeps while it does not look: more than one look finds."""
LATER = "not-first-of-look"
"""Attribute of what was found by a look: whether another one was before it."""


class Looks:
    """The queue of executors, the threads that look into it, and what a workflow goes through there."""

    def __init__(self, database: Database) -> None:
        self.parts, self.constants, self.database = database.parts, database.constants, database
        self.parts.attributes[LATER] = 0

    def add(self, queue: str, executors: int, every_ns: int) -> None:
        """Queue and threads of a pool of executors that look every so often."""
        parts, names = self.parts, ExecutorNames(queue)
        waiting = f"SELECT count(*) FROM dbos.workflow_status WHERE status = 'ENQUEUED' AND queue_name = '{queue}'"
        every = Setting(
            of(queue, "queue"), "dbos.polling_interval", "polling_interval_sec of the queue", waiting, "restart"
        )
        parts.add_station(
            names.enqueued_rows,
            Polled(kind="polled", interval_ns=NEVER_NS, batch=10**9, trigger="timer", read=None),
            every,
        )
        parts.add_resource(
            names.claim,
            Resource(nodes=names.pods, units=UNITS, choice="least_loaded"),
            inner("which executor has looked"),
        )
        starts = "more executors: one thread of each takes what it has found, one workflow after the other"
        parts.add_resource(
            names.starter,
            Resource(nodes=names.pods, units=1),
            Setting(of(queue, "queue threads"), f"workers.{queue}.replicas", starts, waiting, "live", executors),
        )
        for name, wait, steps in (
            (names.looker, every_ns, self._look(queue, every_ns)),
            (names.keeper, SECOND, self._upkeep(queue)),
        ):
            parts.add_resource(name, Resource(nodes=names.pods, units=UNITS), inner("on which executor a thread is"))
            # Executors start at any time, so their looks fall anywhere between each other's.
            body: Steps = (
                acquire(name, affinity=name),
                *((acquire(names.claim, units=KEPT, at=name),) if name == names.looker else ()),
                delay(Uniform(uniform_ns=(0, wait)), "timer"),
                Loop(loop=LoopBody(times=FOR_EVER, steps=steps)),
            )
            again = Retry(initial_interval_ns=1_000_000, backoff_coefficient=1)
            parts.routines[name] = (Attempt(attempt=AttemptBody(steps=body, retry=again, counted=False)),)
            parts.sources[name] = Source(routine=name, arrivals=BurstArrivals(burst=executors), counted=False)

    def found(self, queue: str) -> Iterator[Step]:
        """A workflow in the queue, until it is about to be started by the executor that has found it."""
        database, number, names = self.database, self.constants.number, ExecutorNames(queue)
        claim, starter = names.claim, names.starter
        look_ns = number("dbos.look_cpu")
        taking: Steps = (
            database.transaction(queue, TAKE, look_ns * TAKE.messages / LOOK.messages, at=claim),
            database.transaction(queue, STATUSES, look_ns * STATUSES.messages / LOOK.messages, at=claim),
        )
        steps: Steps = (
            acquire(claim, affinity=names.executor),
            set_to(LATER, 0),
            acquire(starter, at=claim, patience_ns=0, otherwise=(set_to(LATER, 1), acquire(starter, at=claim))),
            Branch(branch=(Option(attribute=LATER, below=1, steps=taking), Option())),
            *database.python(queue, number("dbos.start_cpu"), at=claim),
            release(starter),
            release(claim),
        )
        again = Retry(initial_interval_ns=1_000_000, backoff_coefficient=1)
        yield use(names.enqueued_rows)
        yield Attempt(name=f"found-{queue}", attempt=AttemptBody(steps=steps, retry=again, counted=False))

    def _look(self, queue: str, every_ns: int) -> Steps:
        """One round of the thread that looks."""
        database, names = self.database, ExecutorNames(queue)
        looker, claim, starter = names.looker, names.claim, names.starter
        share_ns = self.constants.number("dbos.look_cpu")
        jitter = self.constants.ratio("dbos.polling_jitter")
        spread = round(every_ns * jitter)
        wait: Distribution = (
            Uniform(uniform_ns=(every_ns - spread, every_ns + spread)) if spread else constant(every_ns)
        )
        return (
            database.transaction(queue, LOOK, share_ns, at=looker),
            release(claim),
            Prompt(prompt=names.enqueued_rows),
            # Those found take their places first.
            delay(constant(1), "timer"),
            acquire(claim, units=KEPT, at=looker),
            acquire(starter, at=looker),
            release(starter),
            database.transaction(queue, SETTINGS, share_ns * SETTINGS.messages / LOOK.messages, at=looker),
            delay(wait, "timer"),
        )

    def _upkeep(self, queue: str) -> Steps:
        """A second of the library's other threads, one after the other."""
        each_ns = self.constants.number("dbos.upkeep_cpu")
        transaction = self.database.transaction(queue, UPKEEP, each_ns, at=ExecutorNames(queue).keeper)
        times = self.constants.number("dbos.upkeep_transactions")
        return (Loop(loop=LoopBody(times=times, steps=(transaction,))), delay(constant(SECOND), "timer"))
