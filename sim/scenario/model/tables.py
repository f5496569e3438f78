"""Data stores as such, beside the platform: their nodes and disks, tables, queries on them, what is written there."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Name, Nodes, Positive
from sim.network.distributions import Distribution
from sim.network.sources import Arrivals
from sim.spec import Spec
from sim.units import ByteRate, Bytes, Cores, Duration, Mistake, PositiveCount, PositiveDuration, PositiveRate, Ratio

PlanKind = Literal["sequential", "index", "bitmap"]


class Column(Spec):
    """A column, as far as it decides how many pages are touched and how small it can be packed."""

    width_bytes: Bytes
    """Bytes of a value."""
    distinct: PositiveCount | None = None
    """Different values; as many as rows where it is left out."""
    span_ns: PositiveDuration | None = None
    """Of a time: from the oldest to the newest; what the table keeps where it is left out."""
    correlation: Ratio = 0.0
    """How far rows lie on disk in the order of this column: 1 for a time that rows are appended by."""
    values: Literal["steps", "measured", "few", "text"] = "few"
    """For packing: a time or counter that moves in even steps, a floating-point measurement, one of few different
    ones, or text of which no two are alike."""
    changes: Ratio = 0.49
    """Of `measured`: share of values that differ from the one before, in the series."""


class Condition(Spec):
    """What rows have to be like in one column, as a share of them."""

    equal: Annotated[int, Field(ge=1, le=10**15)] | None = None
    """Equal to one of so many values."""
    share: Ratio | None = None
    """Equal to something that this share of the rows has, for values that are not equally frequent."""
    within: Ratio | None = None
    """In a range that holds this share of the rows."""
    range_ns: PositiveDuration | None = None
    """In a range of time this long."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(value is not None for value in (self.equal, self.share, self.within, self.range_ns)) != 1:
            raise ValueError("needs one of `equal`, `share`, `within` and `range`, and only one; write   equal: 1")
        return self

    @property
    def is_range(self) -> bool:
        """Whether values lie next to each other without being the same."""
        return self.within is not None or self.range_ns is not None


class Index(Spec):
    """A B-tree."""

    columns: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Its columns, in order: usable by conditions on a prefix of them."""
    only: dict[Name, Condition] = Field(default_factory=dict)
    """A partial index: it holds only the rows that are like this, and serves queries that ask for no others."""


class Partition(Spec):
    """Range partitions, or chunks of a hypertable: those out of range are not looked at."""

    by: Name
    """The column."""
    parts: PositiveCount | None = None
    """How many, equally large."""
    every_ns: PositiveDuration | None = None
    """Or how much time each holds."""

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.parts is None) == (self.every_ns is None):
            raise ValueError("needs either `parts` or `every`; write   every: 1 day")
        return self


class Packing(Spec):
    """Columnar compression of older chunks (TimescaleDB): 1000 rows of a series become arrays, a column each."""

    segment_by: Name | None = None
    """The column that tells series apart: stored once for each batch, and found by an index."""
    order_by: Name
    """The column that rows of a batch are ordered by; its least and greatest value are kept beside the batch."""
    after_ns: PositiveDuration | None = None
    """Age at which chunks are compressed; all are where it is left out."""


class Key(Spec):
    """Cassandra's primary key: what a wide row (partition) is, and the order inside."""

    partition: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Columns whose values together make a partition."""
    order: Name
    """Clustering column: rows of a partition lie in its order."""
    bucket_ns: PositiveDuration | None = None
    """Time of the clustering column that one partition holds; without it a partition grows for ever."""


class Table(Spec):
    """A table. Its size is `rows`, or else what is written into it in the time that it keeps."""

    database: Name
    """The data store that holds it."""
    rows: PositiveCount | None = None
    """Rows in all."""
    kept_ns: PositiveDuration | None = None
    """How long rows are kept; old partitions are dropped, or else old rows deleted."""
    columns: Annotated[dict[Name, Column], Field(min_length=1)]
    """Its columns, in order."""
    indexes: dict[Name, Index] = Field(default_factory=dict)
    """Its indexes."""
    partition: Partition | None = None
    """Partitions."""
    packed: Packing | None = None
    """Compression; TimescaleDB only."""
    key: Key | None = None
    """Primary key; Cassandra only."""
    hot: Ratio = 1.0
    """Share of its rows, the newest, that is looked at regularly and so competes for memory."""

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.rows is None) == (self.kept_ns is None):
            raise Mistake("needs either `rows` or `kept`; write   rows: 100M   or   kept: 30 days")
        if self.hot == 0:
            raise Mistake("is 0: then nothing is ever looked at", at=("hot",))
        return self


class Query(Spec):
    """A query on one table, an aggregate over the rows that fit."""

    table: Name
    """The table."""
    arrivals: Arrivals
    """When it is asked."""
    where: dict[Name, Condition] = Field(default_factory=dict)
    """What rows have to be like, column by column; columns are taken to be independent."""
    reads: tuple[Name, ...] = ()
    """Columns that are aggregated; all where it is left out."""
    newest: bool = True
    """Whether a range of time is the newest one; else it lies anywhere."""
    plans: tuple[PlanKind, ...] = ("sequential", "index", "bitmap")
    """Plans that may be chosen, as PostgreSQL's `enable_seqscan` and so on have it."""
    parallel: Positive = 32
    """Cassandra: partitions that the client reads at once."""


