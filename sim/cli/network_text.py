"""A lowered network as lines of text: flow YAML, one element a line, steps indented; as a scenario; as a program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sim.lower.load import Loaded
from sim.lower.setting import Element
from sim.network.routines import STEP_KINDS

LONGEST_LIST = 12
"""Entries of a list that are shown; of a longer one, a table of quantiles say, its ends. `--json` has all."""


def network_text(loaded: Loaded) -> str:
    """What `sim explain` prints."""
    network = loaded.lowered.network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    elements = loaded.elements
    lines = [f"# {loaded.scenario.name}: what is simulated", "network:"]
    for section, content in network.items():
        lines.append(f"  {section}:")
        for name, element in content.items():
            if section == "routines":
                lines.append(f"    {name}:")
                lines += _steps(element, "      ")
            else:
                lines.append(f"    {name}: {_flow(element)}{_comment(elements.get(name))}")
    if loaded.lowered.assumptions:
        lines += ["", "# assumptions"]
        for assumption in loaded.lowered.assumptions:
            source = f"  ({assumption.source})" if assumption.source else "  (assumption)"
            lines.append(f"#   {assumption.what}: {assumption.value}{source}")
    return "\n".join(lines)


def _comment(element: Element | None) -> str:
    """What people call an element, with its key and where that stands, or that it has none."""
    if element is None:
        return ""
    setting = element.setting
    said = "the model's own" if setting.is_inner else f"{setting.path}, {element.where}"
    return f"  # {setting.words}: {said}"


def _steps(steps: list[dict[str, Any]], indent: str) -> Iterator[str]:
    """Each step on a line; lists of steps inside it below, indented."""
    for step in steps:
        inner: list[tuple[str, list[dict[str, Any]]]] = []
        flat = _without_bodies(step, inner, "")
        yield f"{indent}- {_flow(flat)}"
        for label, body in inner:
            yield f"{indent}    {label}:"
            yield from _steps(body, indent + "      ")


def _without_bodies(value: Any, inner: list[tuple[str, list[dict[str, Any]]]], label: str) -> Any:
    """The step without the lists of steps in it, which go to `inner` with the key that they stand under."""
    if isinstance(value, dict):
        kept = {}
        for key, item in value.items():
            if _is_steps(item):
                inner.append((f"{label}{key}", item))
            else:
                kept[key] = _without_bodies(item, inner, label)
        return kept
    if isinstance(value, list):
        kept_items = []
        for index, item in enumerate(value):
            if _is_steps(item):
                inner.append((f"{label}{index}", item))
            else:
                kept_items.append(_without_bodies(item, inner, f"{label}{index}."))
        return kept_items
    return value


def _is_steps(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and any(key in item for key in STEP_KINDS) for item in value)
    )


def _flow(value: Any) -> str:
    """Flow YAML: mappings and lists on one line, text quoted only where it must be."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        shown = list(map(_flow, value))
        if len(shown) > LONGEST_LIST:
            shown[2:-2] = [f"... {len(shown) - 4} more ..."]
        return "[" + ", ".join(shown) + "]"
    if isinstance(value, str):
        plain = value and all(c.isalnum() or c in " ._-/%" for c in value) and not value[0].isspace()
        return value if plain and not value.replace(".", "").isdigit() else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def as_scenario(loaded: Loaded) -> dict[str, Any]:
    """The lowered network as a scenario of its own, run as this one is: the same executions, event by event."""
    run = loaded.scenario.run.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"start"})
    network = loaded.lowered.network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"name": loaded.scenario.name, **({"run": run} if run else {}), "network": network}


# -- the compiled program: names, then step by step, as the fast engine has them ----------------------------------


def program_text(loaded: Loaded) -> str:
    """Tables of names and the words of every step; a handle is the number of a record's first word."""
    return "\n".join(_program_lines(loaded))


def _program_lines(loaded: Loaded) -> Iterator[str]:
    from sim.engine.fast import layout
    from sim.engine.fast.compile import compile_network

    program = compile_network(loaded.lowered.network)
    words = program.words
    yield f"program of {loaded.scenario.name}: {program.size:,} words, {len(program.streams)} streams of draws"
    main, child = words[layout.Header.MAIN_SIZE], words[layout.Header.CHILD_SIZE]
    yield f"a job of a main line takes {main} words, a child {child}"
    yield ""
    yield "handle    what"
    for name, handle in sorted(program.handles.items(), key=lambda item: item[1]):
        yield f"{handle:<9} {name}"
    for title, names in (
        ("states of the split of latency", program.states),
        ("failures", program.errors),
        ("operations", program.operations),
        ("affinities", program.affinities),
        ("attributes", program.attributes),
    ):
        if names:
            yield ""
            yield f"{title}: {', '.join(f'{number} {name}' for name, number in names.items() if name)}"
    yield ""
    yield "step      code next      element stream, then its words"
    at = sorted(program.steps)
    ends = [handle for handle, _, _ in at[1:]] + [len(words)]
    for (handle, kind, stream), end in zip(at, ends, strict=True):
        code, following, element = words[handle : handle + 3]
        rest = words[handle + layout.Step.SIZE : min(end, handle + layout.AttemptStep.SIZE)]
        yield f"{handle:<9} {code:<4} {following:<9} {element:<7} {stream} ({kind}) {' '.join(map(str, rest))}"
