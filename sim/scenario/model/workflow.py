"""Workflows: how often they start and what they do. Steps live in `workflow_steps`, activities in `workload`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from sim.network.counts import MOST, Name
from sim.network.sources import Arrivals
from sim.scenario.model.schedule import Rollout, Schedule
from sim.scenario.model.workflow_steps import RepeatStep, WorkflowSteps, flat, own_activity, walk
from sim.scenario.model.workload import Activity, RetryPolicy
from sim.spec import Spec
from sim.units import Mistake, PositiveDuration, PositiveRate, Ratio


class Queries(Spec):
    """Questions about the state of open executions, which workers answer and nothing is written for."""

    plain_value_is: ClassVar[str] = "rate"
    rate_per_s: PositiveRate
    """Queries a second over all executions, Poisson."""
    replayed: Ratio = 0.0
    """Share that finds its execution in no cache, so that its history has to be replayed first."""


class Workflow(Spec):
    """A kind of workflow: how often it is started, and the steps that each execution takes."""

    arrivals: Arrivals | None = None
    """When executions are started: `50/s` for a Poisson process, or one of the arrival processes of a network. A
    workflow with neither this nor a `schedule` is started as a child of others."""
    schedule: Schedule | None = None
    """Instead: they are started by the clock."""
    task_queue: Name
    """Queue of its workflow tasks, and of its activities where they name none."""
    retry: RetryPolicy | None = None
    """How its activities are tried again, where they do not say."""
    steps: WorkflowSteps
    """What an execution does, one after the other."""
    eager_start: bool = False
    """Whether the client that starts it is a worker of its queue, which takes the first workflow task with the reply
    where it has a free slot."""
    deadline_ns: PositiveDuration | None = None
    """An execution is good when it ends correctly (succeeds or is compensated) within this time; for availability and
    goodput."""
    continue_as_new: Annotated[int, Field(ge=20, le=MOST)] | None = None
    """After a round of a `repeat` that leaves this many events in the history: close the run, and go on in a new one
    with an empty history."""
    queries: Queries | None = None
    """Queries while executions are open: `20/s`, or `{rate: 20/s, replayed: 5 %}`."""
    updates_per_s: PositiveRate | None = None
    """Updates a second over all open executions, Poisson: each a workflow task that accepts and completes it."""
    rollout: Rollout | None = None
    """A new version during the run."""

    @model_validator(mode="after")
    def _one_load(self) -> Self:
        if self.arrivals is not None and self.schedule is not None:
            raise Mistake("needs either `arrivals` or a `schedule`", "write   arrivals: 50/s")
        if self.continue_as_new is not None and not any(isinstance(step, RepeatStep) for step in flat(self.steps)):
            raise Mistake(
                "is done after a round of a `repeat` among the steps of the workflow, of which there is none",
                "leave it out",
                ("continue_as_new",),
            )
        if self.schedule is not None and self.schedule.overlap != "allow":
            for key, value in (("deadline", self.deadline_ns), ("rollout", self.rollout)):
                if value is not None:
                    raise Mistake(
                        f"is not known where a schedule waits for its last execution (`overlap: "
                        f"{self.schedule.overlap}`)",
                        "write   overlap: allow   or leave it out",
                        (key,),
                    )
        return self

    @property
    def is_child_only(self) -> bool:
        """Whether nothing but other workflows starts it."""
        return self.arrivals is None and self.schedule is None

    @property
    def load(self) -> Arrivals:
        """What starts executions."""
        if self.schedule is not None:
            return self.schedule.arrivals
        assert self.arrivals is not None
        return self.arrivals

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Every activity that an execution may run, in order, those that compensate included."""
        found: list[Activity] = []
        for _, step in walk(self.steps):
            own = own_activity(step)
            if own is not None:
                found.append(own[1])
                if own[1].undo is not None:
                    found.append(own[1].undo)
        return tuple(found)

    @property
    def is_saga(self) -> bool:
        """Whether anything it does is undone when it fails later."""
        return any(activity.compensate is not None for activity in self.activities)
