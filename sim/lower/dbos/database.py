"""Transactions of DBOS message by message: what Python does for each, one thread at a time, and what PostgreSQL does.

An executor is one Python process, of whose threads one runs at a time, the one that has the interpreter (the GIL). It
gives the interpreter back whenever it waits for the database, that is with each message, so that threads take turns of
a message each. A connection that is taken out of the pool is tried first, with an empty statement of its own.

Numbers of messages were read off the server's log of statements (DBOS 3.4.0, PostgreSQL 15, log_statement = all).

Executors come to their work by looking: each looks into its queue, waits, and looks again. A look takes all that is
enqueued by then, for its own executor: the first of those has them all marked as taken and read, then they are started
one after the other, each on a thread of its own, while the first ones are at work already and want the interpreter
too. Then the executor waits again: from one look to the next it is the interval and the time that the look has taken.

Which executor has looked is told by `claim`: who does not look keeps some of its units there, so that what was found
goes where most are free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.context import Context
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
    count,
    delay,
    release,
    set_to,
    use,
)
from sim.lower.stores.postgres.commit import Commit
from sim.lower.stores.postgres.pool import CPU
from sim.lower.stores.postgres.recovery import WAL_BYTES
from sim.lower.stores.volume import Volume
from sim.network.distributions import Distribution, Uniform
from sim.network.places import Polled, Resource
from sim.network.routines import Prompt, Retry
from sim.network.sources import BurstArrivals, Source
from sim.units.tables import SECOND


@dataclass(frozen=True, slots=True)
class Transaction:
    """A kind of transaction. messages: round trips, the trial of the connection, BEGIN and COMMIT included.
    statements: those of them that do something. rows: that are changed; without any, nothing is flushed."""

    name: str
    messages: int
    statements: int
    rows: int = 0


ENQUEUE = Transaction("enqueue", messages=5, statements=2, rows=2)
"""The client's: trial, BEGIN, status, input, COMMIT."""
SETTINGS = Transaction("settings", messages=4, statements=1)
"""Before each look: trial, BEGIN, the queue's row, COMMIT."""
LOOK = Transaction("look", messages=5, statements=2)
"""Trial, BEGIN, the newest version, what is enqueued, COMMIT."""
TAKE = Transaction("take", messages=1, statements=1, rows=1)
"""In place of that COMMIT where there is something: all of it is marked as taken, COMMIT."""
STATUSES = Transaction("statuses", messages=4, statements=1)
"""What was taken is read: trial, BEGIN, the rows, COMMIT."""
CHECK = Transaction("check", messages=5, statements=2)
"""Before a step: trial, BEGIN, the workflow's status, the step's result, COMMIT."""
RECORD = Transaction("record", messages=5, statements=2, rows=1)
"""After a step: trial, BEGIN, the workflow's row locked, the result, COMMIT."""
OUTCOME = Transaction("outcome", messages=2, statements=1, rows=1)
"""At the end: trial, the workflow's row, which commits by itself."""
UPKEEP = Transaction("upkeep", messages=4, statements=1)
"""Of the library's own threads: schedules, delayed and expired workflows, its internal queue, the list of queues."""


class Database:
    """Ways of an executor's threads to the database and back, as steps."""

    def __init__(self, context: Context, commit: Commit, volume: Volume, rtt_ns: int) -> None:
        self.parts, self.constants = context.parts, context.constants
        self.commit, self.volume, self.rtt_ns = commit, volume, rtt_ns
        self.message_ns = self.constants.number("postgres.cpu_per_message")
        self.core_speed = self.constants.ratio("dbos.core_speed")

    def python(self, queue: str, cpu_ns: float, at: str) -> Iterator[Step]:
        """Work of an executor's thread, on the node of which it holds a unit of `at`: it has the interpreter."""
        work_ns, names = round(cpu_ns / self.core_speed), ExecutorNames(queue)
        if work_ns:
            yield acquire(names.interpreter, at=at)
            yield use(names.cpu, work_ns, at=names.interpreter)
            yield release(names.interpreter)

    def transaction(self, queue: str, kind: Transaction, cpu_ns: float = 0, at: str = "") -> Step:
        """One transaction; with a lost connection it is made again over a new one. cpu_ns: of the executor for it."""
        return self.parts.call_of(f"{queue}-{kind.name}", lambda: self._again(queue, kind, cpu_ns, at))

    def _again(self, queue: str, kind: Transaction, cpu_ns: float, at: str) -> Steps:
        number = self.constants.number
        retry = Retry(
            initial_interval_ns=number("dbos.retry_initial"), maximum_interval_ns=number("dbos.retry_maximum")
        )
        steps = tuple(self._steps(queue, kind, cpu_ns, at))
        return (Attempt(attempt=AttemptBody(steps=steps, retry=retry, counted=False)),)

    def _steps(self, queue: str, kind: Transaction, cpu_ns: float, at: str) -> Iterator[Step]:
        written = self.constants.number("postgres.wal_bytes_per_row") * kind.rows
        message: Steps = (
            *(self.python(queue, cpu_ns / kind.messages, at) if at else ()),
            use(CPU, self.message_ns),
            delay(constant(self.rtt_ns), "network"),
        )
        connections = ExecutorNames(queue).connections
        yield acquire(connections)
        yield Loop(loop=LoopBody(times=kind.messages, steps=message))
        yield from self.volume.log(written)
        if kind.rows:
            yield self.commit.step()
        yield release(connections)
        yield count(storage_query=kind.statements, commit=int(kind.rows > 0), **{WAL_BYTES: written})


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
        parts.add_station(
            names.enqueued_rows,
            Polled(kind="polled", interval_ns=NEVER_NS, batch=10**9, trigger="timer", read=None),
            Setting(
                of(queue, "queue"), "dbos.polling_interval", "polling_interval_sec of the queue", waiting, "restart"
            ),
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
