"""Resources and stations as people call them, with what a user can set and watch of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sim.lower.setting import Element
from sim.report.blocks import Table
from sim.report.grid import paragraph
from sim.stats.summary import Split
from sim.units import format_count

Elements = Mapping[str, Element]


def named(table: Table, elements: Elements) -> Table:
    """The table with elements under their words, and without those that are bookkeeping of the model."""
    rows = [row for row in table.rows if row.name not in elements or not elements[row.name].setting.is_inner]
    return replace(table, rows=tuple(replace(row, name=words_of(row.name, elements)) for row in rows))


def words_of(name: str, elements: Elements) -> str:
    """What people call an element; its name where nothing else is known of it."""
    return elements[name].setting.words if name in elements else name


def named_states(splits: Mapping[str, Split], elements: Elements) -> dict[str, Split]:
    """The splits with their states at elements under the words of these; those of the same words are one."""
    return {
        name: Split(_named_states(split.mean_s, elements), _named_states(split.tail_s, elements))
        for name, split in splits.items()
    }


def _named_states(seconds: Mapping[str, float], elements: Elements) -> dict[str, float]:
    found: dict[str, float] = {}
    for state, part in seconds.items():
        kind, dot, place = state.partition(".")
        name = f"{kind}{dot}{words_of(place, elements)}"
        found[name] = found.get(name, 0.0) + part
    return found


def settable(tables: Iterable[Table], elements: Elements) -> Iterator[Element]:
    """The elements in the rows of tables, by name, that a user can change; of those with the same key the first."""
    seen = set()
    for name in dict.fromkeys(row.name for table in tables for row in table.rows):
        if name in elements and not elements[name].setting.is_inner and elements[name].setting.path not in seen:
            seen.add(elements[name].setting.path)
            yield elements[name]


def set_and_watch(elements: Iterable[Element]) -> list[str]:
    """For each of them its key, where it stands, the product's knob, and below it what to watch."""
    lines = []
    for one in elements:
        setting = one.setting
        parts = [f"{setting.path}{today_of(one)}", one.where.short, turned_by(one)]
        lines += paragraph(f" {setting.words}: {'   '.join(part for part in parts if part)}", 4)
        if setting.watch:
            lines += paragraph(f"    watch  {setting.watch}", 11)
    return ["SET AND WATCH", *lines] if lines else []


def today_of(one: Element) -> str:
    """What it is set to, as it follows the key: " = 20"."""
    value = one.setting.value
    return "" if value is None else f" = {format_count(value)}{one.setting.unit}"


def turned_by(one: Element) -> str:
    """The product's knob, and what it takes to turn it: "maxConns (restart)"."""
    setting = one.setting
    return f"{setting.knob} ({setting.change})" if setting.knob and setting.change else setting.knob


def elements_json(elements: Elements) -> dict[str, Any]:
    """Each element by its name: words, `setting` (the key, null for bookkeeping of the model), its place in the file,
    the product's knob, what it takes to change it, its value `today` as `--set` takes it, and what to `watch`."""
    return {name: _json(one) for name, one in elements.items()}


def _json(one: Element) -> dict[str, Any]:
    setting = one.setting
    if setting.is_inner:
        return {"words": setting.words, "setting": None}
    return {
        "words": setting.words,
        "setting": setting.path,
        "where": str(one.where),
        "line": one.where.line or None,
        "today": f"{setting.value:g}{setting.unit}" if setting.value is not None and setting.unit else setting.value,
        "knob": setting.knob,
        "change": setting.change,
        "watch": setting.watch,
    }
