"""`--set a.b.0.c=VALUE`: values changed in a document before a model sees it, so units and errors work as ever.

Mitigations are settings that are said to mitigate what a scenario shows, written down in it as `--set` takes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from sim.errors import InputErrors, Path, Problem, dotted
from sim.meant import meant
from sim.scenario.reading.document import Document
from sim.scenario.reading.other_words import with_new_key
from sim.scenario.reading.reader import parse
from sim.scenario.reading.shape import Place, Shape, shape_of
from sim.units import show_value


class CannotSet(Exception):  # caught by whoever sets, never seen
    """Why a value cannot be set; becomes a Problem."""

    def __init__(self, path: Path, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.hint = hint


def edited(document: Document, assignments: Sequence[str], model: type[BaseModel]) -> Document:
    """The document with each assignment ("workers.orders.replicas=6..18") made in turn; the given one stays as it is.

    A value is written as in the file, units and all. A key that is not in the file may be set where `model` knows
    it; an index has to exist. Whether the value fits is for `validate` to say, which then names the assignment.

    Raises InputErrors with every assignment that cannot be made.
    """
    shape = shape_of(model)
    data, made, problems = document.data, dict(document.assignments), []
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        given = f"--set {assignment}"
        if not equals or not target.strip():
            problems.append(Problem("", "is no assignment", "write   --set a.b=VALUE", given))
            continue
        value = _value(text, given, dotted(_keys(target)), problems)
        try:
            data, path = with_value(data, with_new_key(target), value, shape)
        except CannotSet as reason:
            problems.append(Problem(dotted(reason.path), reason.message, reason.hint, given))
            continue
        made.pop(path, None)  # so that the last assignment to a path is the last in the mapping
        made[path] = given
    if problems:
        raise InputErrors(problems)
    return replace(document, data=data, assignments=made)


def with_value(data: Any, target: str, value: Any, shape: Shape) -> tuple[Any, Path]:
    """A copy of `data` with `value` at the dotted path `target`, and that path with indexes as numbers.

    Raises CannotSet where there is no such place.
    """
    return _with(data, _keys(target), value, shape.root, shape)


def _keys(target: str) -> Path:
    return tuple(target.strip().split("."))


def _value(text: str, given: str, path: str, problems: list[Problem]) -> Any:
    """The value of an assignment, read as strictly as a file; what is wrong with it is added to `problems`."""
    if not text.strip():
        return None
    try:
        read = parse(text, given)
    except InputErrors as error:
        problems += [replace(problem, path=path, line=0, column=0) for problem in error.problems]
        return None
    problems += [
        replace(problem, path=f"{path}.{problem.path}".rstrip("."), line=0, column=0) for problem in read.problems
    ]
    return read.data


def _with(
    data: Any, keys: Path, value: Any, place: Place | None, shape: Shape, through: Path = ()
) -> tuple[Any, Path]:
    """A copy of `data` with `value` at the end of `keys`, and the path there with indexes as numbers.

    Only what lies on the path is copied, so that what an alias shares with other places does not change there.
    """
    if not keys:
        return value, through
    key, rest = keys[0], keys[1:]
    if isinstance(data, list):
        index = _index(data, str(key), through)
        inner, path = _with(data[index], rest, value, place and shape.inside(place, index), shape, (*through, index))
        return [*data[:index], inner, *data[index + 1 :]], path
    if data is None and place is not None and (place.mappings or place.is_open):
        data = {}
    if not isinstance(data, dict):
        raise CannotSet(
            (*through, key),
            f"cannot be set: {dotted(through) or 'the file'} is {show_value(data)}, which has no parts",
            f"set it as a whole:   --set '{dotted(through)}={{{key}: ...}}'" if through else "",
        )
    if key not in data:
        _check_new_key(data, str(key), rest, place, through)
    inner, path = _with(data.get(key), rest, value, place and shape.inside(place, key), shape, (*through, key))
    return {**data, key: inner}, path


def _index(data: list[Any], key: str, through: Path) -> int:
    if key.isdecimal() and int(key) < len(data):
        return int(key)
    last = f"0 to {len(data) - 1}" if data else "none"
    raise CannotSet((*through, key), f"is not in the list, which has the indexes {last}")


def _check_new_key(data: dict[str, Any], key: str, rest: Path, place: Place | None, through: Path) -> None:
    """Whether a key that is not in the file may be set: where the model has it, or a whole entry under a new name."""
    known = place.keys if place else []
    names_are_free = place is not None and place.is_open
    if key in known or (names_are_free and not rest):
        return
    there = dict.fromkeys([*data, *known])
    hint = meant(key, there, f"keys there: {', '.join(there)}", "`")
    where = f" of {dotted(through)}" if through else ""
    raise CannotSet((*through, key), f"is not a key{where} in the file", hint)


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
    return [f"{target}={written_flow(value)}" for target, value in mitigation.items()]


def written_flow(value: Any) -> str:
    """A value in YAML's flow style, without quotes, which the units of the house need nowhere."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written_flow, value)) + "]"
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
