"""PostgreSQL under Temporal: write-ahead log, checkpoints and vacuum, failover; `commit` has the commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sim.draws.build import inverse_of
from sim.lower.constants import Constants
from sim.lower.lowered import History
from sim.lower.parts import Parts
from sim.lower.placement.regions import REPLAY
from sim.lower.setting import waits_of_postgres
from sim.lower.steps import Distribution, Steps
from sim.lower.stores.aurora import QuorumCommit, aurora_away
from sim.lower.stores.base import ConnectionLimits, Loss
from sim.lower.stores.log import ReplicationLog
from sim.lower.stores.postgres.commit import PRIMARY, STANDBY, WAL_WRITER, Commit
from sim.lower.stores.postgres.pool import CPU, Pool
from sim.lower.stores.postgres.recovery import WAL_BYTES, away
from sim.lower.stores.postgres.rows import transaction_steps
from sim.lower.stores.postgres.volume import FULL, IOPS, SPACE, PostgresVolume, add_background
from sim.lower.stores.sql_store import SqlStore
from sim.lower.stores.volume import PageCache
from sim.network.faults import Target as NodeTarget
from sim.network.places import NodeGroup
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.stores.postgres import PostgresCluster
from sim.scenario.model.workload import Transaction
from sim.scenario.scenario import Scenario


class PostgresStore(SqlStore):
    """A PostgreSQL cluster as Temporal's store."""

    primary = PRIMARY
    cores = CPU
    standby = STANDBY
    on_no_nodes = (WAL_WRITER, IOPS)
    written = WAL_BYTES
    row_locks = waits_of_postgres("transactionid|tuple")
    log = ReplicationLog(
        bytes_per_row="postgres.wal_bytes_per_row",
        replay_per_row="postgres.replay_cpu_per_row",
        apply_per_row="postgres.apply_cpu_per_row",
        cores=CPU,
        lag="SELECT application_name, flush_lag, replay_lag FROM pg_stat_replication",
        applied="SELECT subname, latest_end_lsn FROM pg_stat_subscription",
    )

    pool: Pool
    volume: PostgresVolume

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario) -> None:
        super().__init__(parts, constants, scenario)
        assert scenario.postgres is not None
        postgres = self.postgres = scenario.postgres
        parts.nodes[PRIMARY] = NodeGroup(count=1)
        self.rtt_ns = constants.number("postgres.rtt", postgres.rtt_ns)
        self.message_ns = constants.number("postgres.cpu_per_message")
        if postgres.aurora is None:
            commit = self.commit = Commit(parts, constants, postgres, self.rtt_ns)
            self.flushes = commit.flushes
        else:
            self.commit = QuorumCommit(parts, constants, "postgres", self.rtt_ns, postgres.replication_rtt_ns)
        self.pool = Pool(parts, constants, self.temporal, postgres, scenario.pgbouncer)
        self.reconnects = self.pool.connect_cpu_ns > 0
        self.volume = PostgresVolume(parts, constants, postgres)
        waits = waits_of_postgres("^datafileread")
        self.pages = PageCache(self.volume, postgres.cache_bytes, waits)
        self.is_managed = postgres.rds is not None or postgres.aurora is not None
        if self.is_managed:
            self.sends_log = False  # what it sends to its own standby is not charged
        if postgres.rds is not None:
            _note_rds(constants, postgres)

    def outage(self, fault: DeploymentFault) -> tuple[Loss, ...]:
        """The primary is away until a standby has been promoted, or until it has recovered by itself; room on its
        volume until somebody has made some."""
        if fault.target == "postgres.disk":
            return (Loss((NodeTarget(group=SPACE),), fault.lasts),)
        if fault.happens != "crash":
            self.constants.record_assumption(
                "a primary that stands still, is slow or gives errors", "is not replaced by a standby"
            )
            return (Loss((NodeTarget(group=PRIMARY),), fault.lasts),)
        return (Loss((NodeTarget(group=PRIMARY),), self.failover()),)

    def failover(self) -> Distribution:
        """Until a standby has been promoted, or a lone primary has recovered."""
        if self.postgres.aurora is not None:
            return aurora_away(self.constants, "postgres", self.postgres.aurora, self.postgres.failover)
        return away(self.parts, self.constants, self.postgres, self.pool.redirect())

    def is_replaced(self, left: int) -> bool:
        """There is a standby, and others are left to confirm its commits; RDS goes on with whatever it has left."""
        if self.postgres.rds is not None:
            self.constants.record_assumption("an RDS instance whose standby is lost", "goes on alone at once")
        if self.is_managed:
            return left > 0
        return left - 1 >= self.postgres.synchronous_standbys

    def stands_with(self, group: str) -> bool:
        """The standby of RDS, and a reader of Aurora, are no nodes that anybody waits for."""
        return not self.is_managed

    def short_of_standbys(self, left: int, away: Distribution) -> Iterator[Loss]:
        """Commits wait for standbys that are away."""
        if not self.is_managed and left < self.postgres.synchronous_standbys:
            waiting = "wait until these are back, holding their connections"
            self.constants.record_assumption("commits whose standbys are lost", waiting)
        yield from ()

    @classmethod
    def features(cls, constants: Constants, scenario: Scenario) -> Iterator[tuple[str, float | str]]:
        """Version, commits, cores, the disk and the way to it."""
        cluster = scenario.postgres
        assert cluster is not None
        yield "version", scenario.presets.postgres
        yield "nodes", cluster.nodes
        yield "synchronous_commit", cluster.synchronous_commit
        yield "cores", cluster.cores
        yield "flush", inverse_of(cluster.flush or constants.distribution("postgres.flush")).mean()
        rtt_ns = constants.number("postgres.rtt", cluster.rtt_ns)
        yield "round trip", rtt_ns * 1e-9

    @classmethod
    def arrangements(cls, scenario: Scenario) -> tuple[str, ...]:
        """RDS, Aurora."""
        return tuple(name for name in ("rds", "aurora") if getattr(scenario.postgres, name) is not None)

    @classmethod
    def cores_among(cls, stations: Iterable[str]) -> Iterator[str]:
        """The primary's, that of every master; of standbys that apply; of a copy that replays."""
        names = list(stations)
        yield from (name for name in names if name == CPU or name.startswith(f"{CPU}-"))
        yield from (name for name in names if name.startswith("standby-") and name.endswith("-apply"))
        yield REPLAY

    @classmethod
    def connection_limits(cls, constants: Constants, scenario: Scenario) -> ConnectionLimits:
        """`max_connections`, less those for superusers, and memory."""
        assert scenario.postgres is not None
        return ConnectionLimits(
            "postgres",
            scenario.postgres.max_connections,
            constants.number("postgres.superuser_reserved_connections"),
            "superusers",
            constants.number("postgres.connection_bytes"),
            scenario.postgres.memory_bytes,
            "postgres.application_pool",
        )

    def stored_bytes(self, history: History) -> float:
        """The content, and rows with their headers and entries of the primary key."""
        return history.bytes + history.rows * self.constants.number("postgres.stored_bytes_per_row")

    def dead_share(self) -> float:
        """What autovacuum leaves before it cleans a table."""
        return self.constants.ratio("postgres.autovacuum_scale_factor")

    def transaction(self, queue: str, pods: int, activity: str, transaction: Transaction, path: str) -> Steps:
        """Row locks, or serialization failures where snapshots meet."""
        return transaction_steps(self, queue, pods, activity, transaction, path)

    def add_background(self) -> None:
        """Checkpoints and autovacuum."""
        add_background(self.parts, self.constants, self.postgres, self.volume)

    def foresee(self, targets: Collection[str]) -> None:
        """A disk that will be full."""
        if "postgres.disk" in targets:
            self.volume.add_limits_of_space()
            self.lost = (*self.lost, FULL)


def _note_rds(constants: Constants, postgres: PostgresCluster) -> None:
    """Record what AWS does not publish of a managed database, as assumptions."""
    if postgres.nodes > 1:
        constants.record_assumption(
            "the standby of RDS",
            "confirms a commit as a synchronous standby of PostgreSQL does; in truth blocks of the volume are copied",
        )
    else:
        constants.record_assumption(
            "an RDS instance without a standby", "restarts where it is: a new host is not waited for"
        )
    constants.record_assumption(
        "memory of RDS for pages", "its `shared_buffers` alone: pages that only the system's cache holds are read anew"
    )
