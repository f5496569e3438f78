"""What may fail in a deployment, as its operator names it, and in which ways."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from sim.scenario.model.effects import Effect
from sim.scenario.model.stores.base import CRASHES
from sim.scenario.model.stores.registry import TARGETS

NAME = r"[A-Za-z_][A-Za-z0-9_\-]*"

Target = Annotated[
    str,
    Field(
        pattern=rf"^(workers\.{NAME}|temporal\.(history|clock)|kubernetes\.node|{'|'.join(map(re.escape, TARGETS))}"
        rf"|(databases|dependencies|workflows)\.{NAME}|zone|(zone|region)\.{NAME}|partition\.(workers\.)?{NAME})$",
        json_schema_extra={
            "x-form": "of the form workers.QUEUE, temporal.history, temporal.clock, kubernetes.node, "
            f"{', '.join(TARGETS)}, databases.NAME, dependencies.NAME, workflows.NAME, "
            "zone.NAME, region.NAME or partition.NAME"
        },
    ),
]
"""`workers.QUEUE`, `temporal.history`, `temporal.clock`, `kubernetes.node`, one of those of the store,
`databases.NAME`, `dependencies.NAME`, `workflows.NAME`, `zone`, `zone.NAME`, `region.NAME`, `partition.NAME` or
`partition.workers.QUEUE`."""

Targets = Target | Annotated[tuple[Target, ...], Field(min_length=2)]
"""One target, or several that fail together."""

_EFFECTS: dict[str, tuple[Effect, ...]] = {
    "workers": CRASHES,
    "temporal.clock": ("clock",),
    "temporal.history": CRASHES,
    "kubernetes.node": ("crash", "pause", "slow"),
    "databases": CRASHES,
    "dependencies": ("errors", "hang", "slow"),
    "workflows": ("load",),
    "zone": ("crash",),
    "region": ("crash",),
    **{name: target.effects for name, target in TARGETS.items()},
}
"""What can be said to happen to a target; the first is what happens where nothing is said."""


def effects_of(target: str) -> tuple[Effect, ...]:
    """The effects that may be named with a target; none where it can fail in one way alone."""
    return _EFFECTS.get(target) or _EFFECTS.get(target.partition(".")[0], ())


def default_effect(target: str) -> Effect:
    """What happens to a target where nothing is said. A disk that is full takes no writes; who is cut off stands
    still."""
    if target.startswith("partition."):
        return "pause"
    return (effects_of(target) or ("crash",))[0]


def recovery_of(target: str) -> str:
    """Where the scenario says how long a crash of a target takes, such as `postgres.failover`; "" where the fault
    does."""
    of_store = TARGETS.get(target)
    if of_store is None or not of_store.recovery:
        return ""
    return f"{target.partition('.')[0]}.{of_store.recovery}"