class Ingest(Spec):
    """Rows written in batches."""

    table: Name
    """The table."""
    rows_per_s: PositiveRate
    """Rows a second, all nodes together."""
    batch: PositiveCount = 1000
    """Rows of a batch."""
    statement: PositiveCount | None = None
    """Cassandra: rows of one statement; a batch is sent statement after statement. All of it in one by default."""
    method: Literal["copy", "insert"] = "copy"
    """PostgreSQL: one COPY for each batch, or a statement for each row in one transaction."""


class DatabaseDisk(Spec):
    """The volumes of one node. Latency and limits come from a hardware profile, apart from all software."""

    profile: str
    """Hardware profile: gp3, io2, i4i-nvme or azure-p30."""
    volumes: Nodes = 1
    """Equal volumes striped over (RAID 0): operations and throughput add up."""
    size_bytes: Bytes | None = None
    """Size of each volume; as large as what is stored where it is left out."""
    iops: Annotated[float, Field(ge=0)] = 0.0
    """Operations a second of each volume; 0 takes the profile's."""
    throughput_bytes_per_s: ByteRate = 0.0
    """Throughput of each volume; 0 takes the profile's."""
    type: str | None = None
    """Kind of volume in the price catalogue; none where the machine's price includes it."""


class Database(Spec):
    """A data store that holds tables."""

    kind: Literal["postgres", "timescaledb", "cassandra"]
    """What runs there."""
    nodes: Nodes = 1
    """Nodes that the rows are spread over evenly: primaries, or a ring."""
    copies: Annotated[int, Field(ge=1, le=100)] = 1
    """Copies of each row: a primary and its standbys, each on a node of its own; in Cassandra the replication factor,
    on the nodes of the ring."""
    cpu_cores: Cores
    """Cores of a node."""
    memory_bytes: Bytes
    """Memory of a node; what is not needed otherwise holds pages."""
    disk: DatabaseDisk
    """Volumes of a node."""
    spread_by: Name | None = None
    """Column that tells which node a row is on: a query for values of it asks only their nodes. Without it, all."""
    connections: Positive = 100
    """Statements at work at once on each node; the others wait."""
    rtt_ns: Duration | None = None
    """Round trip from the clients to a node."""
    flush: Distribution | None = None
    """Time of one flush of the log to disk."""
    synchronous: bool = False
    """Whether a commit waits for the flush of one standby as well."""
    multi_master: bool = False
    """Whether every node holds all rows and applies every write (logical replication), instead of its share."""
    consistency: Literal["one", "quorum"] = "quorum"
    """Cassandra: replicas that answer a read or a write before it returns."""
    node: str | None = None
    """Machine that each node is billed as: a type of the price catalogue, or a name under `prices.nodes`."""

    @property
    def is_ring(self) -> bool:
        """Whether copies lie on the nodes themselves and not on standbys of their own."""
        return self.kind == "cassandra"

    @property
    def machines(self) -> int:
        """Machines in all."""
        return self.nodes if self.is_ring else self.nodes * self.copies

    @property
    def share(self) -> float:
        """Share of all rows that one node holds."""
        if self.is_ring:
            return self.copies / self.nodes
        return 1.0 if self.multi_master else 1.0 / self.nodes

    @model_validator(mode="after")
    def _fits_the_kind(self) -> Self:
        if self.is_ring and self.copies > self.nodes:
            raise Mistake(f"is {self.copies}, more than there are nodes ({self.nodes})", at=("copies",))
        if self.is_ring and (self.multi_master or self.synchronous):
            raise Mistake(
                "is for PostgreSQL and TimescaleDB; Cassandra has `consistency`",
                at=("multi_master" if self.multi_master else "synchronous",),
            )
        if self.synchronous and self.copies == 1:
            raise Mistake("waits for a standby, and there is none", "write   copies: 2", ("synchronous",))
        if not self.is_ring and "consistency" in self.model_fields_set:
            raise Mistake("is for Cassandra; write `synchronous` here", at=("consistency",))
        return self
