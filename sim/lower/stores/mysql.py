"""MySQL 8 under Temporal: the same tables, statements and transactions as in PostgreSQL, committed by InnoDB.

MySQL promotes nobody by itself: a tool finds that the source is gone and lets a replica apply its relay log. A lone
source replays its redo log from the last checkpoint on. InnoDB writes pages all the time and moves the checkpoint with
them, so that at a crash the log to replay is taken as uniform between nothing and the log's capacity.

A commit passes three stages, each of which one leader carries out for all who wait. Flush: the redo log with the
prepared transactions is flushed, and the events go to the binary log's file. Sync: the binary log is flushed. Commit:
with semi-synchronous replication the leader first waits until enough replicas have the events in their relay logs, on
disk (AFTER_SYNC); the change of the tables itself takes no flush. While one group is in a stage the next one gathers
before it, so that a lone commit waits for two flushes and many share them.

When no acknowledgement comes in time, everybody who waits goes on and replication is asynchronous until the replica is
back. Sources: MySQL 8.0.32, binlog.cc, as described by its readers; MySQL documentation, Semisynchronous Replication.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from sim.lower.constants import Constants
from sim.lower.lowered import History
from sim.lower.parts import Parts
from sim.lower.rates import rate_of
from sim.lower.setting import Setting, of
from sim.lower.steps import Distribution, Fork, ForkBody, Step, Steps, constant, delay, use
from sim.lower.stores.aurora import QuorumCommit, aurora_away
from sim.lower.stores.base import ConnectionLimits, Loss
from sim.lower.stores.client_pool import ClientPool
from sim.lower.stores.log import ReplicationLog
from sim.lower.stores.sql_store import MOST_AT_RISK, SqlStore, add_at_risk, at_risk, cores_setting, ways_to_standbys_ns
from sim.lower.stores.volume import PageCache, Volume, VolumeSpec
from sim.lower.sums import kth_fastest, least_of, mean_ns, sum_of
from sim.network.distributions import Uniform
from sim.network.faults import Target as NodeTarget
from sim.network.places import GroupCommit, NodeGroup, Polled, Server
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.stores.mysql import MysqlCluster
from sim.scenario.scenario import Scenario
from sim.units.tables import SECOND

PRIMARY = "mysql-primary"
"""Node group: the source."""
REDO = "mysql-redo"
BINLOG = "mysql-binlog"
ACKNOWLEDGED = "mysql-acknowledgement"
"""Station: the wait of a commit group for its replicas."""
SEMI_SYNC = "mysql-semi-sync"
"""Node group: the replicas that acknowledge, as one; it stands still while too few are there."""
REDO_WRITER = "mysql-redo-writer"
"""Station: the flush of a redo log that commits do not wait for."""
REPLICA = "mysql-replica-"
"""Node group of a replica, with its number from 1 on."""
_FASTER_DISK = "a disk that flushes faster"


class Commit:
    """The logs' places in `parts`, and a commit as steps on them.

    flush: of one log on the source, with what a mirrored volume adds. flushes: stations each of whose rounds is one
    flush there. ways_ns: round trip to each replica.
    """

    def __init__(self, parts: Parts, constants: Constants, mysql: MysqlCluster, rtt_ns: int) -> None:
        self.parts = parts
        self.constants = constants
        self.mysql = mysql
        self.replicas = 0 if mysql.rds is not None else mysql.nodes - 1
        self.ways_ns = ways_to_standbys_ns(
            parts, constants, "mysql", mysql.nodes - 1, mysql.replication_rtt_ns, rtt_ns
        )
        own = constants.distribution("mysql.flush", mysql.flush)
        self.of_replica = own
        # A volume that is mirrored to a standby has flushed when both have.
        mirrored = mysql.rds is not None and mysql.nodes > 1
        self.flush = kth_fastest(2, own, (0, self.ways_ns[0])) if mirrored else own
        logs = ((REDO, mysql.flush_log_at_trx_commit == 1), (BINLOG, mysql.sync_binlog == 1))
        self.flushes = tuple(log for log, is_waited_for in logs if is_waited_for)
        self._add_places()
        self._tell()

    def step(self) -> Step:
        """From COMMIT until it returns, and what goes on behind it."""
        return self.parts.call_of("commit", self._steps)

    def mean_ns(self) -> int:
        """Mean time of a commit that is alone."""
        stages = [self.flush] * len(self.flushes)
        if self.mysql.confirming:
            stages.append(self._acknowledgement())
        return round(sum(mean_ns(stage) for stage in stages))

    def stall(self, away: Distribution) -> Distribution:
        """How long commits wait while too few replicas are there: until these are back, or the wait has ended."""
        semi_sync = self.mysql.semi_sync
        assert semi_sync is not None
        timeout_ns = self.constants.number("mysql.semi_sync_timeout", semi_sync.timeout_ns)
        self.constants.record_assumption(
            "commits after the timeout of semi-synchronous replication",
            "are asynchronous in MySQL until the replicas are back; here they still take the time of an "
            "acknowledgement, and what a failover would lose meanwhile is not counted",
        )
        return least_of(away, constant(timeout_ns))

    def _steps(self) -> Iterator[Step]:
        yield from (use(log) for log in self.flushes)
        if self.mysql.confirming:
            yield use(ACKNOWLEDGED)
        elif self._loses:
            yield at_risk(tuple(self._until_safe()))

    @property
    def _loses(self) -> bool:
        """Whether a failover may lose commits that were acknowledged."""
        return not self.mysql.confirming and (self.replicas > 0 or len(self.flushes) < 2)

    def _until_safe(self) -> Iterator[Step]:
        """Until a replica has the events, or a lone source its own logs on disk."""
        if self.replicas:
            ways = tuple(self._at_replica(number) for number in range(1, self.replicas + 1))
            yield Fork(fork=ForkBody(branches=ways, join=1))
            return
        if REDO not in self.flushes:
            yield use(REDO_WRITER)
        if BINLOG not in self.flushes:
            yield delay(constant(self.constants.number("mysql.writeback")), "service", "binlog-writeback")

    def _at_replica(self, number: int) -> Steps:
        return (delay(constant(self.ways_ns[number - 1]), "network"), use(f"{REPLICA}{number}-relay-log"))

    def _acknowledgement(self) -> Distribution:
        """Until enough replicas have flushed the events of a group to their relay logs, the way there and back."""
        return kth_fastest(self.mysql.confirming, self.of_replica, self.ways_ns)

    def _add_places(self) -> None:
        parts = self.parts
        for name, words, event in (
            (REDO, "redo log", "wait/io/file/innodb/innodb_log_file"),
            (BINLOG, "binary log", "wait/io/file/sql/binlog"),
        ):
            if name in self.flushes:
                setting = _setting(words, "mysql.flush", _FASTER_DISK, _waits(event))
                parts.add_station(name, GroupCommit(kind="group_commit", nodes=PRIMARY, flush=self.flush), setting)
        for number in range(1, self.replicas + 1):
            parts.nodes[f"{REPLICA}{number}"] = NodeGroup(count=1)
        if self.mysql.confirming:
            parts.nodes[SEMI_SYNC] = NodeGroup(count=1)
            parts.not_pods.add(SEMI_SYNC)
            waited = GroupCommit(kind="group_commit", nodes=SEMI_SYNC, flush=self._acknowledgement())
            watch = "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_tx_avg_wait_time'"
            nearer = _setting("semi-synchronous wait", "mysql.semi_sync.replicas", "nearer replicas, or fewer", watch)
            parts.add_station(ACKNOWLEDGED, waited, nearer)
        elif self._loses:
            self._add_what_is_behind()

    def _add_what_is_behind(self) -> None:
        parts = self.parts
        add_at_risk(parts, PRIMARY, "mysql")
        for number in range(1, self.replicas + 1):
            group = f"{REPLICA}{number}"
            words = of(f"replica {number}", "relay log")
            parts.add_station(
                f"{group}-relay-log",
                GroupCommit(kind="group_commit", nodes=group, flush=self.of_replica),
                Setting(words, "mysql.flush", _FASTER_DISK, "SHOW REPLICA STATUS", "failover"),
            )
        if not self.replicas and REDO not in self.flushes:
            interval_ns = self.constants.number("mysql.flush_interval")
            writer = Polled(
                kind="polled", interval_ns=interval_ns, batch=MOST_AT_RISK, read=self.flush, trigger="timer"
            )
            watch = _waits("wait/io/file/innodb/innodb_log_file")
            words, path, knob = "redo log writer", "constants.mysql.flush_interval", "innodb_flush_log_at_timeout"
            parts.add_station(REDO_WRITER, writer, _setting(words, path, knob, watch, "live"))

    def _tell(self) -> None:
        """What a failover may lose."""
        if self.mysql.confirming:
            what = "no acknowledged commit, if a replica that acknowledged takes over"
        elif self.replicas:
            what = "commits that no replica has yet: replication_lag.mysql"
        elif self._loses:
            what = "commits that are not on the disk of the host yet: replication_lag.mysql"
        else:
            what = "no acknowledged commit: both logs on the disk are recovered"
        self.constants.record_assumption(
            "what the death of the source loses", what, "derived: MySQL, replication and its two logs"
        )
        if self._loses:
            self.constants.record_assumption(
                "commits that a failover loses", "are counted (lost_commit); no execution is set back to before them"
            )


def _setting(
    words: str, path: str, knob: str, watch: str, change: Literal["live", "failover"] = "failover"
) -> Setting:
    return Setting(of("MySQL", words), path, knob, watch, change)


def _waits(event: str) -> str:
    """How often and how long the server waited for a file."""
    table = "performance_schema.events_waits_summary_global_by_event_name"
    return f"SELECT count_star, avg_timer_wait FROM {table} WHERE event_name = '{event}'"


def away(constants: Constants, mysql: MysqlCluster) -> Distribution:
    """From the death of the source until connections find one that takes writes."""
    own = mysql.failover
    redirect = own.redirect
    if redirect is None:
        constants.record_assumption("connections after a failover", "go to the new source at once: a proxy knows it")
        redirect = constant(0)
    if mysql.nodes == 1:
        detect = () if own.detect is None else (own.detect,)
        return sum_of(*detect, _replay(constants, mysql), redirect)
    constants.record_assumption("after a failover", "there is a replica in the place of the old source at once")
    if own.time is not None:
        return sum_of(own.time, redirect)
    if mysql.rds is not None and own.detect is None and own.promote is None:
        return sum_of(constants.distribution("mysql.rds_failover"), redirect)
    noticed = constants.distribution("mysql.failover_detect", own.detect)
    promoted = constants.distribution("mysql.failover_promote", own.promote)
    return sum_of(noticed, promoted, redirect)


def _replay(constants: Constants, mysql: MysqlCluster) -> Distribution:
    """The restart of a lone source."""
    capacity = constants.number("mysql.redo_log_capacity", mysql.redo_log_capacity_bytes)
    longest_ns = round(capacity * SECOND / constants.number("mysql.redo_bytes_per_s"))
    what = "redo log since the last checkpoint, replayed after a crash"
    constants.record_assumption(what, f"0 to {capacity / 1e6:.3g} MB, the log's capacity")
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
        self.rtt_ns = constants.number("mysql.rtt", mysql.rtt_ns)
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
        self.constants.record_assumption(
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
            self.constants.record_assumption(
                "a source that stands still, is slow or gives errors", "is not replaced by a replica"
            )
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
            self.constants.record_assumption(
                "the first commits of a source that has too few replicas left", "do not wait for them"
            )
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
        self.constants.record_assumption("the replica that fails", "is the first one; they are alike")
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
        self.constants.record_assumption(
            "binary logs that are kept", "not in the size of the store: binlog_expire_logs_seconds"
        )
        return history.bytes + history.rows * self.constants.number("mysql.stored_bytes_per_row")

    def _note(self) -> None:
        note = self.constants.record_assumption
        note(
            "what a transition is in MySQL",
            "the statements and the two transactions that it is in PostgreSQL",
            "Temporal server, schema/mysql/v8 and common/persistence/sql/sqlplugin/mysql, 2026-08-21",
        )
        self.constants.record_assumptions(
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
