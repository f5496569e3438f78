"""Steps that go to other places: the same, with names replaced."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from sim.lower.steps import Steps
from sim.network.routines import AcquireBody, CachedBody, Release, UseBody

PLACES: tuple[tuple[type[BaseModel], str], ...] = (
    (AcquireBody, "resource"),
    (AcquireBody, "at"),
    (Release, "release"),
    (UseBody, "station"),
    (UseBody, "at"),
    (CachedBody, "cache"),
    (CachedBody, "at"),
)
"""Where the name of a place stands in a step."""


def renamed(steps: Steps, names: Mapping[str, str]) -> Steps:
    """The steps with places renamed, those inside included; names that are not mentioned stay."""
    return tuple(_renamed(step, names) for step in steps)


def mentions(steps: Steps, places: Collection[str]) -> bool:
    """Whether any of the steps, those inside included, goes to one of the places."""
    return any(name in places for name in _mentioned(steps))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_renamed(item, names) for item in value)
    if not isinstance(value, BaseModel):
        return value
    changes = {}
    for field in type(value).model_fields:
        old = getattr(value, field)
        is_place = any(isinstance(value, model) and field == of for model, of in PLACES)
        new = names.get(old, old) if is_place else _renamed(old, names)
        if new is not old:
            changes[field] = new
    return value.model_copy(update=changes) if changes else value


def _mentioned(value: Any) -> Iterator[str]:
    if isinstance(value, tuple):
        for item in value:
            yield from _mentioned(item)
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            inner = getattr(value, field)
            if any(isinstance(value, model) and field == of for model, of in PLACES):
                yield inner
            else:
                yield from _mentioned(inner)
