"""MySQL 8 under Temporal: the same tables, statements and transactions as in PostgreSQL, committed by InnoDB.

MySQL promotes nobody by itself: a tool finds that the source is gone and lets a replica apply its relay log. A lone
source replays its redo log from the last checkpoint on. InnoDB writes pages all the time and moves the checkpoint with
them, so that at a crash the log to replay is taken as uniform between nothing and the log's capacity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.lower.constants import Constants
from sim.lower.lowered import History
from sim.lower.parts import Parts
from sim.lower.rates import rate_of
from sim.lower.steps import Distribution, constant
from sim.lower.stores.aurora import QuorumCommit, aurora_away
from sim.lower.stores.base import ConnectionLimits, Loss
from sim.lower.stores.client_pool import ClientPool
from sim.lower.stores.log import ReplicationLog
from sim.lower.stores.mysql.commit import PRIMARY, REPLICA, SEMI_SYNC, Commit
from sim.lower.stores.sql_store import SqlStore, cores_setting
from sim.lower.stores.volume import PageCache, Volume, VolumeSpec
from sim.lower.sums import sum_of
from sim.network.distributions import Uniform
from sim.network.faults import Target as NodeTarget
from sim.network.places import NodeGroup, Server
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.stores.mysql import MysqlCluster
from sim.scenario.scenario import Scenario
from sim.units.tables import SECOND


def away(constants: Constants, mysql: MysqlCluster) -> Distribution:
    """From the death of the source until connections find one that takes writes."""
    own = mysql.failover
    redirect = own.redirect
    if redirect is None:
        constants.note("connections after a failover", "go to the new source at once: a proxy knows it")
        redirect = constant(0)
    if mysql.nodes == 1:
        detect = () if own.detect is None else (own.detect,)
        return sum_of(*detect, _replay(constants, mysql), redirect)
    constants.note("after a failover", "there is a replica in the place of the old source at once")
    if own.time is not None:
        return sum_of(own.time, redirect)
    if mysql.rds is not None and own.detect is None and own.promote is None:
        return sum_of(constants.distribution("mysql.rds_failover"), redirect)
    noticed = constants.distribution("mysql.failover_detect") if own.detect is None else own.detect
    promoted = constants.distribution("mysql.failover_promote") if own.promote is None else own.promote
    return sum_of(noticed, promoted, redirect)


def _replay(constants: Constants, mysql: MysqlCluster) -> Distribution:
    """The restart of a lone source."""
    own = mysql.redo_log_capacity_bytes
    capacity = constants.number("mysql.redo_log_capacity") if own is None else own
    longest_ns = round(capacity * SECOND / constants.number("mysql.redo_bytes_per_s"))
    what = "redo log since the last checkpoint, replayed after a crash"
    constants.note(what, f"0 to {capacity / 1e6:.3g} MB, the log's capacity")
    return sum_of(constant(constants.number("mysql.restart")), Uniform(uniform_ns=(0, longest_ns)))


CPU = "mysql-cpu"
PAGE_BYTES = 16384
"""`innodb_page_size`."""
CLEANER = "page-cleaner"


class MysqlPool(ClientPool):
    """Connections of the pods: a thread each at the source, kept for all transactions of a transition."""

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario) -> None:
        assert scenario.temporal is not None
        super().__init__(parts, constants, scenario.temporal, "mysql", CPU)
        self._add_client_pool(PRIMARY)
        self._add_recycling()


class MysqlStore(SqlStore):
    """A MySQL cluster as Temporal's store."""

    primary = PRIMARY
    cores = CPU
    standby = REPLICA
    written = "binlog_byte"
    log = ReplicationLog(bytes_per_row="mysql.binlog_bytes_per_row")
    row_locks = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_time'"

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario) -> None:
        super().__init__(parts, constants, scenario)
        assert scenario.mysql is not None
        mysql = self.mysql = scenario.mysql
        parts.nodes[PRIMARY] = NodeGroup(count=1)
        self.rtt_ns = constants.number("mysql.rtt") if mysql.rtt_ns is None else mysql.rtt_ns
        self.message_ns = constants.number("mysql.cpu_per_message")
        self.own = None if mysql.aurora is not None else Commit(parts, constants, mysql, self.rtt_ns)
        self.flushes = () if self.own is None else self.own.flushes
        self.commit = self.own or QuorumCommit(parts, constants, "mysql", self.rtt_ns, None)
        parts.add_station(CPU, Server(nodes=PRIMARY, cores=mysql.cores), cores_setting("mysql", mysql))
        self.pool = MysqlPool(parts, constants, scenario)
        self.reconnects = self.pool.connect_cpu_ns > 0
        path = "mysql.disk" if mysql.rds is None else "mysql.rds"
        volume = VolumeSpec("mysql", mysql.product, mysql.disk, mysql.disk_bytes_per_s, path, PAGE_BYTES)
        self.volume = Volume(parts, constants, volume)
        reads = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_reads'"
        self.pages = PageCache(self.volume, mysql.cache_bytes, reads)
        self.sends_log = mysql.rds is None and mysql.aurora is None  # what Amazon's own sends is not charged
        self._note()

    def log_on_disk(self, rows: int) -> int:
        """The events in the binary log, and the redo log of the pages."""
        return super().log_on_disk(rows) + rows * self.constants.number("mysql.redo_bytes_per_row")

    def add_background(self) -> None:
        """The page cleaner writes the pages that executions have touched, at an even pace."""
        executions_per_s = sum(rate_of(source.arrivals) for source in self.parts.sources.values() if source.counted)
        if self.volume.disk is None or not executions_per_s:
            return
        pages_per_s = executions_per_s * self.constants.number("mysql.pages_per_execution")
        self.parts.routines[CLEANER] = (*self.volume.page(), *self.volume.log(PAGE_BYTES))
        self.parts.sources[CLEANER] = Source(
            routine=CLEANER, arrivals=PoissonArrivals(poisson_per_s=pages_per_s), counted=False
        )
        self.constants.note(
            "the page cleaner",
            "writes each execution's pages once, and before that to the doublewrite file, in sequence: bytes, no "
            "operations of the volume",
        )

    # -- failures ---------------------------------------------------------------------------------------------

    def outage(self, fault: DeploymentFault) -> tuple[Loss, ...]:
        """The source is away until a replica has been promoted, or until it has recovered; replicas until they are
        back, and where too few are left commits wait."""
        source = (NodeTarget(group=PRIMARY),)
        if fault.target == "mysql.source" and fault.happens == "crash":
            return (Loss(source, self.failover()),)
        if fault.target == "mysql.source":
            self.constants.note("a source that stands still, is slow or gives errors", "is not replaced by a replica")
            return (Loss(source, fault.lasts),)
        lost = self._lost_replicas(fault)
        targets = tuple(NodeTarget(group=f"{REPLICA}{number + 1}") for number in lost)
        one_by_one = fault.nodes == "any" or fault.mttf_ns is not None
        left = self.standbys - (1 if one_by_one else len(lost))
        return (Loss(targets, fault.lasts), *self.short_of_standbys(left, fault.lasts))

    def failover(self) -> Distribution:
        """Until a replica has been promoted, or a lone source has recovered."""
        if self.mysql.aurora is not None:
            return aurora_away(self.constants, "mysql", self.mysql.aurora, self.mysql.failover)
        return away(self.constants, self.mysql)

    def is_replaced(self, left: int) -> bool:
        """A replica takes over wherever there is one."""
        if left - 1 < self.mysql.confirming:
            self.constants.note("the first commits of a source that has too few replicas left", "do not wait for them")
        return left > 0

    def stands_with(self, group: str) -> bool:
        """The standby of RDS, and a reader of Aurora, are no nodes that anybody waits for."""
        return self.sends_log

    def short_of_standbys(self, left: int, away: Distribution) -> Iterator[Loss]:
        """Commits wait for acknowledgements until the timeout."""
        if self.own is not None and self.mysql.confirming > left:
            yield Loss((NodeTarget(group=SEMI_SYNC),), self.own.stall(away), "pause")

    def _lost_replicas(self, fault: DeploymentFault) -> tuple[int, ...]:
        """Which replicas a fault hits, counted from 0."""
        if isinstance(fault.nodes, tuple):
            return tuple(sorted(set(fault.nodes)))
        if fault.nodes == "all" or fault.mttf_ns is not None:
            return tuple(range(self.standbys))
        self.constants.note("the replica that fails", "is the first one; they are alike")
        return (0,)

    # -- what it says of itself -------------------------------------------------------------------------------

    @classmethod
    def arrangements(cls, scenario: Scenario) -> tuple[str, ...]:
        """RDS, Aurora."""
        return tuple(name for name in ("rds", "aurora") if getattr(scenario.mysql, name) is not None)

    @classmethod
    def cores_among(cls, stations: Iterable[str]) -> Iterator[str]:
        """The source's."""
        yield CPU

    @classmethod
    def connection_limits(cls, constants: Constants, scenario: Scenario) -> ConnectionLimits:
        """`max_connections`, and memory. The one that MySQL keeps for an administrator comes on top."""
        mysql = scenario.mysql
        assert mysql is not None
        each = constants.number("mysql.connection_bytes")
        return ConnectionLimits("mysql", mysql.max_connections, 0, "", each, mysql.memory_bytes)

    def stored_bytes(self, history: History) -> float:
        """The content, and rows in the leaves of the primary key."""
        self.constants.note("binary logs that are kept", "not in the size of the store: binlog_expire_logs_seconds")
        return history.bytes + history.rows * self.constants.number("mysql.stored_bytes_per_row")

    def _note(self) -> None:
        note = self.constants.note
        note(
            "what a transition is in MySQL",
            "the statements and the two transactions that it is in PostgreSQL",
            "Temporal server, schema/mysql/v8 and common/persistence/sql/sqlplugin/mysql, 2026-08-21",
        )
        self.constants.note_each(
            {
                "groups of commits that go from one stage to the next": (
                    "come apart: the first goes ahead alone and the others share the flush after it, where MySQL's "
                    "leader takes all of them along; at most one flush longer in each stage"
                ),
                "MySQL": "was never measured for this simulator: its costs are assumptions with ranges",
                "row locks of InnoDB": (
                    "are those of the shard and of the execution, held until the commit returns; deadlocks and "
                    "innodb_lock_wait_timeout are left out: the lock of the shard keeps transitions from meeting"
                ),
                "what connections at work cost each other": "is left out: InnoDB's latches, threads beyond the cores",
                "purge of undo": "keeps up, and takes nothing",
            }
        )
        if self.mysql.rds is not None and self.mysql.nodes > 1:
            note("the standby of RDS", "has blocks of the volume copied: a flush takes as long as the later of both")
        elif self.mysql.rds is not None:
            note("an RDS instance without a standby", "restarts where it is: a new host is not waited for")
