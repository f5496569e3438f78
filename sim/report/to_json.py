"""JSON of what was found: one function for frozen data, figures, enumerations and containers of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from sim.figure import Figure


def to_json(value: Any) -> Any:
    """What `json.dumps(..., allow_nan=False)` takes, keys and entries in their order.

    A dataclass is a mapping of its fields. JSON knows no infinity: such a number is null, and a figure of such a value
    says so in its note.

    >>> to_json({"share": Figure(math.inf, "s"), "names": ("a", "b")})["names"]
    ['a', 'b']
    """
    if isinstance(value, Figure):
        return _of_figure(value)
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [to_json(one) for one in value]
    assert is_dataclass(value), f"{type(value).__name__} has no JSON"
    return {one.name: to_json(getattr(value, one.name)) for one in fields(value)}


def _of_figure(figure: Figure) -> dict[str, Any]:
    value = figure.value
    if value is not None and not math.isfinite(value):
        figure = figure.with_note("undefined" if math.isnan(value) else "infinite")
    return {name: to_json(one) for name, one in figure.to_json().items()}
