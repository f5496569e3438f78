"""What fails in a deployment, in its operator's words. What that does to a network lives in `sim.lower`.

`fault_targets` lists what may fail and how. `sim.scenario.checks.fault_rules` checks what fits together.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import NodesOrNone
from sim.network.distributions import Distribution
from sim.network.faults import Window
from sim.scenario.checks import fault_rules
from sim.scenario.model.effects import Effect
from sim.scenario.model.fault_targets import Targets, default_effect
from sim.scenario.model.stores.registry import TARGETS
from sim.spec import Spec
from sim.units import Duration, EventsInTime, PositiveDuration, PositiveRate, Ratio, SignedDuration


class BadVersion(Spec):
    """What a bad version does: `{error_rate: 30 %, detected_after: 5 min}`."""

    error_rate: Annotated[Ratio, Field(gt=0)]
    """Share of the work of pods that are up to date which fails: activities and workflow tasks of workers, state
    transitions of history."""
    detected_after_ns: Duration
    """From the return of the first pod with the bad version until somebody sees it. The rollout stops there; then the
    pods go back to the old version, one after the other as they came."""


class DeploymentFault(Spec):
    """One kind of failure: a drill at a given time, or random with evidence for its rate."""

    targets: Annotated[Targets, Field(alias="target")]
    """What fails: the pods of `workers.QUEUE` or `temporal.history`, all pods on a `kubernetes.node`; of the store
    `postgres.primary`, nodes of `cassandra.node` and the like; the node of `databases.NAME`; a service of somebody
    else, `dependencies.NAME`; room on `postgres.disk`, so that writes fail; or all that stands in the zone
    `zone.NAME`, (at random) in any one `zone`, or in `region.NAME`. `partition.NAME` cuts a region or zone off,
    `partition.workers.QUEUE` pods of a pool. Of `workflows.NAME` more are started than usual; `temporal.clock`
    jumps. Several in a list fail together."""
    nodes: Literal["any", "all", "rolling"] | tuple[NodesOrNone, ...] = "any"
    """Which pods: one drawn each time, all together, those listed, counted from 0, or one after the other, as at a
    rollout (rolling)."""
    effect: Effect | None = None
    """What happens: a crash where it is left out; or they stand still (pause), work at `speed` (slow), or what they
    do fails (errors). A dependency gives errors where it is left out; or its calls stand still until it is over
    (hang), or go at `speed` (slow). Of a workflow more are started (load); a clock jumps (clock)."""
    speed: Annotated[float, Field(gt=0, lt=1)] | None = None
    """With `effect: slow`: the factor on speed."""
    probability: Ratio | None = None
    """With `effect: errors`: share of the work there that fails; all of it where it is left out."""
    jump_ns: SignedDuration | None = None
    """With `temporal.clock`: by how much the wall clock goes forward (`30 s`) or back (`-30 s`): timers, back-offs and
    timeouts that are pending come that much earlier or later."""
    notice_ns: PositiveDuration | None = None
    """With a crash or rollout of `workers.QUEUE`: how long before it is told. The pods take nothing new from then on,
    and go when what they have at hand has ended, at the latest when the time is over."""
    factor: Annotated[float, Field(gt=1)] | None = None
    """With `workflows.NAME`: how many times as many executions are started while it lasts: `5`."""
    min_ready_ns: Duration | None = None
    """With `nodes: rolling`: from the return of a pod until the next one goes; Kubernetes' `minReadySeconds`."""
    bad: BadVersion | None = None
    """With `nodes: rolling`: the new version is bad, and is rolled back: `{error_rate: 30 %, detected_after: 5 min}`.
    At random so many are bad as `change_failure_rate` says."""
    change_failure_rate: Ratio | None = None
    """With `nodes: rolling` at random, and `bad`: share of the rollouts whose version is bad."""
    at_ns: Duration | None = None
    """A drill: when it starts. Drills enter no average; each is compared with a baseline run without it."""
    mttf_ns: PositiveDuration | None = None
    """Random: mean time between failures of each single pod (of the primary, for the database; of each zone or
    node of Kubernetes; of all together, where several targets are listed), exponential."""
    rate_per_s: PositiveRate | None = None
    """Random: failures of the whole target, Poisson: `2/year`."""
    seen: EventsInTime | None = None
    """Random: failures of the whole target that were observed: `2 in 2 years`; the rate is (2 + 1/2) / 2 years."""
    source: str | None = None
    """Random: who says how often it comes, with the date; without it the rate is an assumption."""
    window: Window | None = None
    """Random: when it may begin, such as a maintenance window: `{from: 3 h, to: 4 h, period: 1 day}`; one that would
    come at another time begins at the next opening."""
    common: Ratio = 0.0
    """Random: share of the failures of one pod or node that have a common cause and take all of the target: the beta
    factor of reliability."""
    repair: Distribution | None = None
    """From the crash of a pod until its replacement is launched; the pool's `start_delay` comes on top. Of a node of
    Kubernetes: how long it, or one in its place, is away; its pods start sooner on others where these have room. Of
    `postgres.disk`: until somebody has made room. Of a zone or region: how long nothing runs there (a region that
    another one takes over for: less); of a partition, or with another `effect`: how long it lasts. A clock
    is then set right; in a drill without it stays as it is."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        fault_rules.check(self)
        return self

    # -- what fails ---------------------------------------------------------------------------------------------

    @property
    def each_target(self) -> tuple[str, ...]:
        """What fails, as a list even where it is one thing."""
        return (self.targets,) if isinstance(self.targets, str) else self.targets

    @property
    def target(self) -> str:
        """The target, where it is one."""
        (one,) = self.each_target
        return one

    @property
    def parts(self) -> tuple[tuple[tuple[str | int, ...], Self], ...]:
        """A fault for each target, which comes as often as this one, with the path of the target below the fault."""
        if isinstance(self.targets, str):
            return ((("target",), self),)
        rate = self.rate_per_s if self.mttf_ns is None else 1e9 / self.mttf_ns
        changes = {"rate_per_s": rate, "mttf_ns": None}
        return tuple(
            (("target", index), self.model_copy(update={**changes, "targets": target}))
            for index, target in enumerate(self.targets)
        )

    @property
    def happens(self) -> Effect:
        """What happens to the target."""
        return default_effect(self.target) if self.effect is None else self.effect

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
        return self.target in TARGETS

    @property
    def of_database(self) -> bool:
        """Whether a data store fails that holds tables."""
        return self.target.startswith("databases.")

    @property
    def of_dependency(self) -> bool:
        """Whether a service of somebody else fails."""
        return self.target.startswith("dependencies.")

    @property
    def of_clock(self) -> bool:
        """Whether nothing fails, but the wall clock jumps."""
        return self.target == "temporal.clock"

    @property
    def of_load(self) -> bool:
        """Whether nothing fails, but more is started."""
        return self.target.startswith("workflows.")

    @property
    def of_place(self) -> bool:
        """Whether everything in a place fails."""
        return self.target.split(".")[0] in ("zone", "region", "partition") and self.pool is None

    @property
    def pool(self) -> str | None:
        """The pool of workers that fails or is cut off; None where something else is."""
        pool = self.target.removeprefix("partition.")
        return pool.removeprefix("workers.") if pool.startswith("workers.") else None

    @property
    def is_whole(self) -> bool:
        """Whether the target is one thing, of which no node is chosen."""
        of_store = TARGETS.get(self.target)
        if of_store is not None:
            return of_store.is_one
        return self.of_clock or self.target.startswith(("databases.", "dependencies.", "workflows."))

    # -- when ---------------------------------------------------------------------------------------------------

    @property
    def is_random(self) -> bool:
        """Whether it comes by chance, and not at a given time."""
        return self.at_ns is None

    @property
    def lasts(self) -> Distribution:
        """How long it lasts, where the scenario has to say so: `repair`."""
        assert self.repair is not None, "checked when it was read"
        return self.repair

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
