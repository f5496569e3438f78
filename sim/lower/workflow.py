"""Workflows as sources and routines: each step is a workflow task that asks for it, then what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sim.lower.activities import Scheduled, activity_steps
from sim.lower.asked import activities_done, can_fail, events_together, transition_that_asks, transitions_of
from sim.lower.branches import Branches, Where, request, requested
from sim.lower.constants import Constants
from sim.lower.eager import STARTED
from sim.lower.lowered import History
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.platform import Platform
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Compensate,
    Option,
    Race,
    Saga,
    Step,
    Steps,
    constant,
    delay,
    fail,
    mark,
    set_to,
)
from sim.lower.workers import READY, Workers
from sim.lower.workflow_tasks import Shared, Which, remembered, workflow_task
from sim.network.monitors import Span
from sim.network.sources import Source
from sim.scenario.behaviours import Behaviours
from sim.scenario.platform import Retention
from sim.scenario.workflow import Workflow
from sim.scenario.workflow_steps import (
    ActivityStep,
    FanOutStep,
    ParallelStep,
    RaceStep,
    SequenceStep,
    SleepStep,
    Wait,
    WaitStep,
    WorkflowStep,
)
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
        behaviours: Behaviours,
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
        self.behaviours = behaviours
        self.is_saga = workflow.is_saga and behaviours.global_saga
        self.branches = Branches(parts, constants, self.own, behaviours, self.body)

    def add(self) -> None:
        """Put source, routine and spans in place."""
        name, parts = self.name, self.parts
        if self.workflow.is_saga and not self.is_saga:
            # Monitors may ask about these effects, which never happen.
            effects = {undo.effect for a in self.workflow.activities if (undo := a.undo) is not None and undo.effect}
            parts.routines[f"{name}-never-undone"] = tuple(mark(effect) for effect in sorted(effects))
        parts.sources[name] = Source(routine=name, arrivals=self.workflow.arrivals)
        parts.spans[f"{name}-start"] = Span(start=f"{name}-requested", end=f"{name}-accepted", metric=f"start.{name}")
        request: Steps = (
            mark(f"{name}-requested"),
            mark(READY),
            *self.platform.start(),
            self.store.transition("create"),
            mark(f"{name}-accepted"),
            *((set_to(STARTED, 1),) if self.workflow.eager_start else ()),
        )
        parts.routines[name] = (*request, *self._ending_well((), self.body(self.workflow.steps, Where(first=True))))

    def history(self, retention: Retention) -> History:
        """What an execution that goes through all steps leaves behind: 6n + 5 events for n activities in a row."""
        events = self._events("create", "first_workflow_task_started", "closed")
        events += round(
            events_together(self.workflow.steps)
            + sum(times * self._events(kind) for kind, times in transitions_of(self.workflow.steps))
        )
        size = events * self.constants.number("temporal.event_bytes") + retention.payload_bytes
        return History(size, retention.closed_ns)

    def _events(self, *kinds: str) -> int:
        return sum(self.constants.transition(kind).events for kind in kinds)

    # -- steps ------------------------------------------------------------------------------------------------

    def body(self, steps: Sequence[WorkflowStep], where: Where) -> Steps:
        """The steps, each behind the workflow task that asks for it, unless one asked for several at once."""
        found: list[Step] = []
        for index, step in enumerate(steps):
            here = replace(where, path=f"{where.path}-{index}" if where.path else str(index))
            if index + 1 < len(steps):
                here = replace(here, shared=None)
            if not where.together:
                found.append(workflow_task(self.own, transition_that_asks(step), self._which(where)))
            where = replace(where, first=False, together=False)
            found += self.one(step, here)
        return tuple(found)

    def _which(self, where: Where) -> Which:
        if not where.first:
            return "later"
        return "eager" if self.workflow.eager_start else "first"

    def one(self, step: WorkflowStep, where: Where) -> Steps:
        """One step that has been asked for."""
        match step:
            case ActivityStep():
                return (*self.activity(step.activity, where.in_item, where.shared), *self.undo(step.activity))
            case WaitStep():
                return (*self.wait(step.wait), *request(self.own, where.shared))
            case SleepStep():
                return (self.platform.timer(step.sleep), *self.fired(), *request(self.own, where.shared))
            case SequenceStep():
                return self.body(step.sequence, replace(where, together=True))
            case ParallelStep():
                return (*self.branches.parallel(step, where), *request(self.own, where.shared))
            case RaceStep():
                return (*self.branches.race(step, where), *request(self.own, where.shared))
            case FanOutStep():
                return (*self.branches.fan_out(step, where), *request(self.own, where.shared))

    def activity(self, activity: Activity, in_item: bool = False, shared: Shared | None = None) -> Steps:
        """An activity on the workers of its queue."""
        workers = self.workers[activity.task_queue or self.workflow.task_queue]
        how = Scheduled(
            policy=self.workflow.retry,
            retried=self.behaviours.retry_backoff,
            alone=not in_item,
            eager=workers is self.own,
            completion=None if shared is None else self._shared_completion(shared),
        )
        return activity_steps(workers, activity, how)

    def _shared_completion(self, shared: Shared) -> Steps:
        """The result is told of by the workflow task that is scheduled, or by one that it has scheduled."""
        transition = self.store.transition
        beside = Option(attribute=shared.pending, above=0, steps=(transition("activity_completed_beside"),))
        task, beginning = requested(self.own, shared), set_to(shared.pending, 1)
        own = Option(steps=(beginning, transition("activity_completed"), *task))
        return (Branch(branch=(beside, own)),)

    def undo(self, activity: Activity) -> Iterator[Step]:
        """What is remembered as undoing the activity, if anything does."""
        undo = activity.undo
        if undo is not None and self.behaviours.global_saga:
            asked = workflow_task(self.own, "activity_scheduled")
            yield Compensate(compensate=(asked, *self.activity(undo)))

    def wait(self, wait: Wait) -> Steps:
        """The event against the timer, whichever comes first."""
        arrived = (delay(wait.after, "service", f"wait-{wait.signal}"), *self.signalled())
        if wait.timer_ns is None:
            return arrived
        expired = (self.platform.timer(constant(wait.timer_ns)), *self.expired(wait))
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
        close = self.close()
        if self.is_saga:
            return (Saga(saga=(Compensate(compensate=close), *before, *body, *close)),)
        if can_fail(self.workflow, self.behaviours):
            whole = AttemptBody(steps=(*body, *close), on_failure=(*close, fail("workflow_failed")), counted=False)
            return (Attempt(name="workflow", attempt=whole),)
        return (*body, *close)

    def close(self) -> Steps:
        """The workflow task that closes the execution; those that are under way then have nothing to tell any more."""
        task = workflow_task(self.own, "closed")
        return (task, set_to("closed", 1)) if "closed" in self.parts.attributes else (task,)

    def under_way(self, index: int, first_steps: Steps) -> Steps:
        """An execution that stands inside step `index`: what it has behind it, then `first_steps`, then the rest."""
        done = [activity for step in self.workflow.steps[:index] for activity in activities_done(step)]
        marks = tuple(mark(a.effect, once=a.idempotent) for a in done if a.effect is not None)
        before = tuple(step for a in done for step in self.undo(a))
        rest = (*first_steps, *self.body(self.workflow.steps[index + 1 :], Where(path=f"after-{index}")))
        return (*remembered(self.own), *marks, *self._ending_well(before, rest))
