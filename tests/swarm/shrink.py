"""Makes a failing network small: takes away whatever can go while the failure stays. What fails is the caller's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import yaml
from pydantic import ValidationError

from .generate import Case

Path = tuple[str | int, ...]
Fails = Callable[[Case], bool]
_TIME = re.compile(r"\d+ (ns|us|ms|s)")
PARTS = (
    "attributes",
    "nodes",
    "resources",
    "stations",
    "caches",
    "faults",
    "breakers",
    "budgets",
    "controllers",
    "monitors",
    "spans",
)


def shrink(case: Case, fails: Fails, on_progress: Callable[[str], None] = lambda line: None) -> Case:
    """The smallest case found that still fails: nothing can be taken from it without losing the failure.

    fails: asked of valid cases only. told: hears of each step that made it smaller.
    """
    while True:
        before = case
        for simpler in (_shorter, _without, _hoisted, _simplified):
            case = _greedily(case, simpler, fails, on_progress)
        if case == before:
            return case


def as_text(case: Case) -> str:
    """The case as YAML with its plan and traces."""
    document = {key: value for key, value in case.document.items() if value}
    text: str = yaml.safe_dump(document, sort_keys=False, width=110)
    traces = "".join(f"# trace of {name}, in ns: {times}\n" for name, times in case.traces.items())
    return f"{text}# {case.plan}\n{traces}"


def _greedily(
    case: Case, simpler: Callable[[Case], Iterator[Case]], fails: Fails, on_progress: Callable[[str], None]
) -> Case:
    """Take the first simpler form that still fails, and look again from there, until none does."""
    skip = 0
    while True:
        for index, candidate in enumerate(simpler(case)):
            if index < skip or candidate == case or not _valid(candidate) or not fails(candidate):
                continue
            # What comes before was in vain a moment ago, and is looked at again in the next round.
            case, skip = candidate, index
            on_progress(f"{_size(case)} steps and parts")
            break
        else:
            return case


def _valid(case: Case) -> bool:
    try:
        case.network()
    except (ValidationError, AssertionError):
        return False
    return True


def _size(case: Case) -> int:
    return sum(1 for _ in _paths(case.document))


def _shorter(case: Case) -> Iterator[Case]:
    """A shorter run with less around it, fewer executions."""
    plan = case.plan
    for field in ("warmup_ns", "follow_ns", "sample_ns", "drain_ns", "replication"):
        if getattr(plan, field):
            yield case.planned(**{field: 0})
    if plan.drill is not None:
        yield case.planned(drill=None)
    for part in (0.1, 0.5, 0.8, 0.95):
        window = round((plan.horizon_ns - plan.warmup_ns) * part)
        if window < plan.horizon_ns - plan.warmup_ns:
            yield case.planned(horizon_ns=plan.warmup_ns + window)
    for name, source in case.document["sources"].items():
        for limit in _lower(source.get("limit", 64)):
            if limit:
                yield _with(case, ("sources", name, "limit"), limit)
    for name, times in case.traces.items():
        for size in _chunks(len(times)):
            for start in range(0, len(times), size):
                yield replace(case, traces={**case.traces, name: times[:start] + times[start + size :]})


def _chunks(size: int) -> Iterator[int]:
    while size:
        yield size
        size //= 2


def _lower(number: int) -> list[int]:
    return sorted({0, 1, number // 2, number - 1} & set(range(number)))


def _without(case: Case) -> Iterator[Case]:
    """One part, step or option less."""
    document = case.document
    for path in list(_paths(document)):
        if len(path) > 1:
            yield _with(case, path, None)
    for name in document["faults"]:  # and what comes during it: neither may go without the other
        sources = {s: source for s, source in document["sources"].items() if source.get("during") != name}
        if len(sources) < len(document["sources"]):
            faults = {f: fault for f, fault in document["faults"].items() if f != name}
            yield replace(case, document={**document, "sources": sources, "faults": faults})


def _hoisted(case: Case) -> Iterator[Case]:
    """Steps from inside a step in its place."""
    for path in list(_paths(case.document["routines"])):
        steps, index = _at(case.document["routines"], path[:-1]), path[-1]
        if not isinstance(steps, list) or not isinstance(index, int):
            continue
        for inner in _lists(steps[index]):
            yield _with(case, ("routines", *path[:-1]), [*steps[:index], *inner, *steps[index + 1 :]])


def _lists(step: Any) -> Iterator[list[Any]]:
    """Lists of steps inside a step."""
    values = step.values() if isinstance(step, dict) else step if isinstance(step, list) else ()
    for value in values:
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield value
        yield from _lists(value)


def _simplified(case: Case) -> Iterator[Case]:
    """Plainer values: a constant for a distribution, a lower number, a mapping's main value alone."""
    for path in list(_paths(case.document)):
        value = _at(case.document, path)
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            for lower in _lower(value):
                yield _with(case, path, lower)
        elif isinstance(value, dict) and len(path) > 2:
            times = _TIME.search(str(value))
            if times is not None:
                yield _with(case, path, times.group())
            yield _with(case, path, 1)
            if "child" in value:  # what fails may need its steps, and no execution of their own
                child = value["child"]
                yield _with(case, path, {"call": child if isinstance(child, str) else child["routine"]})
            for plain in ("resource", "station", "name", "routine"):
                if plain in value:
                    yield _with(case, path, value[plain])
        elif isinstance(value, str) and _TIME.fullmatch(value) and value != "1 ms":
            yield _with(case, path, "1 ms")
            yield _with(case, path, "0 ms")


def _paths(document: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a document, outer before inner."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _at(document: Any, path: Path) -> Any:
    for key in path:
        document = document[key]
    return document


def _with(case: Case, path: Path, value: Any) -> Case:
    """The case with something else at a place of its document; None takes away what is there."""
    document = deepcopy(case.document)
    holder = _at(document, path[:-1])
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    traces = {name: times for name, times in case.traces.items() if "'trace'" in str(document["sources"].get(name))}
    return replace(case, document=document, traces=traces)
