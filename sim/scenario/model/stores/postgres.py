"""The store: a PostgreSQL cluster with one primary, streaming replication and failover."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from sim.network.counts import Nodes, Positive, Speed
from sim.network.distributions import Distribution
from sim.scenario.model.stores.rds import SHARED_BUFFERS, TELLS, RdsInstance
from sim.spec import Spec
from sim.units import ByteRate, Bytes, Cores, Duration, InUnitInt, Mistake, PositiveDuration, Ratio

STORES = ("postgres", "cassandra", "sqlite")
"""Keys of the stores of which a deployment has one."""


def _switch_is_a_level(value: Any) -> Any:
    return ("on" if value else "off") if isinstance(value, bool) else value


SyncLevel = Annotated[
    Literal["off", "local", "remote_write", "on", "remote_apply"], BeforeValidator(_switch_is_a_level)
]
"""What a commit waits for; `true` means on, `false` off. Source: PostgreSQL documentation, synchronous_commit."""


class Failover(Spec):
    """What happens when the primary dies: every connection is closed, a standby takes over."""

    time: Distribution | None = None
    """From the death of the primary until a standby takes writes, where the two phases below are told as one."""
    detect: Distribution | None = None
    """From the death of the primary until it is known to be gone."""
    promote: Distribution | None = None
    """From then until a standby takes writes."""
    redirect: Distribution | None = None
    """From then until connections go to the new primary: a name that is looked up again, a proxy's check. With
    `pgbouncer` up to its `dns_max_ttl` where it is left out, else no time."""

    @model_validator(mode="after")
    def _told_once(self) -> Self:
        if self.time is not None and (self.detect is not None or self.promote is not None):
            raise Mistake("is `detect` and `promote` in one", "keep `time`, or the two", ("time",))
        return self


class Disk(Spec):
    """The volume of each node, for the bill; of PostgreSQL also what pages and the log queue for."""

    type: str
    """Kind of volume in the price catalogue, such as gp3."""
    size_bytes: Bytes | None = None
    """Size. PostgreSQL's may be left out where `temporal.retention` tells what it holds; it is then as large."""
    iops: Annotated[float, Field(ge=0)] = 0.0
    """Operations a second that are paid for; 0 takes what comes with the volume."""
    throughput_bytes_per_s: ByteRate = 0.0
    """Throughput that is paid for; 0 takes what comes with the volume."""


class StoreCluster(Spec):
    """What the bill asks of every store."""

    nodes: Nodes
    """Nodes."""
    node: str | None = None
    """Machine that each node is billed as: a type of the price catalogue, or a name under `prices.nodes`."""
    disk: Disk | None = None
    """Volume of each node, where its price does not include one."""

    @property
    def machines(self) -> int:
        """Nodes to bill."""
        return self.nodes


class Checkpoint(Spec):
    """When dirty pages are written, so that the log before need not be replayed. Defaults are those of PostgreSQL."""

    timeout_ns: PositiveDuration | None = None
    """Longest time between the begins of two."""
    completion_target: Ratio | None = None
    """Share of that time over which the pages are written."""
    max_wal_size_bytes: Bytes | None = None
    """The log is kept below this: more writing brings checkpoints sooner."""


class PostgresCluster(StoreCluster):
    """A PostgreSQL cluster. All writes go to the primary; standbys confirm them."""

    nodes: Annotated[int, Field(ge=1, le=100)] = 3
    """Primary and standbys."""
    cpu_cores: Cores | None = None
    """Cores of each node."""
    cpu_speed: Speed | None = None
    """How fast the cores of its nodes are, over those of the host that CPU times were measured on: at 0.5 all CPU
    there takes twice as long. Without it that of the preset."""
    memory_bytes: Bytes | None = None
    """Memory of each node; the connections must fit into it."""
    rds: RdsInstance | None = None
    """Managed by Amazon RDS: class and storage tell nodes, cores, memory, standby, disk, `cache` and what it costs."""
    synchronous_standbys: Annotated[int, Field(ge=0, le=100)] = 1
    """Standbys that must have confirmed a commit before it returns, as `synchronous_standby_names = 'ANY k (..)'`; 0
    replicates asynchronously."""
    synchronous_commit: SyncLevel = "on"
    """What a commit waits for: "off" for nothing (the log writer flushes it later), local for the primary's flush,
    remote_write for the standbys to have written it too, "on" to have flushed it, remote_apply to have applied it.
    Quotes keep YAML from reading "on" and "off" as true and false."""
    max_connections: Positive | None = None
    """Most connections that the database takes; without it as many as the pools open."""
    flush: Distribution | None = None
    """Time of one flush of the write-ahead log to disk, on the primary and on the standbys."""
    backend_coherency: Annotated[float, Field(ge=0, le=1)] | None = None
    """By how much each pair of backends at work slows all of them (snapshots, locks in memory): n of them take
    1 + this x n (n - 1) times as long. It depends on the machine; without it that of the preset."""
    rtt_ns: Duration | None = None
    """Round trip from the history service to the primary; every statement takes one."""
    replication_rtt_ns: Duration | None = None
    """Round trip from the primary to its standbys."""
    failover: Failover = Failover()
    """How long a failover takes. A lone primary has none: it restarts and replays its log."""
    checkpoint: Checkpoint = Checkpoint()
    """What a restart has to replay."""
    autovacuum: bool = False
    """Whether autovacuum's work is simulated beside the load; in truth it is on unless it is switched off."""
    cache_bytes: Bytes | None = None
    """Memory for pages. What is not there is read from the disk, after a failover everything; without a size all pages
    are always there."""

    @model_validator(mode="before")
    @classmethod
    def _of_rds(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("rds"), dict):
            return data
        try:
            rds = RdsInstance.model_validate(data["rds"])
        except ValidationError:
            return data  # told where it stands
        for key in TELLS:
            if key in data:
                raise Mistake("is told by `rds`", "leave it out", (key,))
        cache = InUnitInt(rds.machine.memory_bytes // SHARED_BUFFERS)
        return {"cache": cache, **data, **rds.cluster()}

    @model_validator(mode="after")
    def _has_cores(self) -> Self:
        if self.cpu_cores is None:
            raise Mistake("has no cores", "add   cpu: 8   or   rds: {class: db.r6g.2xlarge, storage: 1000 GB}")
        return self

    @property
    def cores(self) -> float:
        """Cores of each node."""
        assert self.cpu_cores is not None, "checked when it was read"
        return self.cpu_cores

    @property
    def disk_bytes_per_s(self) -> float:
        """Throughput of the volume; 0 where it is not told."""
        if self.rds is not None:
            return self.rds.volume_bytes_per_s
        return 0.0 if self.disk is None else self.disk.throughput_bytes_per_s

    @model_validator(mode="after")
    def _standbys_are_there(self) -> Self:
        if self.synchronous_standbys >= self.nodes:
            standbys = self.nodes - 1
            raise Mistake(
                f"is {self.synchronous_standbys}, but beside the primary there {'is' if standbys == 1 else 'are'} "
                f"{standbys or 'no'} standby{'s' if standbys != 1 else ''}",
                f"write synchronous_standbys: {standbys}, or more nodes",
                ("synchronous_standbys",),
            )
        for key in ("time", "promote"):
            if self.nodes == 1 and getattr(self.failover, key) is not None:
                more = "nodes: 2" if self.rds is None else "multi_az: instance"
                raise Mistake(
                    "is about a standby that takes over, and there is none: a lone primary replays its log",
                    f"leave it out, or write {more}",
                    ("failover", key),
                )
        return self
