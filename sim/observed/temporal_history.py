"""Workflow histories of Temporal become observations.

What a history can tell: the server writes the start of an activity only when its last attempt is over. So of one with
several attempts only the last one's times are known, and not how long the first one waited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.observed.table import Kinds, Observations
from sim.observed.temporal_events import Event, histories
from sim.observed.temporal_shape import ActivityType, WorkflowType, steps_of

CLOSED = {
    "WorkflowExecutionCompleted": "completed",
    "WorkflowExecutionFailed": "failed",
    "WorkflowExecutionTimedOut": "timed_out",
    "WorkflowExecutionCanceled": "canceled",
    "WorkflowExecutionTerminated": "terminated",
    "WorkflowExecutionContinuedAsNew": "continued_as_new",
}
"""The last event of a history, and how the execution ended."""


def read_histories(paths: Sequence[Path]) -> Observations:
    """The histories in these files.

    Kinds, durations in ns: `latency.workflow.TYPE` of closed ones; `schedule_to_start.workflow_task`;
    `start_to_close.workflow_task`; `schedule_to_start.activity.NAME` of those that needed one attempt;
    `start_to_close.activity.NAME` of the last attempt, cut where a timeout ended it; `lateness.timer`: how long after
    its time a timer fired. Counts: `count.started.TYPE`, `count.attempts.activity.NAME`,
    `count.timed_out.workflow_task`. Facts: `workflows`, `activities`: by type (`sim.observed.temporal_shape`);
    `workers`: how many names workers had, by task queue; `sdks`: as they call themselves. Raises InputErrors.
    """
    reading = _Reading()
    for path in paths:
        for events in histories(path):
            reading.take(events)
    workers = {queue: len(names) for queue, names in reading.workers.items()}
    facts = {"workflows": reading.workflows, "activities": reading.activities, "workers": workers}
    facts["sdks"] = sorted(reading.sdks - {""})
    return Observations("Temporal workflow histories", reading.kinds.samples(), {}, facts, tuple(reading.notes()))


@dataclass(slots=True)
class _Reading:
    """What has been collected so far."""

    kinds: Kinds = field(default_factory=Kinds)
    workflows: dict[str, WorkflowType] = field(default_factory=dict)
    activities: dict[str, ActivityType] = field(default_factory=dict)
    workers: dict[str, set[str]] = field(default_factory=dict)
    sdks: set[str] = field(default_factory=set)

    def take(self, events: Sequence[Event]) -> None:
        """One more history."""
        first, last = events[0], events[-1]
        kind = first.name("workflowType")
        workflow = self.workflows.setdefault(kind, WorkflowType(first.name("taskQueue")))
        workflow.add(CLOSED.get(last.kind, "open"), *steps_of(events))
        begin_ns = first.t_ns + first.length_ns("firstWorkflowTaskBackoff")
        self.kinds.add(f"count.started.{kind}", begin_ns, 1)
        if last.kind in CLOSED:
            self.kinds.add(f"latency.workflow.{kind}", begin_ns, last.t_ns - begin_ns)
        by_id = {event.id: event for event in events}
        started = {event.scheduled_by: event for event in events if event.kind.endswith("TaskStarted")}
        for event in events:
            scheduled = by_id.get(event.scheduled_by)
            if event.kind == "TimerFired":
                self._take_timer(by_id[event.started_by], event)
            elif scheduled is not None and event.kind.startswith("WorkflowTask"):
                self._take_workflow_task(event, scheduled, started.get(scheduled.id), workflow.task_queue)
            elif scheduled is not None and event.kind.startswith("ActivityTask"):
                self._take_activity(event, scheduled, started.get(scheduled.id))

    def _take_timer(self, begun: Event, fired: Event) -> None:
        late_ns = fired.t_ns - begun.t_ns - begun.length_ns("startToFireTimeout")
        self.kinds.add("lateness.timer", begun.t_ns, late_ns)

    def _take_workflow_task(self, event: Event, scheduled: Event, started: Event | None, queue: str) -> None:
        if event.kind == "WorkflowTaskStarted":
            self.kinds.add("schedule_to_start.workflow_task", scheduled.t_ns, event.t_ns - scheduled.t_ns)
            self._saw(queue, event)
        elif event.kind == "WorkflowTaskCompleted" and started is not None:
            self.kinds.add("start_to_close.workflow_task", started.t_ns, event.t_ns - started.t_ns)
            self.sdks.add(str(event.attributes.get("sdkMetadata", {}).get("sdkName", "")))
        elif event.kind == "WorkflowTaskTimedOut":
            self.kinds.add("count.timed_out.workflow_task", scheduled.t_ns, 1)

    def _take_activity(self, event: Event, scheduled: Event, started: Event | None) -> None:
        name = scheduled.name("activityType")
        activity = self.activities.get(name)
        if activity is None:
            activity = self.activities[name] = ActivityType.of(scheduled)
        attempt = 1 if started is None else int(started.attributes.get("attempt", 1))
        if event.kind == "ActivityTaskStarted":
            self._saw(activity.task_queue, event)
            if attempt == 1:
                self.kinds.add(f"schedule_to_start.activity.{name}", scheduled.t_ns, event.t_ns - scheduled.t_ns)
        elif event.kind != "ActivityTaskCancelRequested":
            activity.outcomes[event.kind.removeprefix("ActivityTask").lower()] += 1
            activity.attempts[attempt] += 1
            self.kinds.add(f"count.attempts.activity.{name}", scheduled.t_ns, attempt)
            cut = event.kind == "ActivityTaskTimedOut"
            if started is not None and (cut or event.kind == "ActivityTaskCompleted"):
                self.kinds.add(f"start_to_close.activity.{name}", started.t_ns, event.t_ns - started.t_ns, cut)

    def _saw(self, queue: str, started: Event) -> None:
        self.workers.setdefault(queue, set()).add(str(started.attributes.get("identity", "")))

    def notes(self) -> list[str]:
        """What the reader of the figures must know."""
        found = []
        count = sum(sum(one.outcomes.values()) for one in self.workflows.values())
        still_open = sum(one.outcomes["open"] for one in self.workflows.values())
        if still_open:
            found.append(f"{still_open} of {count} workflows are open: they count as started and have no latency")
        for name, one in self.activities.items():
            retried = sum(number for attempts, number in one.attempts.items() if attempts > 1)
            if retried:
                found.append(f"{name}: {retried} were tried again; a history has the times of the last attempt only")
        overlapping = sum(one.overlapping for one in self.workflows.values())
        if overlapping:
            found.append(
                f"in {overlapping} of {count} histories branches overlap; as steps in turn they are simplified"
            )
        return found
