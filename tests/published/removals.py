"""Takes the mechanisms of predictions away, those too that no value of a scenario can take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sim.lower.load import Loaded
from sim.network import Network


def as_given(loaded: Loaded) -> Loaded:
    """No edit: the changes alone take it away."""
    return loaded


def connection_before_shard(loaded: Loaded) -> Loaded:
    """One kind of transition takes its connection before its shard, and nobody gives up waiting for a connection."""
    written = loaded.lowered.network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name, steps in written["routines"].items():
        _impatient(steps, swap=name == "persist-closed")
    return replace(loaded, lowered=replace(loaded.lowered, network=Network.model_validate(written)))


def _impatient(steps: Any, swap: bool) -> None:
    """Walks steps and all that they hold."""
    if isinstance(steps, dict):
        for inner in steps.values():
            _impatient(inner, swap)
    if not isinstance(steps, list):
        return
    taken = [_taken(step) for step in steps]
    for step in steps:
        if _taken(step) == "connections":
            step["acquire"] = {"resource": "connections"}
        _impatient(step, swap)
    if swap and "shards" in taken and "connections" in taken:
        shard, connection = taken.index("shards"), taken.index("connections")
        steps[shard], steps[connection] = steps[connection], steps[shard]


def _taken(step: Any) -> str:
    """The resource that a step acquires."""
    if not isinstance(step, dict) or "acquire" not in step:
        return ""
    found = step["acquire"]
    return str(found["resource"] if isinstance(found, dict) else found)


EDITS: Mapping[str, Callable[[Loaded], Loaded]] = {
    "": as_given,
    "a transition that takes its connection before its shard": connection_before_shard,
}
"""What makes the edits that mechanisms of the registry name."""
