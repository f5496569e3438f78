"""Where work waits and is served: node groups, resources, stations, caches. What work does lives in `routines`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from sim.network.counts import From0, Name, Nodes, Positive, Signed
from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import PositiveDuration, Rate

Queue = Literal["fifo", "lifo", "priority"]
DISCIPLINES: tuple[str, ...] = (*get_args(Queue), "attribute", "priority_attribute")
"""Every order in which those who wait may be served."""
Choice = Literal["round_robin", "random", "least_loaded", "power_of_two"]


@dataclass(frozen=True, slots=True)
class Used:
    """What a place did in some time, to be held against what it could have done.

    seconds: how long. served: visits. busy: share of its units in use, or of the time that a round is under way, over
    all nodes. rounds: flushes or reads begun.
    """

    seconds: float
    served: int
    busy: float
    rounds: int = 0


class NodeGroup(Spec):
    """Places that fail one by one; resources, stations and caches live on them."""

    count: Nodes = 1
    """How many nodes."""


class Keyed(Spec):
    """Node chosen by the hash of a key, as with shards, partitions and hot rows: the same key, the same node."""

    by: str = "execution"
    """`execution`, or the name of an attribute whose value is the key."""
    skew: Annotated[float, Field(ge=0)] = 0.0
    """Zipf exponent over the nodes: 0 spreads evenly, 1 gives node i a share in proportion to 1/i."""

    def attributes(self) -> dict[str, str]:
        """The attribute that it reads, by the key that names it."""
        return {} if self.by == "execution" else {"keyed.by": self.by}

    def hottest(self, nodes: int) -> float:
        """Share of the work that comes to the most loaded node, in multiples of the mean share."""
        return nodes / math.fsum(rank**-self.skew for rank in range(1, nodes + 1)) if self.skew else 1.0


class Shed(Spec):
    """Load that is shed by the age of the line: fresh work is turned away while old work still waits."""

    after_ns: PositiveDuration
    """Whoever would have to wait is rejected while the oldest in line has waited for this long."""
    spare: Signed | None = None
    """Work of at least this priority is let wait all the same; without it nobody is."""


class Order(Spec):
    """Who goes first by a number that executions carry: shortest job first, earliest deadline first."""

    attribute: Name
    """The attribute of which the least value goes first, the oldest among equals; the value is that of coming into
    the line."""


class Place(Spec):
    """What resources and stations share: where they stand, who goes first, how many may wait."""

    nodes: Annotated[Name | Nodes, Field()] = 1
    """Name of a node group, or a number of nodes of its own."""
    queue: Queue = "fifo"
    """Who goes first. With `priority` the greatest goes first, the oldest among equals."""
    order: Order | None = None
    """Who goes first by an attribute: `{attribute: deadline}`; with `queue: priority` among those of one priority."""
    preemptive: bool = False
    """With `queue: priority`: an arrival takes the place of the one of least priority in service."""
    queue_limit: From0 | None = None
    """How many may wait at once (in each queue); the next one is rejected. Without it there is no limit."""
    shed: Shed | None = None
    """Reject who would have to wait by how long others have waited, not by how many they are."""
    choice: Choice = "round_robin"
    """Which node, where several could serve."""
    keyed: Keyed | None = None
    """Choose the node by a key instead."""
    wait_at: Literal["place", "node"] = "place"
    """Wait in one queue for all nodes, or choose a node on arrival and wait there."""
    when_down: Literal["wait", "refuse"] = "wait"
    """While no node is up: wait for one, or fail at once with `refused`."""

    @property
    def discipline(self) -> str:
        """Name of the order in which those who wait are served; both engines have a table by this name."""
        if self.order is None:
            return self.queue
        return "priority_attribute" if self.queue == "priority" else "attribute"

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that it reads, by the keys that name them."""
        by_order = {"order.attribute": self.order.attribute} if self.order is not None else {}
        return by_order | (self.keyed.attributes() if self.keyed is not None else {})

    def fullness(self, used: Used, nodes: int) -> float | None:
        """Share of what the most loaded of its nodes can do that it did; None where nothing limits it."""
        return used.busy * (self.keyed.hottest(nodes) if self.keyed is not None else 1.0)

    @model_validator(mode="after")
    def _preemption_needs_priorities(self) -> Self:
        if self.preemptive and self.queue != "priority":
            raise ValueError("`preemptive` needs `queue: priority`")
        return self

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if self.order is not None and self.queue == "lifo":
            raise ValueError("`order` and `queue: lifo` both say who goes first; keep one")
        return self


