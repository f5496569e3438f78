"""Files that users hand over: plain or gzipped text, what is wrong with it by file and line; instants and lengths.

Instants and lengths are as exports write them, in ns: RFC 3339 with up to nine digits, and protobuf's `0.500s`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sim.errors import InputErrors, Problem
from sim.files import Unreadable, read_text, reason_of

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?")
_LENGTH = re.compile(r"(\d+)(?:\.(\d{1,9}))?s")


def instant_ns(text: str) -> int:
    """ns since the epoch of `2026-11-26T23:04:54.578634525Z`; without a zone it is UTC. Raises ValueError."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no time such as 2026-11-26T23:04:54.578Z")
    whole, part, zone = found.groups()
    moment = datetime.fromisoformat(whole + (zone or "Z"))
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9 + _fraction(part)


def length_ns(text: str) -> int:
    """ns of `10s` or `0.500s`. Raises ValueError."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no length such as 0.500s")
    return int(found[1]) * 10**9 + _fraction(found[2])


def _fraction(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))


MOST_PROBLEMS = 5
"""Of one file; a file of another kind is wrong in every line."""


def text_of(path: Path) -> str:
    """The text of a file, unpacked where it is gzipped. Raises InputErrors."""
    try:
        return read_text(path)
    except Unreadable as error:
        raise refused(path, str(error), "hand over the file as it was written") from None
    except OSError as error:
        raise refused(path, f"cannot be read: {reason_of(error)}") from None


def json_of(path: Path, text: str) -> Any:
    """What a JSON text holds. Raises InputErrors with the place of the mistake."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        hint = "export it again: the file may have been cut off" if error.pos >= len(text.rstrip()) - 1 else ""
        problem = Problem("", f"is no JSON: {error.msg.lower()}", hint, str(path), error.lineno, error.colno)
        raise InputErrors([problem]) from None


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """JSON values with the line that each begins in: one a line, or a single one over several. Raises InputErrors."""
    text = text_of(path)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise refused(path, "is empty")
    try:
        json.loads(lines[0][1])
    except json.JSONDecodeError:
        yield lines[0][0], json_of(path, text)
        return
    for number, line in lines:
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            what = f"is no JSON: {error.msg.lower()}"
            raise refused(path, what, "one JSON value a line is expected, as in the first", number) from None


def refused(path: Path, message: str, hint: str = "", line: int = 0) -> InputErrors:
    """The file as a whole, or one line of it, is not what was expected."""
    if not line:
        return InputErrors([Problem("", f"`{path}` {message}", hint)])
    return InputErrors([Problem("", message, hint, str(path), line, 1)])


class Complaints:
    """Wrong lines of one file, the first few of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[Problem] = []

    def add(self, line: int, message: str, hint: str = "") -> None:
        """One wrong line. Raises InputErrors with all of them when there are too many."""
        self._problems.append(Problem("", message, hint, str(self._path), line, 1))
        if len(self._problems) >= MOST_PROBLEMS:
            last = Problem("", "further lines were not looked at", "", str(self._path), line, 1)
            self._problems.append(last)
            self.settle()

    def settle(self) -> None:
        """Raises InputErrors where there was a complaint."""
        if self._problems:
            raise InputErrors(self._problems)
