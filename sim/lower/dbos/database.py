"""Transactions of DBOS message by message: what Python does for each, one thread at a time, and what PostgreSQL does.

An executor is one Python process, of whose threads one runs at a time, the one that has the interpreter (the GIL). It
gives the interpreter back whenever it waits for the database, that is with each message, so that threads take turns of
a message each. A connection that is taken out of the pool is tried first, with an empty statement of its own.

Numbers of messages were read off the server's log of statements (DBOS 3.4.0, PostgreSQL 15, log_statement = all).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.context import Context
from sim.lower.names import ExecutorNames
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Loop,
    LoopBody,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    release,
    use,
)
from sim.lower.stores.postgres.commit import Commit
from sim.lower.stores.postgres.pool import CPU
from sim.lower.stores.postgres.recovery import WAL_BYTES
from sim.lower.stores.volume import Volume
from sim.network.routines import Retry


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