class Resource(Place):
    """Counted units (slots, connections, locks) that work acquires, holds across other steps, and releases."""

    units: Positive
    """Units of each node."""
    open: From0 | None = None
    """Units of each node that are open at the start (a pool's initial connections); all of them by default."""
    opening: Distribution | None = None
    """Time to open one more unit when no open one is free; the one who needs it waits for it."""

    @model_validator(mode="after")
    def _opening_fits(self) -> Self:
        if self.open is not None and self.open > self.units:
            raise ValueError(f"`open` is {self.open} but there are only {self.units} units")
        if self.open is not None and self.open < self.units and self.opening is None:
            raise ValueError("`open` below `units` needs `opening`, the time to open one more; write opening: 5 ms")
        return self


class Contention(Spec):
    """Slow-down by company: speed(n) = n / (1 + contention (n-1) + coherency n (n-1)).

    Source: Gunther, Guerrilla Capacity Planning (2007), chapter 4, the Universal Scalability Law.
    """

    contention: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the work that only one at a time can do."""
    coherency: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Cost of agreeing, for each pair at work."""


class Server(Place):
    """c servers, each with one job at a time, or cores shared by all who are at work."""

    TAG: ClassVar[str] = "server"
    kind: Literal["server"] = "server"
    servers: Positive | None = None
    """Jobs in service at once on each node; with `cores` and no `servers`, everybody at once."""
    cores: Annotated[float, Field(gt=0)] | None = None
    """Processor sharing: those in service share this many cores of each node, at most one core each."""
    contention: Contention | None = None
    """Slow-down when several are at work on a node."""
    service: Distribution | None = None
    """Demand of a visit that brings none of its own."""
    setup: Distribution | None = None
    """Time to start a server that has gone idle; it goes off the moment it has nothing to do."""
    when_full: Literal["reject", "block"] = "reject"
    """With a `queue_limit`: reject the next one, or keep it where it comes from, holding its server there."""

    @model_validator(mode="after")
    def _serves(self) -> Self:
        if self.servers is None and self.cores is None:
            raise ValueError("needs `servers` (one job each) or `cores` (shared)")
        if self.setup is not None and (self.cores is not None or self.contention is not None):
            raise ValueError("`setup` goes with `servers` only, without `cores` and `contention`")
        if self.when_full == "block" and self.queue_limit is None:
            raise ValueError("`when_full: block` needs a `queue_limit`")
        if self.when_full == "block" and self.shed is not None:
            raise ValueError("`block` and `shed` do not go together: who is kept at the door is not rejected")
        if self.preemptive and self.setup is not None:
            raise ValueError("`preemptive` and `setup` do not go together")
        return self


class Delay(Spec):
    """Room for everybody: nobody waits."""

    TAG: ClassVar[str] = "delay"
    kind: Literal["delay"]
    service: Distribution | None = None
    """Demand of a visit that brings none of its own."""

    def fullness(self, used: Used, nodes: int) -> float | None:
        """None: there is room for everybody."""
        return None


class GroupCommit(Spec):
    """One flush serves all who wait when it starts; who comes during it waits for the next."""

    TAG: ClassVar[str] = "group_commit"
    kind: Literal["group_commit"]
    flush: Distribution
    """Time of one flush, whatever the number it serves."""
    batch_limit: Positive | None = None
    """At most so many in one flush."""
    nodes: Name | None = None
    """The node group it stands on (its first node); a crash there interrupts those in the flush."""
    when_down: Literal["wait", "refuse"] = "wait"
    """While the node is down: wait, or fail at once with `refused`."""

    def fullness(self, used: Used, nodes: int) -> float | None:
        """Share of the places in back-to-back flushes, as long as those that were made, that was taken; None where a
        flush serves everybody: however long it is under way, there is room for more."""
        if self.batch_limit is None:
            return None
        return used.busy * used.served / (used.rounds * self.batch_limit) if used.rounds else 0.0


