"""Where an undetermined figure comes out: the value of the one parameter that it hangs on, by bisection over runs.

All runs draw alike (one seed, named draws), so that what noise there is moves the figure alike at neighbouring values,
and the figure is taken to rise or to fall throughout; where runs contradict that, no value is given.

The interval. At each value x that was tried, the runs give the figure with a 95 % interval [low(x), high(x)]. At the
x* where the figure really is the published number p, that interval holds p in 95 of 100 cases; so the set of all x
whose interval holds p holds x* in 95 of 100 cases (the interval is inverted, as in calibration: Eisenhart, Annals of
Mathematical Statistics 10, 1939). Between two values that were tried, low and high are taken on straight lines. To
that the last bracket is added, which the bisection did not look into.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sim.figure import Figure
from sim.plan.published.registry import Found, Parameter

WITHIN = 0.05
"""How close the two ends of the last bracket are, as a share of the parameter."""
MOST = 10
"""Values that are tried at most: both ends, and as many halvings as make 16 to 1 into 5 % twice over."""

Attempt = Callable[[float], Figure]


@dataclass(frozen=True, slots=True)
class Tried:
    """The figure at one value of the parameter."""

    at: float
    figure: Figure


@dataclass(frozen=True, slots=True)
class Solved:
    """What the search came to.

    found: where the figure comes out; None where `why` tells why it does not. tried: in the order of the values.
    """

    found: Found | None
    why: str
    tried: tuple[Tried, ...]

    def to_json(self, figure: str, parameter: Parameter) -> dict[str, Any]:
        """The search as data; values of the parameter are in its `unit`."""
        return {
            "id": figure,
            **parameter.model_copy(update={"found": self.found}).to_json(),
            "why": self.why,
            "tried": [{"at": one.at, "figure": one.figure.to_json()} for one in self.tried],
        }


def solve(attempt: Attempt, parameter: Parameter, target: float) -> Solved:
    """Bisect between the ends of the range that is searched, on the scale of ratios.

    attempt: the figure at a value, by runs that are the same but for it. target: what it should be.
    """
    low, high = parameter.search
    tried = {at: attempt(at) for at in (low, high)}
    refused = _refusal(tried)
    if refused:
        return Solved(None, refused, _sorted(tried))
    rises = _value(tried[high]) > _value(tried[low])
    if not min(map(_value, tried.values())) <= target <= max(map(_value, tried.values())):
        return Solved(None, _not_reached(parameter, tried, target), _sorted(tried))
    while len(tried) < MOST:
        middle = _middle(low, high, parameter.whole)
        if middle is None:
            break
        tried[middle] = attempt(middle)
        refused = _refusal(tried)
        if refused:
            return Solved(None, refused, _sorted(tried))
        if (_value(tried[middle]) < target) == rises:
            low = middle
        else:
            high = middle
    points = _sorted(tried)
    against = _contradiction(points, rises)
    if against:
        return Solved(None, against, points)
    first, last = _inverted(points, target)
    value = _crossing(tried[low], tried[high], low, high, target)
    if parameter.whole:
        value = float(round(value))
    return Solved(Found(value=value, low=min(first, low), high=max(last, high)), "", points)


def _value(figure: Figure) -> float:
    assert figure.value is not None
    return figure.value


def _sorted(tried: dict[float, Figure]) -> tuple[Tried, ...]:
    return tuple(Tried(at, tried[at]) for at in sorted(tried))


def _refusal(tried: dict[float, Figure]) -> str:
    """Why one of the runs tells nothing."""
    for at, figure in tried.items():
        if figure.value is None:
            return f"at {at:.4g} there is no figure: {figure.note}"
        if figure.low is None or figure.high is None:
            return f"at {at:.4g} the figure has no interval"
    return ""


def _not_reached(parameter: Parameter, tried: dict[float, Figure], target: float) -> str:
    ends = " and ".join(f"{_value(figure):.4g} at {parameter.show(at)}" for at, figure in sorted(tried.items()))
    return f"not reached within the range: {ends}, {target:.4g} is asked for"


def _middle(low: float, high: float, whole: bool) -> float | None:
    """The next value to try; None where the two are close enough."""
    if whole:
        return None if high - low <= max(1.0, WITHIN * low) else float(round(math.sqrt(low * high))) or None
    return None if high <= (1 + WITHIN) * low else math.sqrt(low * high)


def _contradiction(points: Sequence[Tried], rises: bool) -> str:
    """Two values between which the figure goes the other way by more than the noise of both."""
    for first, second in pairwise(points):
        lower, upper = (first.figure, second.figure) if rises else (second.figure, first.figure)
        assert lower.low is not None
        assert upper.high is not None
        if upper.high < lower.low:
            way = "rises" if rises else "falls"
            return (
                f"the figure {way} over the whole range, but not from {first.at:.4g} to {second.at:.4g} "
                f"({_value(first.figure):.4g}, {_value(second.figure):.4g})"
            )
    return ""


def _crossing(at_low: Figure, at_high: Figure, low: float, high: float, target: float) -> float:
    """Where the straight line between the ends of the bracket has the target."""
    rise = _value(at_high) - _value(at_low)
    return low if rise == 0 else low + (high - low) * (target - _value(at_low)) / rise


def _inverted(points: Sequence[Tried], target: float) -> tuple[float, float]:
    """The least and the greatest value whose interval holds the target; (inf, -inf) where none does."""
    inside: list[float] = []
    for point in points:
        assert point.figure.low is not None
        assert point.figure.high is not None
        if point.figure.low <= target <= point.figure.high:
            inside.append(point.at)
    for first, second in pairwise(points):
        for end in ("low", "high"):
            a, b = getattr(first.figure, end), getattr(second.figure, end)
            if (a - target) * (b - target) < 0:
                inside.append(first.at + (second.at - first.at) * (target - a) / (b - a))
    return min(inside, default=math.inf), max(inside, default=-math.inf)
