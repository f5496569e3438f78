"""The space in which parameters are looked for: logarithms of positive numbers, shares of the range of others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from calibration.fitting.study import Parameter
from calibration.systems.cases import Case
from calibration.systems.readings import Floats
from sim.calibrate.fits import Placed, changes

DIGITS = 5
"""Significant digits of a fitted value: what is written is what is run."""


@dataclass(frozen=True, slots=True)
class Space:
    """Coordinates of the parameters, in their order: log(value), or value / (high - low).

    given: parameters that have a value already, where they have it; those that are looked for take their place.
    """

    parameters: Mapping[str, Parameter]
    given: Mapping[str, tuple[Placed, float]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the coordinates."""
        return tuple(self.parameters)

    @property
    def low(self) -> Floats:
        """Least coordinates."""
        return self.point({name: one.low for name, one in self.parameters.items()})

    @property
    def high(self) -> Floats:
        """Greatest coordinates."""
        return self.point({name: one.high for name, one in self.parameters.items()})

    @property
    def start(self) -> Floats:
        """Where the search begins."""
        return self.point({name: one.start for name, one in self.parameters.items()})

    def point(self, values: Mapping[str, float]) -> Floats:
        """Coordinates of the values."""
        return np.array([_coordinate(one, values[name]) for name, one in self.parameters.items()])

    def values(self, point: Floats) -> dict[str, float]:
        """Values at a point."""
        pairs = zip(self.parameters.items(), point.tolist(), strict=True)
        return {name: _value(one, coordinate) for (name, one), coordinate in pairs}

    def changes(self, point: Floats, case: Case, host: str) -> list[str]:
        """The `--set` lines that a point and what is given are in a case of this host."""
        placed = {**{name: one for name, (one, _) in self.given.items()}, **self.parameters}
        values = {**{name: value for name, (_, value) in self.given.items()}, **self.values(point)}
        return changes(placed, values, case.scenario, host)

    def rounded(self, point: Floats) -> dict[str, float]:
        """Values at a point, to the digits that are written, within their bounds."""
        found = {}
        for name, value in self.values(point).items():
            one = self.parameters[name]
            found[name] = min(max(float(f"{value:.{DIGITS}g}"), one.low), one.high)
        return found

    def interval(self, name: str, value: float, reach: float) -> tuple[float, float]:
        """Values `reach` below and above in the coordinate, within the bounds."""
        one = self.parameters[name]
        at = _coordinate(one, value)
        low = at - reach if one.scale == "linear" else max(at - reach, math.log(one.low))
        return max(_value(one, low), one.low), min(_value(one, min(at + reach, _coordinate(one, one.high))), one.high)


def _coordinate(parameter: Parameter, value: float) -> float:
    return math.log(value) if parameter.scale == "log" else value / (parameter.high - parameter.low)


def _value(parameter: Parameter, coordinate: float) -> float:
    return math.exp(coordinate) if parameter.scale == "log" else coordinate * (parameter.high - parameter.low)
