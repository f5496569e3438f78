"""A file as data together with the place of every value in it. Reading YAML into one lives in `reader`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sim.errors import Problem

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of the file down to a value."""

Position = tuple[int, int]
"""Line and column, counted from 1."""


def dotted(path: Path) -> str:
    """The path as it is printed and as `--set` takes it.

    >>> dotted(("workflows", "checkout", "steps", 0, "activity"))
    'workflows.checkout.steps.0.activity'
    """
    return ".".join(map(str, path))


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
