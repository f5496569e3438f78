"""Mitigations: settings that are said to mitigate what a scenario shows, written down in it as `--set` takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from sim.errors import InputErrors
from sim.scenario.reading.document import Document
from sim.scenario.reading.edit import CannotSet, with_value
from sim.scenario.reading.shape import shape_of

Mitigation = dict[str, Any]
"""Values by their dotted path."""

MITIGATIONS = "mitigations"
"""The key in the file that they stand under."""


def with_mitigation(document: Document, name: str, mitigation: Mitigation, model: type[BaseModel]) -> Document:
    """The document with the values of its mitigation `name` in their places and without mitigations; the given one
    stays.

    Whether the values fit is for `validate` to say, which then names the place of the mitigation in the file.

    Raises InputErrors with every path where nothing can be set.
    """
    data: Any = {key: value for key, value in document.data.items() if key != MITIGATIONS}
    shape, made, problems = shape_of(model), dict(document.assignments), []
    for target, value in mitigation.items():
        place = (MITIGATIONS, name, target)
        if target.split(".")[0] == MITIGATIONS:
            problems.append(document.problem(place, "is a mitigation itself; one sets what is simulated", of="key"))
            continue
        try:
            data, path = with_value(data, target, value, shape)
        except CannotSet as reason:
            problems.append(document.problem(place, reason.message, reason.hint, of="key"))
            continue
        made.pop(path, None)  # so that the last value given to a path is the last in the mapping
        made[path] = place
    if problems:
        raise InputErrors(problems)
    return replace(document, data=data, assignments=made)


def as_assignments(mitigation: Mapping[str, Any]) -> list[str]:
    """The mitigation as it is typed after `--set`, one text a value.

    >>> as_assignments({"temporal.sql.max_conns": 64, "workers.orders.probe": {"every": "5 s"}})
    ['temporal.sql.max_conns=64', 'workers.orders.probe={every: 5 s}']
    """
    return [f"{target}={_written(value)}" for target, value in mitigation.items()]


def _written(value: Any) -> str:
    """A value in YAML's flow style, without quotes, which the units of the house need nowhere."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
