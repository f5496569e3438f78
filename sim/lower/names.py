"""Names of elements that several files speak of.

Random draws hang on them: an element that is renamed draws anew.
"""

from __future__ import annotations

from typing import Final, Literal


def pods_of(queue: str) -> str:
    """Node group: the pods of the workers, or the executors, of a task queue."""
    return f"{queue}-workers"


def queue_of(group: str) -> str:
    """The task queue that the pods of a node group work for; the group's own name where they work for none."""
    return group.removesuffix(pods_of(""))


def write_of(record: str) -> str:
    """Routine: a write of a record."""
    return f"write-{record}"


class TaskNames:
    """Marks and spans of the tasks of one kind in a task queue, which may be a federated one.

    scheduled, started: marks; `wait` is the span between them. running: mark, the worker of a workflow task has the
    state of the execution. ended: mark, an attempt of an activity has ended on its worker. retried: mark and span, an
    activity is done that took more than one attempt.
    """

    def __init__(self, queue: str, kind: Literal["workflow-task", "activity"]) -> None:
        self.queue: Final = queue
        self.scheduled: Final = f"{queue}-{kind}-scheduled"
        self.started: Final = f"{queue}-{kind}-started"
        self.running: Final = f"{queue}-{kind}-running"
        self.ended: Final = f"{queue}-{kind}-ended"
        self.retried: Final = f"{queue}-{kind}-retried"
        self.wait: Final = f"{queue}-{kind}-wait"


class ExecutorNames:
    """Elements and marks of the executors that work on one queue."""

    def __init__(self, queue: str) -> None:
        self.pods: Final = pods_of(queue)
        self.cpu: Final = f"{queue}-cpu"
        self.interpreter: Final = f"{queue}-interpreter"
        self.executor: Final = f"{queue}-executor"  # affinity: the executor that a workflow belongs to
        self.threads: Final = f"{queue}-executors"
        self.at_once: Final = f"{queue}-threads"  # resource: workflows that the queue lets run
        self.connections: Final = f"{queue}-connections"
        self.enqueued_rows: Final = f"{queue}-queue"
        self.claim: Final = f"{queue}-claim"
        self.starter: Final = f"{queue}-starter"
        self.looker: Final = f"{queue}-looker"
        self.keeper: Final = f"{queue}-keeper"
        self.enqueued: Final = f"{queue}-enqueued"
        self.started: Final = f"{queue}-started"
        self.returned: Final = f"{queue}-returned"
