"""What one workflow's history says: when tasks were scheduled, started and completed, by the server's own clock.

Reads the JSON of a history as the server exports it (`temporal workflow show --output json`): a list of events with
`eventId`, `eventTime` and one `...EventAttributes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]

CLOSING = {
    "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED",
    "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED",
    "EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT",
    "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED",
    "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED",
}
ENDS_OF_ACTIVITY = {"COMPLETED", "FAILED", "TIMED_OUT", "CANCELED"}
ENDS_OF_TASK = {"COMPLETED", "FAILED", "TIMED_OUT"}


@dataclass(slots=True)
class Task:
    """An activity or a workflow task; times in ns since the epoch, None for what did not happen.

    started_ns, attempt, identity: of the last attempt (the history keeps no others). outcome: `COMPLETED`,
    `FAILED`, `TIMED_OUT`, or empty while it is open.
    """

    scheduled_ns: int
    started_ns: int | None = None
    ended_ns: int | None = None
    attempt: int = 1
    identity: str = ""
    activity_id: str = ""
    outcome: str = ""

    @property
    def schedule_to_start_ms(self) -> float:
        """With all attempts before the last and their back-offs."""
        assert self.started_ns is not None
        return (self.started_ns - self.scheduled_ns) / 1e6

    @property
    def start_to_close_ms(self) -> float:
        """Of the last attempt."""
        assert self.started_ns is not None
        assert self.ended_ns is not None
        return (self.ended_ns - self.started_ns) / 1e6


@dataclass(frozen=True, slots=True)
class History:
    """One workflow. closed_ns: None while it is open; completed: closed well."""

    workflow_id: str
    started_ns: int
    closed_ns: int | None
    completed: bool
    activities: list[Task]
    workflow_tasks: list[Task]
    events: int

    @property
    def e2e_ms(self) -> float:
        """Start to close by the server's clock."""
        assert self.closed_ns is not None
        return (self.closed_ns - self.started_ns) / 1e6


def read(workflow_id: str, events: Sequence[Event]) -> History:
    """The tasks of a history, in the order in which they were scheduled."""
    activities: dict[str, Task] = {}
    workflow_tasks: dict[str, Task] = {}
    closed_ns, completed = None, False
    for event in events:
        kind, at_ns = event["eventType"], nanoseconds(event["eventTime"])
        if kind in CLOSING:
            closed_ns, completed = at_ns, kind == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"
        elif kind.startswith("EVENT_TYPE_ACTIVITY_TASK_"):
            follow(activities, kind.removeprefix("EVENT_TYPE_ACTIVITY_TASK_"), event, at_ns, ENDS_OF_ACTIVITY)
        elif kind.startswith("EVENT_TYPE_WORKFLOW_TASK_"):
            follow(workflow_tasks, kind.removeprefix("EVENT_TYPE_WORKFLOW_TASK_"), event, at_ns, ENDS_OF_TASK)
    return History(
        workflow_id,
        started_ns=nanoseconds(events[0]["eventTime"]),
        closed_ns=closed_ns,
        completed=completed,
        activities=list(activities.values()),
        workflow_tasks=list(workflow_tasks.values()),
        events=len(events),
    )


def follow(tasks: dict[str, Task], change: str, event: Event, at_ns: int, ends: set[str]) -> None:
    """Carry one event of a task into its entry; changes that say nothing of times are passed over."""
    said = attributes(event)
    if change == "SCHEDULED":
        tasks[event["eventId"]] = Task(at_ns, activity_id=said.get("activityId", ""))
    elif change == "STARTED":
        task = tasks[said["scheduledEventId"]]
        task.started_ns, task.attempt, task.identity = at_ns, said.get("attempt", 1), said.get("identity", "")
    elif change in ends:
        task = tasks[said["scheduledEventId"]]
        task.ended_ns, task.outcome = at_ns, change


def attributes(event: Event) -> Mapping[str, Any]:
    """The event's own fields, under the one key that ends in `EventAttributes`."""
    return next((value for key, value in event.items() if key.endswith("EventAttributes")), {})


def nanoseconds(text: str) -> int:
    """ns since the epoch of a timestamp such as 2026-11-26T22:58:28.123456789Z, exactly."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
