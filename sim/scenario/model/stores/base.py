"""A store in a scenario: what the bill asks of it, what of it may fail, and what it can be asked for.

A product's model says these about itself. `registry` lists the products; nobody else names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.errors import Problem
from sim.network.counts import Nodes
from sim.network.distributions import Distribution
from sim.scenario.model.effects import Effect
from sim.spec import Spec
from sim.units import ByteRate, Bytes, Mistake

if TYPE_CHECKING:  # a scenario has a store, which looks at the rest of it
    from sim.scenario.scenario import Scenario

CRASHES: tuple[Effect, ...] = ("crash", "pause", "slow", "errors")
"""What may happen to a machine; the first is what happens where nothing is said."""

Capability = Literal[
    "connections", "growth", "hosts", "masters", "pgbouncer", "records", "replication", "transactions", "zones"
]
"""What a scenario may ask of a store.

connections: pods have pools, `temporal.sql`. growth: what it holds follows from `temporal.retention`. hosts: its cores
may be those of a host. masters, replication: of `regions`. pgbouncer: stands before it. records: activities change its
rows. transactions: of activities. zones: a primary and standbys stand in them.
"""

Words = Mapping[str, tuple[str, ...]]
"""By the place of a key below the store's own: the words of others for it."""
Values = Mapping[tuple[str, object], str]
"""By place and value that others write there: ours."""


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """Something of a store that may fail: `postgres.primary` is the `primary` of the store `postgres`.

    effects: what can be said to happen to it; none where it can fail in one way alone. is_one: whether it is one
    thing, of which no node is chosen. recovery: key of the store that says how long a crash takes; "" where each fault
    says so itself.
    """

    name: str
    effects: tuple[Effect, ...] = ()
    is_one: bool = True
    recovery: str = ""


class Disk(Spec):
    """The volume of each node, for the bill; of a SQL store also what pages and the log queue for."""

    type: str
    """Kind of volume in the price catalogue, such as gp3."""
    size_bytes: Bytes | None = None
    """Size. A SQL store's may be left out where `temporal.retention` tells what it holds; it is then as large."""
    iops: Annotated[float, Field(ge=0)] = 0.0
    """Operations a second that are paid for; 0 takes what comes with the volume."""
    throughput_bytes_per_s: ByteRate = 0.0
    """Throughput that is paid for; 0 takes what comes with the volume."""


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
    def _given_once(self) -> Self:
        if self.time is not None and (self.detect is not None or self.promote is not None):
            raise Mistake("is `detect` and `promote` in one", "keep `time`, or the two", ("time",))
        return self


def given_twice(key: str) -> Problem:
    """The way to the standbys of a store, where zones tell it."""
    return Problem(
        f"{key}.replication_rtt",
        "is told a second time: with `zones` it follows from where the standbys stand",
        "leave it out, or give   zones: {rtt: 0.7 ms}",
    )


class StoreCluster(Spec):
    """What the bill asks of every store."""

    product: ClassVar[str]
    """The product as people write it."""
    targets: ClassVar[tuple[StoreTarget, ...]] = ()
    """What of it may fail."""
    can: ClassVar[frozenset[Capability]] = frozenset()
    """What a scenario may ask of it."""
    words: ClassVar[Words] = {}
    """The words that the product, and those who run it, have for its keys."""
    values: ClassVar[Values] = {}
    """The values that they write there."""

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

    @property
    def speed(self) -> float | None:
        """How fast its cores are; None where the scenario does not say."""
        return None

    @property
    def confirming(self) -> int:
        """Standbys that have to have a commit before it returns."""
        return 0

    def members(self, target: str) -> int:
        """How many there are of a target of which nodes fail one by one."""
        return self.nodes

    def problems(self, scenario: Scenario) -> Iterator[Problem]:
        """What the scenario says elsewhere that does not go with this store."""
        yield from ()
