"""Names of elements that several files speak of. Random draws hang on them: an element that is renamed draws anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


def pods_of(queue: str) -> str:
    """Node group: the pods of the workers, or the executors, of a task queue."""
    return f"{queue}-workers"


def write_of(record: str) -> str:
    """Routine: a write of a record."""
    return f"write-{record}"


@dataclass(frozen=True, slots=True)
class TaskNames:
    """Marks and spans of the tasks of one kind in a task queue, which may be a federated one."""

    queue: str
    kind: Literal["workflow-task", "activity"]

    @property
    def scheduled(self) -> str:
        """Mark: history has a task for the queue."""
        return f"{self.queue}-{self.kind}-scheduled"

    @property
    def started(self) -> str:
        """Mark: a worker is about to work on it."""
        return f"{self.queue}-{self.kind}-started"

    @property
    def running(self) -> str:
        """Mark: the worker of a workflow task has the state of the execution."""
        return f"{self.queue}-{self.kind}-running"

    @property
    def ended(self) -> str:
        """Mark: an attempt of an activity has ended on its worker."""
        return f"{self.queue}-{self.kind}-ended"

    @property
    def retried(self) -> str:
        """Mark and span: an activity is done that took more than one attempt."""
        return f"{self.queue}-{self.kind}-retried"

    @property
    def wait(self) -> str:
        """Span: from the schedule to the start."""
        return f"{self.queue}-{self.kind}-wait"
