"""A file as data together with the place of every value in it. Reading YAML into one lives in `reader`.

A place is told as `cluster.yaml:34`, an assignment by hand, or nowhere yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from sim.errors import Path as Path
from sim.errors import Problem, dotted
from sim.spec import key_of

Position = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one value stands.

    key, value: positions of the key (for an entry of a list: of the entry) and of the value.
    raw: a scalar as it was written, before YAML made a number of it; "" for mappings and lists.
    """

    key: Position
    value: Position
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, as plain data: dict with text keys, list, str, int, float, bool, None.

    problems: what the reader found wrong without having to give up.
    assignments: for each path that was overridden, what gave the value: an assignment by hand ("--set a.b=3"), or the
        path of a mitigation in this file.
    """

    file: str
    text: str
    data: Any
    marks: Mapping[Path, Mark]
    problems: tuple[Problem, ...] = ()
    assignments: Mapping[Path, str | Path] = field(default_factory=dict)

    def position(self, path: Path, of: Literal["key", "value"] = "value") -> Position:
        """Line and column of the key or the value at `path`; of what encloses it where that is not in the file."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return mark.key if of == "key" and length == len(path) else mark.value
        return (1, 1)

    def raw(self, path: Path) -> str:
        """The scalar at `path` as it was written; "" where there is none or where it was overridden by hand."""
        path, assignment = self.origin(path)
        mark = self.marks.get(path)
        return mark.raw if mark is not None and not assignment else ""

    def problem(self, path: Path, message: str, hint: str = "", of: Literal["key", "value"] = "value") -> Problem:
        """A Problem with the value at `path`, placed in the file or in the assignment that the value came from."""
        path, assignment = self.origin(path)
        if assignment:
            return Problem(dotted(path), message, hint, assignment)
        line, column = self.position(path, of)
        return Problem(dotted(path), message, hint, self.file, line, column)

    def origin(self, path: Path) -> tuple[Path, str]:
        """Where the value at `path` was written: the path in the file, and the assignment by hand that gave it or
        something around it, the last one first.
        """
        for overridden, given in reversed(list(self.assignments.items())):
            if path[: len(overridden)] == overridden:
                if isinstance(given, str):
                    return path, given
                return self.origin((*given, *path[len(overridden) :]))  # the mitigations may be given by hand as well
        return path, ""


def path_to(whole: Any, part: BaseModel, before: str = "") -> str:
    """The dotted path from the whole to the part, which is in it, behind `before`: `workflows.checkout.steps.0`.

    Of equal parts the one that is meant, of one that stands at several places the first. `before` alone where the part
    is nowhere, as in what was made from what is written.
    """
    found = parts_of(whole, lambda one: one is part, (before,) if before else ())
    return next((dotted(path) for path, _ in found), before)


def parts_of(whole: Any, is_wanted: Callable[[Any], bool], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The parts of a model that are wanted, with their paths in the file; what is inside one of them is not asked."""
    if is_wanted(whole):
        yield path, whole
        return
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(whole, BaseModel):
        fields = type(whole).model_fields.items()
        inside = ((field.alias or key_of(name), getattr(whole, name)) for name, field in fields)
    elif isinstance(whole, Mapping):
        inside = whole.items()
    elif isinstance(whole, tuple | list):
        inside = enumerate(whole)
    for key, one in inside:
        yield from parts_of(one, is_wanted, (*path, key))


@dataclass(frozen=True, slots=True)
class Where:
    """The place of one key.

    file, line: where it is written, counted from 1; where it is not, the nearest written key around it.
    given: the assignment by hand ("--set a.b=3") that gave it, then without a line. under: of a default, the path of
    the nearest written key around it, empty for the top of the file.
    """

    file: str
    line: int
    is_default: bool = False
    given: str = ""
    under: str = ""

    @property
    def short(self) -> str:
        """`cluster.yaml:34`, the assignment, or `default`."""
        if self.given:
            return self.given
        return "default" if self.is_default else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        if not self.is_default:
            return self.short
        if self.given:
            return f"default; write it under {self.under}, which {self.given} gives"
        if not self.under:
            return f"default; write it at the top of {self.file}"
        return f"default; write it under {self.under}, {self.file}:{self.line}"


def where(document: Document, path: str) -> Where:
    """Where the key at a dotted path stands, such as `temporal.sql.max_conns`.

    A value that stands for a whole mapping (`bulkhead: 5`) is where its parts stand.
    """
    keys: Path = tuple(int(key) if key.isdecimal() else key for key in path.split("."))
    written, is_whole = _written(document.data, keys)
    origin, given = document.origin(written)
    under = "" if is_whole else dotted(written)
    if given:
        return Where(document.file, 0, not is_whole, given, under)
    line, _ = document.position(origin, "key")
    return Where(document.file, line, not is_whole, "", under)


def _written(data: Any, keys: Path) -> tuple[Path, bool]:
    """How much of a path there is in the data, and whether that is all, or a value that stands for all."""
    for index, key in enumerate(keys):
        if isinstance(data, dict) and (key in data or str(key) in data):
            data = data[key] if key in data else data[str(key)]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return keys[:index], not isinstance(data, dict | list | None)
    return keys, True
