"""A scenario: everything that a user says about a system. What its parts may hold lives in files of their own.

Two levels of words: a deployment (workflows, workers, temporal, postgres, faults; databases with tables, queries and
ingest, beside it or alone), or directly a `network` of sources, resources, stations and routines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import Field, model_validator

from sim.errors import Path
from sim.network.counts import Name
from sim.network.monitors import Monitor
from sim.network.network import Network
from sim.scenario.calibrated import StandsFor
from sim.scenario.model.dependencies import Dependency
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.hosts import Host, Kubernetes
from sim.scenario.model.objectives import Objective
from sim.scenario.model.platform import SERVICES, Behaviours, Dbos, Service, TemporalCluster
from sim.scenario.model.prices import Machines, Prices
from sim.scenario.model.regions import Record, Regions, Zones
from sim.scenario.model.settings import RunSettings
from sim.scenario.model.stores.base import Capability, StoreCluster
from sim.scenario.model.stores.cassandra import CassandraCluster
from sim.scenario.model.stores.mysql import MysqlCluster
from sim.scenario.model.stores.postgres import PgBouncer, PostgresCluster
from sim.scenario.model.stores.registry import STORES
from sim.scenario.model.stores.sqlite import SqliteDatabase
from sim.scenario.model.tables import Database, Ingest, Query, Table
from sim.scenario.model.workers import Federation, WorkerPool
from sim.scenario.model.workflow import Workflow
from sim.scenario.reading.edit import Mitigation
from sim.spec import Spec
from sim.units import Mistake

DATA = ("databases", "tables", "queries", "ingest")
"""Keys of data stores as such."""
PLATFORM = (
    "workflows",
    "workers",
    "federations",
    "hosts",
    "temporal",
    "dbos",
    *STORES,
    "pgbouncer",
    "kubernetes",
    "zones",
    "regions",
    "records",
    "faults",
    "monitors",
    "behaviours",
    "dependencies",
)
"""Keys of the platform, which data stores can do without."""
DEPLOYMENT = (*PLATFORM, "presets", "constants", *DATA)
"""Keys of the deployment's words, which a scenario with a `network` has no use for."""
NEEDED = ("workflows", "workers", "temporal")


class Presets(Spec):
    """Which versions the constants stand for; see the files in sim/scenario/presets."""

    temporal: str = "1.31"
    """Version of the Temporal server."""
    postgres: str = "16"
    """Version of PostgreSQL."""
    mysql: str = "8.4"
    """Version of MySQL."""
    cassandra: str = "4.1"
    """Version of Cassandra."""
    sqlite: str = "3"
    """Version of SQLite."""
    sdk: str = "go"
    """SDK of the workers: go, java, python, typescript or dotnet."""
    dbos: str = "3"
    """Version of DBOS Transact."""
    storage: str = "2026"
    """How tables are read and written, in PostgreSQL, TimescaleDB and Cassandra."""
    kubernetes: str = "1.31"
    """Version of Kubernetes, which scales the workers."""


class Constants(Spec):
    """Constants of the presets with values of your own: `{postgres: {cpu_per_message: 40 us}}`. What was measured was
    predicted with the presets' own, so that a prediction with others is OUTSIDE of it."""

    temporal: dict[Name, Any] = Field(default_factory=dict)
    """Of the Temporal server."""
    postgres: dict[Name, Any] = Field(default_factory=dict)
    """Of PostgreSQL and its hardware."""
    mysql: dict[Name, Any] = Field(default_factory=dict)
    """Of MySQL and its hardware."""
    cassandra: dict[Name, Any] = Field(default_factory=dict)
    """Of Cassandra and its hardware."""
    sqlite: dict[Name, Any] = Field(default_factory=dict)
    """Of SQLite and its hardware."""
    sdk: dict[Name, Any] = Field(default_factory=dict)
    """Of the workers' SDK."""
    dbos: dict[Name, Any] = Field(default_factory=dict)
    """Of DBOS."""
    storage: dict[Name, Any] = Field(default_factory=dict)
    """Of reading and writing tables."""
    kubernetes: dict[Name, Any] = Field(default_factory=dict)
    """Of Kubernetes' autoscaling."""


