"""Whether every distribution of a scenario can be drawn from, which only its whole shape tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from sim.draws.build import inverse_of
from sim.errors import Problem
from sim.network import distributions

_KINDS = tuple(get_args(member)[0] for member in get_args(get_args(distributions.Distribution)[0]))


def undrawable(scenario: BaseModel) -> Iterator[Problem]:
    """Distributions without a value to draw, each with its path in the file."""
    for path, distribution in _distributions(scenario, ()):
        try:
            inverse_of(distribution)
        except ValueError as error:
            yield Problem(".".join(path), f"is no distribution to draw from: {error}")


def _distributions(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], distributions.Distribution]]:
    if isinstance(value, _KINDS):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _distributions(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _distributions(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _distributions(item, (*path, str(index)))
