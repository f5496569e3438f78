"""Digests of a run's columns by names that do not change: fields by their order, strings by their old names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from sim.results.columns import Replication

from .names import old_name

DIGITS = 12
ADDED = frozenset({"parent"})
"""Columns that came after the golden files: None, and in no digest, where a network has nothing of the kind."""


def digests(run: Replication) -> dict[str, str]:
    """Digest by part: a field of the replication, or an element of one that is a mapping, by its old name.

    The name of the engine is left out.
    """
    found = {}
    for number, field in enumerate(fields(run)):
        if field.name == "engine":
            continue
        value = getattr(run, field.name)
        if isinstance(value, Mapping):
            for key, one in value.items():
                found[f"{number} {_key(key)}"] = _digest(one)
        else:
            found[str(number)] = _digest(value)
    return found


def _key(key: object) -> str:
    return " ".join(map(_key, key)) if isinstance(key, tuple) else old_name(str(key))


def _digest(value: object) -> str:
    hashed = hashlib.sha256()
    for part in _parts(value):
        hashed.update(part)
        hashed.update(b"\0")
    return hashed.hexdigest()[:DIGITS]


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif is_dataclass(value):
        for field in fields(value):
            column = getattr(value, field.name)
            if column is not None or field.name not in ADDED:
                yield from _parts(column)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield _key(key).encode()
            yield from _parts(one)
    elif isinstance(value, list | tuple):
        yield str(len(value)).encode()
        for one in value:
            yield from _parts(one)
    elif isinstance(value, str):
        yield old_name(value).encode()
    else:
        yield repr(value).encode()
