"""Workflows as sources and routines: each step is a workflow task that asks for it, then what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sim.lower.lowered import History
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Compensate,
    DelayStep,
    Fork,
    ForkBody,
    Loop,
    LoopBody,
    Option,
    Race,
    Saga,
    Step,
    Steps,
    add,
    call,
    constant,
    count,
    delay,
    fail,
    forget,
    mark,
    set_to,
)
from sim.lower.stores.base import HISTORY
from sim.lower.temporal.activities import Scheduled, activity_steps, federated_steps, local_work
from sim.lower.temporal.branches import CLOSED, Branches, Where, request, requested
from sim.lower.temporal.children import Children, ChildSide, as_child, by_client, started_as_children
from sim.lower.temporal.dependencies import Dependencies
from sim.lower.temporal.eager import STARTED
from sim.lower.temporal.federation import TaskQueues
from sim.lower.temporal.messages import add_queries, add_updates
from sim.lower.temporal.requested import (
    activities_done,
    can_fail,
    events_beside,
    events_together,
    is_beside,
    transition_that_asks,
    transition_that_asks_beside,
    transitions_of,
)
from sim.lower.temporal.schedules import requested_of, routine_of, ticks
from sim.lower.temporal.workers import READY
from sim.lower.temporal.workflow_tasks import Inside, Shared, Which, remembered, workflow_task
from sim.network.monitors import Span
from sim.network.sources import Source
from sim.scenario.model.platform import Retention
from sim.scenario.model.workflow import Workflow
from sim.scenario.model.workflow_steps import (
    ActivityStep,
    ChildStep,
    FanOutStep,
    ParallelStep,
    RaceStep,
    RepeatStep,
    SequenceStep,
    SleepStep,
    Wait,
    WaitStep,
    WorkflowStep,
    flat,
    walk,
)
from sim.scenario.model.workload import Activity, RetryPolicy
from sim.scenario.reading.document import path_to

STATE_ROWS = 3
"""Rows that a closed execution keeps beside its history: its state, the current run, visibility."""


class WorkflowRoutine:
    """One kind of workflow: its source, its routine, and its routines for executions that are under way.

    begins_ns: when clients begin to start it. own: the workers of its tasks.
    """

    def __init__(
        self, queues: TaskQueues, dependencies: Dependencies, name: str, workflow: Workflow, begins_ns: int = 0
    ) -> None:
        self.queues = queues
        self.dependencies = dependencies
        self.name = name
        self.workflow = workflow
        self.begins_ns = begins_ns
        context = self.context = queues.context
        self.parts, self.constants = context.parts, context.constants
        self.platform, self.store = queues.platform, queues.platform.store
        self.behaviours, self.workflows = context.scenario.behaviours, context.scenario.workflows
        self.own = queues.pools[workflow.task_queue]
        self.is_saga = workflow.is_saga and self.behaviours.global_saga
        self.branches = Branches(self.own, self.body)
        children = started_as_children(context.scenario)
        self.is_child = name in children
        self.may_be_cancelled = "request_cancel" in children.get(name, ())
        self.children = Children(self.own, [one for one in children if not self.workflows[one].is_child_only])

    def add(self) -> None:
        """Put source, routine and spans in place."""
        name, parts = self.name, self.parts
        if self.workflow.is_saga and not self.is_saga:
            # Monitors may ask about these effects, which never happen.
            effects = {undo.effect for a in self.workflow.activities if (undo := a.undo) is not None and undo.effect}
            parts.routines[f"{name}-never-undone"] = tuple(mark(effect) for effect in sorted(effects))
        if not self.workflow.is_child_only:
            self._add_load()
        if self.workflow.is_child_only or (self.is_child and self.routine != name):
            parts.routines[name] = self._whole(())
        if self.workflow.queries is not None:
            # An execution that is open has half of its history behind it on average.
            add_queries(self.own, name, self.workflow.queries, self._events_at_the_end() // 2)
        if self.workflow.updates_per_s is not None:
            add_updates(self.own, name, self.workflow.updates_per_s)

    def _add_load(self) -> None:
        """The source, the routine of what it starts, and how long a start takes."""
        name, parts = self.name, self.parts
        whole = self._whole(self._request(), is_child=self.is_child and self.routine == name)
        schedule, rollout = self.workflow.schedule, self.workflow.rollout
        if schedule is not None:
            whole = ticks(self.context, name, schedule, whole)
        parts.routines[self.routine] = whole
        parts.sources[name] = Source(
            routine=self.routine,
            arrivals=self.workflow.load,
            start_ns=self.begins_ns,
            stop_ns=None if rollout is None else rollout.at_ns,
        )
        parts.spans[f"{name}-start"] = Span(start=requested_of(name), end=self.accepted, metric=f"start.{name}")

    @property
    def routine(self) -> str:
        """Name of the routine that the source runs."""
        return routine_of(self.name, self.workflow.schedule)

    @property
    def accepted(self) -> str:
        """Mark: the start of an execution is durable."""
        return f"{self.name}-accepted"

    @property
    def routines(self) -> tuple[str, ...]:
        """Names of all routines that executions of it run: a loop of a schedule, and what a child of others does."""
        by_source = () if self.workflow.is_child_only else (self.routine,)
        return tuple(dict.fromkeys((*by_source, self.name) if self.is_child else by_source))

    def _whole(self, request: Steps, is_child: bool = True) -> Steps:
        """What an execution does. request: of a client, where one starts it. is_child: so may a parent."""
        steps = self.workflow.steps
        if not is_child:
            return (*request, *self._unless_replaced(self._ending_well((), steps, Where(first=True))))
        side = ChildSide(self.own, self.name)
        if not request:
            return (*self._ending_well((), steps, Where(first=True), side.started()), side.ended())
        whole = self._ending_well((), steps, Where(first=True), (as_child(side.started()),))
        return (by_client(*request), *whole, as_child((side.ended(),)))

    def _request(self) -> Steps:
        """The start, until it is durable; one that comes too late is left out where a schedule says so."""
        request: Steps = (*self.platform.start(), self.store.transition("create"))
        schedule = self.workflow.schedule
        if schedule is not None and schedule.catchup_window_ns is not None:
            missed = (count(missed_start=1), fail("start_missed"))
            window_ns = schedule.catchup_window_ns
            body = AttemptBody(steps=request, schedule_to_close_ns=window_ns, on_failure=missed, counted=False)
            request = (Attempt(name="catch-up", attempt=body),)
        eager = (set_to(STARTED, 1),) if self.workflow.eager_start else ()
        return (mark(requested_of(self.name)), mark(READY), *request, mark(self.accepted), *eager)

    def _unless_replaced(self, steps: Steps) -> Steps:
        """The steps; without versions they end where new code takes the place of the old."""
        rollout = self.workflow.rollout
        if rollout is None or self.behaviours.versioning:
            return steps
        self.constants.record_assumption(
            "executions that meet new code which their history does not fit to",
            "fail at the rollout; Temporal's stand still from their next workflow task on, until somebody resets them",
        )
        replaced = DelayStep(delay=constant(1), kind="timer", grid_ns=rollout.at_ns)
        return (Race(name="replaced", race=(steps, (replaced, fail("nondeterminism")))),)

    def history(self, retention: Retention) -> History:
        """What an execution that goes through all steps leaves behind: 6n + 5 events for n activities in a row."""
        events = self._events_at_the_end()
        if not self.behaviours.event_sourcing:
            events = 1  # the last state alone
        size: float = events * self.constants.number("temporal.event_bytes") + retention.payload_bytes
        rows: float = STATE_ROWS + self._of_transitions(lambda kind: self.constants.transition(kind).append)
        return History(round(size), retention.closed_ns, round(rows))

    def _events_at_the_end(self) -> int:
        together = events_together(self.workflow.steps)
        return self._of_transitions(lambda kind: self.constants.transition(kind).events, together)

    def _of_transitions(self, number: Callable[[str], int], besides: float = 0.0) -> int:
        """The sum over all transitions of an execution that goes through all steps, and something besides."""
        kinds = ["create", "first_workflow_task_started", "closed"]
        begins = flat(self.workflow.steps)[0]
        if isinstance(begins, RepeatStep) and not begins.repeat.at_once:
            kinds += ["nothing_asked", "workflow_task_started"]  # the task that begins the rounds
        found = sum(map(number, kinds))
        return found + round(
            besides + sum(times * number(kind) for kind, times in transitions_of(self.workflow.steps))
        )

    # -- steps ------------------------------------------------------------------------------------------------

    def body(self, steps: Sequence[WorkflowStep], where: Where) -> Steps:
        """The steps, each behind the workflow task that asks for it, unless one asked for several at once."""
        found: list[Step] = []
        inside: list[Activity] = []
        beside: list[Step] = []
        steps = flat(steps)
        for index, step in enumerate(steps):
            here = replace(where, path=f"{where.path}-{index}" if where.path else str(index))
            if isinstance(step, ActivityStep) and step.activity.local:
                inside.append(step.activity)
                continue
            if isinstance(step, ChildStep) and is_beside(step):
                # One that was asked for with others has been so with what follows it.
                (found if where.together else beside).append(self.children.beside(step.child))
                continue
            if index + 1 < len(steps):
                here = replace(here, shared=None)
            if isinstance(step, RepeatStep) and step.repeat.at_once and where.first and not inside and not beside:
                found += self.repeat_at_once(step, here)
                where = replace(where, first=False, together=False)
                continue
            if isinstance(step, RepeatStep):
                if where.first or inside or beside:
                    found += self._asking(None, where.first, inside, beside)
                    inside, beside = [], []
                where = replace(where, first=False, together=False)
                found += self.repeat(step, here)
                continue
            if not where.together:
                found += self._asking(step, where.first, inside, beside)
                inside, beside = [], []
            where = replace(where, first=False, together=False)
            found += self.one(step, here)
        if inside or beside:
            found += self._asking(None, where.first, inside, beside)
        return tuple(found)

    def _asking(
        self, step: WorkflowStep | None, first: bool, local: Sequence[Activity], beside: Sequence[Step]
    ) -> Steps:
        """A workflow task that asks for a step, or for none; and beside it for children that nobody waits for."""
        number = len(beside)
        if not number:
            return self.requesting_task("nothing_asked" if step is None else transition_that_asks(step), first, local)
        ending = transition_that_asks_beside(number) if step is None else "commands_scheduled"
        events = events_beside(number, step)
        counted = (add(HISTORY, events),) if events else ()
        return (*self.requesting_task(ending, first, local), *counted, *beside)

    def _which(self, first: bool) -> Which:
        if not first:
            return "later"
        return "eager" if self.workflow.eager_start else "first"

    def requesting_task(self, ending: str, first: bool, local: Sequence[Activity]) -> Steps:
        """A workflow task that runs local activities, and what undoes them."""
        inside = None
        if local:
            steps = tuple(step for one in local for step in local_work(self.own, one, self._scheduled(one)))
            inside = Inside(f"{self.name}-{'-'.join(one.name for one in local)}", steps, len(local))
        task = workflow_task(self.own, ending, self._which(first), inside=inside)
        return (task, *(step for one in local for step in self.undo(one)))

    def one(self, step: WorkflowStep, where: Where) -> Steps:
        """One step that has been asked for."""
        match step:
            case ActivityStep():
                return (*self.activity(step.activity, where.in_item, where.shared), *self.undo(step.activity))
            case WaitStep():
                return (*self.wait(step.wait), *request(self.own, where.shared))
            case SleepStep():
                return (self.platform.timer(step.sleep), *self.fired(), *request(self.own, where.shared))
            case ChildStep():
                return self.children.awaited(step.child, where)
            case ParallelStep():
                return (*self.branches.parallel(step, where), *request(self.own, where.shared))
            case RaceStep():
                return (*self.branches.race(step, where), *request(self.own, where.shared))
            case FanOutStep():
                return (*self.branches.fan_out(step, where), *request(self.own, where.shared))
            case SequenceStep() | RepeatStep():
                raise AssertionError("sequences are written out, and rounds ask for their own steps")

    def repeat(self, step: RepeatStep, where: Where) -> Steps:
        """Rounds; between two of them the execution may go on in a new run."""
        one = replace(where, together=False, shared=None, first=False)
        rounds = (*self.body(step.repeat.steps, one), *(() if where.beside else self.continued()))
        loop = Loop(name=f"repeat-{where.path}", loop=LoopBody(times=step.repeat.times, steps=rounds))
        return (loop, *request(self.own, where.shared))

    def repeat_at_once(self, step: RepeatStep, where: Where) -> Steps:
        """Rounds whose first one is asked for by the first workflow task."""
        first = self.body(step.repeat.steps, replace(where, shared=None))
        routine = self.parts.add_routine(f"{self.name}-first-round", (*first, *self.continued()))
        assert isinstance(step.repeat.times, int), "checked: at_once goes with a number"
        left = step.repeat.model_copy(update={"times": step.repeat.times - 1})
        return (call(routine), *self.repeat(step.model_copy(update={"repeat": left}), where))

    def continued(self) -> Steps:
        """The next run, when the history of this one is long enough: with an empty history, known to no pod."""
        if self.workflow.continue_as_new is None:
            return ()
        anew = (
            workflow_task(self.own, "continued_as_new"),
            count(continued_as_new=1),
            set_to(HISTORY, self.constants.transition("create").events),
            forget(self.own.sticky),
            set_to(self.own.sticky, 0),
        )
        return (Branch(branch=(Option(attribute=HISTORY, above=self.workflow.continue_as_new - 0.5, steps=anew),)),)

    def activity(self, activity: Activity, in_item: bool = False, shared: Shared | None = None) -> Steps:
        """An activity on the workers of its queue."""
        queue = activity.task_queue or self.workflow.task_queue
        how = self._scheduled(activity, in_item, shared)
        if queue in self.queues.federated:
            return federated_steps(self.queues.federated[queue], activity, how)
        return activity_steps(self.queues.pools[queue], activity, how)

    def _scheduled(self, activity: Activity, in_item: bool = False, shared: Shared | None = None) -> Scheduled:
        on = self.behaviours
        return Scheduled(
            workflow=self.name,
            path="" if activity.transaction is None else path_to(self.workflows, activity, "workflows"),
            dependencies=self.dependencies,
            policy=self.workflow.retry or RetryPolicy(),
            retried=on.retry_backoff,
            alone=not in_item,
            eager=(activity.task_queue or self.workflow.task_queue) == self.workflow.task_queue,
            checkpoint=on.checkpoint,
            beats=on.heartbeat,
            completion=None if shared is None else self._shared_completion(shared),
        )

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
            requesting_task = workflow_task(self.own, "activity_scheduled")
            yield Compensate(compensate=(requesting_task, *self.activity(undo)))

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

    def _ending_well(
        self, before: Steps, steps: Sequence[WorkflowStep], where: Where, inside_first: Steps = ()
    ) -> Steps:
        """The steps with the workflow task that closes the execution, after a failure as well.

        before: what is to be undone already. inside_first: what is left of the step that the execution stands in. The
        last workflow task, which runs the local activities before it, is what a saga undoes last.
        """
        steps = flat(steps)
        last = _local_at_the_end(steps)
        others = steps[: len(steps) - len(last)]
        steps_and_close = (
            *inside_first,
            *self.body(others, where),
            *self.close(where.first and not others, last),
        )
        if self.may_be_cancelled:  # whatever is under way is a job that stops, and takes nothing up
            steps_and_close = (Fork(name="until-cancelled", fork=ForkBody(branches=(steps_and_close,))),)
        if self.is_saga:
            return (Saga(saga=(Compensate(compensate=self.close()), *before, *steps_and_close)),)
        if self.may_be_cancelled or can_fail(self.workflow, self.behaviours, self.workflows):
            failed = (*self.close(), fail("workflow_failed"))
            whole = AttemptBody(steps=steps_and_close, on_failure=failed, counted=False)
            return (Attempt(name="workflow", attempt=whole),)
        return steps_and_close

    def close(self, first: bool = False, local: Sequence[Activity] = ()) -> Steps:
        """The workflow task that closes the execution; those that are under way then have nothing to tell any more."""
        task = self.requesting_task("closed", first, local)
        return (*task, set_to(CLOSED, 1)) if self.shares_tasks or self.is_child else task

    @property
    def shares_tasks(self) -> bool:
        """Whether results that come together share workflow tasks, so that one may come when all is closed."""
        return any(
            isinstance(step, ParallelStep | ChildStep)
            or (isinstance(step, FanOutStep) and self.behaviours.dynamic_fanout)
            for _, step in walk(self.workflow.steps)
        )

    def under_way(self, index: int, first_steps: Steps) -> Steps:
        """An execution that stands inside step `index`: what it has behind it, then `first_steps`, then the rest."""
        done = [activity for step in self.workflow.steps[:index] for activity in activities_done(step)]
        marks = tuple(mark(a.effect, once=a.idempotent) for a in done if a.effect is not None)
        before = tuple(step for a in done for step in self.undo(a))
        rest = self._ending_well(before, self.workflow.steps[index + 1 :], Where(path=f"after-{index}"), first_steps)
        return (*remembered(self.own), *marks, *self._unless_replaced(rest))


def _local_at_the_end(steps: Sequence[WorkflowStep]) -> list[Activity]:
    """The local activities with which the steps end."""
    found: list[Activity] = []
    for step in reversed(steps):
        if not isinstance(step, ActivityStep) or not step.activity.local:
            break
        found.insert(0, step.activity)
    return found
