"""The store: a PostgreSQL cluster with one primary, streaming replication and failover; pgbouncer before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.errors import Problem, dotted
from sim.network.counts import Nodes, Positive, Speed
from sim.network.distributions import Distribution
from sim.scenario.model.stores.base import CRASHES, Failover, StoreTarget, Words, given_twice
from sim.scenario.model.stores.managed import SHARED_BUFFERS, SqlCluster, of_aurora, of_rds
from sim.spec import Spec
from sim.units import Bytes, Cores, Duration, Mistake, PositiveDuration, Ratio

if TYPE_CHECKING:  # a scenario has a store, which looks at the rest of it
    from sim.scenario.scenario import Scenario


class PgBouncer(Spec):
    """Pools between the platform's connections and the database's. Defaults are those of pgbouncer."""

    replicas: Nodes = 1
    """Processes."""
    cpu_cores: Cores
    """Cores of each; it uses one at most."""
    cpu_speed: Speed | None = None
    """How fast its cores are, over those of the host that the CPU times of the presets were fitted on: at 0.5 all CPU
    there takes twice as long. Without it that of `kubernetes`, if it stands there, else that of the preset."""
    pool_mode: Literal["session", "transaction"] = "session"
    """What a connection to the database is kept for: one of the platform's connections, or one transaction. (Mode
    statement forbids transactions, which every transition is.)"""
    default_pool_size: Positive | None = None
    """Connections to the database of each replica, for the one user and database that there is."""
    query_wait_timeout_ns: PositiveDuration | None = None
    """Longest wait for one of them; then the operation fails and is tried again."""
    dns_max_ttl_ns: Duration | None = None
    """How long a resolved name is kept: after a failover connections go to the old address for up to this time."""
    node: str | None = None
    """Machine that each replica is billed as: a type of the price catalogue, or a name under `prices.nodes`."""


def _switch_is_a_level(value: Any) -> Any:
    return ("on" if value else "off") if isinstance(value, bool) else value


SyncLevel = Annotated[
    Literal["off", "local", "remote_write", "on", "remote_apply"], BeforeValidator(_switch_is_a_level)
]
"""What a commit waits for; `true` means on, `false` off. Source: PostgreSQL documentation, synchronous_commit."""


class Checkpoint(Spec):
    """When dirty pages are written, so that the log before need not be replayed. Defaults are those of PostgreSQL."""

    timeout_ns: PositiveDuration | None = None
    """Longest time between the begins of two."""
    completion_target: Ratio | None = None
    """Share of that time over which the pages are written."""
    max_wal_size_bytes: Bytes | None = None
    """The log is kept below this: more writing brings checkpoints sooner."""


class PostgresCluster(SqlCluster):
    """A PostgreSQL cluster. All writes go to the primary; standbys confirm them."""

    product = "PostgreSQL"
    targets = (StoreTarget("primary", CRASHES, recovery="failover"), StoreTarget("disk"))
    can = frozenset(
        {
            *("connections", "growth", "hosts", "masters", "pgbouncer", "records"),
            *("replication", "transactions", "zones"),
        }
    )
    words: ClassVar[Words] = {
        "rds.class": ("instance_class", "db_instance_class"),
        "rds.storage": ("allocated_storage",),
        "rds.throughput": ("storage_throughput",),
        "rds.multi_az": ("multi_az", "high_availability"),
        "cpu": ("vcpu", "vcpus", "cores"),
        "memory": ("ram", "mem"),
        "cache": ("shared_buffers",),
        "checkpoint.timeout": ("checkpoint_timeout",),
        "checkpoint.completion_target": ("checkpoint_completion_target",),
        "checkpoint.max_wal_size": ("max_wal_size",),
        "synchronous_standbys": ("synchronous_standby_names",),
        "nodes": ("instance_count", "instances", "replicas"),
    }

    nodes: Annotated[int, Field(ge=1, le=100)] = 3
    """Primary and standbys."""
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
    def _of_aurora(cls, data: Any) -> Any:
        beside = ("synchronous_standbys", "synchronous_commit", "checkpoint", "replication_rtt")
        return of_aurora(data, beside, 1 / SHARED_BUFFERS, {"synchronous_standbys": 0})

    @model_validator(mode="before")
    @classmethod
    def _of_rds(cls, data: Any) -> Any:
        found = of_rds(data, "synchronous_standbys", 1 / SHARED_BUFFERS)
        if found is not data:
            found["synchronous_standbys"] = found["nodes"] - 1
        return found

    @model_validator(mode="after")
    def _has_cores(self) -> Self:
        if self.cpu_cores is None:
            raise Mistake("has no cores", "add   cpu: 8   or   rds: {class: db.r6g.2xlarge, storage: 1000 GB}")
        return self

    @property
    def confirming(self) -> int:
        """Standbys that have to have a commit before it returns."""
        return self.synchronous_standbys

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

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """Zones and regions that tell something a second time, or ask commits to wait that do not."""
        if scenario.zones is not None and self.replication_rtt_ns is not None:
            yield given_twice("postgres")
        regions = scenario.regions
        if self.aurora is not None:
            yield from _beyond_aurora(scenario)
        if regions is None:
            return
        if self.synchronous_commit in ("off", "local"):
            if regions.replication is not None and regions.replication.mode == "synchronous":
                yield _does_not_wait("regions.replication.mode")
            if regions.masters is not None and regions.masters.isolation == "serializable":
                yield _does_not_wait("regions.masters.isolation")
        for path, fault in scenario.failing:
            if fault.target == "postgres.disk" and regions.masters is not None:
                yield Problem(
                    dotted(path),
                    "is postgres.disk, but there are several masters, each with a disk of its own",
                    "leave it out, or make do with one master",
                )


def _beyond_aurora(scenario: Scenario) -> Iterator[Problem]:
    """What goes by PostgreSQL's own log or volume."""
    regions = scenario.regions
    for key in ("replication", "masters"):
        if regions is not None and getattr(regions, key) is not None:
            yield Problem(f"regions.{key}", "is not known for Aurora, which sends its log to its own storage")
    for path, fault in scenario.failing:
        if fault.target == "postgres.disk":
            yield Problem(dotted(path), "is postgres.disk, and Aurora's volume grows by itself", "leave it out")


def _does_not_wait(path: str) -> Problem:
    return Problem(
        path, "needs commits that wait, and `postgres.synchronous_commit` lets them return", "write on there"
    )
