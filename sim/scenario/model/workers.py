"""Worker pools: pods with slots and pollers that serve a task queue; and queues that several of them serve."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Name, Positive, Speed
from sim.spec import Spec
from sim.units import Bytes, Cores, Duration, IntRange, Mistake, PositiveCount, PositiveDuration, Ratio


class WorkerPool(Spec):
    """The workers of one task queue. Numbers are for each pod; what is left out has the SDK's default."""

    replicas: IntRange
    """Pods: a number, or a range such as 6..18 between which an autoscaler keeps them."""
    target_cpu: Ratio | None = None
    """Autoscaler: as many pods as bring the use of their cores since its last look to this share."""
    target_utilisation: Ratio | None = None
    """Autoscaler: the same by slots in use, of activities or of workflow tasks, whichever asks for more pods."""
    target_backlog: PositiveCount | None = None
    """Autoscaler: one pod for so many tasks that wait or are at work, of activities or of workflow tasks; with
    `replicas: 0..N` it scales to zero."""
    interval_ns: PositiveDuration | None = None
    """Autoscaler: time from one look to the next; Kubernetes' default is 15 s."""
    cool_down_ns: Duration | None = None
    """Autoscaler: pods are kept for the most that was wanted within this time; Kubernetes' default is 5 min."""
    grace_period_ns: Duration | None = None
    """Autoscaler, `stop_at`: a pod that is told to go takes no new tasks and has this long to end those at hand, then
    it is killed; Kubernetes' default is 30 s."""
    cpu_cores: Cores
    """Cores of a pod, shared by the workflow tasks on it and the activities that take `cpu`."""
    cpu_speed: Speed | None = None
    """How fast its cores are, over those of the host that the CPU times of the presets were fitted on: at 0.5 all CPU
    there takes twice as long. Without it that of `kubernetes`, if it stands there, else that of the preset."""
    workflow_task_slots: Positive | None = None
    """Workflow tasks at once."""
    activity_slots: Positive | None = None
    """Activities at once."""
    local_activity_slots: Positive | None = None
    """Local activities at once."""
    workflow_task_pollers: Positive | None = None
    """Polls for workflow tasks under way at once: with a round trip of 5 ms, two fetch at most 400 tasks a second."""
    activity_pollers: Positive | None = None
    """Polls for activities under way at once."""
    sticky_cache: Positive | None = None
    """Executions whose state a pod keeps; one that is not there is rebuilt from its history."""
    replay_cpu_per_event_ns: Duration | None = None
    """CPU of a pod to replay one event of a history, where the state of an execution is rebuilt: that of the SDK by
    default, more where the workflow's own code works between events."""
    sticky_schedule_to_start_ns: PositiveDuration | None = None
    """How long a workflow task waits for the pod that knows its execution, before any pod may take it."""
    workflow_task_timeout_ns: PositiveDuration | None = None
    """A workflow task that was started and is not done by then is given to another pod."""
    rtt_ns: Duration | None = None
    """Round trip from a pod to the frontend, for workers outside of the platform's own network; a poller is busy for
    as long with each task."""
    regions: tuple[Name, ...] | None = None
    """Regions that the pods stand in, in turn; the home region where it is left out."""
    locality_wait_ns: Duration = 3_000_000_000
    """How long an activity that reads data waits for a worker in the region of the data before any may take it; 3 s
    is Spark's default (`spark.locality.wait`, Spark configuration, 2014 and since)."""
    start_delay_ns: Duration = 0
    """From the decision to start a pod, to replace one or to have one more, until it polls: machine, image, worker."""
    start_at_ns: PositiveDuration | None = None
    """When its pods are started, with `start_delay`: a fleet of a new version. From the beginning where left out."""
    stop_at_ns: PositiveDuration | None = None
    """When its pods are told to go, all together: a fleet of an old version. They drain as a pod does that an
    autoscaler takes away."""
    capacity: Literal["on_demand", "spot"] = "on_demand"
    """How its machines are bought. Spot costs less (`prices.spot_saving`) and is taken back at times."""
    spot_mttf_ns: PositiveDuration | None = None
    """With `capacity: spot`: mean time until a machine is taken back, exponential; another one is started at once."""
    spot_notice_ns: PositiveDuration | None = None
    """With `capacity: spot`: how long before it is told, as 2 min on AWS; the pod takes nothing new from then on and
    ends what it has at hand. Without it the notice is not used."""
    node: str | None = None
    """Machine that each pod is billed as: a type of the price catalogue, or a name under `prices.nodes`."""

    @model_validator(mode="after")
    def _scales(self) -> Self:
        least, most = self.replicas
        targets = [self.target_cpu, self.target_utilisation, self.target_backlog]
        given = sum(target is not None for target in targets)
        if most == 0:
            raise Mistake("is 0: nobody would ever work", "write 1, or 0..10 with a target_backlog", at=("replicas",))
        if least < most and given != 1:
            raise ValueError(
                f"`replicas: {least}..{most}` needs one of `target_cpu`, `target_utilisation` and `target_backlog`, "
                "and only one; write   target_cpu: 65 %"
            )
        for key in ("target_cpu", "target_utilisation", "target_backlog", "interval", "cool_down", "grace_period"):
            if key == "grace_period" and self.stop_at_ns is not None:
                continue
            if least == most and getattr(self, key, getattr(self, f"{key}_ns", None)) is not None:
                raise Mistake(
                    f"is about an autoscaler, and `replicas` is always {most}", f"write replicas: 1..{most}", at=(key,)
                )
        for key in ("start_at", "stop_at"):
            if least < most and getattr(self, f"{key}_ns") is not None:
                raise Mistake("is for a fleet of a fixed number of pods", f"write replicas: {most}", at=(key,))
        if self.start_at_ns is not None and self.stop_at_ns is not None and self.stop_at_ns <= self.start_at_ns:
            raise Mistake("is not after `start_at`", at=("stop_at",))
        for key in ("target_cpu", "target_utilisation"):
            if getattr(self, key) == 0:
                raise Mistake("is 0, which no number of pods reaches", "write 65 %", at=(key,))
        if least == 0 and self.target_cpu is not None:
            raise Mistake(
                "starts at 0, but where no pod is there is no CPU to look at",
                f"write 1..{most}, or a target_backlog",
                at=("replicas",),
            )
        if (self.capacity == "spot") != (self.spot_mttf_ns is not None):
            raise ValueError("`spot_mttf` goes with `capacity: spot`, and that needs it; write   spot_mttf: 1 day")
        if self.spot_notice_ns is not None and self.capacity != "spot":
            raise Mistake("is for `capacity: spot`", "leave it out", ("spot_notice",))
        return self

    @property
    def most(self) -> int:
        """Most pods at once; all that there are without an autoscaler."""
        return self.replicas[1]

    @property
    def comes_or_goes(self) -> bool:
        """Whether its number of pods changes: by an autoscaler, or as a fleet that is not there all the time."""
        return self.scales or self.start_at_ns is not None or self.stop_at_ns is not None

    @property
    def scales(self) -> bool:
        """Whether an autoscaler changes their number."""
        return self.replicas[0] < self.replicas[1]

    def regions_of_pods(self, home: str) -> tuple[str, ...]:
        """The region of each pod: those that the pool names, in turn, or else the home region."""
        where = self.regions or (home,)
        return tuple(where[pod % len(where)] for pod in range(self.most))

    @property
    def by_site(self) -> bool:
        """Whether its pods stand in several regions."""
        return self.regions is not None and len(self.regions) > 1


class Federation(Spec):
    """A queue of activities whose tasks belong to a site each, and run elsewhere where that has no slot in time."""

    pools: Annotated[tuple[Name, ...], Field(min_length=2)]
    """The pools that serve it, one for each site; they stand under `workers`."""
    shares: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Weights of the sites, in the order of the pools; in proportion to their slots where they are left out."""
    spill_after_ns: PositiveDuration
    """How long a task waits for a slot of a pool before it is offered to the next one: its own site's first."""
    rtt_ns: Duration = 0
    """Round trip between two sites, by which a task that runs elsewhere fetches what it works on."""
    payload_bytes: Bytes = 0
    """What such a task moves from its site."""

    @model_validator(mode="after")
    def _each_site_once(self) -> Self:
        if len(set(self.pools)) < len(self.pools):
            raise Mistake("names a pool twice", "leave one out", ("pools",))
        if self.shares is not None and len(self.shares) != len(self.pools):
            raise Mistake(
                f"has {len(self.shares)} weights for {len(self.pools)} pools", "give one for each", ("shares",)
            )
        return self
