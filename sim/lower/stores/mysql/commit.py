"""A commit of MySQL: the stages of the binary log's group commit, and what a failover may lose.

A commit passes three stages, each of which one leader carries out for all who wait. Flush: the redo log with the
prepared transactions is flushed, and the events go to the binary log's file. Sync: the binary log is flushed. Commit:
with semi-synchronous replication the leader first waits until enough replicas have the events in their relay logs, on
disk (AFTER_SYNC); the change of the tables itself takes no flush. While one group is in a stage the next one gathers
before it, so that a lone commit waits for two flushes and many share them.

When no acknowledgement comes in time, everybody who waits goes on and replication is asynchronous until the replica is
back. Sources: MySQL 8.0.32, binlog.cc, as described by its readers; MySQL documentation, Semisynchronous Replication.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, of
from sim.lower.steps import Distribution, Fork, ForkBody, Step, Steps, constant, delay, use
from sim.lower.stores.at_risk import MOST_AT_RISK, add_at_risk, at_risk
from sim.lower.stores.sql_store import ways_to_standbys_ns
from sim.lower.sums import kth_fastest, least_of, mean_ns
from sim.network.places import GroupCommit, NodeGroup, Polled
from sim.scenario.model.stores.mysql import MysqlCluster

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
        own = constants.distribution("mysql.flush") if mysql.flush is None else mysql.flush
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
        own_ns = semi_sync.timeout_ns
        timeout_ns = self.constants.number("mysql.semi_sync_timeout") if own_ns is None else own_ns
        self.constants.note(
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
            relay = Setting(words, "mysql.flush", _FASTER_DISK, "SHOW REPLICA STATUS", "failover")
            received = GroupCommit(kind="group_commit", nodes=group, flush=self.of_replica)
            parts.add_station(f"{group}-relay-log", received, relay)
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
        self.constants.note("what the death of the source loses", what, "derived: MySQL, replication and its two logs")
        if self._loses:
            self.constants.note(
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
