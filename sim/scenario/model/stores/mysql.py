"""The store: MySQL 8 with InnoDB, a source that takes all writes and replicas that read its binary log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.errors import Problem, dotted
from sim.network.counts import Positive
from sim.network.distributions import Distribution
from sim.scenario.model.stores.base import CRASHES, Failover, StoreTarget, Words, given_twice
from sim.scenario.model.stores.managed import SqlCluster, of_aurora, of_rds
from sim.spec import Spec
from sim.units import Bytes, Duration, Mistake, PositiveDuration

if TYPE_CHECKING:  # a scenario has a store, which looks at the rest of it
    from sim.scenario.scenario import Scenario

RDS_BUFFER_POOL = 0.75
"""Share of an RDS instance's memory that its parameter group gives the buffer pool: DBInstanceClassMemory*3/4, from
memory of the Amazon RDS User Guide, not opened again."""


class SemiSync(Spec):
    """Semi-synchronous replication: `{replicas: 1, timeout: 10 s}`. A commit returns once replicas have its events."""

    replicas: Positive = 1
    """Replicas that acknowledge a commit before it returns: `rpl_semi_sync_source_wait_for_replica_count`. They have
    written its events to their relay logs then, and not applied them."""
    timeout_ns: PositiveDuration | None = None
    """Longest wait for them: `rpl_semi_sync_source_timeout`. When it is over, replication goes on asynchronously until
    they are back."""


class MysqlCluster(SqlCluster):
    """A MySQL 8 cluster. All writes go to the source; replicas receive its binary log."""

    product = "MySQL"
    targets = (
        StoreTarget("source", CRASHES, recovery="failover"),
        StoreTarget("replica", ("crash",), is_one=False),
    )
    can = frozenset({"connections", "growth", "hosts", "zones"})
    words: ClassVar[Words] = {
        "memory": ("ram", "mem"),
        "cache": ("innodb_buffer_pool_size", "buffer_pool"),
        "redo_log_capacity": ("innodb_redo_log_capacity", "innodb_log_file_size"),
        "flush_log_at_trx_commit": ("innodb_flush_log_at_trx_commit",),
        "semi_sync.replicas": (
            "rpl_semi_sync_source_wait_for_replica_count",
            "rpl_semi_sync_master_wait_for_slave_count",
        ),
        "semi_sync.timeout": ("rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout"),
        "rds.class": ("instance_class", "db_instance_class"),
        "rds.storage": ("allocated_storage",),
    }

    nodes: Annotated[int, Field(ge=1, le=100)] = 3
    """Source and replicas."""
    semi_sync: SemiSync | None = None
    """Whether commits wait for replicas; without it replication is asynchronous, which is MySQL's default."""
    flush_log_at_trx_commit: Literal[0, 1, 2] = 1
    """`innodb_flush_log_at_trx_commit`: 1 flushes the redo log at every commit; with 0 and 2 it is flushed once a
    second, and the crash of a lone host loses what came since."""
    sync_binlog: Literal[0, 1] = 1
    """1 flushes the binary log at every commit group; with 0 the operating system writes it some time later."""
    max_connections: Positive | None = None
    """Most connections that the server takes; without it as many as the pools open."""
    flush: Distribution | None = None
    """Time of one flush of the redo log or of the binary log to disk, on the source and on the replicas."""
    rtt_ns: Duration | None = None
    """Round trip from the history service to the source; every statement takes one."""
    replication_rtt_ns: Duration | None = None
    """Round trip from the source to its replicas."""
    failover: Failover = Failover()
    """How long a failover takes. A lone source has none: it restarts and replays its redo log."""
    redo_log_capacity_bytes: Bytes | None = None
    """`innodb_redo_log_capacity`: the most that a restart has to replay."""
    cache_bytes: Bytes | None = None
    """The buffer pool. Pages that are not there are read from the disk, after a failover all; without a size all
    pages are always there."""

    @model_validator(mode="before")
    @classmethod
    def _of_aurora(cls, data: Any) -> Any:
        logs = ("flush_log_at_trx_commit", "sync_binlog", "redo_log_capacity")
        return of_aurora(data, ("semi_sync", "replication_rtt", *logs), RDS_BUFFER_POOL, {})

    @model_validator(mode="before")
    @classmethod
    def _of_rds(cls, data: Any) -> Any:
        return of_rds(data, "semi_sync", RDS_BUFFER_POOL, billed_as="mysql.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.cpu_cores is None:
            raise Mistake("has no cores", "add   cpu: 8   or   rds: {class: db.m5.large, storage: 1000 GB}")
        replicas = self.nodes - 1
        if self.confirming > replicas:
            raise Mistake(
                f"is {self.confirming}, but beside the source there {'is' if replicas == 1 else 'are'} "
                f"{replicas or 'no'} replica{'s' if replicas != 1 else ''}",
                f"write replicas: {replicas}, or more nodes" if replicas else "leave out semi_sync, or add nodes",
                ("semi_sync", "replicas"),
            )
        for key in ("time", "promote"):
            if not replicas and getattr(self.failover, key) is not None:
                more = "nodes: 2" if self.rds is None else "multi_az: instance"
                raise Mistake(
                    "is about a replica that takes over, and there is none: a lone source replays its redo log",
                    f"leave it out, or write {more}",
                    ("failover", key),
                )
        return self

    @property
    def confirming(self) -> int:
        """Replicas that acknowledge a commit before it returns."""
        return 0 if self.semi_sync is None else self.semi_sync.replicas

    def members(self, target: str) -> int:
        """The replicas."""
        return self.nodes - 1

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """Zones that tell the way to replicas a second time, and replicas that fail where none are."""
        if scenario.zones is not None and self.replication_rtt_ns is not None:
            yield given_twice("mysql")
        for path, fault in scenario.failing:
            if fault.target != "mysql.replica":
                continue
            if self.nodes == 1 or self.rds is not None or self.aurora is not None:
                why = "there is none"
                if self.rds is not None:
                    why = "the standby of RDS is no replica"
                elif self.aurora is not None:
                    why = "no commit waits for a reader of Aurora"
                yield Problem(dotted(path), f"is mysql.replica, and {why}", "name another target")
            elif fault.mttf_ns is not None and 1 < self.nodes - 1 < self.confirming + 1:
                yield Problem(
                    dotted((*path[:2], "mttf")),
                    "is that of each replica, and commits wait for all of them: the wait would come as often as one",
                    "write   rate: 2/year   for all replicas together",
                )
