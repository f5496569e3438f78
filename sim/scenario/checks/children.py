"""Whether child workflows fit together: who starts whom, in no circle, and what many at once cannot have."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.network.kinds import reached
from sim.scenario.checks.words import unknown
from sim.scenario.model.workflow import Workflow
from sim.scenario.model.workflow_steps import ChildStep, FanOutStep, walk
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
        if workflow.is_child_only:
            for key, value in (("deadline", workflow.deadline_ns), ("eager_start", workflow.eager_start or None)):
                if value is not None:
                    yield Problem(
                        dotted((*path, key)),
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
            elif "fan_out" in below:
                yield from _many(scenario, child, here)


def _many(scenario: Scenario, child: str, here: Path) -> Iterator[Problem]:
    """What a child cannot have, itself or in its own children, when many of it run in one parent."""
    for name in sorted(reached([child], _starts(scenario))):
        if name not in scenario.workflows:
            continue
        workflow = scenario.workflows[name]
        found = []
        if workflow.continue_as_new is not None:
            found.append("`continue_as_new`")
        if any(activity.chunks is not None for activity in workflow.activities):
            found.append("`chunks`")
        if any(
            isinstance(one, FanOutStep) and one.fan_out.failures == "gather_all" for _, one in walk(workflow.steps)
        ):
            found.append("`failures: gather_all`")
        for what in found:
            yield Problem(
                dotted(here),
                f"is one of many at once, and {name} has {what}, which is not kept for each of them",
                "start them one after the other (`repeat`), or as executions with `arrivals`",
            )


def _children(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """The children that a workflow starts, each with the path of its step."""
    for below, step in walk(workflow.steps):
        if isinstance(step, ChildStep):
            yield below, step.child.workflow


def _starts(scenario: Scenario) -> dict[str, list[str]]:
    """The children that each workflow starts itself."""
    return {name: [child for _, child in _children(workflow)] for name, workflow in scenario.workflows.items()}
