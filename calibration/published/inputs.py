"""Whether a scenario really has a published input: the value stands in it, and another would mean another system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from math import isclose, prod
from pathlib import Path
from typing import Any

from calibration.published.registry import Published, UsedIn
from calibration.published.rules import Judged
from sim.errors import InputErrors
from sim.figure import Figure
from sim.lower.load import Loaded, load
from sim.lower.lowered import Lowered
from sim.units import (
    Mistake,
    parse_bytes,
    parse_bytes_per_s,
    parse_cores,
    parse_count,
    parse_duration_ns,
    parse_rate_per_s,
    parse_ratio,
    show_value,
)

READERS: Mapping[str, Callable[[object], float]] = {
    "s": lambda value: parse_duration_ns(value) / 1e9,
    "B": parse_bytes,
    "GB": lambda value: parse_bytes(value) / 1e9,
    "TB": lambda value: parse_bytes(value) / 1e12,
    "B/s": parse_bytes_per_s,
    "1/s": parse_rate_per_s,
    "events/s": parse_rate_per_s,
    "ratio": parse_ratio,
    "vCPU": parse_cores,
}
"""How a value in a file becomes a number in the unit of a figure; numbers without a unit are taken as they are."""


def check_input(published: Published, configs: Path) -> tuple[Judged, Figure]:
    """The verdict of an input, and the value that the scenario has.

    Raises InputErrors when the scenario is wrong in itself.
    """
    used = published.used
    assert used is not None
    loaded = load(configs / used.file)
    try:
        values = [_at(loaded.document.data, path) for path in used.paths]
        if isinstance(published.value, str):
            found = values[0]
        elif used.per:
            amount = _number(published.unit.removesuffix("/s"), values)
            found = used.times * used.cells * amount / READERS["s"](_at(loaded.document.data, used.per))
        else:
            found = used.times * used.cells * _number(published.unit, values)
    except (LookupError, Mistake) as error:
        told = error.message if isinstance(error, Mistake) else f"{error.args[0]} is not in the file"
        return Judged("not used", told), Figure.refused("", told)
    figure = Figure.exact(found, published.unit) if isinstance(found, float) else Figure.refused("", str(found))
    if not _agrees(published, found):
        return Judged("not used", f"the scenario has {show_value(found)}"), figure
    if _means_the_same(loaded, used, configs):
        return Judged("not used", f"{', '.join(used.other)} changes nothing"), figure
    return Judged("used"), figure


def _at(data: Any, path: str) -> Any:
    """The value at a dotted path, as it was written."""
    for key in path.split("."):
        inside = data[int(key)] if isinstance(data, list) and key.isdecimal() and int(key) < len(data) else None
        inside = data.get(key) if isinstance(data, dict) else inside
        if inside is None:
            raise LookupError(path)
        data = inside
    return data


def _number(unit: str, values: list[Any]) -> float:
    """The values in the unit, multiplied; with `between`, the range must hold the only one."""
    return float(prod(_read(unit, value, len(values) > 1) for value in values))


def _read(unit: str, value: Any, is_factor: bool) -> float:
    """One value in the unit; of several, a plain number is a count that the others are multiplied by.

    What has no unit of its own is a count, or a rate of what is counted.
    """
    if isinstance(value, dict | list) and unit not in READERS:
        return float(len(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and (unit != "s" or is_factor):
        return float(value)
    if unit in READERS:
        return READERS[unit](value)
    for reader in (parse_count, parse_rate_per_s):
        with suppress(Mistake):
            return reader(value)
    raise Mistake(f"is {show_value(value)}; a number of {unit} is expected")


def _agrees(published: Published, found: Any) -> bool:
    """Whether a value is the published one, or keeps the published bound."""
    if isinstance(published.value, str):
        return bool(found == published.value)
    low, high = published.ends
    same = isclose(found, low, rel_tol=1e-9)
    match published.relation:
        case "eq":
            return same
        case "lt":
            return bool(found < low)
        case "le":
            return bool(found < low) or same
        case "gt":
            return bool(found > low)
        case "ge":
            return bool(found > low) or same
        case "between":
            return bool(low <= found <= high)


def _means_the_same(loaded: Loaded, used: UsedIn, configs: Path) -> bool:
    """Whether the scenario becomes the same network and the same bill with another value in place of the published."""
    try:
        other = load(configs / used.file, used.other)
    except InputErrors:
        return False  # refused with it: it is looked at
    return _apart_from_words(other.lowered) == _apart_from_words(loaded.lowered)


def _apart_from_words(lowered: Lowered) -> Lowered:
    return replace(lowered, assumptions=())
