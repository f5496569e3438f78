"""What of the schema a scenario uses, and all that there is to use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

from sim.errors import Path
from sim.scenario.reading.shape import ANY_NAME, Place, Schema, shape_of
from sim.scenario.scenario import Scenario

SHAPE = shape_of(Scenario)
NOTHING = "-"
"""Stands for the choice of a key that may be anything."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A key of a model; with `choice`, one of the values that it may have."""

    model: str
    key: str
    choice: str = NOTHING


def every_use() -> set[Use]:
    """All that there is to use."""
    found: set[Use] = set()
    for _, mapping in SHAPE._walk():
        for key in mapping["properties"]:
            place = inside(mapping, key)
            found |= {Use(model_of(mapping), key, str(choice)) for choice in choices(place)} or {
                Use(model_of(mapping), key)
            }
    return found


def inside(mapping: Schema, key: str) -> Place:
    """What may stand under a key of a mapping."""
    place = SHAPE.inside(Place(mapping, (mapping,)), key)
    assert place is not None
    return place


def choices(place: Place) -> list[Any]:
    """The values that stand in the schema one by one, those of a list's entries included."""
    found: list[Any] = []
    for one in place.alternatives:
        found += one.get("enum", [one["const"]] if "const" in one else ())
        if one.get("type") == "boolean" and "const" not in one:
            found += [True, False]
        if one.get("type") == "array":
            entry = SHAPE.inside(Place(one, (one,)), ANY_NAME)
            found += choices(entry) if entry is not None and not entry.mappings else ()
    return found


def model_of(mapping: Schema) -> str:
    """The name of a model; two of one name are told apart by their first keys."""
    return f"{mapping['title']}({','.join(list(mapping['properties'])[:2])})"


@cache
def models_below(model: str, key: str) -> frozenset[str]:
    """The models whose keys stand directly under a key of a model, with or without names or a list between."""
    (mapping,) = [one for _, one in SHAPE._walk() if model_of(one) == model][:1]
    level, found = [inside(mapping, key)], set()
    for _ in range(3):
        found |= {model_of(one) for place in level for one in place.mappings}
        level = [below for place in level if (below := SHAPE.inside(place, ANY_NAME)) is not None]
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Found:
    """A mapping of a scenario: where it stands and which model it is of."""

    path: Path
    mapping: Schema
    data: Mapping[str, Any]


def mappings_in(data: Any, place: Place = SHAPE.root, path: Path = ()) -> Iterator[Found]:
    """Every mapping with known keys in a scenario, outermost first."""
    if isinstance(data, Mapping):
        fitting = [one for one in place.mappings if _fits(one, data)]
        if fitting:
            mapping = min(fitting, key=lambda one: len(one["properties"]))
            yield Found(path, mapping, data)
            place = Place(mapping, (mapping,))
    entries = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        below = SHAPE.inside(place, key)
        if below is not None:
            yield from mappings_in(value, below, (*path, key))


def _fits(mapping: Schema, data: Mapping[str, Any]) -> bool:
    known = mapping["properties"]
    kind = known.get("kind", {})
    of_kind = "const" not in kind or data.get("kind", kind.get("default")) == kind["const"]
    return of_kind and set(data) <= set(known) and set(mapping.get("required", ())) <= set(data)


def uses_in(data: Any) -> set[Use]:
    """What a scenario uses."""
    found: set[Use] = set()
    for one in mappings_in(data):
        for key, value in one.data.items():
            known = [str(choice) for choice in choices(inside(one.mapping, key))]
            given = [str(entry) for entry in (value if isinstance(value, list) else [value])]
            chosen = [entry for entry in given if entry in known]
            found |= {Use(model_of(one.mapping), key, entry) for entry in chosen}
            found.add(Use(model_of(one.mapping), key))
    return found


Pair = tuple[str, str, str]
"""A model and two of its keys, in the order of the alphabet."""


def every_pair() -> set[Pair]:
    """Two keys of one model, for all models and keys."""
    keys = {model_of(mapping): sorted(mapping["properties"]) for _, mapping in SHAPE._walk()}
    return {(model, *two) for model, names in keys.items() for two in combinations(names, 2)}


def pairs_in(data: Any) -> set[Pair]:
    """The pairs of keys that stand together in a mapping of a scenario."""
    return {(model_of(one.mapping), *two) for one in mappings_in(data) for two in combinations(sorted(one.data), 2)}
