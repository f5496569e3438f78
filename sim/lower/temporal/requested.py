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


def transitions_of(steps: Sequence[WorkflowStep], together: bool = False) -> Iterator[tuple[str, float]]:
    """Every transition that steps make, the workflow tasks that ask for them included, and how often; of a race those
    of all branches.

    together: the first step was asked for together with others.
    """
    for step in flat(steps):
        if isinstance(step, ActivityStep) and step.activity.local:
            continue
        if together:
            together = False
        elif not isinstance(step, RepeatStep):
            yield "workflow_task_started", 1.0
            yield transition_that_asks(step), 1.0
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


def events_together(steps: Sequence[WorkflowStep]) -> float:
    """Events of all steps that are asked for together with others, over all items and branches, and of local ones."""
    total = 0.0
    for step in flat(steps):
        if isinstance(step, ActivityStep) and step.activity.local:
            total += 1  # the marker
        elif isinstance(step, FanOutStep):
            each = step.fan_out.each
            total += mean_count(step.fan_out.items) * (events_requested(each[0]) + events_together(each))
        elif isinstance(step, RepeatStep):
            total += mean_count(step.repeat.times) * events_together(step.repeat.steps)
        else:
            for _, body in inside(step):
                total += events_together(body) + events_requested(body[0])
    return total


def children_of(steps: Sequence[WorkflowStep]) -> Iterator[tuple[str, float]]:
    """The workflows that the steps start as children, and how many of each; of a race those of all branches."""
    for step in steps:
        if isinstance(step, ChildStep):
            yield step.child.workflow, 1.0
        times = 1.0
        if isinstance(step, RepeatStep):
            times = mean_count(step.repeat.times)
        elif isinstance(step, FanOutStep):
            times = mean_count(step.fan_out.items)
        for _, body in inside(step):
            for name, number in children_of(body):
                yield name, times * number


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
    if any(can_fail(workflows[child], behaviours, workflows) for child, _ in children_of(workflow.steps)):
        return True
    for _, step in walk(workflow.steps):
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
