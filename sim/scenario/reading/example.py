"""A value that may stand at a place of a file, as YAML in one line that can be pasted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sim.scenario.reading.shape import ANY_NAME, Place, Schema, Shape

_DEEPEST = 8
_PLAIN_TEXT = re.compile(r"[A-Za-z$][A-Za-z0-9 _./%$*+-]*|[0-9][A-Za-z0-9 _./%$*+,-]*[A-Za-z%]|[0-9]+\.\.[0-9]+")
_READ_AS_ANOTHER_THING = frozenset(["true", "false", "null", "yes", "no", "on", "off"])


def paste(shape: Shape, place: Place) -> str:
    """A value that may stand at `place`: its default, or else an example with the keys that have to be there."""
    return flow_yaml(_example(shape, place, 0))


def example(shape: Shape, place: Place) -> Any:
    """The same as plain data."""
    return _example(shape, place, 0)


def flow_yaml(value: Any) -> str:
    """Plain data as YAML in one line, quoted only where it has to be.

    >>> flow_yaml({"replicas": "6..18", "names": ["a", "off"], "cpu": 0.5})
    '{replicas: 6..18, names: [a, "off"], cpu: 0.5}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow_yaml, value)) + "]"
    if isinstance(value, str) and _PLAIN_TEXT.fullmatch(value) and value.lower() not in _READ_AS_ANOTHER_THING:
        return value
    return json.dumps(value, ensure_ascii=False)


def _example(shape: Shape, place: Place, depth: int) -> Any:
    about = place.about
    if about.get("default") not in (None, {}, []):
        return about["default"]
    if about.get("examples"):
        return about["examples"][0]
    if not place.alternatives:
        return None
    one = place.alternatives[0]
    if one.get("examples"):
        return one["examples"][0]
    return _of_type(shape, one, depth)


def _of_type(shape: Shape, one: Schema, depth: int) -> Any:
    if "enum" in one or "const" in one:
        return one.get("const", one.get("enum", [None])[0])
    match one.get("type"):
        case "object":
            return _mapping(shape, one, depth)
        case "array":
            inside = Place(one, (one,))
            length = max(1, len(one.get("prefixItems", ())), one.get("minItems", 0))
            entries = [shape.inside(inside, index) for index in range(length)]
            return [_example(shape, entry, depth + 1) for entry in entries if entry is not None]
        case "boolean":
            return True
        case "integer" | "number":
            return one.get("minimum", one.get("exclusiveMinimum", 0) + 1)
    return "text"


def _mapping(shape: Shape, one: Schema, depth: int) -> dict[str, Any]:
    if depth >= _DEEPEST:
        return {}
    known = one.get("properties")
    if known is None:
        entry = shape.inside(Place(one, (one,)), ANY_NAME)
        return {} if entry is None else {"name": _example(shape, entry, depth + 1)}
    keys = one.get("required") or list(known)[:1]
    entries = {key: shape.inside(Place(one, (one,)), key) for key in keys}
    return {key: _example(shape, entry, depth + 1) for key, entry in entries.items() if entry is not None}
