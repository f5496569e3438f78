"""A scenario from a file with every mistake at once, those of what it refers to included.

A file is checked in stages, of which each needs that those before have nothing to say:

0. `sim.scenario.reading`: it can be read, every key is known, every value is of its kind.
1. `sim.scenario.checks.fit`: its parts fit together; a `network:` of its own by `sim.network.checks`.
2. `sim.lower.checks.feasible`: every distribution can be drawn from.
3. `sim.lower.checks.feasible`: it can work at all, as far as means tell.
4. As a whole. `sim.lower.load`: each mitigation passes 1 to 3 as well; the network that it becomes is not too large.
   `sim.studies.loading.inputs`: prices, metrics of objectives and files of arrivals are there.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.errors import InputErrors, Problem, RenamedWarning
from sim.lower.load import AS_A_WHOLE, Loaded, document_of, in_order, loaded
from sim.scenario.reading.document import Document
from sim.scenario.reading.document import Path as Keys
from sim.scenario.reading.reader import load_yaml
from sim.scenario.reading.schema import example
from sim.scenario.reading.shape import Shape, shape_of
from sim.scenario.scenario import Scenario
from sim.studies.loading.inputs import check_inputs

SOUND = AS_A_WHOLE + 1
"""The stage that nothing turns down."""


def load(
    source: str | Path, sets: Sequence[str] = (), mitigation: str | None = None, *, cure: str | None = None
) -> Loaded:
    """As `sim.lower.load.load`; where something is wrong, whatever else is wrong is told with it: bounds, metrics and
    prices too, which are looked at otherwise when a scenario is sound.

    cure: the old name of `mitigation`. Raises InputErrors.
    """
    if cure is not None:
        warnings.warn("load: `cure` is now called `mitigation`", RenamedWarning, stacklevel=2)
        mitigation = cure
    document = document_of(source, sets)
    try:
        return loaded(document, mitigation)
    except InputErrors as error:
        more = what_else(document, diagnosis)
        told = dict.fromkeys([*error.problems, *more])
        raise InputErrors(in_order(document, told) if more else error.problems) from None


def diagnosis(document: Document) -> tuple[int, Sequence[Problem]]:
    """The stage at which a document is turned down, and what is said there; `SOUND` and nothing where none does."""
    try:
        check_inputs(loaded(document))
    except InputErrors as error:
        return error.stage, error.problems
    return SOUND, ()


Diagnose = Callable[[Document], tuple[int, Sequence[Problem]]]
"""The stage at which a document is turned down, and what is said there; one beyond all others where it is sound."""

MOST_MENDINGS = 24
_MEANT = re.compile(r"did you mean `?([^`?]+?)`?\?")
_KNOWN = re.compile(r"known: (.+)")
MOST_KNOWN = 4
_TO_WRITE = re.compile(r"\b(?:write|add) {1,3}(.+?)(?: \(or .*)?$")


@dataclass(frozen=True, slots=True)
class _Mended:
    """A document with one thing changed.

    names: what users chose to call things, and is gone. path: of the problem that was put right.
    """

    document: Document
    names: frozenset[str]
    path: str = ""


def what_else(document: Document, diagnose: Diagnose) -> list[Problem]:
    """Everything that is wrong beside what the first stage says that turns the document down."""
    stage, problems = diagnose(document)
    first, told, gone = set(problems), list(problems), frozenset[str]()
    mended, paths = replace(document, problems=()), set[str]()
    for _ in range(MOST_MENDINGS):
        # What has been put right the wrong way first: a made-up name leads nowhere.
        better = _better(mended, stage, sorted(problems, key=lambda one: one.path not in paths), diagnose)
        if better is None:
            break
        found, stage, problems = better
        mended, gone, paths = found.document, gone | found.names, {*paths, found.path}
        if not paths & {one.path for one in problems}:
            told += [one for one in problems if _is_new(one, told, document, mended) and not _names_any(one, gone)]
    return [one for one in told if one not in first]


def _better(
    document: Document, stage: int, problems: Sequence[Problem], diagnose: Diagnose
) -> tuple[_Mended, int, Sequence[Problem]] | None:
    """The document with one problem less, or one that comes further; None where nothing is left or helps."""
    paths = {one.path for one in problems}
    for problem in problems:
        for mended in _mendings(document, problem):
            now, left = diagnose(mended.document)
            is_less = now == stage and {one.path for one in left} < paths
            if is_less or now > stage:
                return replace(mended, path=problem.path), now, left
    return None


def _mendings(document: Document, problem: Problem) -> Iterator[_Mended]:
    """Ways to put a problem right, the one that keeps most of what was meant first."""
    shape, path = shape_of(Scenario), _keys(document.data, problem.path)
    if not path:
        return
    meant, parent = _MEANT.search(problem.hint or problem.message), _at(document.data, path[:-1])
    known = _KNOWN.fullmatch(problem.hint)
    is_there = isinstance(parent, list) or (isinstance(parent, dict) and path[-1] in parent)
    if meant and is_there:
        if isinstance(parent, dict) and meant[1] not in parent and "not a key" in problem.message:
            yield _changed(document, path[:-1], _renamed(parent, path[-1], meant[1]))
        else:
            yield _changed(document, path, meant[1])
    for name in known[1].split(", ")[:MOST_KNOWN] if known else ():
        yield _changed(document, path, name)
    written = _TO_WRITE.search(problem.hint)
    if written is not None:
        yield from _as_written(document, path, written[1])
    for length in range(len(path), 0, -1):
        place = shape.at(path[:length])
        if place is not None and place.alternatives:
            yield _changed(document, path[:length], example(shape, place), is_made_up=True)
        if _at(document.data, path[:length]) is not None or length == len(path):
            yield _without(document, path[:length], shape)


def _as_written(document: Document, path: Keys, text: str) -> Iterator[_Mended]:
    """What the hint says: `key: value` for the value itself or beside it, or a value."""
    try:
        value = load_yaml(text + "\n", "hint")
    except Exception:  # a hint in words
        return
    if not isinstance(value, dict):
        yield _changed(document, path, value)
        return
    for key, one in value.items():
        yield _changed(document, path if key == path[-1] else (*path, key), one)
        yield _changed(document, (*path[:-1], key), one)


def _changed(document: Document, path: Keys, value: Any, is_made_up: bool = False) -> _Mended:
    """The document with another value at a path; as it is where there can be none. is_made_up: names in the value lead
    nowhere, which nobody has to hear of."""
    data = copy.deepcopy(document.data)
    old = _at(data, path)
    parent = _at(data, path[:-1])
    is_entry = isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent)
    if isinstance(parent, dict) or is_entry:
        parent[path[-1]] = value
    old_names, new_names = _names(old), _names(value)
    gone = old_names ^ new_names if is_made_up else old_names - new_names
    return _Mended(replace(document, data=data), frozenset(gone))


def _without(document: Document, path: Keys, shape: Shape) -> _Mended:
    """The document without what stands at a path."""
    data = copy.deepcopy(document.data)
    parent, gone = _at(data, path[:-1]), _names(_at(data, path))
    if isinstance(parent, dict):
        parent.pop(path[-1], None)
    elif isinstance(parent, list) and isinstance(path[-1], int) and path[-1] < len(parent):
        # Another entry in its place, so that the others keep their numbers.
        entry = shape.at(path)
        parent[path[-1]] = example(shape, entry) if entry is not None else None
    place = shape.at(path[:-1])
    if place is not None and place.is_open:
        gone |= {str(path[-1])}
    return _Mended(replace(document, data=data), frozenset(gone))


def _renamed(mapping: dict[Any, Any], key: Any, name: str) -> dict[Any, Any]:
    return {name if one == key else one: value for one, value in mapping.items()}


def _keys(data: Any, path: str) -> Keys:
    """The keys of a dotted path in the data; () where it leads through nothing that is there."""
    found: list[str | int] = []
    for key in path.split(".") if path else ():
        here = _at(data, tuple(found))
        found.append(int(key) if isinstance(here, list) and key.isdecimal() else key)
    return tuple(found)


def _at(data: Any, path: Keys) -> Any:
    for key in path:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def _names(value: Any) -> set[str]:
    """Texts in a value that a user may have chosen as names, its keys included."""
    if isinstance(value, dict):
        return {str(key) for key in value} | {name for one in value.values() for name in _names(one)}
    if isinstance(value, list):
        return {name for one in value for name in _names(one)}
    return {value} if isinstance(value, str) else set()


def _is_new(problem: Problem, told: Sequence[Problem], written: Document, mended: Document) -> bool:
    """Whether it is about something that stands in the file as it is, and of which nothing has been said."""
    path = _keys(written.data, problem.path)
    is_as_written = _at(written.data, path) == _at(mended.data, path)
    around = any(one.path.startswith(f"{problem.path}.") for one in told)
    return is_as_written and not around and all(problem.path != one.path for one in told)


def _names_any(problem: Problem, names: frozenset[str]) -> bool:
    """Whether a problem is about something whose name is gone."""
    said = set(re.findall(r"[A-Za-z_][\w\-]*", f"{problem.path} {problem.message}"))
    return bool(said & names)
