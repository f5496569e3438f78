"""What a study is fitted to: for each cell and metric the mean over repeats, with the noise of the measurement."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mode

import numpy as np
from numpy.typing import NDArray

from calibration.fitting.study import OpenedStudy, Target
from calibration.systems import system
from calibration.systems.cases import Case
from calibration.systems.cells import Cell, read_cells
from sim.errors import InputErrors


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """A cell with its repeats.

    cases: the different cases of its repeats, with how many repeats each has; mostly one, but arrivals may differ.
    Repeats that differ in length alone are all taken as the most common one: a second more or less of the same load is
    no other case. values: by metric, one number for each repeat that has it.
    """

    host: str
    name: str
    cases: Mapping[Case, int]
    values: Mapping[str, tuple[float, ...]]

    @property
    def key(self) -> str:
        """Name that no other cell of the study has."""
        return f"{self.host}/{self.name}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One number to be predicted.

    cell: index in `Targets.cells`. value: mean over the repeats. noise: relative standard deviation of that mean, of
    the measurement's own: pooled over cells, divided by the root of the repeats.
    """

    cell: int
    metric: str
    value: float
    repeats: int
    noise: float
    target: Target


@dataclass(frozen=True, slots=True)
class Targets:
    """All of it. noise: relative standard deviation of one run by metric, pooled over cells with repeats. left_out:
    what could not be used, in words."""

    cells: tuple[MeasuredCell, ...]
    measured: tuple[Measured, ...]
    noise: Mapping[str, float]
    left_out: tuple[str, ...]

    def only(self, cells: Sequence[int]) -> Targets:
        """These cells' numbers alone; the noise stays that of all."""
        return replace(self, measured=tuple(one for one in self.measured if one.cell in cells))

    def known(self, given: NDArray[np.bool_]) -> Targets:
        """Those that the model gives a figure for; the others are told of in `left_out`."""
        pairs = list(zip(self.measured, given.tolist(), strict=True))
        lost = [
            f"the model gives no {one.metric} of {self.cells[one.cell].key}" for one, is_given in pairs if not is_given
        ]
        kept = tuple(one for one, is_given in pairs if is_given)
        return replace(self, measured=kept, left_out=(*self.left_out, *lost))


def targets(opened: OpenedStudy) -> Targets:
    """What the study is fitted to. Raises InputErrors where its patterns take no cell or no metric."""
    study, document = opened.study, opened.document
    cells = [one for one in read_cells(opened.data) if one.system == study.system]
    taken = [cell for cell in cells if study.takes(cell.host, cell.name)]
    if not taken:
        names = ", ".join(list(dict.fromkeys(cell.name for cell in cells))[:6]) or "none"
        problem = document.problem(("cells",), f"takes no cell of {study.system}", f"cells there: {names}, ...")
        raise InputErrors([problem])
    grouped = grouped_cells(taken)
    found, noise, left_out = _measured(grouped, opened)
    if not found:
        known = ", ".join(dict.fromkeys(metric for cell in grouped for metric in cell.values))
        problem = document.problem(("metrics",), "names no metric that the cells have", f"they have {known}")
        raise InputErrors([problem])
    return Targets(grouped, found, noise, left_out)


def grouped_cells(cells: Sequence[Cell]) -> tuple[MeasuredCell, ...]:
    """Repeats of a cell put together, in the order of the first ones."""
    together: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        together.setdefault((cell.host, cell.name), []).append(cell)
    return tuple(_group(host, name, repeats) for (host, name), repeats in together.items())


def _group(host: str, name: str, repeats: Sequence[Cell]) -> MeasuredCell:
    found = [system(cell.system).case(cell) for cell in repeats]
    usual = mode(case.duration_ns for case in found)
    values: dict[str, list[float]] = defaultdict(list)
    for cell in repeats:
        for metric, value in cell.values.items():
            values[metric].append(value)
    cases = Counter(replace(case, duration_ns=usual) for case in found)
    return MeasuredCell(host, name, dict(cases), {metric: tuple(some) for metric, some in values.items()})


def pooled_noise(cells: Sequence[MeasuredCell]) -> dict[str, float]:
    """Standard deviation of the logarithm of one run, by metric: squares pooled over cells, by degrees of freedom."""
    squares: dict[str, float] = defaultdict(float)
    freedom: dict[str, int] = defaultdict(int)
    for cell in cells:
        for metric, values in cell.values.items():
            if len(values) > 1 and min(values) > 0:
                squares[metric] += float(np.var(np.log(values), ddof=1)) * (len(values) - 1)
                freedom[metric] += len(values) - 1
    return {metric: math.sqrt(squares[metric] / freedom[metric]) for metric in freedom}


def _measured(
    cells: Sequence[MeasuredCell], opened: OpenedStudy
) -> tuple[tuple[Measured, ...], dict[str, float], tuple[str, ...]]:
    noise = pooled_noise(cells)
    found: list[Measured] = []
    left_out: list[str] = []
    for index, cell in enumerate(cells):
        for metric, values in cell.values.items():
            target = opened.study.target(metric)
            if target is None:
                continue
            if min(values) <= 0:
                left_out.append(
                    f"{metric} of {cell.key} is {min(values):g}: errors are relative, so it counts nothing"
                )
                continue
            of_mean = noise.get(metric, 0.0) / math.sqrt(len(values))
            found.append(Measured(index, metric, float(np.mean(values)), len(values), of_mean, target))
    metrics = dict.fromkeys(one.metric for one in found)
    left_out += [f"no cell repeats {metric}: its noise is taken as none" for metric in metrics if metric not in noise]
    return tuple(found), {metric: noise[metric] for metric in metrics if metric in noise}, tuple(left_out)
