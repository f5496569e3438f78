"""Transactions of an application in PostgreSQL: row locks, and serialization failures where snapshots meet.

Read committed: who would write a row that another transaction has written waits for its end, and then goes on. Under a
snapshot (repeatable read, serializable) it fails then, and it fails as well when the other has committed since its
snapshot was taken: of two transactions on a row that overlap from snapshot to commit, one fails. So here a transaction
takes hold of its row with its snapshot; one that finds it held has met another, goes on to its write, waits there for
the end of the other, and fails. Source: PostgreSQL documentation, chapter 13.2, transaction isolation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.lower.setting import Setting, of, waits_of_postgres
from sim.lower.steps import Attempt, AttemptBody, Step, Steps, acquire, constant, count, delay, fail, release, use
from sim.lower.stores.postgres.pool import CPU
from sim.lower.stores.postgres.recovery import WAL_BYTES
from sim.network.places import Keyed, Resource
from sim.network.routines import Retry
from sim.scenario.model.workload import Transaction

if TYPE_CHECKING:  # the store makes these steps, which ask it
    from sim.lower.stores.postgres.store import PostgresStore

FAILED = "serialization_failure"
"""Failure, and operation: a transaction is turned away with SQLSTATE 40001."""


def transaction_steps(
    store: PostgresStore, queue: str, pods: int, activity: str, transaction: Transaction, path: str
) -> Steps:
    """The transaction of an activity, until it has committed.

    queue, pods: of the workers that make it. path: where the scenario says what it does.
    """
    constants, parts = store.constants, store.parts
    pool = store.pool.application(queue, pods)
    row = f"{activity}-rows"
    if transaction.hot_rows is not None:
        parts.add_resource(
            row,
            Resource(nodes=transaction.hot_rows, units=1, keyed=Keyed(skew=transaction.skew)),
            Setting(
                of(activity, "hot rows"),
                f"{path}.hot_rows",
                "spread writes over more rows",
                waits_of_postgres("transactionid|tuple"),
                value=transaction.hot_rows,
            ),
        )
    if transaction.isolation == "serializable":
        constants.record_assumption(
            "serializable: reads of other rows than the one that is written",
            "fail nobody: write skew and false alarms of page locks are left out, so failures are a lower bound",
        )
    retry = Retry(
        initial_interval_ns=constants.number("postgres.transaction_retry_initial"),
        maximum_interval_ns=constants.number("postgres.transaction_retry_maximum"),
        jitter=constants.ratio("postgres.transaction_retry_jitter"),
    )
    steps = (
        acquire(pool),
        *_body(store, transaction, row),
        release(pool),
        count(
            transaction=1,
            storage_query=transaction.reads + transaction.writes,
            commit=1,
            **{WAL_BYTES: transaction.writes * constants.number("postgres.wal_bytes_per_row")},
        ),
    )
    return (Attempt(name=f"transaction-{activity}", attempt=AttemptBody(steps=steps, retry=retry, counted=False)),)


def _body(store: PostgresStore, transaction: Transaction, row: str) -> Iterator[Step]:
    """From BEGIN to the end of COMMIT."""
    before, after = transaction.reads + 1, transaction.writes + 1
    written = store.volume.log(transaction.writes * store.constants.number("postgres.wal_bytes_per_row"))
    yield from store.pool.begin(before + after)
    if transaction.hot_rows is None:
        yield from _statements(store, transaction, before + after)
        yield from written
        yield store.commit.step()
    elif transaction.isolation == "read_committed":
        yield from _statements(store, transaction, before)
        yield acquire(row)
        yield from _statements(store, transaction, after)
        yield from written
        yield store.commit.step()
        yield release(row)
    else:
        yield from _statements(store, transaction, 1)  # BEGIN; the snapshot is taken by the first statement
        yield acquire(row, patience_ns=0, otherwise=tuple(_turned_away(store, transaction, row)))
        yield from _statements(store, transaction, before + after - 1)
        yield from written
        yield store.commit.step()
        yield release(row)
    yield from store.pool.end()


def _turned_away(store: PostgresStore, transaction: Transaction, row: str) -> Iterator[Step]:
    """What becomes of one whose snapshot meets another transaction on its row: told at its first write."""
    yield from _statements(store, transaction, transaction.reads + 1)
    yield acquire(row)
    yield release(row)
    yield from _statements(store, transaction, 1)  # ROLLBACK
    yield count(**{FAILED: 1})
    yield fail(FAILED)


def _statements(store: PostgresStore, transaction: Transaction, number: int) -> Iterator[Step]:
    """So many messages to the primary, one after the other."""
    cpu_ns = number * store.message_ns
    if transaction.isolation == "serializable":
        cpu_ns = round(cpu_ns * (1 + store.constants.ratio("postgres.serializable_cpu")))
    yield use(CPU, cpu_ns)
    yield delay(constant(number * (store.rtt_ns + store.pool.hop_ns)), "network")
