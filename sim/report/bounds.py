"""The bound of an objective read back from its text, so that it can be drawn beside the figure.

Verdicts are not made here: `sim.stats.verdicts` makes them, and a bound that cannot be read is just not drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from sim.units import (
    SECOND,
    parse_duration_ns,
    parse_rate_per_s,
    parse_ratio,
    parse_usd_per_month,
)

_TARGET = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s*(\S.*?)\s*")
_PARSERS: Mapping[str, Callable[[object], float]] = {
    "s": lambda text: parse_duration_ns(text) / SECOND,
    "1/s": parse_rate_per_s,
    "ratio": parse_ratio,
    "USD/month": parse_usd_per_month,
}


@dataclass(frozen=True, slots=True)
class TargetBound:
    """Where an objective draws the line: the figure has to stay on this `side` of `value`, in the figure's unit."""

    side: Literal["below", "above"]
    value: float


def bound_of(target: str, unit: str) -> TargetBound | None:
    """The bound in `target`, such as `< 200 ms`, in `unit`; None when the text is not such a bound.

    >>> bound_of("< 200 ms", "s")
    TargetBound(side='below', value=0.2)
    """
    match = _TARGET.fullmatch(target)
    if match is None:
        return None
    side: Literal["below", "above"] = "below" if match[1] in ("<", "<=", "≤") else "above"
    for parse in (_PARSERS.get(unit, float), float):
        try:
            return TargetBound(side, parse(match[2].replace(",", "")))
        except ValueError:
            continue
    return None