class Polled(Spec):
    """A queue that a reader looks into at a limited rate, in batches."""

    TAG: ClassVar[str] = "polled"
    kind: Literal["polled"]
    interval_ns: PositiveDuration
    """Least time between the starts of two reads: a token for one read comes after each."""
    burst: Positive = 1
    """Tokens saved up at most, and at the start: so many reads may follow one another at once after a quiet time."""
    batch: Positive = 1
    """At most so many are taken by one read."""
    read: Distribution | None = None
    """Time of one read; those it takes wait for its end."""
    follow_up: bool = False
    """Whoever comes while a read is planned brings about another one after it, which takes its token even if it finds
    nobody: a reader that is told of each arrival, but remembers one only."""
    trigger: Literal["arrival", "timer"] = "arrival"
    """Read as soon as something waits and the interval allows, or only at each multiple of the interval."""
    nodes: Annotated[Name | Nodes, Field()] = 1
    """One such queue for each node (shard)."""
    keyed: Keyed | None = None
    """Which node's queue, by a key; needed with several nodes."""

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes that it reads, by the keys that name them."""
        return self.keyed.attributes() if self.keyed is not None else {}

    def fullness(self, used: Used, nodes: int) -> float | None:
        """Share of the places in as many reads as the interval and their length allow that was taken."""
        if not used.rounds:
            return 0.0
        period_s = max(self.interval_ns / 1e9, used.busy * used.seconds * nodes / used.rounds)
        reads = max(used.seconds * nodes / period_s, used.rounds)  # a prompt reads without waiting for its turn
        return used.served / (reads * self.batch) * (self.keyed.hottest(nodes) if self.keyed is not None else 1.0)

    @model_validator(mode="after")
    def _saves_reads(self) -> Self:
        if self.burst > 1 and self.trigger == "timer":
            raise ValueError("`burst` goes with `trigger: arrival`: a timer reads once at each multiple; leave it out")
        if self.follow_up and self.trigger == "timer":
            raise ValueError("`follow_up` goes with `trigger: arrival`: a timer needs no telling; leave it out")
        if self.burst * self.interval_ns >= 2**62:
            raise ValueError("`burst` times `interval` is more than 146 years; write a smaller burst")
        return self


class TokenBucket(Spec):
    """A rate limit: one token a visit, `burst` of them saved up at most."""

    TAG: ClassVar[str] = "token_bucket"
    kind: Literal["token_bucket"]
    rate_per_s: Rate
    """Tokens a second."""
    burst: Positive = 1
    """Tokens saved up at most, and at the start."""
    when_empty: Literal["wait", "reject"] = "wait"
    """Wait in line for the next token, or fail at once with `rejected`."""
    queue_limit: From0 | None = None
    """How many may wait; the next one is rejected."""

    def fullness(self, used: Used, nodes: int) -> float | None:
        """Share of the tokens that was taken."""
        return used.served / (self.rate_per_s * used.seconds) if self.rate_per_s else None


def _kind_defaults_to_server(value: Any) -> Any:
    return {"kind": "server", **value} if isinstance(value, dict) and "kind" not in value else value


Station = Annotated[
    Annotated[Server, Tag("server")]
    | Annotated[Delay, Tag("delay")]
    | Annotated[GroupCommit, Tag("group_commit")]
    | Annotated[Polled, Tag("polled")]
    | Annotated[TokenBucket, Tag("token_bucket")],
    Discriminator(lambda value: value.get("kind") if isinstance(value, dict) else getattr(value, "TAG", "server")),
    BeforeValidator(_kind_defaults_to_server),
]
"""Where a visit is served and leaves by itself."""


class Cache(Spec):
    """Least-recently-used memory of executions on each node of a group; lost when the node crashes."""

    nodes: Name
    """The node group it lives on."""
    capacity: Positive
    """Executions that each node remembers."""