class Scenario(Spec):
    """A system, its load, its failures, its prices, and what is asked about it."""

    name: str
    """What it is called in reports."""
    run: RunSettings = RunSettings()
    """How it is run."""
    objectives: tuple[Objective, ...] = ()
    """What it has to keep to."""
    assumptions: dict[str, str] = Field(default_factory=dict)
    """What its author assumed, and why; shown in reports beside the constants of the presets."""
    mitigations: dict[Name, Mitigation] = Field(default_factory=dict)
    """Settings, written as for `--set`, that are said to mitigate what the file shows:
    `{more_connections: {temporal.sql.max_conns: 64}}`. Each is checked with the file."""

    presets: Presets = Presets()
    """Versions that the constants stand for."""
    constants: Constants = Constants()
    """Constants of the presets with values of your own."""
    workflows: dict[Name, Workflow] = Field(default_factory=dict)
    """Kinds of workflows."""
    workers: dict[Name, WorkerPool] = Field(default_factory=dict)
    """Workers by the task queue that they serve."""
    federations: dict[Name, Federation] = Field(default_factory=dict)
    """Task queues of activities that several pools serve."""
    hosts: dict[Name, Host] = Field(default_factory=dict)
    """Hosts whose cores several components share."""
    temporal: TemporalCluster | None = None
    """The platform."""
    dbos: Dbos | None = None
    """Instead of Temporal: DBOS, a library over PostgreSQL."""
    postgres: PostgresCluster | None = None
    """The store, or one of those below instead."""
    pgbouncer: PgBouncer | None = None
    """Connection pools before PostgreSQL."""
    mysql: MysqlCluster | None = None
    """MySQL 8: a source and replicas that read its binary log."""
    cassandra: CassandraCluster | None = None
    """A store of many nodes without a primary."""
    sqlite: SqliteDatabase | None = None
    """The store of the dev server."""
    kubernetes: Kubernetes | None = None
    """Nodes that the pods of services and workers share."""
    zones: Zones | None = None
    """Zones that services, workers and store are spread over; without them everything is in one."""
    regions: Regions | None = None
    """Regions, or sites: where workers stand, where the store is copied to; without them everything is in one."""
    records: dict[Name, Record] = Field(default_factory=dict)
    """Rows of the store that activities change."""
    faults: dict[Name, DeploymentFault] = Field(default_factory=dict)
    """What fails."""
    monitors: dict[Name, Monitor] = Field(default_factory=dict)
    """What must hold in every execution, in terms of the `effect` marks of activities."""

    dependencies: dict[Name, Dependency] = Field(default_factory=dict)
    """Services of others that activities call."""
    behaviours: Behaviours = Behaviours()
    """Designs that can be switched off: `{dynamic_fanout: false}`."""
    databases: dict[Name, Database] = Field(default_factory=dict)
    """Data stores that hold tables, beside the platform's own store or without a platform."""
    tables: dict[Name, Table] = Field(default_factory=dict)
    """Tables in them."""
    queries: dict[Name, Query] = Field(default_factory=dict)
    """What is asked of the tables."""
    ingest: dict[Name, Ingest] = Field(default_factory=dict)
    """What is written into the tables."""

    network: Network | None = None
    """Instead of a deployment: sources, resources, stations and routines."""
    stands_for: StandsFor | None = None
    """Of a network: the product that it is a model of, so that a prediction says whether it lies where that was
    measured: `{product: postgres, settings: {clients: network.sources.clients.arrivals.closed}}`."""

    prices: Prices = Prices()
    """What things cost."""
    machines: dict[Name, Machines] = Field(default_factory=dict)
    """Machines that are rented beside those that the deployment's parts name."""

    @property
    def reading_queues(self) -> set[str]:
        """Task queues of activities that read data."""
        return {
            activity.task_queue or workflow.task_queue
            for workflow in self.workflows.values()
            for activity in workflow.activities
            if activity.reads_bytes
        }

    @property
    def services(self) -> dict[str, Service]:
        """Temporal's services that are simulated, by their names."""
        return {name: one for name in SERVICES if (one := getattr(self.temporal, name, None)) is not None}

    @property
    def stores(self) -> dict[str, StoreCluster]:
        """The store by its product; a deployment has one, a network none."""
        return {name: store for name in STORES if (store := getattr(self, name)) is not None}

    @property
    def store_key(self) -> str:
        """The key of the store; "none" where there is none."""
        return next(iter(self.stores), "none")

    def store_can(self, capability: Capability) -> bool:
        """Whether there is a store that can be asked for something."""
        return any(capability in store.can for store in self.stores.values())

    @property
    def failing(self) -> Iterator[tuple[Path, DeploymentFault]]:
        """Every target of every fault: its path, and the fault as one of this target alone."""
        for name, fault in self.faults.items():
            yield from ((("faults", name, *below), part) for below, part in fault.parts)

    @property
    def giving_errors(self) -> set[str]:
        """Targets at which work ends in errors while a fault is there."""
        return {fault.target for _, fault in self.failing if fault.happens == "errors" or fault.bad}

    @property
    def _only_databases_fail(self) -> bool:
        return all(fault.of_database for _, fault in self.failing)

    @model_validator(mode="after")
    def _one_level(self) -> Self:
        given = [key for key in DEPLOYMENT if key in self.model_fields_set]
        if self.network is not None:
            if given:
                raise Mistake(
                    "is a word of a deployment, but this scenario is a `network`",
                    "keep one of the two; faults and monitors of a network stand inside it",
                    (given[0],),
                )
            if self.run.start == "in_progress":
                raise Mistake(
                    "is in_progress, but only a deployment's waits are known well enough to begin inside them",
                    "write start: empty, or give the network a source that puts work inside",
                    ("run", "start"),
                )
            return self
        platform = [key for key in PLATFORM if key in self.model_fields_set]
        if self.databases and (not platform or (platform == ["faults"] and self._only_databases_fail)):
            return self
        if len(self.stores) > 1:
            first, second = list(self.stores)[:2]
            raise Mistake(
                f"is a second store: a deployment writes to one, and `{first}` is here already",
                f"leave out {first} or {second}",
                (second,),
            )
        if self.dbos is not None and (self.temporal is not None or self.postgres is None):
            beside = "stands here beside `temporal`" if self.temporal is not None else "needs PostgreSQL as its store"
            raise Mistake(beside, "keep one of the two" if self.temporal else "add   postgres: {cpu: 8}", ("dbos",))
        needed = [key for key in NEEDED if key != "temporal" or self.dbos is None]
        missing = [f"`{key}`" for key in needed if not getattr(self, key)]
        if not self.stores:
            *names, last = (f"`{name}`" for name in STORES)
            missing.append(f"store ({', '.join(names)} or {last})")
        if missing:
            raise Mistake(
                f"has no {', '.join(missing)}; a scenario has workflows, workers, temporal and a store, or else a "
                "network",
                "start from the file that `sim init` writes; `databases` with tables may stand alone",
            )
        return self
