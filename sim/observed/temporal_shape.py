"""What kind of workflow a history is of: its steps, and how its activities are run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

from sim.observed.moments import length_ns
from sim.observed.temporal_events import Event


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
        tries = sum(attempts * count for attempts, count in self.attempts.items())
        failed = tries - sum(self.attempts.values()) + self.outcomes["failed"]
        return failed / tries if tries else 0.0


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
    if event.kind == "ActivityTaskScheduled":
        return Step("activity", event.name("activityType"))
    if event.kind == "StartChildWorkflowExecutionInitiated":
        return Step("child", event.name("workflowType"))
    if event.kind == "TimerStarted":
        return Step("timer", timer_ns=event.length_ns("startToFireTimeout"))
    return None


def _ended(event: Event) -> int:
    """The number of the event that began what ends here; 0 where nothing does."""
    if event.kind.startswith("ActivityTask") and event.kind != "ActivityTaskStarted":
        return event.scheduled_by
    if event.kind.startswith("ChildWorkflowExecution") and event.kind != "ChildWorkflowExecutionStarted":
        return int(event.attributes.get("initiatedEventId", 0))
    return event.started_by if event.kind == "TimerFired" else 0
