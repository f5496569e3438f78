"""Who pays for what is shared: the rule by which a bill is allotted to workflows. The amounts are in `bill`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sim.cost.usage import WorkflowUse

Yardstick = Literal["transitions", "actions"]


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

    def shares(self, resource: str, workflows: Sequence[WorkflowUse]) -> Mapping[str, float]:
        """Share of the cost of `resource` for each workflow; all 0 when nothing was done that could carry it."""
        if resource in self.owners:
            return {workflow.name: self.owners[resource].get(workflow.name, 0.0) for workflow in workflows}
        weights = {workflow.name: self._weight(workflow) for workflow in workflows}
        whole = sum(weights.values())
        return {name: weight / whole if whole else 0.0 for name, weight in weights.items()}

    def _weight(self, workflow: WorkflowUse) -> float:
        each = workflow.actions_per_execution if self.by == "actions" else workflow.transitions_per_execution
        return (workflow.executions.value or 0.0) * each
