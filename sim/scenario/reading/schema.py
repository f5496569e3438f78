"""A model explained: JSON Schema for editors, and text for `sim schema PATH` with values that can be pasted.

Looking up what may stand where lives in `shape`.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from sim.errors import InputErrors, Path, Problem, dotted
from sim.meant import meant
from sim.scenario.reading.shape import (
    ANY_NAME,
    Place,
    Schema,
    Shape,
    deciding_keys,
    expected_one,
    shape_of,
    with_article,
    words,
)

_DEEPEST = 8
_PLAIN_TEXT = re.compile(r"[A-Za-z$][A-Za-z0-9 _./%$*+-]*|[0-9][A-Za-z0-9 _./%$*+,-]*[A-Za-z%]|[0-9]+\.\.[0-9]+")
_READ_AS_ANOTHER_THING = frozenset(["true", "false", "null", "yes", "no", "on", "off"])


def paste(shape: Shape, place: Place) -> str:
    """A value that may stand at `place`: its default, or else an example with the keys that have to be there."""
    return flow_yaml(example(shape, place))


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


def example(shape: Shape, place: Place, depth: int = 0) -> Any:
    """An example of a value there, as plain data. depth: mappings around it."""
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
            return [example(shape, entry, depth + 1) for entry in entries if entry is not None]
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
        return {} if entry is None else {"name": example(shape, entry, depth + 1)}
    keys = one.get("required") or list(known)[:1]
    entries = {key: shape.inside(Place(one, (one,)), key) for key in keys}
    return {key: example(shape, entry, depth + 1) for key, entry in entries.items() if entry is not None}


_WIDTH = 100
_MOST_LEVELS = 8


def schema_text(model: type[BaseModel]) -> str:
    """The JSON Schema (draft 2020-12) of files that `model` describes, as the text of a file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def describe(model: type[BaseModel], path: str = "") -> str:
    """What may stand at `path`: of every key the kind, bounds, default and meaning, and a line to paste.

    path: keys with dots between them. Names that the user chooses, and indexes of lists, may be left out or be
    anything.
    Raises InputErrors where nothing may stand at `path`.
    """
    shape = shape_of(model)
    place, through = shape.root, Path()
    for key in path.split(".") if path else ():
        place, through = _down(shape, place, through, key)
    about = place.about.get("description", "")
    lines = [f"{dotted(through) or 'the file'}: {_kind(shape, place)}", *_wrapped(about, "  ")]
    if through:
        lines += ["", f"  {through[-1] if through[-1] != ANY_NAME else 'name'}: {paste(shape, place)}"]
    entries = _named(shape, place)
    for one in entries.mappings:
        lines += ["", f"{words(one)}:", *_wrapped(_meaning(one, about), "  ")]
        for key in one["properties"]:
            lines += ["", *_key(shape, one, key)]
    return "\n".join(lines) + "\n"


def _down(shape: Shape, place: Place, through: Path, key: str) -> tuple[Place, Path]:
    """One key further, through whatever names and indexes were left out."""
    start = place
    for _ in range(_MOST_LEVELS):
        inner = shape.inside(place, key)
        is_chosen = place.is_open or place.is_list
        below = shape.inside(place, ANY_NAME)
        # A name such as `orders` is one the user chose only where the models know no such key further down.
        known_below = is_chosen and below is not None and key in _named(shape, below).keys
        if inner is not None and not known_below:
            return inner, (*through, ANY_NAME if is_chosen and key not in place.keys else key)
        if below is None or not is_chosen:
            break
        place, through = below, (*through, ANY_NAME)
    keys = _named(shape, start).keys
    hint = meant(key, keys, f"keys here: {', '.join(keys)}" if keys else "", "`")
    raise InputErrors([Problem(dotted((*through, key)), "is not a key there", hint)])


def _named(shape: Shape, place: Place) -> Place:
    """The place itself, or what a name or an index leads to where there are no keys of its own."""
    for _ in range(_MOST_LEVELS):
        below = shape.inside(place, ANY_NAME) if place.is_open or place.is_list else None
        if place.mappings or below is None:
            return place
        place = below
    return place


def _key(shape: Shape, mapping: Schema, key: str) -> Iterator[str]:
    """The lines about one key of a mapping."""
    place = shape.inside(Place(mapping, (mapping,)), key)
    assert place is not None
    about = place.about
    line = f"{key}: {paste(shape, place)}"
    yield f"  {line}"
    yield from _wrapped(f"{_kind(shape, place)}; {_default(about, key in mapping.get('required', ()))}", "      ")
    yield from _wrapped(about.get("description", ""), "      ")


def _kind(shape: Shape, place: Place) -> str:
    """What a value can be, with its bounds; by their keys where there are many mappings."""
    mappings = place.mappings if len(place.mappings) > 3 else ()
    said = [_kind_of_one(shape, one) for one in place.alternatives if one not in mappings]
    if mappings:
        said.append(f"a mapping with one of the keys {', '.join(deciding_keys(mappings))}")
    return " or ".join(dict.fromkeys(said))


def _kind_of_one(shape: Shape, one: Schema) -> str:
    if "x-kind" in one:
        bounds = one["x-bounds"]
        return f"{with_article(one['x-kind'])} ({bounds})" if bounds else with_article(one["x-kind"])
    if "properties" in one:
        return with_article(words(one))
    entry = shape.inside(Place(one, (one,)), ANY_NAME)
    if entry is not None and one.get("type") == "array":
        return f"a list, each entry {_kind(shape, entry)}{_bounds(one)}"
    if entry is not None:
        return f"a mapping of names, each {_kind(shape, entry)}"
    return f"{expected_one(one)}{_bounds(one)}"


def _bounds(one: Schema) -> str:
    """The bounds of a plain number, text or list, "" where it has none."""
    if one.get("minItems") and one["minItems"] == one.get("maxItems"):
        return f" ({one['minItems']} entries)"
    if "x-form" in one:
        return f" ({one['x-form']})"
    said = [f"{text} {one[name]}" for name, text in _BOUNDS.items() if name in one]
    return f" ({', '.join(said)})" if said else ""


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "multipleOf": "a multiple of",
    "minLength": "characters: at least",
    "maxLength": "characters: at most",
    "minItems": "entries: at least",
    "maxItems": "entries: at most",
    "pattern": "of the form",
}


def _default(about: Schema, is_required: bool) -> str:
    if is_required:
        return "required"
    default: Any = about.get("default")
    return "may be left out" if default is None else f"default {flow_yaml(default)}"


def _meaning(one: Schema, already_said: str) -> str:
    description: str = one.get("description", "")
    return "" if description == already_said else description


def _wrapped(text: str, indent: str) -> list[str]:
    """The text in lines, its own paragraphs kept."""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return [
        line
        for paragraph in paragraphs
        for line in textwrap.wrap(paragraph, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    ]
