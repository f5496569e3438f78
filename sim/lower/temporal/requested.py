"""Commands of a workflow task: what a step requests, what comes back, whether that can fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.lower.sums import mean_count
from sim.scenario.model.platform import Behaviours
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
    WaitStep,
    WorkflowStep,
    flat,
    inside,
    own_activity,
    walk,
)
from sim.scenario.model.workload import Activity


def transition_that_asks(step: WorkflowStep) -> str:
    """The transition by which a workflow task asks for a step."""
    match step:
        case ActivityStep():
            return "activity_scheduled"
        case SleepStep():
            return "timer_started"
        case WaitStep():
            return "wait_started" if step.wait.timer_ns is None else "timer_started"
        case ChildStep():
            return "child_initiated"
        case SequenceStep():
            return transition_that_asks(step.sequence[0])
        case FanOutStep() | ParallelStep() | RaceStep():
            return "commands_scheduled"
        case RepeatStep():
            return "nothing_asked"


def events_requested(step: WorkflowStep) -> int:
    """Events of a step that is asked for together with others; those of branches are counted at each of them."""
    match step:
        case ActivityStep() | SleepStep() | ChildStep():
            return 1
        case WaitStep():
            return 0 if step.wait.timer_ns is None else 1
        case SequenceStep():
            return events_requested(step.sequence[0])
        case FanOutStep() | ParallelStep() | RaceStep() | RepeatStep():
            return 0


def asked_together(steps: Sequence[WorkflowStep]) -> tuple[WorkflowStep, ...]:
    """What the workflow task asks for that begins with these steps: children that nobody waits for, and the first of
    the others."""
    steps = flat(steps)
    others = [index for index, step in enumerate(steps) if not is_beside(step)]
    return steps[: others[0] + 1] if others else steps


def is_beside(step: WorkflowStep) -> bool:
    """Whether the step is a child that nobody waits for."""
    return isinstance(step, ChildStep) and not step.child.wait


def transitions_of(steps: Sequence[WorkflowStep], together: bool = False) -> Iterator[tuple[str, float]]:
    """Every transition that steps make, the workflow tasks that ask for them included, and how often; of a race those
    of all branches.

    together: the first step was asked for together with others.
    """
    beside = 0
    for step in flat(steps):
        if isinstance(step, ActivityStep) and step.activity.local:
            continue
        if is_beside(step):
            beside += 0 if together else 1
            for kind in ("child_started", "child_completed", *("workflow_task_started", "nothing_asked") * 2):
                yield kind, 1.0
            continue
        if together:
            together = False
        elif isinstance(step, RepeatStep):
            yield from _asked_alone(beside)
        else:
            yield "workflow_task_started", 1.0
            yield "commands_scheduled" if beside else transition_that_asks(step), 1.0
        beside = 0
        match step:
            case ActivityStep():
                yield "activity_started", 1.0
                yield "activity_completed", 1.0
            case SleepStep():
                yield "timer_fired", 1.0
            case WaitStep():
                yield "signal_received", 1.0
            case ChildStep():
                yield "child_started", 1.0
                yield "workflow_task_started", 1.0  # for the start, which it tells of
                yield "nothing_asked", 1.0
                yield "child_completed", 1.0
            case RepeatStep():
                times = mean_count(step.repeat.times)
                for kind, number in transitions_of(step.repeat.steps):
                    yield kind, times * number
            case FanOutStep():
                times = mean_count(step.fan_out.items)
                for kind, number in transitions_of(step.fan_out.each, together=True):
                    yield kind, times * number
            case ParallelStep() | RaceStep():
                for _, branch in inside(step):
                    yield from transitions_of(branch, together=True)
    yield from _asked_alone(beside)


def _asked_alone(beside: int) -> Iterator[tuple[str, float]]:
    """The workflow task that asks for so many children that nobody waits for, and for nothing else."""
    if beside:
        yield "workflow_task_started", 1.0
        yield transition_that_asks_beside(beside), 1.0


def transition_that_asks_beside(beside: int) -> str:
    """The transition of that workflow task."""
    return "child_initiated" if beside == 1 else "commands_scheduled"


def events_together(steps: Sequence[WorkflowStep], together: bool = False) -> float:
    """Events of all steps that are asked for together with others, over all items and branches, and of local ones.

    together: the first step is one of them.
    """
    total = float(sum(map(events_requested, asked_together(steps)))) if together else 0.0
    beside = 0
    for step in flat(steps):
        if is_beside(step):
            beside += 0 if together else 1
            continue
        together = False
        if isinstance(step, ActivityStep) and step.activity.local:
            total += 1  # the marker
            continue
        total += events_beside(beside, None if isinstance(step, RepeatStep) else step)
        beside = 0
        if isinstance(step, FanOutStep):
            total += mean_count(step.fan_out.items) * events_together(step.fan_out.each, together=True)
        elif isinstance(step, RepeatStep):
            total += mean_count(step.repeat.times) * events_together(step.repeat.steps)
        else:
            for _, body in inside(step):
                total += events_together(body, together=True)
    return total + events_beside(beside, None)


def events_beside(beside: int, step: WorkflowStep | None) -> int:
    """Events that are counted beside the transition which asks for so many children and a step (None: for no step)."""
    if not beside or (step is None and beside == 1):
        return 0
    return beside + (0 if step is None else events_requested(step))


def activities_done(step: WorkflowStep) -> Iterator[Activity]:
    """The activities that have been done when the step is over; of a race those of the first branch."""
    own = own_activity(step)
    if own is not None:
        yield own[1]
    for index, (_, body) in enumerate(inside(step)):
        if index == 0 or not isinstance(step, RaceStep):
            for below in body:
                yield from activities_done(below)


def can_fail(workflow: Workflow, behaviours: Behaviours, workflows: Mapping[str, Workflow]) -> bool:
    """Whether an execution can fail at all. workflows: all of them, its children included."""
    for _, step in walk(workflow.steps):
        if (
            isinstance(step, ChildStep)
            and step.child.wait
            and can_fail(workflows[step.child.workflow], behaviours, workflows)
        ):
            return True
        if isinstance(step, WaitStep) and step.wait.timer_ns is not None and step.wait.on_timeout == "fail":
            return True
        if isinstance(step, FanOutStep) and isinstance(step.fan_out.join, int):
            return True  # there may be fewer items than are joined
    return any(_activity_can_fail(workflow, activity, behaviours) for activity in workflow.activities)


def _activity_can_fail(workflow: Workflow, activity: Activity, behaviours: Behaviours) -> bool:
    policy = activity.retry or workflow.retry
    return (
        not behaviours.retry_backoff
        or (policy is not None and policy.budget is not None)
        or activity.non_retryable_rate > 0
        or activity.schedule_to_start_ns is not None
        or activity.schedule_to_close_ns is not None
        or (policy is not None and policy.maximum_attempts is not None)
    )
