"""What may fail in a deployment, as its operator names it, and in which ways."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

NAME = r"[A-Za-z_][A-Za-z0-9_\-]*"

Target = Annotated[
    str,
    Field(
        pattern=rf"^(workers\.{NAME}|temporal\.(history|clock)|kubernetes\.node|postgres\.(primary|disk)|databases\.{NAME}"
        rf"|(dependencies|workflows)\.{NAME}|cassandra\.node|zone|(zone|region)\.{NAME}|partition\.(workers\.)?{NAME})$",
        json_schema_extra={
            "x-form": "of the form workers.QUEUE, temporal.history, temporal.clock, kubernetes.node, "
            "postgres.primary, postgres.disk, databases.NAME, dependencies.NAME, workflows.NAME, cassandra.node, "
            "zone.NAME, region.NAME or partition.NAME"
        },
    ),
]
"""`workers.QUEUE`, `temporal.history`, `temporal.clock`, `kubernetes.node`, `postgres.primary`, `postgres.disk`,
`databases.NAME`, `dependencies.NAME`, `workflows.NAME`, `cassandra.node`, `zone`, `zone.NAME`, `region.NAME`,
`partition.NAME` or `partition.workers.QUEUE`."""

Targets = Target | Annotated[tuple[Target, ...], Field(min_length=2)]
"""One target, or several that fail together."""

Effect = Literal["crash", "pause", "hang", "slow", "errors", "load", "clock"]
"""crash: it is gone, with what it had at hand; pause, and hang of a dependency: it stands still, then goes on as if
nothing had been; slow: it works at `speed`; errors: work there ends in failure with `probability`;
load: a workflow is started `factor` times as often; clock: the wall clock
jumps."""

_EFFECTS: dict[str, tuple[Effect, ...]] = {
    "workers": ("crash", "pause", "slow", "errors"),
    "temporal.clock": ("clock",),
    "temporal.history": ("crash", "pause", "slow", "errors"),
    "kubernetes.node": ("crash", "pause", "slow"),
    "cassandra.node": ("crash", "pause", "slow", "errors"),
    "postgres.primary": ("crash", "pause", "slow", "errors"),
    "databases": ("crash", "pause", "slow", "errors"),
    "dependencies": ("errors", "hang", "slow"),
    "workflows": ("load",),
    "zone": ("crash",),
    "region": ("crash",),
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


def is_whole(target: str) -> bool:
    """Whether it is one thing, of which no node is chosen."""
    return target in ("postgres.primary", "postgres.disk", "temporal.clock") or target.startswith(
        ("databases.", "dependencies.", "workflows.")
    )


def pool_of(target: str) -> str | None:
    """The pool of workers that fails or is cut off; None where something else is."""
    pool = target.removeprefix("partition.")
    return pool.removeprefix("workers.") if pool.startswith("workers.") else None
