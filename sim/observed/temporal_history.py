"""Workflow histories of Temporal become observations: events, the steps of each workflow, the times of each kind.

Histories are as `temporal workflow show --output json` and the SDKs' `to_json` write them: one a file, one a line, or
a list of them; a list of events is one history, too. Source: Temporal API, message HistoryEvent,
temporal/api/history/v1/message.proto, read 2026-11.

What a history can tell: the server writes the start of an activity only when its last attempt is over. So of one with
several attempts only the last one's times are known, and not how long the first one waited.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from sim.observed.table import Kinds, Observations
from sim.observed.text import instant_ns, json_lines, length_ns, refused

_HINT = "write   temporal workflow show --workflow-id ID --output json > FILE"
_PREFIX = "EVENT_TYPE_"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its number, what it is (`ActivityTaskStarted`), when, and its attributes."""

    id: int
    kind: str
    t_ns: int
    attributes: Mapping[str, Any]

    @property
    def scheduled_by(self) -> int:
        """The number of the event that scheduled what this one is about; 0 where there is none."""
        return int(self.attributes.get("scheduledEventId", 0))

    @property
    def started_by(self) -> int:
        """The number of the event that started what this one is about; 0 where there is none."""
        return int(self.attributes.get("startedEventId", 0))

    def name(self, key: str) -> str:
        """The name inside an attribute such as `activityType`."""
        return str(self.attributes.get(key, {}).get("name", ""))

    def length_ns(self, key: str) -> int:
        """An attribute that is a length of time; 0 where it is not set."""
        return length_ns(self.attributes.get(key, "0s"))


def is_history(data: Any) -> bool:
    """Whether a JSON value is a history."""
    return isinstance(data, dict) and bool(
        {"events", "eventType"} & set(data) or "events" in (data.get("history") or {})
    )


def histories(path: Path) -> Iterator[list[Event]]:
    """The events of each history in a file. Raises InputErrors."""
    for line, data in json_lines(path):
        if isinstance(data, list) and data and isinstance(data[0], dict) and "eventType" in data[0]:
            data = {"events": data}
        for one in data if isinstance(data, list) else [data]:
            if not is_history(one):
                raise refused(path, "is no workflow history: `events` is expected", _HINT, line)
            yield _events(path, line, one.get("history", one)["events"])


def _events(path: Path, line: int, rows: list[dict[str, Any]]) -> list[Event]:
    events = []
    for number, row in enumerate(rows, 1):
        try:
            attributes: Mapping[str, Any] = next(
                (value for key, value in row.items() if key.endswith("EventAttributes")), {}
            )
            events.append(
                Event(int(row["eventId"]), _kind_of(row["eventType"]), instant_ns(row["eventTime"]), attributes)
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"has no `{error.args[0]}`" if isinstance(error, KeyError) else str(error)
            raise refused(path, f"event {number} of the history: {what}", _HINT, line) from None
    if not events or events[0].kind != "WorkflowExecutionStarted":
        raise refused(path, "the history does not begin with WorkflowExecutionStarted", _HINT, line)
    return events


def _kind_of(name: Any) -> str:
    """`TimerFired` of EVENT_TYPE_TIMER_FIRED and, as older exports write it, TimerFired."""
    if not isinstance(name, str):
        raise ValueError(f"`eventType` is {json.dumps(name)}; a name such as {_PREFIX}TIMER_FIRED is expected")
    if not name.startswith(_PREFIX):
        return name
    return "".join(word.capitalize() for word in name.removeprefix(_PREFIX).split("_"))


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """What a workflow does at once: an activity, a child workflow, or a timer of so many ns."""

    kind: Literal["activity", "child", "timer"]
    name: str = ""
    timer_ns: int = 0


Steps = tuple[tuple[Step, ...], ...]
"""In turn; those in one group are begun together and run in parallel."""


@dataclass(slots=True)
class WorkflowType:
    """All histories of one type.

    outcomes: how many were `completed`, `failed`, ... `open`. steps: how often a completed one took which steps.
    overlapping: how many began a step while one of an earlier group was under way.
    """

    task_queue: str
    outcomes: Counter[str] = field(default_factory=Counter)
    steps: Counter[Steps] = field(default_factory=Counter)
    overlapping: int = 0

    @property
    def usual(self) -> Steps:
        """The steps that most completed histories took; none where none was completed."""
        return self.steps.most_common(1)[0][0] if self.steps else ()

    def add(self, outcome: str, steps: Steps, overlaps: bool) -> None:
        """One more history."""
        self.outcomes[outcome] += 1
        self.overlapping += overlaps
        if outcome == "completed":
            self.steps[steps] += 1


@dataclass(slots=True)
class ActivityType:
    """How the activities of one name are run: options of the first one seen, times in ns, 0 where they are not set."""

    task_queue: str
    start_to_close_ns: int
    heartbeat_ns: int
    initial_interval_ns: int
    backoff_coefficient: float
    maximum_attempts: int
    outcomes: Counter[str] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, scheduled: Event) -> Self:
        """From the event that scheduled one."""
        retry = scheduled.attributes.get("retryPolicy", {})
        return cls(
            scheduled.name("taskQueue"),
            scheduled.length_ns("startToCloseTimeout"),
            scheduled.length_ns("heartbeatTimeout"),
            length_ns(retry.get("initialInterval", "0s")),
            float(retry.get("backoffCoefficient", 0)),
            int(retry.get("maximumAttempts", 0)),
        )

    @property
    def failure_share(self) -> float:
        """Attempts that failed, of all: all but the last of an activity, and that too where the activity failed."""
        all_attempts = sum(attempts * count for attempts, count in self.attempts.items())
        failed = all_attempts - sum(self.attempts.values()) + self.outcomes["failed"]
        return failed / all_attempts if all_attempts else 0.0


