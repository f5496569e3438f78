"""What fails in a deployment, in its operator's words. What that does to a network lives in `sim.lower.faults`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.distributions import Constant, Distribution
from sim.scenario.store import STORES
from sim.spec import Spec
from sim.units import Duration, EventsInTime, Mistake, PositiveDuration, PositiveRate

NAME = r"[A-Za-z_][A-Za-z0-9_\-]*"

PLACE = "(zone|region|partition)"

Target = Annotated[
    str,
    Field(
        pattern=rf"^(workers\.{NAME}|temporal\.history|kubernetes\.node|postgres\.(primary|disk)|databases\.{NAME}"
        rf"|cassandra\.node|zone|{PLACE}\.{NAME})$",
        json_schema_extra={
            "x-form": "of the form workers.QUEUE, temporal.history, kubernetes.node, postgres.primary, "
            "postgres.disk, databases.NAME, "
            "cassandra.node, zone.NAME or region.NAME"
        },
    ),
]
"""`workers.QUEUE`, `temporal.history`, `kubernetes.node`, `postgres.primary`, `postgres.disk`, `databases.NAME`,
`cassandra.node`, `zone`, `zone.NAME`, `region.NAME` or `partition.NAME`."""


class DeploymentFault(Spec):
    """One kind of failure: a drill at a given time, or random with evidence for its rate."""

    target: Target
    """What fails: the pods of `workers.QUEUE` or `temporal.history`, all pods on a `kubernetes.node`,
    `postgres.primary`, nodes of `cassandra.node`, the node of `databases.NAME`; room on `postgres.disk`, so that
    writes fail; or all that stands in the zone `zone.NAME`, (at random) in any one `zone`, or in `region.NAME`;
    `partition.NAME` cuts a region off."""
    nodes: Literal["any", "all", "rolling"] | tuple[int, ...] = "any"
    """Which pods: one drawn each time, all together, those listed, counted from 0, or one after the other, as at a
    rollout (rolling)."""
    min_ready_ns: Duration | None = None
    """With `nodes: rolling`: from the return of a pod until the next one goes; Kubernetes' `minReadySeconds`."""
    at_ns: Duration | None = None
    """A drill: when it starts. Drills enter no average; each is compared with a twin without it."""
    mttf_ns: PositiveDuration | None = None
    """Random: mean time between failures of each single pod (of the primary, for the database; of each zone or
    node of Kubernetes), exponential."""
    rate_per_s: PositiveRate | None = None
    """Random: failures of the whole target, Poisson: `2/year`."""
    seen: EventsInTime | None = None
    """Random: failures of the whole target that were observed: `2 in 2 years`; the rate is (2 + 1/2) / 2 years."""
    source: str | None = None
    """Random: who says how often it comes, with the date; without it the rate is an assumption."""
    repair: Distribution | None = None
    """From the crash of a pod until its replacement is launched; the pool's `start_delay` comes on top. Of a node of
    Kubernetes: how long it, or one in its place, is away; its pods start sooner on others where these have room. Of
    `postgres.disk`: until somebody has made room. Of a zone or region: how long nothing runs there (a region that
    another one takes over for: less); of a partition: how long it lasts."""

    @model_validator(mode="after")
    def _one_cause(self) -> Self:
        given = [self.at_ns, self.mttf_ns, self.rate_per_s, self.seen]
        if sum(value is not None for value in given) != 1:
            raise ValueError(
                "needs one of `at` (a drill), `mttf`, `rate` and `seen`, and only one; "
                "write   at: 5 min   or   rate: 2/year"
            )
        if self.source is not None and self.at_ns is not None:
            raise Mistake("tells how often a fault comes, and a drill comes once", "leave it out", ("source",))
        if self.of_database or self.target == "postgres.primary":
            if self.repair is not None:
                told = "told under `postgres.failover`"
                if self.of_database:
                    told = "that of PostgreSQL's presets, or without `copies` that of the replay of its log"
                raise Mistake(
                    f"is not known for the database: how long a failover takes is {told}",
                    at=("repair",),
                )
        elif self.repair is None:
            raise ValueError("needs `repair`, the time until a replacement is launched; write   repair: 30 s")
        return self

    @model_validator(mode="after")
    def _rolls(self) -> Self:
        if not self.is_rolling:
            if self.min_ready_ns is not None:
                raise Mistake("goes with `nodes: rolling`", "leave it out", ("min_ready",))
            if self.of_node and self.at_ns is not None and not isinstance(self.nodes, tuple):
                raise Mistake("of a drill are certain ones", "write   nodes: [0]", ("nodes",))
            if self.of_node and self.at_ns is None and self.nodes != "any":
                raise Mistake("at random fail one by one", "leave it out", ("nodes",))
            return self
        if self.target != "temporal.history" and not self.target.startswith("workers."):
            raise Mistake("is for pods of `workers.QUEUE` and of `temporal.history`", "leave it out", ("nodes",))
        if self.at_ns is None:
            raise Mistake("follow each other from a certain time on", "write   at: 5 min", ("nodes",))
        if not isinstance(self.repair, Constant):
            raise Mistake("varies, but each pod has to know when the one before is back", "write a time", ("repair",))
        return self

    @property
    def is_rolling(self) -> bool:
        """Whether pods are restarted one after the other."""
        return self.nodes == "rolling"

    @property
    def of_node(self) -> bool:
        """Whether nodes of Kubernetes fail, with all that stands there."""
        return self.target == "kubernetes.node"

    @property
    def of_store(self) -> bool:
        """Whether nodes of the store fail."""
        return self.target.split(".")[0] in STORES

    @property
    def of_database(self) -> bool:
        """Whether a data store fails that holds tables."""
        return self.target.startswith("databases.")

    @property
    def of_place(self) -> bool:
        """Whether everything in a place fails."""
        return self.target.split(".")[0] in ("zone", "region", "partition")

    @property
    def is_whole(self) -> bool:
        """Whether the target is one thing, of which no node is chosen."""
        return self.target in ("postgres.primary", "postgres.disk") or self.of_database

    @property
    def mean_gap_ns(self) -> int | None:
        """Mean time between two failures of the whole target (of each pod, with `mttf`); None for a drill.

        Of a Poisson process seen k times in T, the rate is taken as (k + 1/2) / T: the mean of the posterior under
        Jeffreys' prior.
        """
        if self.mttf_ns is not None:
            return self.mttf_ns
        if self.rate_per_s is not None:
            return round(1e9 / self.rate_per_s)
        if self.seen is not None:
            count, watched_ns = self.seen
            return round(watched_ns / (count + 0.5))
        return None
