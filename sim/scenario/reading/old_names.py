"""Keys of a scenario that were renamed: in this version the old name works, with a warning that says the new one."""

from __future__ import annotations

import warnings
from dataclasses import replace

from sim.errors import InputErrors
from sim.scenario.reading.document import Document, Path

KEYS = {"cures": "mitigations"}
"""Keys at the top of a file, old -> new. They go with version 0.2."""


class RenamedWarning(FutureWarning):
    """An old name was used; the message says the new one."""


def with_new_keys(document: Document) -> Document:
    """The document with old keys at its top under their new names, at the places where they stand.

    Warns of each (RenamedWarning). Raises InputErrors where a key is there under both names.
    """
    if not isinstance(document.data, dict):
        return document
    found = [old for old in KEYS if old in document.data]
    twice = [old for old in found if KEYS[old] in document.data]
    if twice:
        message = "is `{}` under its old name, and both are there"
        raise InputErrors([document.problem((old,), message.format(KEYS[old]), "write one", "key") for old in twice])
    for old in found:
        line, _ = document.position((old,), "key")
        warnings.warn(f"{document.file}:{line}: `{old}` is now called `{KEYS[old]}`", RenamedWarning, stacklevel=3)
    data = {KEYS.get(key, key): value for key, value in document.data.items()}
    marks = {_under_new_key(path): mark for path, mark in document.marks.items()}
    return replace(document, data=data, marks=marks)


def _under_new_key(path: Path) -> Path:
    first = path[0] if path else None
    return (KEYS[first], *path[1:]) if isinstance(first, str) and first in KEYS else path


def with_new_key(target: str) -> str:
    """A dotted path, such as `cures.faster`, with its first key under the new name. Warns as above."""
    old, dot, rest = target.partition(".")
    if old.strip() not in KEYS:
        return target
    new = KEYS[old.strip()]
    warnings.warn(f"--set {target}: `{old.strip()}` is now called `{new}`", RenamedWarning, stacklevel=3)
    return f"{new}{dot}{rest}"
