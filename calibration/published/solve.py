"""Where an undetermined figure comes out: the value of the one parameter that it hangs on, by bisection over runs.

All runs draw alike (one seed, named draws), so that what noise there is moves the figure alike at neighbouring values,
and the figure is taken to rise or to fall throughout; where runs contradict that, no value is given.

The interval. At each value that is tried the runs give the figure with a 95 % interval, which lies below the
published number, above it, or holds it. The search closes in from both sides on the values that cannot be told from
the sought one, until no gap is wider than 5 % (`sim.stats.threshold`). The last value of which the figure lies wholly
on one side, and the first of which it lies wholly on the other, are the ends: the sought one is outside of them only
where an interval was wrong. That is the inversion of the intervals, as in calibration (Eisenhart, Annals of
Mathematical Statistics 10, 1939), made wider by the gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from calibration.published.registry import Found, Parameter
from sim.figure import Figure
from sim.stats.threshold import Tried as Decided
from sim.stats.threshold import threshold

WITHIN = math.log(1.05)
"""How wide a gap may stay, on the scale of ratios."""
CONFIDENCE = 0.95

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
    search = _Search(attempt, parameter, target)
    refused = search.why_not()
    if refused:
        return Solved(None, refused, search.points)
    low, high = (math.log(end) for end in parameter.search)
    try:
        found = threshold(search.decide, low, high, WITHIN, 1 - CONFIDENCE)
    except _NoFigureError as error:
        return Solved(None, str(error), search.points)
    against = _contradiction(search.points, search.rises)
    if against:
        return Solved(None, against, search.points)
    if found.below is None or found.above is None:
        why = "noise hides whether it is reached within the range: the interval at an end of it holds the figure"
        return Solved(None, why, search.points)
    ends = [search.value_at(found.below), search.value_at(found.above)]
    return Solved(Found(value=search.crossing(), low=ends[0], high=ends[1]), "", search.points)


class _NoFigureError(Exception):
    """A run tells nothing."""


class _Search:
    """What was tried so far."""

    def __init__(self, attempt: Attempt, parameter: Parameter, target: float) -> None:
        self.attempt = attempt
        self.parameter = parameter
        self.target = target
        self.tried: dict[float, Figure] = {}
        self.rises = True

    @property
    def points(self) -> tuple[Tried, ...]:
        """All that was tried, by value."""
        return tuple(Tried(at, self.tried[at]) for at in sorted(self.tried))

    def value_at(self, place: float) -> float:
        """The parameter at a place on the scale of ratios."""
        value = math.exp(place)
        nearest = min(self.parameter.search, key=lambda end: abs(end - value))
        value = nearest if math.isclose(value, nearest, rel_tol=1e-12) else value
        return float(round(value)) if self.parameter.whole else value

    def why_not(self) -> str:
        """Try both ends, and tell why the figure does not come out between them; empty where it may."""
        low, high = self.parameter.search
        try:
            at_low, at_high = _value(self.figure(low)), _value(self.figure(high))
        except _NoFigureError as error:
            return str(error)
        self.rises = at_high > at_low
        if min(at_low, at_high) <= self.target <= max(at_low, at_high):
            return ""
        ends = f"{at_low:.4g} at {self.parameter.show(low)} and {at_high:.4g} at {self.parameter.show(high)}"
        return f"not reached within the range: {ends}, {self.target:.4g} is asked for"

    def figure(self, value: float) -> Figure:
        """The figure at a value, run once."""
        if value not in self.tried:
            figure = self.attempt(value)
            if figure.value is None or figure.low is None or figure.high is None:
                raise _NoFigureError(f"at {self.parameter.show(value)} there is no interval: {figure.note}")
            self.tried[value] = figure
        return self.tried[value]

    def decide(self, place: float) -> Decided:
        """Whether the sought value is below this one; None where the interval holds the figure."""
        figure = self.figure(self.value_at(place))
        assert figure.low is not None
        assert figure.high is not None
        above: bool | None = None
        if figure.low > self.target:
            above = self.rises
        elif figure.high < self.target:
            above = not self.rises
        return Decided(place, 0, 0, above)

    def crossing(self) -> float:
        """Where the straight line between the two values around the figure has it, on the scale of ratios."""
        for first, second in pairwise(self.points):
            a, b = _value(first.figure) - self.target, _value(second.figure) - self.target
            if a * b <= 0 and a != b:
                return self.value_at(math.log(first.at) + math.log(second.at / first.at) * a / (a - b))
        raise AssertionError("both ends were on different sides")


def _value(figure: Figure) -> float:
    assert figure.value is not None
    return figure.value


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
