"""A model with every form that a scenario is made of, small enough to read at once; what is invalid is so to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from sim.spec import Spec, chosen_by_key
from sim.units import Cores, Duration, IntRange, Mistake, PositiveCount, PositiveDuration, Rate, Ratio


class Constant(Spec):
    """Always the same duration."""

    plain_value_is = "constant"
    constant_ns: Duration
    """The duration."""


class Exponential(Spec):
    """Exponentially distributed duration."""

    exponential_ns: PositiveDuration
    """Mean."""


class LogNormal(Spec):
    """Log-normal duration, given by two percentiles."""

    p50_ns: PositiveDuration
    """Median."""

    p99_ns: PositiveDuration
    """99th percentile, above the median."""

    @model_validator(mode="after")
    def _percentiles_rise(self) -> LogNormal:
        if self.p99_ns <= self.p50_ns:
            raise Mistake("is not above p50", "write a longer p99", ("p99",))
        return self


class Uniform(Spec):
    """Duration anywhere between two ends."""

    uniform_ns: tuple[Duration, Duration]
    """Shortest and longest."""


Service = Annotated[
    Annotated[Constant, Tag("constant")]
    | Annotated[Exponential, Tag("exponential")]
    | Annotated[LogNormal, Tag("log_normal")]
    | Annotated[Uniform, Tag("uniform")],
    chosen_by_key(
        {
            "constant": "constant",
            "exponential": "exponential",
            "p50": "log_normal",
            "p99": "log_normal",
            "uniform": "uniform",
        },
        plain="constant",
    ),
]


class Activity(Spec):
    """Work that a worker does."""

    name: str
    """What it is called."""

    service: Service
    """How long an attempt works."""

    start_to_close_ns: PositiveDuration = 10_000_000_000
    """Timeout of one attempt."""

    error_rate_ratio: Ratio = 0.0
    """Share of attempts that fail."""


class ActivityStep(Spec):
    """A step that runs an activity."""

    activity: Activity
    """The activity."""


class Wait(Spec):
    """Waiting for a signal."""

    timer_ns: Duration
    """Longest wait."""


class WaitStep(Spec):
    """A step that waits."""

    wait: Wait
    """What for."""


Step = Annotated[
    Annotated[ActivityStep, Tag("activity")] | Annotated[WaitStep, Tag("wait")],
    chosen_by_key({"activity": "activity", "wait": "wait"}),
]


class Workflow(Spec):
    """A type of workflow."""

    arrivals_per_s: Rate
    """How often one starts."""

    steps: tuple[Step, ...] = Field(min_length=1)
    """What it does, in order."""

    overlap: Literal["skip", "buffer", "allow"] = "skip"
    """What happens when the previous one still runs."""


class WorkerPool(Spec):
    """Pods that poll one task queue."""

    replicas: IntRange
    """Pods; a range lets an autoscaler choose."""

    cpu_cores: Cores = 2.0
    """Cores of one pod."""

    sticky_cache: PositiveCount = 1000
    """Executions that a pod keeps in memory."""

    sticky: bool = True
    """Whether an execution returns to the pod that has it in memory."""

    weight: float = Field(1.0, gt=0, le=5)
    """Share of the work, relative to other pools."""

    start_delay_ns: Annotated[Duration, Field(le=3_600_000_000_000)] = 0
    """Time until a new pod works."""

    idle_ns: Duration | Exponential | None = None
    """Time until an idle pod is removed; never when left out."""


class Shop(Spec):
    """The whole file."""

    name: str
    """What it is called."""

    presets: dict[str, str] = Field(default_factory=dict)
    """Version of each product."""

    workflows: dict[str, Workflow] = Field(default_factory=dict)
    """Types of workflows by name."""

    workers: dict[str, WorkerPool] = Field(default_factory=dict)
    """Pools of workers by task queue."""
