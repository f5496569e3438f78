"""What may stand at each place of a file, looked up in a model's JSON Schema. Printing it lives in `schema`.

Paths go through mappings by key, through open mappings (names chosen by the user) and lists by any name or index.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from sim.errors import Path

Schema = Mapping[str, Any]

ANY_NAME = "*"
"""Stands for any name in an open mapping and any index of a list, where a path is printed."""


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand at one place.

    about: description, default and the like, as given for the key.
    alternatives: what the value can be; each a JSON Schema without reference or `anyOf`, or that of a quantity.
    """

    about: Schema
    alternatives: tuple[Schema, ...]

    @property
    def mappings(self) -> tuple[Schema, ...]:
        """The alternatives that are mappings with known keys."""
        return tuple(one for one in self.alternatives if "properties" in one)

    @property
    def keys(self) -> list[str]:
        """All keys that a mapping may have here, over all alternatives, in the order of the models."""
        return list(dict.fromkeys(key for one in self.mappings for key in one["properties"]))

    @property
    def is_open(self) -> bool:
        """Whether the user chooses the names here: an open mapping."""
        return any(_entry_of_any_name(one) is not None for one in self.alternatives)

    @property
    def is_list(self) -> bool:
        """Whether a list may stand here."""
        return any(one.get("type") == "array" for one in self.alternatives)

    def mapping_like(self, data: object) -> Schema | None:
        """Of the mappings that may stand here, the one with most keys of `data`; None where there is none."""
        keys = set(data) if isinstance(data, Mapping) else set()
        return max(self.mappings, key=lambda one: len(keys & set(one["properties"])), default=None)


class Shape:
    """What may stand at every place of a file that `model` describes."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._schema: Schema = model.model_json_schema()
        self.root = Place(self._schema, tuple(self._alternatives(self._schema)))

    def at(self, path: Path) -> Place | None:
        """The place at the end of `path`, None where nothing may stand."""
        place: Place | None = self.root
        for key in path:
            place = place and self.inside(place, key)
        return place

    def inside(self, place: Place, key: str | int) -> Place | None:
        """The place of an entry; None where there can be no such entry."""
        found = list(self._entries(place, key))
        if not found:
            return None
        alternatives = [alternative for one in found for alternative in self._alternatives(one)]
        return Place(found[0], tuple(alternatives))

    def names_at(self, path: Path) -> Schema:
        """What the names in the open mapping at `path` have to look like, as a JSON Schema of a text."""
        place = self.at(path)
        found = [one["propertyNames"] for one in place.alternatives if "propertyNames" in one] if place else []
        return found[0] if found else {}

    def places_of(self, key: str, most: int = 2) -> list[tuple[Path, str]]:
        """Where else `key` belongs: paths, and what they are keys of; the shallowest first, at most `most`."""
        found: list[tuple[Path, str]] = []
        for path, mapping in self._walk():
            if key in mapping["properties"] and len(found) < most:
                found.append(((*path, key), words(mapping)))
        return found

    def _entries(self, place: Place, key: str | int) -> Iterator[Schema]:
        for one in place.alternatives:
            if isinstance(key, str) and key in one.get("properties", {}):
                yield one["properties"][key]
            elif isinstance(key, str) and (entry := _entry_of_any_name(one)) is not None:
                yield entry
            elif one.get("type") == "array" and (isinstance(key, int) or key == ANY_NAME or key.isdecimal()):
                index = 0 if key == ANY_NAME else int(key)
                first = one.get("prefixItems", [])
                if index < len(first):
                    yield first[index]
                elif isinstance(one.get("items"), Mapping):
                    yield one["items"]

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        """The schema itself, or what its reference or its alternatives lead to; null is left out."""
        if "x-kind" in schema:
            yield schema
        elif "$ref" in schema:
            yield from self._alternatives(self._schema["$defs"][schema["$ref"].rpartition("/")[2]])
        elif "anyOf" in schema:
            for one in schema["anyOf"]:
                yield from self._alternatives(one)
        elif schema.get("type") != "null":
            yield schema

    def _walk(self) -> Iterator[tuple[Path, Schema]]:
        """Every mapping with known keys, level by level, each model once."""
        seen: set[int] = set()
        level: list[tuple[Path, Place]] = [((), self.root)]
        while level:
            below: list[tuple[Path, Place]] = []
            for path, place in level:
                for one in place.alternatives:
                    if id(one) in seen:
                        continue
                    seen.add(id(one))
                    if "properties" in one:
                        yield path, one
                    inner = Place(one, (one,))
                    for key in [*one.get("properties", ()), ANY_NAME]:
                        entry = self.inside(inner, key)
                        if entry is not None:
                            below.append(((*path, key), entry))
            level = below


def _entry_of_any_name(one: Schema) -> Schema | None:
    """What stands under each name of an open mapping, None for anything else."""
    free = one.get("additionalProperties")
    if isinstance(free, Mapping):
        return free
    by_pattern: Mapping[str, Schema] = one.get("patternProperties", {})
    return next(iter(by_pattern.values()), None)


@functools.cache
def shape_of(model: type[BaseModel]) -> Shape:
    """The shape of files that `model` describes; made once for each model."""
    return Shape(model)


def words(schema: Schema) -> str:
    """What a model is called in a sentence: "worker pool" for `WorkerPool`."""
    title = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", str(schema.get("title", "mapping")))
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in title.split())


def with_article(noun: str) -> str:
    """The noun with "a" or "an" in front."""
    return f"an {noun}" if noun[:1].lower() in "aeio" else f"a {noun}"


def expected(place: Place) -> str:
    """What may stand at the place, in a few words: "a duration or a mapping with one of the keys p50, mean"."""
    mappings = place.mappings
    said = [expected_one(one) for one in place.alternatives if len(mappings) < 2 or one not in mappings]
    if len(mappings) > 1:
        said.append(f"a mapping with one of the keys {', '.join(deciding_keys(mappings))}")
    return " or ".join(dict.fromkeys(said)) or "nothing"


def deciding_keys(mappings: Sequence[Schema]) -> list[str]:
    """One key for each mapping that tells it from the others, as far as there is one."""
    keys: dict[str, None] = {}
    for one in mappings:
        elsewhere = {key for other in mappings if other is not one for key in other["properties"]}
        candidates = one.get("required") or list(one["properties"])
        keys[next((key for key in candidates if key not in elsewhere), candidates[0])] = None
    return list(keys)


TYPES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}
"""What values of a type are called."""


def expected_one(one: Schema) -> str:
    """What one alternative is, in a few words."""
    if "x-kind" in one:
        return with_article(one["x-kind"])
    if "enum" in one:
        return f"one of {', '.join(map(_value_words, one['enum']))}"
    if "const" in one:
        return _value_words(one["const"])
    match one.get("type"):
        case "object" if "properties" in one:
            return f"{with_article(words(one))} with {_some(one)}"
        case "object":
            return "a mapping of names"
        case "array":
            length = one.get("minItems")
            return f"a list of {length} entries" if length and length == one.get("maxItems") else "a list"
    return TYPES.get(one.get("type", ""), "a value")


def _some(mapping: Schema) -> str:
    """The keys that have to be there, or else the first few."""
    keys = list(mapping.get("required", [])) or list(mapping["properties"])
    return f"the key{'s' * (len(keys) > 1)} {', '.join(keys[:6])}{', ...' * (len(keys) > 6)}"


def _value_words(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
