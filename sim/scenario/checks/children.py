"""Whether child workflows fit together: who starts whom, in no circle, and what only clients' executions have."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.network.kinds import reached
from sim.scenario.checks.words import unknown
from sim.scenario.model.workflow import Workflow
from sim.scenario.model.workflow_steps import ChildStep, walk
from sim.scenario.scenario import Scenario


def children_problems(scenario: Scenario) -> Iterator[Problem]:
    """Everything about children that does not fit."""
    workflows = scenario.workflows
    starts = _starts(scenario)
    started = {child for children in starts.values() for child in children}
    for name, workflow in workflows.items():
        path: Path = ("workflows", name)
        if workflow.is_child_only and name not in started:
            yield Problem(
                dotted(path), "needs either `arrivals` or a `schedule`: no other starts it", "write   arrivals: 50/s"
            )
        if name in started and workflow.rollout is not None:
            yield Problem(dotted((*path, "rollout")), "is not simulated for a child of another", "leave it out")
        if workflow.is_child_only and workflow.eager_start:
            yield Problem(
                dotted((*path, "eager_start")),
                "is of executions that a client starts; others start this",
                "leave it out",
            )
        for below, child in _children(workflow):
            here = (*path, "steps", *below, "child")
            if child not in workflows:
                yield unknown(here, "one of the workflows", child, workflows)
            elif name in reached([child], starts):
                yield Problem(
                    dotted(here),
                    f"is {child}, which starts {name} in its turn: there would be no end of them",
                    "use   repeat   for what is done again and again",
                )


def _children(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """The children that a workflow starts, each with the path of its step."""
    for below, step in walk(workflow.steps):
        if isinstance(step, ChildStep):
            yield below, step.child.workflow


def _starts(scenario: Scenario) -> dict[str, list[str]]:
    """The children that each workflow starts itself."""
    return {name: [child for _, child in _children(workflow)] for name, workflow in scenario.workflows.items()}
