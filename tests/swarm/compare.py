"""Whether two runs left the same columns behind, element by element; what differs first is told by its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from sim.results.columns import Replication

ENGINE = ".engine"
"""The one field in which runs of two engines differ."""
ANOTHER_ORDER = "the same keys in another order"


def differences(one: Replication, other: Replication) -> list[str]:
    """Every field in which they differ, with the first element that does; empty where they are equal to the bit."""
    return list(_differences(one, other, ""))


def first(found: list[str]) -> str:
    """The first of some differences; those of the order of keys come last."""
    return min(found, key=lambda difference: difference.endswith(ANOTHER_ORDER))


def kind(found: list[str]) -> str:
    """Where the first difference is, without the elements: mostly the same for the same fault."""
    told = first(found)
    return re.sub(r"\[.*?\]", "[]", told.split(": ")[0]) + told.endswith(ANOTHER_ORDER) * " order"


def _differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if path == ENGINE:
        return
    if type(one) is not type(other):
        yield f"{path}: {one!r} is of {type(one).__name__}, {other!r} of {type(other).__name__}"
    elif isinstance(one, np.ndarray):
        yield from _arrays(one, other, path)
    elif is_dataclass(one):
        for field in fields(one):
            if not field.compare:
                continue  # what a run was asked is no part of it
            yield from _differences(getattr(one, field.name), getattr(other, field.name), f"{path}.{field.name}")
    elif isinstance(one, Mapping):
        for key in one.keys() ^ other.keys():
            yield f"{path}[{key!r}]: only in the {'first' if key in one else 'second'}"
        for key in one:
            if key in other:
                yield from _differences(one[key], other[key], f"{path}[{key!r}]")
        if one.keys() == other.keys() and list(one) != list(other):
            yield f"{path}: {ANOTHER_ORDER}"  # which a report could show
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield f"{path}: {len(one)} and {len(other)} entries"
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"


def _arrays(one: Any, other: Any, path: str) -> Iterator[str]:
    if one.dtype != other.dtype:
        yield f"{path}: of {one.dtype} and {other.dtype}"
    if one.shape != other.shape:
        yield f"{path}: {one.shape} and {other.shape} entries"
    if one.ndim == other.ndim:
        common = tuple(slice(min(sizes)) for sizes in zip(one.shape, other.shape, strict=True))
        unlike = np.argwhere(one[common] != other[common])
        if len(unlike):
            first = tuple(int(index) for index in unlike[0])
            place = ", ".join(map(str, first))
            yield f"{path}[{place}]: {one[first]} and {other[first]} ({len(unlike)} such entries)"
