"""Worker pools: pods with slots and pollers that serve a task queue."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.spec import Spec
from sim.units import Cores, Duration, PositiveDuration

Positive = Annotated[int, Field(ge=1)]


class WorkerPool(Spec):
    """The workers of one task queue. Numbers are for each pod; what is left out has the SDK's default."""

    replicas: Positive
    """Pods."""
    cpu_cores: Cores
    """Cores of a pod, shared by the workflow tasks on it."""
    workflow_task_slots: Positive | None = None
    """Workflow tasks at once."""
    activity_slots: Positive | None = None
    """Activities at once."""
    workflow_task_pollers: Positive | None = None
    """Polls for workflow tasks under way at once: with a round trip of 5 ms, two fetch at most 400 tasks a second."""
    activity_pollers: Positive | None = None
    """Polls for activities under way at once."""
    sticky_cache: Positive | None = None
    """Executions whose state a pod keeps; one that is not there is rebuilt from its history."""
    sticky_schedule_to_start_ns: PositiveDuration | None = None
    """How long a workflow task waits for the pod that knows its execution, before any pod may take it."""
    workflow_task_timeout_ns: PositiveDuration | None = None
    """A workflow task that was started and is not done by then is given to another pod."""
    rtt_ns: Duration | None = None
    """Round trip from a pod to the frontend, for workers outside of the platform's own network; a poller is busy for
    as long with each task."""
    start_delay_ns: Duration = 0
    """From the decision to replace a pod that has crashed until the new one polls."""
    node: str | None = None
    """Machine that each pod is billed as: a type of the price catalogue, or a name under `prices.nodes`."""
