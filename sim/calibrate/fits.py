"""Fitted parameters, read from a file: values with intervals, where they stand in scenarios, draws of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from sim.network.counts import Name
from sim.scenario.reading.reader import read, validate
from sim.spec import Spec


class Setting(Spec):
    """A place in a scenario where a parameter stands: `constants.postgres.cpu_per_message`."""

    plain_value_is: ClassVar[str] = "path"
    path: Annotated[str, Field(min_length=1)]
    """Where, as for `--set`."""
    times: Annotated[float, Field(gt=0)] = 1
    """What stands there is the parameter's value times this."""
    scenario: str = "*"
    """In which files: a pattern for the name without `.yaml`, such as `pgbench-*`; `!pgbench-*` are all others."""

    def is_in(self, scenario: Path) -> bool:
        """Whether it is a place in this scenario."""
        is_other = self.scenario.startswith("!")
        return fnmatchcase(scenario.stem, self.scenario.removeprefix("!")) != is_other


class Placed(Spec):
    """A parameter's place: what it belongs to, and where it stands in the scenarios."""

    host: str | None = None
    """Of hardware: the host whose cells it is set for, and whose profile it belongs to."""
    unit: str = ""
    """Unit of its value, written behind it where it is set: `us`."""
    paths: tuple[Setting, ...] = ()
    """Where it stands in the scenarios."""
    scales: tuple[str, ...] = ()
    """Of hardware, instead of `paths`: parameters, by name or pattern, whose values are multiplied by it on this host:
    the time that a core takes, compared with the host of the fits in `given`."""
    scale: Literal["log", "linear"] = "log"
    """Whether steps and intervals are factors (of a positive number) or differences."""


class Fitted(Placed):
    """A parameter as it was fitted."""

    value: float
    """Its value."""
    low: float
    """Lower end of its 90 % interval."""
    high: float
    """Upper end of its 90 % interval."""
    deviation: Annotated[float, Field(ge=0)]
    """Standard deviation: relative on a scale of factors, in the unit on a linear one."""
    bounds: tuple[float, float]
    """Between which it was looked for."""
    why: str = ""
    """What it is."""


class Goodness(Spec):
    """How well the model fits."""

    numbers: int
    """Measured numbers that were fitted: metrics of cells."""
    freedom: int
    """Those less the parameters."""
    chi2_per_freedom: float
    """Squared errors in variances of noise, floor and simulation, for each of those; near 1 where the model misses by
    no more than these."""


class CellError(Spec):
    """One number that was fitted, and what the model makes of it."""

    cell: str
    """HOST/NAME of the cell."""
    metric: str
    """Name of the metric."""
    measured: float
    """Mean over the repeats."""
    predicted: float
    """Mean over the runs."""
    deviations: float
    """Error in standard deviations of noise, floor and simulation."""


class Fits(Spec):
    """What a study gave."""

    command: str
    """What made the file."""
    version: str
    """Of this package."""
    study: str
    """SHA-256 of the study's file."""
    data: dict[str, str]
    """SHA-256 of each file of measurements, by its path from the study's folder."""
    given: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file of fits whose parameters were given, by its path from the study's folder."""
    software: dict[Name, Fitted] = Field(default_factory=dict)
    """Parameters that go with the product."""
    hardware: dict[Name, Fitted] = Field(default_factory=dict)
    """Parameters that go with a host."""
    correlation: tuple[tuple[float, ...], ...]
    """Of the parameters in this order, software first; of logarithms on a scale of factors."""
    goodness: Goodness
    """How well the model fits."""
    noise: dict[str, float]
    """Relative standard deviation of one measured run, by metric, from repeats."""
    discrepancy: dict[str, float]
    """Relative standard deviation of the model's errors beyond the noise of measurement and simulation, by metric."""
    warnings: tuple[str, ...] = ()
    """What the data do not tell, and what was left out."""
    errors: tuple[CellError, ...]
    """Every number that was fitted."""
    left_out: dict[str, float] = Field(default_factory=dict)
    """With `--leave-one-out`: relative root mean square error by metric, of cells that were left out of the fit."""

    @property
    def parameters(self) -> dict[str, Fitted]:
        """All, in the order of the correlation."""
        return {**self.software, **self.hardware}

    @property
    def values(self) -> dict[str, float]:
        """By name."""
        return {name: one.value for name, one in self.parameters.items()}

    def draws(self, number: int, seed: int) -> list[dict[str, float]]:
        """Values drawn from the fitted distribution, normal in logarithms or values, kept within the bounds."""
        parameters = self.parameters
        deviation = np.array([one.deviation for one in parameters.values()])
        covariance = np.array(self.correlation) * np.outer(deviation, deviation)
        generator = np.random.default_rng(seed)
        # Correlations are rounded in the file, so that the matrix may be a trifle off being positive.
        steps = generator.multivariate_normal(np.zeros(len(deviation)), covariance, number, check_valid="ignore")
        return [dict(_moved(parameters, step.tolist())) for step in steps]


def _moved(parameters: Mapping[str, Fitted], step: list[float]) -> Iterator[tuple[str, float]]:
    for (name, one), by in zip(parameters.items(), step, strict=True):
        moved = one.value * float(np.exp(by)) if one.scale == "log" else one.value + by
        yield name, min(max(moved, one.bounds[0]), one.bounds[1])


def read_fits(path: Path) -> Fits:
    """The fits in a file. Raises InputErrors where it is none."""
    return validate(read(path), Fits)


def changes(parameters: Mapping[str, Placed], values: Mapping[str, float], scenario: Path, host: str) -> list[str]:
    """The `--set` lines that give the parameters these values in a scenario, on this host."""
    found = []
    of_host = {name: one for name, one in parameters.items() if one.host in (None, host)}
    for name, parameter in of_host.items():
        factors = [values[other] for other, one in of_host.items() if any(fnmatchcase(name, p) for p in one.scales)]
        for setting in parameter.paths:
            if setting.is_in(scenario):
                value = setting.times * values[name] * math.prod(factors)
                found.append(f"{setting.path}={value:.9g} {parameter.unit}".rstrip())
    return found
