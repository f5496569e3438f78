"""The store: MySQL 8 with InnoDB, a source that takes all writes and replicas that read its binary log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sim.errors import Problem
from sim.network.counts import Positive, Speed
from sim.network.distributions import Distribution
from sim.scenario.model.stores.aurora import TELLS, AuroraCluster, RdsInstance, of_aurora
from sim.scenario.model.stores.base import CRASHES, Failover, StoreCluster, StoreTarget, Values, Words, told_twice
from sim.scenario.reading.document import dotted
from sim.spec import Spec
from sim.units import Bytes, Cores, Duration, InUnitInt, Mistake, PositiveDuration

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


class MysqlCluster(StoreCluster):
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
    values: ClassVar[Values] = {("rds.multi_az", True): "instance", ("rds.multi_az", False): "none"}

    nodes: Annotated[int, Field(ge=1, le=100)] = 3
    """Source and replicas."""
    cpu_cores: Cores | None = None
    """Cores of each node."""
    cpu_speed: Speed | None = None
    """How fast the cores of its nodes are, over those of the host that CPU times were measured on: at 0.5 all CPU
    there takes twice as long. Without it that of the preset."""
    memory_bytes: Bytes | None = None
    """Memory of each node; the connections must fit into it."""
    aurora: AuroraCluster | None = None
    """Managed by Amazon Aurora: its class tells nodes, cores, memory, `cache` and what an instance costs."""
    rds: RdsInstance | None = None
    """Managed by Amazon RDS: class and storage tell nodes, cores, memory, standby, disk, `cache` and what it costs."""
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
        if not isinstance(data, dict) or not isinstance(data.get("rds"), dict):
            return data
        try:
            rds = RdsInstance.model_validate(data["rds"])
        except ValidationError:
            return data  # told where it stands
        for key in (*TELLS, "semi_sync"):
            if key in data:
                raise Mistake("is told by `rds`", "leave it out", (key,))
        cache = InUnitInt(round(rds.machine.memory_bytes * RDS_BUFFER_POOL))
        return {"cache": cache, **data, **rds.cluster(billed_as="mysql.")}

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
    def cores(self) -> float:
        """Cores of each node."""
        assert self.cpu_cores is not None, "checked when it was read"
        return self.cpu_cores

    @property
    def speed(self) -> float | None:
        """How fast its cores are."""
        return self.cpu_speed

    @property
    def confirming(self) -> int:
        """Replicas that acknowledge a commit before it returns."""
        return 0 if self.semi_sync is None else self.semi_sync.replicas

    @property
    def disk_bytes_per_s(self) -> float:
        """Throughput of the volume; 0 where it is not told."""
        if self.rds is not None:
            return self.rds.volume_bytes_per_s
        return 0.0 if self.disk is None else self.disk.throughput_bytes_per_s

    def members(self, target: str) -> int:
        """The replicas."""
        return self.nodes - 1

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """Zones that tell the way to replicas a second time, and replicas that fail where none are."""
        if scenario.zones is not None and self.replication_rtt_ns is not None:
            yield told_twice("mysql")
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
