"""The store: a Cassandra cluster, replicas of every row on several nodes, each operation at a consistency level."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Nodes, Speed
from sim.scenario.model.stores.base import CRASHES, StoreCluster, StoreTarget
from sim.units import Cores, Duration, Mistake, Ratio

Level = Literal["one", "local_quorum", "quorum", "all"]


class CassandraCluster(StoreCluster):
    """A Cassandra cluster. Its nodes stand in as many racks as there are replicas, one replica of each row in each."""

    product = "Cassandra"
    targets = (StoreTarget("node", CRASHES, is_one=False),)

    nodes: Nodes = 3
    """Nodes of each data centre."""
    cpu_cores: Cores
    """Cores of each node."""
    cpu_speed: Speed | None = None
    """How fast the cores of its nodes are, over those of the host that CPU times were measured on: at 0.5 all CPU
    there takes twice as long. Without it that of the preset."""
    replication_factor: Annotated[int, Field(ge=1, le=30)] = 3
    """Replicas of each row in each data centre."""
    consistency: Level = "local_quorum"
    """Replicas that have to answer: one; a majority of those in the data centre; a majority of all; all."""
    conditional_writes: bool = True
    """Whether changes of an execution are lightweight transactions, as Temporal's are; without, they are plain writes
    and two pods that take themselves for the owner of one shard may overwrite each other."""
    paxos: Literal["v1", "v2"] = "v1"
    """`paxos_variant`: rounds of a lightweight transaction."""
    compaction: Ratio | None = None
    """Share of each node's cores that compaction, repair and backup take."""
    hinted_handoff: bool = True
    """Whether a write that a replica missed is kept for it and delivered later."""
    datacenters: Annotated[int, Field(ge=1, le=30)] = 1
    """Data centres that hold the same rows; Temporal's services are in the first."""
    datacenter_rtt_ns: Duration | None = None
    """Round trip to another data centre."""
    rtt_ns: Duration | None = None
    """Round trip from the history service to the node that coordinates an operation."""
    replica_rtt_ns: Duration | None = None
    """Round trip from that node to a replica in another rack."""

    @property
    def machines(self) -> int:
        """Nodes of all data centres."""
        return self.nodes * self.datacenters

    @property
    def speed(self) -> float | None:
        """How fast its cores are."""
        return self.cpu_speed

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.replication_factor > self.nodes:
            raise Mistake(
                f"is {self.replication_factor}, but there are only {self.nodes} nodes",
                f"write replication_factor: {self.nodes}, or more nodes",
                ("replication_factor",),
            )
        if self.compaction == 1:
            raise Mistake("leaves no core for reads and writes", "write compaction: 50 %", ("compaction",))
        if self.datacenters > 1 and self.datacenter_rtt_ns is None:
            raise Mistake(
                f"is {self.datacenters}, and the round trip between them is not told",
                "add   datacenter_rtt: 70 ms",
                ("datacenters",),
            )
        if self.datacenters == 1 and self.datacenter_rtt_ns is not None:
            raise Mistake(
                "is the way to another data centre, and there is one", "add   datacenters: 2", ("datacenter_rtt",)
            )
        if not self.conditional_writes and "paxos" in self.model_fields_set:
            raise Mistake("is of conditional writes, which are off", "leave out one of the two", ("paxos",))
        return self