def steps_of(events: Sequence[Event]) -> tuple[Steps, bool]:
    """The steps of a history, and whether one was begun while one of an earlier group was under way.

    Steps are grouped by the workflow task that asked for them. Cancelled timers waited for something else and are left
    out, as are local activities, signals and queries, of which a history has no step.
    """
    cancelled = {event.started_by for event in events if event.kind == "TimerCanceled"}
    groups: dict[int, list[Step]] = {}
    under_way: dict[int, int] = {}
    overlaps = False
    for event in events:
        step = None if event.id in cancelled else _step(event)
        if step is not None:
            task = int(event.attributes.get("workflowTaskCompletedEventId", 0))
            overlaps |= any(other != task for other in under_way.values())
            groups.setdefault(task, []).append(step)
            under_way[event.id] = task
        else:
            under_way.pop(_ended(event), None)
    return tuple(tuple(sorted(group)) for _, group in sorted(groups.items())), overlaps


def _step(event: Event) -> Step | None:
    match event.kind:
        case "ActivityTaskScheduled":
            return Step("activity", event.name("activityType"))
        case "StartChildWorkflowExecutionInitiated":
            return Step("child", event.name("workflowType"))
        case "TimerStarted":
            return Step("timer", timer_ns=event.length_ns("startToFireTimeout"))
    return None


def _ended(event: Event) -> int:
    """The number of the event that began what ends here; 0 where nothing does."""
    if event.kind.startswith("ActivityTask") and event.kind != "ActivityTaskStarted":
        return event.scheduled_by
    if event.kind.startswith("ChildWorkflowExecution") and event.kind != "ChildWorkflowExecutionStarted":
        return int(event.attributes.get("initiatedEventId", 0))
    return event.started_by if event.kind == "TimerFired" else 0


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
    `count.timed_out.workflow_task`. Facts: `workflows`, `activities`: by type (`sim.observed.temporal_history`);
    `workers`: how many names workers had, by task queue; `sdks`: as they call themselves. Raises InputErrors.
    """
    reading = _Reading()
    for path in paths:
        for events in histories(path):
            reading.take(events)
    facts = {
        "workflows": reading.workflows,
        "activities": reading.activities,
        "workers": {queue: len(names) for queue, names in reading.workers.items()},
        "sdks": sorted(reading.sdks - {""}),
    }
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
                begun = by_id[event.started_by]
                late_ns = event.t_ns - begun.t_ns - begun.length_ns("startToFireTimeout")
                self.kinds.add("lateness.timer", begun.t_ns, late_ns)
            elif scheduled is not None and event.kind.startswith("WorkflowTask"):
                self._take_workflow_task(event, scheduled, started.get(scheduled.id), workflow.task_queue)
            elif scheduled is not None and event.kind.startswith("ActivityTask"):
                self._take_activity(event, scheduled, started.get(scheduled.id))

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
        if name not in self.activities:
            self.activities[name] = ActivityType.of(scheduled)
        activity = self.activities[name]
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

    def notes(self) -> Iterator[str]:
        """What the reader of the figures must know."""
        count = sum(sum(one.outcomes.values()) for one in self.workflows.values())
        still_open = sum(one.outcomes["open"] for one in self.workflows.values())
        if still_open:
            yield f"{still_open} of {count} workflows are open: they count as started and have no latency"
        for name, one in self.activities.items():
            retried = sum(number for attempts, number in one.attempts.items() if attempts > 1)
            if retried:
                yield f"{name}: {retried} were tried again; a history has the times of the last attempt only"
        overlapping = sum(one.overlapping for one in self.workflows.values())
        if overlapping:
            yield f"in {overlapping} of {count} histories branches overlap; as steps in turn they are simplified"
