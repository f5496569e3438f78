"""Workflows: how often they start and what they do. Steps live in `workflow_steps`, activities in `workload`."""

from __future__ import annotations

from sim.network.names import Name
from sim.network.sources import Arrivals
from sim.scenario.workflow_steps import WorkflowSteps, own_activity, walk
from sim.scenario.workload import Activity, RetryPolicy
from sim.spec import Spec
from sim.units import PositiveDuration


class Workflow(Spec):
    """A kind of workflow: how often it is started, and the steps that each execution takes."""

    arrivals: Arrivals
    """When executions are started: `50/s` for a Poisson process, or one of the arrival processes of a network."""
    task_queue: Name
    """Queue of its workflow tasks, and of its activities where they name none."""
    retry: RetryPolicy | None = None
    """How its activities are tried again, where they do not say."""
    steps: WorkflowSteps
    """What an execution does, one after the other."""
    eager_start: bool = False
    """Whether the client that starts it is a worker of its queue, which takes the first workflow task with the reply
    where it has a free slot."""
    deadline_ns: PositiveDuration | None = None
    """An execution is good when it ends correctly (succeeds or is compensated) within this time; for availability and
    goodput."""

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Every activity that an execution may run, in order, those that compensate included."""
        found: list[Activity] = []
        for _, step in walk(self.steps):
            own = own_activity(step)
            if own is not None:
                found.append(own[1])
                if own[1].undo is not None:
                    found.append(own[1].undo)
        return tuple(found)

    @property
    def is_saga(self) -> bool:
        """Whether anything it does is undone when it fails later."""
        return any(activity.compensate is not None for activity in self.activities)
