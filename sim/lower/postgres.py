"""PostgreSQL under Temporal: cores, write-ahead log, connections; what a transition does there.

A transition holds a connection while its statements travel to the primary one by one, its history append commits, and
after that its mutable-state transaction. Each commit waits for a flush that all commits of the moment share, and with
synchronous replication for the fastest standbys to have flushed it too.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.steps import Distribution, Step, acquire, release, use
from sim.lower.sums import kth_fastest, mean_ns, sum_of
from sim.lower.zones import CROSS_ZONE
from sim.network.faults import Target as NodeTarget
from sim.network.places import GroupCommit, NodeGroup, Resource, Server
from sim.scenario.faults import DeploymentFault
from sim.scenario.platform import TemporalCluster
from sim.scenario.presets import Transition
from sim.scenario.store import PostgresCluster, StoreCluster
from sim.units import write_bytes

PRIMARY = "postgres-primary"


class PostgresStore(Store):
    """A PostgreSQL cluster as Temporal's store."""

    def __init__(
        self, parts: Parts, constants: Constants, temporal: TemporalCluster, postgres: PostgresCluster
    ) -> None:
        super().__init__(parts, constants, temporal, postgres)
        self.postgres = postgres
        parts.nodes[PRIMARY] = NodeGroup(count=1)
        rtt_ns = postgres.rtt_ns
        self.rtt_ns = constants.number("postgres.rtt") if rtt_ns is None else rtt_ns
        self.message_ns = constants.number("postgres.cpu_per_message")
        self._add_places()

    def writing(self, transition: Transition, on_the_way_ns: int, owned: bool) -> Iterator[Step]:
        """Statements, the flush of the append, the way, the flush of the transaction."""
        waits = transition.waited_commits if self.postgres.synchronous_commit else 0
        if owned:
            yield acquire("connections", patience_ns=self._acquire_timeout_ns())
        yield use("postgres-cpu", transition.messages * self.message_ns)
        if waits == 2:
            yield use("wal")
        yield self.travel(transition.round_trips, on_the_way_ns)
        if waits:
            yield use("wal")
        if owned:
            yield release("connections")

    def inserting(self) -> Iterator[Step]:
        """One statement that commits by itself, on a connection that is there."""
        yield use("postgres-cpu", self.message_ns)
        yield self.travel(1, 0)
        if self.postgres.synchronous_commit:
            yield use("wal")

    def operations(self, transition: Transition) -> dict[str, int]:
        """Statements and commits, and what they send to other zones."""
        zoning, standbys = self.parts.zoning, self.postgres.nodes - 1
        across = 0 if zoning is None else zoning.store_bytes(transition.messages, transition.changed_rows, standbys)
        return {
            "storage_query": transition.statements,
            "commit": transition.waited_commits,
            "background_commit": transition.background_commits,
            CROSS_ZONE: across,
        }

    def outage(self, fault: DeploymentFault) -> tuple[tuple[NodeTarget, ...], Distribution]:
        """The primary is away until a standby has been promoted."""
        own, constants = self.postgres.failover, self.constants
        found = (
            (constants.distribution("postgres.failover_lease"), constants.distribution("postgres.failover_loop"))
            if own.detect is None
            else (own.detect,)
        )
        promote = constants.distribution("postgres.failover_promote") if own.promote is None else own.promote
        constants.note(
            "after a failover",
            "the cluster is whole at once: no cold cache, and a standby in the place of the old one",
        )
        return (NodeTarget(group=PRIMARY),), sum_of(*found, promote)

    @classmethod
    def infeasible(cls, constants: Constants, temporal: TemporalCluster, store: StoreCluster) -> Iterator[Problem]:
        """The connections that the pools may open have to fit into the memory of the primary."""
        assert isinstance(store, PostgresCluster)
        if store.memory_bytes is None:
            return
        pods = temporal.history.replicas if temporal.history is not None else 1
        most = pods * (temporal.sql.max_conns or constants.number("temporal.max_conns"))
        each = constants.number("postgres.connection_bytes")
        if most * each > store.memory_bytes:
            yield Problem(
                "postgres.memory",
                f"is {write_bytes(store.memory_bytes)}, but {most} connections may need {write_bytes(most * each)}",
                "lower temporal.sql.max_conns",
            )

    def _acquire_timeout_ns(self) -> int:
        own = self.temporal.sql.acquire_timeout_ns
        return self.constants.number("temporal.acquire_timeout") if own is None else own

    def _add_places(self) -> None:
        parts, constants, temporal, postgres = self.parts, self.constants, self.temporal, self.postgres
        pods = temporal.history.replicas if temporal.history is not None else 1
        sql = temporal.sql
        most = pods * (constants.number("temporal.max_conns") if sql.max_conns is None else sql.max_conns)
        opened = None if sql.initial is None else pods * sql.initial
        parts.resources["connections"] = Resource(
            nodes=PRIMARY,
            units=most,
            open=opened,
            opening=constants.distribution("postgres.connect") if sql.connect is None else sql.connect,
            when_down="refuse",
        )
        if pods > 1:
            constants.note(
                "connection pools of the history pods", f"act as one of {most}", "derived: an execution may use any"
            )
        parts.stations["postgres-cpu"] = Server(nodes=PRIMARY, cores=postgres.cpu_cores)
        if postgres.synchronous_commit:
            parts.stations["wal"] = GroupCommit(kind="group_commit", nodes=PRIMARY, flush=self._commit())
            self.flushes = ("wal",)

    def commit_ns(self) -> int:
        """Mean time of a flush here and on the standbys that must have it."""
        return round(mean_ns(self._commit())) if self.postgres.synchronous_commit else 0

    def _commit(self) -> Distribution:
        """Time from the begin of a flush until what it holds is durable: here, and on as many standbys as must be."""
        postgres, constants = self.postgres, self.constants
        flush = constants.distribution("postgres.flush") if postgres.flush is None else postgres.flush
        standbys = postgres.nodes - 1
        needed = postgres.synchronous_standbys
        if needed == 0:
            return flush
        rtt_ns = postgres.replication_rtt_ns
        travel_ns = constants.number("postgres.replication_rtt") if rtt_ns is None else rtt_ns
        constants.note(
            "a commit's flush on the primary, the way to the standbys and their flush",
            "one stage that a group of commits shares",
            "derived: PostgreSQL sends what it has flushed, and waits for the standbys after it",
        )
        zoning = self.parts.zoning
        ways_ns = [travel_ns] * standbys if zoning is None else zoning.standby_rtts_ns(standbys, self.rtt_ns)
        return sum_of(flush, kth_fastest(needed, flush, ways_ns))
