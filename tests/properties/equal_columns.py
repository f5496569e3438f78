"""Whether two runs left the very same columns behind, told by the path of the first difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from sim.results.columns import Replication


def difference(one: Replication, other: Replication) -> str:
    """Where the two differ first; "" where they are equal to the last bit."""
    return next(_differences(one, other, ""), "")


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if type(one) is not type(other):
        yield f"{path}: {one!r} is not {other!r}"
    elif isinstance(one, np.ndarray):
        if one.dtype != other.dtype or not np.array_equal(one, other):
            yield path
    elif is_dataclass(one):
        for field in fields(one):
            if not field.compare:
                continue  # what a run was asked is no part of it
            yield from _differences(getattr(one, field.name), getattr(other, field.name), f"{path}.{field.name}")
    elif isinstance(one, Mapping):
        if list(one) != list(other):
            yield f"{path}: keys {list(one)} are not {list(other)}"
        for key in one.keys() & other.keys():
            yield from _differences(one[key], other[key], f"{path}[{key!r}]")
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield f"{path}: {len(one)} entries are not {len(other)}"
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {one!r} is not {other!r}"
