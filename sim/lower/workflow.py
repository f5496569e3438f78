"""Workflows as sources and routines: each step is a workflow task that asks for it, then what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.lower.activities import activity_steps
from sim.lower.constants import Constants
from sim.lower.lowered import History
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.platform import Platform
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Compensate,
    Fork,
    ForkBody,
    Option,
    Race,
    Saga,
    Step,
    Steps,
    constant,
    delay,
    fail,
    mark,
)
from sim.lower.sums import mean_count
from sim.lower.workers import READY, Workers
from sim.lower.workflow_tasks import remembered, workflow_task
from sim.network.monitors import Span
from sim.network.sources import Source
from sim.scenario.platform import Retention
from sim.scenario.workflow import ActivityStep, FanOutStep, SleepStep, Wait, WaitStep, Workflow, WorkflowStep
from sim.scenario.workload import Activity


class WorkflowRoutine:
    """One kind of workflow: its source, its routine, and its routines for executions that are under way."""

    def __init__(
        self,
        parts: Parts,
        constants: Constants,
        platform: Platform,
        store: Store,
        workers: Mapping[str, Workers],
        name: str,
        workflow: Workflow,
    ) -> None:
        self.parts = parts
        self.constants = constants
        self.platform = platform
        self.store = store
        self.workers = workers
        self.name = name
        self.workflow = workflow
        self.own = workers[workflow.task_queue]
        self.close = workflow_task(self.own, "closed")

    def add(self) -> None:
        """Put source, routine and spans in place."""
        name, parts = self.name, self.parts
        parts.sources[name] = Source(routine=name, arrivals=self.workflow.arrivals)
        parts.spans[f"{name}-start"] = Span(start=f"{name}-requested", end=f"{name}-accepted", metric=f"start.{name}")
        request: Steps = (
            mark(f"{name}-requested"),
            mark(READY),
            *self.platform.enter(),
            self.store.transition("create"),
            mark(f"{name}-accepted"),
        )
        parts.routines[name] = (*request, *self._ending_well((), self.body(self.workflow.steps, first=True)))

    def history(self, retention: Retention) -> History:
        """What an execution that goes through all steps leaves behind: 6n + 5 events for n activities in a row."""
        events = self._events("create", "first_workflow_task_started", "workflow_task_started", "closed")
        events += (len(self.workflow.steps) - 1) * self._events("workflow_task_started")
        for step in self.workflow.steps:
            times = mean_count(step.fan_out.items) if isinstance(step, FanOutStep) else 1.0
            events += self._events(_asking(step)) + round(times * self._events(*_answers(step)))
        size = events * self.constants.number("temporal.event_bytes") + retention.payload_bytes
        return History(size, retention.closed_ns)

    def _events(self, *kinds: str) -> int:
        return sum(self.constants.transition(kind).events for kind in kinds)

    # -- steps ------------------------------------------------------------------------------------------------

    def body(self, steps: Sequence[WorkflowStep], first: bool) -> Steps:
        """The steps, each behind the workflow task that asks for it. first: the execution has just been created."""
        found: list[Step] = []
        for step in steps:
            found.append(workflow_task(self.own, _asking(step), first))
            first = False
            match step:
                case ActivityStep():
                    found += self.activity(step.activity)
                    found += self.undo(step.activity)
                case WaitStep():
                    found += self.wait(step.wait)
                case SleepStep():
                    found += (delay(step.sleep, "timer"), *self.fired())
                case FanOutStep():
                    child = self.activity(step.fan_out.activity, alone=False)
                    fork = ForkBody(items=step.fan_out.items, steps=child, join=step.fan_out.join)
                    found.append(Fork(name=f"each-{step.fan_out.activity.name}", fork=fork))
        return tuple(found)

    def activity(self, activity: Activity, alone: bool = True) -> Steps:
        """An activity on the workers of its queue."""
        queue = activity.task_queue or self.workflow.task_queue
        return activity_steps(self.workers[queue], activity, self.workflow.retry, alone)

    def undo(self, activity: Activity) -> Iterator[Step]:
        """What is remembered as undoing the activity, if anything does."""
        undo = activity.undo
        if undo is not None:
            asked = workflow_task(self.own, "activity_scheduled")
            yield Compensate(compensate=(asked, *self.activity(undo)))

    def wait(self, wait: Wait) -> Steps:
        """The event against the timer, whichever comes first."""
        arrived = (delay(wait.after, "service", f"wait-{wait.signal}"), *self.signalled())
        if wait.timer_ns is None:
            return arrived
        expired = (delay(constant(wait.timer_ns), "timer"), *self.expired(wait))
        race = Race(race=(arrived, expired))
        if wait.missing == 0:
            return (race,)
        return (Branch(branch=(Option(probability=wait.missing, steps=expired), Option(steps=(race,)))),)

    def signalled(self) -> Steps:
        """A signal reaches the platform."""
        return (mark(READY), *self.platform.enter(), self.store.transition("signal_received"))

    def fired(self) -> Steps:
        """A timer has come to its end."""
        return (mark(READY), self.store.transition("timer_fired"))

    def expired(self, wait: Wait) -> Steps:
        """The timer of a wait has come to its end."""
        return (*self.fired(), fail("wait_timed_out")) if wait.on_timeout == "fail" else self.fired()

    def _ending_well(self, before: Steps, body: Steps) -> Steps:
        """The body with the workflow task that closes the execution, after a failure as well.

        before: what is to be undone already. The last workflow task is what a saga undoes last.
        """
        if self.workflow.is_saga:
            return (Saga(saga=(Compensate(compensate=(self.close,)), *before, *body, self.close)),)
        if any(_can_fail(self.workflow, step) for step in self.workflow.steps):
            whole = AttemptBody(
                steps=(*body, self.close), on_failure=(self.close, fail("workflow_failed")), counted=False
            )
            return (Attempt(name="workflow", attempt=whole),)
        return (*body, self.close)

    def under_way(self, index: int, first_steps: Steps) -> Steps:
        """An execution that stands inside step `index`: what it has behind it, then `first_steps`, then the rest."""
        behind = self.workflow.steps[:index]
        done = [step.activity for step in behind if isinstance(step, ActivityStep)]
        done += [step.fan_out.activity for step in behind if isinstance(step, FanOutStep)]
        marks = tuple(mark(a.effect, once=a.idempotent) for a in done if a.effect is not None)
        before = tuple(step for a in done for step in self.undo(a))
        rest = (*first_steps, *self.body(self.workflow.steps[index + 1 :], first=False))
        return (*remembered(self.own), *marks, *self._ending_well(before, rest))


def _asking(step: WorkflowStep) -> str:
    """The transition by which a workflow task asks for a step."""
    match step:
        case ActivityStep() | FanOutStep():
            return "activity_scheduled"
        case SleepStep():
            return "timer_started"
        case WaitStep():
            return "wait_started" if step.wait.timer_ns is None else "timer_started"


def _answers(step: WorkflowStep) -> tuple[str, ...]:
    """The transitions that a step makes by itself, for each of its items."""
    match step:
        case ActivityStep() | FanOutStep():
            return ("activity_started", "activity_completed")
        case SleepStep():
            return ("timer_fired",)
        case WaitStep():
            return ("signal_received",)


def _can_fail(workflow: Workflow, step: WorkflowStep) -> bool:
    if isinstance(step, WaitStep):
        return step.wait.timer_ns is not None and step.wait.on_timeout == "fail"
    if isinstance(step, SleepStep):
        return False
    activity = step.activity if isinstance(step, ActivityStep) else step.fan_out.activity
    policy = activity.retry or workflow.retry
    return (
        activity.non_retryable_rate > 0
        or activity.schedule_to_start_ns is not None
        or activity.schedule_to_close_ns is not None
        or (policy is not None and policy.maximum_attempts is not None)
    )
