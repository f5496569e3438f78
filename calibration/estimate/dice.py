"""Chance that is the same on every machine, service laws drawn by their mean, and documents written as YAML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Document = dict[str, Any]

WIDTH = 110
"""Columns of a line of YAML at most, where its parts allow it."""
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./%_-]*")
"""Texts that YAML reads as they stand; all those that are drawn hold a letter, or are numbers with a unit."""


class Dice:
    """Draws from `Random.random` alone, the one method that Python promises never to change for a seed."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self._random() < probability

    def between(self, least: int, greatest: int) -> int:
        """A whole number, both ends included."""
        return least + int(self._random() * (greatest - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self._random() * len(choices))]

    def log(self, low: float, high: float) -> float:
        """A number whose logarithm is uniform, to three digits, so that machines that differ in the last bit agree."""
        return figure(low * (high / low) ** self._random())

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys in proportion to its weight; needs one above 0."""
        left = self._random() * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return next(choice for choice in reversed(list(weights)) if weights[choice] > 0)

    def law(self, mean_s: float) -> Any:
        """A service law of a mean in seconds, from constant to a coefficient of variation of 3."""
        match self.weighted(LAWS):
            case "constant":
                return time(mean_s)
            case "exponential":
                return {"exponential": time(mean_s)}
            case "lognormal":
                return {"mean": time(mean_s), "cv": self.pick((0.3, 0.6, 1, 1.5, 2.5))}
            case "percentiles":
                spread = self.pick((3.0, 6.0, 12.0))
                sigma = math.log(spread) / 2.326  # the 99th percentile of the normal distribution
                p50_s = mean_s / math.exp(sigma * sigma / 2)
                return {"p50": time(p50_s), "p99": time(p50_s * spread)}
            case "uniform":
                low = self.pick((0.0, 0.5, 0.8))
                return {"uniform": [time(mean_s * low), time(mean_s * (2 - low))]}
            case "gamma":
                return {"gamma": {"mean": time(mean_s), "cv": self.pick((0.4, 0.7, 1.4))}}
            case "mixture":
                quick = {"weight": "90 %", "of": {"exponential": time(mean_s / 2)}}
                slow = {"weight": "10 %", "of": {"exponential": time(mean_s * 5.5)}}
                return {"mixture": [quick, slow]}
        return {"hyperexponential": {"mean": time(mean_s), "cv": self.pick((1.5, 2, 3))}}


LAWS = {
    "constant": 1.0,
    "exponential": 3.0,
    "lognormal": 2.0,
    "percentiles": 2.0,
    "uniform": 1.0,
    "gamma": 1.0,
    "hyperexponential": 0.7,
    "mixture": 0.5,
}


def figure(number: float) -> float:
    """To three significant digits."""
    return float(f"{number:.3g}")


def written(number: float) -> str:
    """Three significant digits without an exponent, which YAML would take for a word."""
    text = f"{figure(number):.9f}".rstrip("0").rstrip(".")
    assert text, number
    return text


def time(seconds: float) -> str:
    """A time as a scenario has it, in the unit that leaves few zeros."""
    unit, factor = ("s", 1.0) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("us", 1e6)
    return f"{written(seconds * factor)} {unit}"


def rate(per_s: float) -> str:
    """A rate as a scenario has it."""
    return f"{written(per_s)}/s"


def percent(share: float) -> str:
    """A share as a scenario has it."""
    return f"{written(share * 100)} %"


def yaml(document: Document) -> str:
    """The document as YAML: what fits on a line stands on it."""
    return "\n".join(_block(document, 0)) + "\n"


def _block(value: Any, indent: int) -> list[str]:
    """The lines of a mapping or list, indented by so many columns."""
    lines: list[str] = []
    space = " " * indent
    if isinstance(value, dict):
        for key, inner in value.items():
            flow = _flow(inner)
            if len(flow) + len(key) + 2 + indent <= WIDTH and not (indent == 0 and _is_nest(inner)):
                lines.append(f"{space}{key}: {flow}")
            else:
                lines += [f"{space}{key}:", *_block(inner, indent + 2)]
        return lines
    for inner in value:
        flow = _flow(inner)
        if len(flow) + indent + 2 <= WIDTH:
            lines.append(f"{space}- {flow}")
        else:
            first, *rest = _block(inner, indent + 2)
            lines += [f"{space}- {first.lstrip()}", *rest]
    return lines


def _is_nest(value: Any) -> bool:
    """Whether a mapping holds mappings, which a reader wants to see one below the other."""
    return isinstance(value, dict) and any(isinstance(one, dict) for one in value.values())


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return written(value)
    return value if PLAIN.fullmatch(value) else json.dumps(value)
