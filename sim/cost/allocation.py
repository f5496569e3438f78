"""Who pays for what is shared: the rule by which a bill is allotted to workflows. The amounts are in `bill`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sim.cost.usage import WorkflowUse
from sim.errors import InputErrors, Problem
from sim.meant import meant

Yardstick = Literal["transitions", "actions", "tasks", "executions"]


@dataclass(frozen=True, slots=True)
class Allocation:
    """Shares of each resource's cost.

    by: what the shared cost is in proportion to. State transitions are the default, since each of them takes the
        shard, the connection and the store once; Temporal uses the same unit for capacity.
    owners: resources with shares of their own, such as {"workers.orders": {"checkout": 1.0}}; they sum to 1.
    """

    by: Yardstick = "transitions"
    owners: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        rule = f"by share of {self.by}"
        return f"{rule}, except {', '.join(sorted(self.owners))} as declared" if self.owners else rule

    def check(self, resources: Collection[str], workflows: Collection[str]) -> None:
        """Raises InputErrors for an owner that does not exist and for shares that do not sum to 1."""
        problems = []
        for resource, shares in self.owners.items():
            path = f"prices.allocation.{resource}"
            if resource not in resources:
                problems.append(Problem(path, "is not a resource on the bill", _near(resource, resources)))
            for workflow, share in shares.items():
                if workflow not in workflows:
                    problems.append(
                        Problem(f"{path}.{workflow}", "is not a workflow of the scenario", _near(workflow, workflows))
                    )
                elif not 0 <= share <= 1:
                    problems.append(Problem(f"{path}.{workflow}", f"is {share:g}; a share in [0, 1] is expected"))
            if abs(sum(shares.values()) - 1.0) > 1e-9:
                problems.append(Problem(path, f"has shares that sum to {sum(shares.values()):g} instead of 1"))
        if problems:
            raise InputErrors(problems)

    def shares(self, resource: str, workflows: Sequence[WorkflowUse]) -> Mapping[str, float]:
        """Share of the cost of `resource` for each workflow; all 0 when nothing was done that could carry it."""
        if resource in self.owners:
            return {workflow.name: self.owners[resource].get(workflow.name, 0.0) for workflow in workflows}
        weights = {workflow.name: self._weight(workflow) for workflow in workflows}
        whole = sum(weights.values())
        return {name: weight / whole if whole else 0.0 for name, weight in weights.items()}

    def _weight(self, workflow: WorkflowUse) -> float:
        executions = workflow.executions.value or 0.0
        match self.by:
            case "transitions":
                return executions * workflow.transitions_per_execution
            case "actions":
                return executions * workflow.actions_per_execution
            case "tasks":
                return executions * workflow.tasks_per_execution
            case "executions":
                return executions


def _near(name: str, names: Collection[str]) -> str:
    return meant(name, names, f"one of {', '.join(sorted(names))}", "`")
