"""PostgreSQL under Temporal: cores, write-ahead log, connections; what a transition does there.

A transition holds a connection for its transactions, one after the other: that of the history append, where events are
appended, and that of the mutable state. Their statements travel to the primary one by one; then each commits, which is
told in `postgres_commit`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.placement.zones import CROSS_ZONE
from sim.lower.steps import Distribution, Step, Steps, use
from sim.lower.stores.base import Store
from sim.lower.stores.postgres.background import add_background
from sim.lower.stores.postgres.buffers import Buffers
from sim.lower.stores.postgres.commit import PRIMARY, Commit
from sim.lower.stores.postgres.pool import CPU, Pool
from sim.lower.stores.postgres.recovery import WAL_BYTES, away
from sim.lower.stores.postgres.volume import FULL, SPACE, Volume
from sim.network.faults import Target as NodeTarget
from sim.network.places import NodeGroup
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.platform import TemporalCluster
from sim.scenario.model.stores.pgbouncer import PgBouncer
from sim.scenario.model.stores.postgres import PostgresCluster
from sim.scenario.presets import Transition


class PostgresStore(Store):
    """A PostgreSQL cluster as Temporal's store."""

    def __init__(
        self,
        parts: Parts,
        constants: Constants,
        temporal: TemporalCluster,
        postgres: PostgresCluster,
        pgbouncer: PgBouncer | None,
    ) -> None:
        super().__init__(parts, constants, temporal, postgres)
        self.postgres = postgres
        parts.nodes[PRIMARY] = NodeGroup(count=1)
        rtt_ns = postgres.rtt_ns
        self.rtt_ns = constants.number("postgres.rtt") if rtt_ns is None else rtt_ns
        self.message_ns = constants.number("postgres.cpu_per_message")
        self.commit = Commit(parts, constants, postgres)
        self.flushes = self.commit.flushes
        self.pool = Pool(parts, constants, temporal, postgres, pgbouncer)
        self.reconnects = self.pool.connect_cpu_ns > 0
        self.volume = Volume(parts, constants, postgres)
        self.buffers = Buffers(parts, constants, postgres, self.volume)
        if postgres.rds is not None:
            _note_rds(constants, postgres)

    def writing(self, transition: Transition, on_the_way_ns: int, owned: bool, anew: bool = False) -> Iterator[Step]:
        """The transaction of the history append, then that of the mutable state."""
        if owned:
            yield from self.pool.enter(anew)
        if transition.append:
            touched = tuple(self.buffers.touch(self.pool.backend, transition.append_transaction)) if owned else ()
            trips = transition.append_round_trips
            yield from self._transaction(trips, trips, 0, transition.append, touched)
        round_trips = transition.round_trips - transition.append_round_trips
        touched = tuple(self.buffers.touch(self.pool.backend, False)) if owned and not transition.append else ()
        rows = transition.changed_rows - transition.append
        yield from self._transaction(round_trips, round_trips + transition.background, on_the_way_ns, rows, touched)
        if owned:
            yield from self.pool.leave()

    def _transaction(
        self, round_trips: int, messages: int, on_the_way_ns: int, rows: int, touched: Steps = ()
    ) -> Iterator[Step]:
        """From the first statement until the commit has returned.

        rows: changed by it, and by what it causes in the background. touched: reads of pages that are not in memory.
        """
        yield from self.pool.begin(messages)
        yield from touched
        yield use(CPU, messages * self.message_ns)
        yield self.travel(round_trips, round_trips * self.pool.hop_ns + on_the_way_ns)
        yield from self.volume.log(rows * self.constants.number("postgres.wal_bytes_per_row"))
        yield self.commit.step()
        yield from self.pool.end()

    def operations(self, transition: Transition) -> dict[str, int]:
        """Statements and commits, and what they send to other zones."""
        # What RDS sends to its own standby is not charged.
        zoning, standbys = self.parts.zoning, 0 if self.postgres.rds is not None else self.postgres.nodes - 1
        across = 0 if zoning is None else zoning.store_bytes(transition.messages, transition.changed_rows, standbys)
        return {
            "storage_query": transition.statements,
            "commit": transition.waited_commits,
            "background_commit": transition.background_commits,
            WAL_BYTES: transition.changed_rows * self.constants.number("postgres.wal_bytes_per_row"),
            CROSS_ZONE: across,
        }

    def outage(self, fault: DeploymentFault) -> tuple[tuple[NodeTarget, ...], Distribution]:
        """The primary is away until a standby has been promoted, or until it has recovered by itself; room on its
        volume until somebody has made some."""
        if fault.target == "postgres.disk":
            assert fault.repair is not None, "checked when it was read"
            return (NodeTarget(group=SPACE),), fault.repair
        if fault.happens != "crash":
            assert fault.repair is not None, "checked when it was read"
            self.constants.note("a primary that stands still, is slow or gives errors", "is not replaced by a standby")
            return (NodeTarget(group=PRIMARY),), fault.repair
        return (NodeTarget(group=PRIMARY),), away(self.parts, self.constants, self.postgres, self.pool.redirect())

    def add_background(self) -> None:
        """Checkpoints and autovacuum."""
        add_background(self.parts, self.constants, self.postgres, self.volume)

    def foresee(self, targets: Collection[str]) -> None:
        """A disk that will be full."""
        if "postgres.disk" in targets:
            self.volume.add_limits_of_space()
            self.lost = (*self.lost, FULL)

    def commit_ns(self) -> int:
        """Mean time of a commit that is alone."""
        return self.commit.mean_ns()


def _note_rds(constants: Constants, postgres: PostgresCluster) -> None:
    """What is not known of a managed database."""
    if postgres.nodes > 1:
        constants.note(
            "the standby of RDS",
            "confirms a commit as a synchronous standby of PostgreSQL does; in truth blocks of the volume are copied",
        )
    else:
        constants.note("an RDS instance without a standby", "restarts where it is: a new host is not waited for")
    constants.note(
        "memory of RDS for pages", "its `shared_buffers` alone: pages that only the system's cache holds are read anew"
    )
