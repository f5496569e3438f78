"""Data stores as such, beside the platform: what they run, on which nodes and disks. Their tables live in `tables`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Nodes, Positive
from sim.network.distributions import Distribution
from sim.network.names import Name
from sim.spec import Spec
from sim.units import ByteRate, Bytes, Cores, Duration, Mistake


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
