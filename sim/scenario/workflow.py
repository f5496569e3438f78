"""Workflows: how often they start and what they do, step by step. What an activity is lives in `workload`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from sim.network.distributions import Distribution, Number
from sim.network.names import Name
from sim.network.sources import Arrivals
from sim.scenario.workload import Activity, RetryPolicy
from sim.spec import Spec, chosen_by_key
from sim.units import Mistake, PositiveDuration, Ratio


class ActivityStep(Spec):
    """Run an activity and wait for its result."""

    activity: Activity
    """The activity."""


class Wait(Spec):
    """An event from outside, and how long it is waited for."""

    signal: Name
    """Name of the signal that brings it."""
    after: Distribution
    """Time from the begin of the wait to the signal."""
    missing: Ratio = 0.0
    """Share of waits to which no signal ever comes."""
    timer_ns: PositiveDuration | None = None
    """Give up after this long; without it the wait has no end."""
    on_timeout: Literal["fail", "continue"] = "fail"
    """What the workflow does when the timer wins: fail (and compensate what it has done), or go on."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.missing > 0 and self.timer_ns is None:
            raise Mistake(
                "needs a `timer`: a wait whose signal is missing would never end", "add   timer: 24 h", ("missing",)
            )
        return self


class WaitStep(Spec):
    """Wait for a signal, against a timer: `{wait: {signal: confirmed, after: 3 min, timer: 24 h}}`."""

    wait: Wait
    """The signal and the timer."""


class SleepStep(Spec):
    """Let time pass on a durable timer: `{sleep: 10 min}`."""

    sleep: Distribution
    """How long."""


class FanOut(Spec):
    """The same activity for many items at the same time."""

    items: Number
    """How many; known only at run time where it varies."""
    activity: Activity
    """What is done for each."""
    join: Literal["all", "first"] | Annotated[int, Field(ge=1)] = "all"
    """Go on when all, the first, or this many have succeeded."""

    @model_validator(mode="after")
    def _children_are_not_undone(self) -> Self:
        if self.activity.compensate is not None:
            raise Mistake(
                "is not known for the activity of a fan_out",
                "compensate in an activity of its own before it",
                ("activity", "compensate"),
            )
        return self


class FanOutStep(Spec):
    """Run an activity for many items and join: `{fan_out: {items: {geometric: 200}, activity: {..}}}`."""

    fan_out: FanOut
    """Items, activity and join."""


WorkflowStep = Annotated[
    Annotated[ActivityStep, Tag("activity")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[SleepStep, Tag("sleep")]
    | Annotated[FanOutStep, Tag("fan_out")],
    chosen_by_key({key: key for key in ("activity", "wait", "sleep", "fan_out")}),
]
"""One step of a workflow: a mapping whose key says what it does."""


class Workflow(Spec):
    """A kind of workflow: how often it is started, and the steps that each execution takes."""

    arrivals: Arrivals
    """When executions are started: `50/s` for a Poisson process, or one of the arrival processes of a network."""
    task_queue: Name
    """Queue of its workflow tasks, and of its activities where they name none."""
    retry: RetryPolicy | None = None
    """How its activities are tried again, where they do not say."""
    steps: Annotated[tuple[WorkflowStep, ...], Field(min_length=1)]
    """What an execution does, one after the other."""
    deadline_ns: PositiveDuration | None = None
    """An execution is good when it ends correctly (succeeds or is compensated) within this time; for availability and
    goodput."""

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Every activity that an execution may run, in order, those that compensate included."""
        found: list[Activity] = []
        for step in self.steps:
            if isinstance(step, ActivityStep):
                found.append(step.activity)
                if step.activity.undo is not None:
                    found.append(step.activity.undo)
            elif isinstance(step, FanOutStep):
                found.append(step.fan_out.activity)
        return tuple(found)

    @property
    def is_saga(self) -> bool:
        """Whether anything it does is undone when it fails later."""
        return any(isinstance(step, ActivityStep) and step.activity.compensate is not None for step in self.steps)
