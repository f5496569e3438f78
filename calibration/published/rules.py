"""The rules of the verdicts: a published figure against its prediction. Pure functions; nothing is run here.

`eq` and `between` are met when the estimate lies within the tolerance of the value or range, and the half-width of its
interval is below half of that; a bound is met when the far end of the interval keeps it; properties, and `eq 0`, are
met when nothing that broke them was seen, and are shown with the rule of three. A verdict that the wider interval,
of model error, could turn is `met ?` or `missed ?`. `headline` counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from calibration.published.registry import Found, Parameter, Published, Relation
from sim.figure import Figure

Verdict = Literal[
    "met",
    "missed",
    "met ?",
    "missed ?",
    "contradictory",
    "arithmetic",
    "fitted",
    "undetermined",
    "used",
    "not used",
    "not modelled yet",
]

TOLERANCE = 0.05
TOLERANCE_OF_TIMES = 0.20
TOLERANCE_OF_MONEY = 0.001
TIMES = ("s",)
MONEY = ("usd", "usd/month")
PROPERTIES = ("property", "behaviour")


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and why where it is not plain from the numbers."""

    verdict: Verdict
    reason: str = ""


def tolerance_of(unit: str) -> float:
    """How far from the published value an estimate may lie, as a share of it: 20 % for times (latency and recovery),
    0.1 % for money, 5 % for all else."""
    if unit in TIMES:
        return TOLERANCE_OF_TIMES
    return TOLERANCE_OF_MONEY if unit in MONEY else TOLERANCE


def judge(published: Published, predicted: Figure | None) -> Judged:
    """The verdict of a target. predicted: None where there is no scenario for it yet.

    What is arithmetic or fitted and does not come out is missed; what is contradictory is so whatever comes out, and
    so is what is undetermined, as long as it comes out at some value of what it hangs on.
    """
    prediction = published.predicted
    kind = prediction.kind if prediction is not None else None
    if kind == "contradictory":
        return Judged("contradictory")
    if predicted is None:
        return Judged("not modelled yet")
    if prediction is not None and prediction.parameter is not None and prediction.parameter.found is not None:
        return Judged("undetermined", hangs_on(prediction.parameter, prediction.parameter.found))
    reason = why_missed(published, predicted)
    turns = _could_turn(published, predicted, not reason)
    if reason:
        return Judged("missed ?" if turns else "missed", reason)
    if kind == "arithmetic" or kind == "fitted":
        return Judged(kind)
    return Judged("met ?" if turns else "met")


def hangs_on(parameter: Parameter, found: Found) -> str:
    """Where an undetermined figure comes out, in words."""
    value, low, high = map(parameter.show, (found.value, found.low, found.high))
    first, last = map(parameter.show, parameter.plausible)
    return (
        f"it comes out at {value} [{low}, {high}] {parameter.name}: {parameter.plausibility(found)} "
        f"({first} to {last}: {parameter.reason})"
    )


def _could_turn(published: Published, predicted: Figure, comes_out: bool) -> bool:
    """Whether the interval that also holds model error is of another opinion: not wholly where the claim is kept, or
    not wholly where it is missed. Where model error was never measured nothing is known to turn it."""
    if predicted.wide_low is None or predicted.wide_high is None or predicted.value is None:
        return False
    low, high = published.ends
    if published.unit in PROPERTIES or (published.relation == "eq" and low == 0):
        return False
    first, last = _kept(published.relation, low, high, tolerance_of(published.unit))
    if comes_out:
        return predicted.wide_low < first or predicted.wide_high > last
    return predicted.wide_high >= first and predicted.wide_low <= last


def _kept(relation: Relation, low: float, high: float, tolerance: float) -> tuple[float, float]:
    """From where to where a value keeps the claim."""
    match relation:
        case "lt" | "le":
            return -math.inf, low
        case "gt" | "ge":
            return low, math.inf
        case "eq" | "between":
            return low - tolerance * abs(low), high + tolerance * abs(high)


def why_missed(published: Published, predicted: Figure) -> str:
    """Why the prediction does not carry the claim; empty where it does."""
    if predicted.value is None:
        return f"refused: {predicted.note}"
    low, high = published.ends
    if published.unit in PROPERTIES or (published.relation == "eq" and low == 0):
        return "" if predicted.value == low else "it was broken"
    if predicted.low is None or predicted.high is None:
        return "the prediction has no interval"
    match published.relation:
        case "lt" if predicted.high >= low:
            return _beyond(predicted, predicted.value < low, "upper")
        case "le" if predicted.high > low:
            return _beyond(predicted, predicted.value <= low, "upper")
        case "gt" if predicted.low <= low:
            return _beyond(predicted, predicted.value > low, "lower")
        case "ge" if predicted.low < low:
            return _beyond(predicted, predicted.value >= low, "lower")
        case "eq" | "between":
            return _off(predicted, low, high, tolerance_of(published.unit))
    return ""


def _beyond(predicted: Figure, value_keeps_it: bool, end: str) -> str:
    if not value_keeps_it:
        return "the estimate does not keep the bound"
    why = f" ({predicted.note})" if predicted.note else ""
    return f"the estimate keeps the bound, the {end} end of its interval does not{why}"


def _off(predicted: Figure, low: float, high: float, tolerance: float) -> str:
    """Why an estimate is not the value, or not in the range from `low` to `high`."""
    assert predicted.value is not None
    nearest = min(max(predicted.value, low), high)
    allowed = tolerance * abs(nearest)
    # A hair for the rounding of decimal fractions: 105 is within 5 % of 100.
    if abs(predicted.value - nearest) > allowed * (1 + 1e-9):
        return f"off by {abs(predicted.value - nearest) / abs(nearest):.3g}, {tolerance:g} is allowed"
    assert predicted.half_width is not None
    if predicted.half_width > 0 and predicted.half_width >= allowed / 2:
        width = predicted.half_width / abs(nearest)
        return (
            f"within {tolerance:g}, but the interval's half-width is {width:.2g} of it; {tolerance / 2:g} is allowed"
        )
    return ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What a list of verdicts comes to.

    met: figures that are met, of `of` that are met or missed; nothing else counts. others: how many have each other
    verdict. repeated: figures of any of these verdicts that another one states too, and that are in no other number.
    """

    met: int
    of: int
    others: Mapping[Verdict, int]
    repeated: int


def headline(verdicts: Iterable[tuple[Verdict, bool]]) -> Headline:
    """Count verdicts. With each: whether the figure states what another one does."""
    counted = list(verdicts)
    number = Counter(verdict for verdict, repeats in counted if not repeats)
    others = {verdict: count for verdict, count in number.items() if verdict not in ("met", "missed")}
    repeated = sum(repeats for _, repeats in counted)
    return Headline(number["met"], number["met"] + number["missed"], others, repeated)
