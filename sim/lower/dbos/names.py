"""Names of the elements of one pool of executors. Random draws hang on them: one that is renamed draws anew."""

from __future__ import annotations

from typing import Final

from sim.lower.names import pods_of


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
