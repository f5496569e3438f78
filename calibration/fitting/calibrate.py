"""A study made: parameters fitted, with what is to be said of them; and a committed fit held against its study."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sim
from calibration.fitting.least_squares import Say, Scale, cost, fit, loss_weights
from calibration.fitting.likeness import likeness
from calibration.fitting.objective import Evaluated, Objective
from calibration.fitting.space import Space
from calibration.fitting.study import OpenedStudy, Parameter
from calibration.fitting.targets import Targets, targets
from calibration.fitting.uncertainty import Uncertainty, prior_of, uncertainty, warnings
from calibration.systems.predict import Progress
from calibration.systems.readings import Floats
from sim.calibrate.fits import CellError, Fits, Fitted, Goodness, Placed, read_fits

NEAR = 1e-3
"""Relative difference of two figures that are the same: of what is written with 4 digits and computed elsewhere."""
FURTHER = 0.5
"""A fit is where the search ends when one more step would move no parameter by more than this many deviations."""
NEAR_ENOUGH = 0.25
"""The search itself goes on until a step is no longer than this."""
MOST_STEPS = 4
"""Of those with slopes of their own, at the end of a search."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a study is made. evaluations: in place of the study's own. leave_one_out: whether each cell is also
    predicted by a fit to the others. command: that is written into the file. say, on_progress: hear how it goes."""

    evaluations: int | None = None
    leave_one_out: bool = False
    processes: int = -1
    command: str = ""
    say: Say = lambda _: None
    on_progress: Progress | None = None


def calibrate(opened: OpenedStudy, options: Options) -> Fits:
    """Fit the parameters of a study. Raises InputErrors for what is wrong with it or its scenarios."""
    line = _Line.of(opened, options)
    found = fit(line.objective, options.evaluations or opened.study.search.evaluations, options.say)
    values = line.settled(line.space.rounded(found))
    return line.concluded(values)


def differences(opened: OpenedStudy, fits: Fits, options: Options) -> Iterator[str]:
    """What is not in the file as the study gives it, in words; nothing where the file is what it gives.

    The search is not made again: figures, intervals and warnings at the file's values are computed anew, among them
    whether the search would go on from there.
    """
    yield from outdated(opened, fits)
    line = _Line.of(opened, options)
    if set(fits.values) != set(line.space.names):
        yield "the parameters are others"
        return
    anew = line.concluded(fits.values)
    yield from _other_figures(fits, anew)
    yield from (text for text in anew.warnings if text not in fits.warnings)


def outdated(opened: OpenedStudy, fits: Fits) -> Iterator[str]:
    """Which files have changed since the fits were made."""
    hashes = _hashes(opened, [*opened.data, *given_files(opened)])
    known = {**fits.data, **fits.given}
    if fits.study != _hash(opened.path):
        yield f"{opened.path.name} has changed since"
    for path in dict.fromkeys([*hashes, *known]):
        if hashes.get(path) != known.get(path):
            yield f"{path} has {'changed since' if path in hashes and path in known else 'come or gone'}"


def differing_errors(opened: OpenedStudy, fits: Fits, cells: Sequence[str], options: Options) -> Iterator[str]:
    """As `differences`, of the figures of some cells alone, by HOST/NAME: a quick look."""
    line = _Line.of(opened, options, cells)
    at = line.objective.at([line.space.point(fits.values)])[0]
    known = {(one.cell, one.metric): one for one in fits.errors}
    for one, predicted in zip(line.targets.measured, at.predicted.tolist(), strict=True):
        cell = line.targets.cells[one.cell].key
        if (cell, one.metric) not in known:
            yield f"{one.metric} of {cell} is not in the file"
        elif _differ(known[cell, one.metric].predicted, predicted):
            yield f"{one.metric} of {cell}: {known[cell, one.metric].predicted:g} in the file, {predicted:g} now"


def _other_figures(fits: Fits, anew: Fits) -> Iterator[str]:
    for name, one in fits.parameters.items():
        other = anew.parameters[name]
        for what, here, there in (("low", one.low, other.low), ("high", one.high, other.high)):
            if _differ(here, there):
                yield f"{name}.{what}: {here:g} in the file, {there:g} now"
    if len(fits.errors) != len(anew.errors):
        yield f"{len(fits.errors)} numbers in the file, {len(anew.errors)} now"
        return
    for here_error, there_error in zip(fits.errors, anew.errors, strict=True):
        if _differ(here_error.predicted, there_error.predicted):
            what = f"{here_error.metric} of {here_error.cell}"
            yield f"{what}: {here_error.predicted:g} in the file, {there_error.predicted:g} now"


def _differ(one: float, other: float) -> bool:
    return not np.isclose(one, other, rtol=NEAR, atol=0, equal_nan=True)


@dataclass(frozen=True, slots=True)
class _Line:
    """A study under way."""

    opened: OpenedStudy
    options: Options
    space: Space
    targets: Targets
    objective: Objective

    @classmethod
    def of(cls, opened: OpenedStudy, options: Options, only: Sequence[str] | None = None) -> _Line:
        study = opened.study
        # Software first, as the file has them.
        ordered = sorted(study.parameters.items(), key=lambda item: item[1].kind == "hardware")
        space, requested = Space(dict(ordered), _given(opened)), targets(opened)
        if only is not None:
            requested = requested.only([index for index, cell in enumerate(requested.cells) if cell.key in only])
        objective = Objective(
            space, requested, study.search, study.search.replications, options.processes, options.on_progress
        )
        objective.targets = known = requested.known(objective.at([space.start])[0].predicted > 0)
        return cls(opened, options, space, known, objective)

    def settled(self, values: dict[str, float]) -> dict[str, float]:
        """Gauss-Newton steps with slopes of their own, until one would move no parameter by much of its deviation."""
        for number in range(1, MOST_STEPS + 1):
            steps = self.next_step(values)
            far = max((abs(by) / deviation for by, deviation in steps.values()), default=0.0)
            self.options.say(f"step {number}: {far:.2f} deviations")
            if far <= NEAR_ENOUGH:
                break
            better = self._better(values, np.array([steps.get(name, (0.0, 0.0))[0] for name in self.space.names]))
            if better is None:
                break
            values = better
        return values

    def _better(self, values: dict[str, float], step: Floats) -> dict[str, float] | None:
        """The best of some points on the way of a step; None where none is better than its start."""
        point = self.space.point(values)
        there = [self.space.rounded(point + part * step) for part in (1.0, 0.5, 0.25)]
        here, *found = self.objective.at([point, *map(self.space.point, there)])
        scale = Scale.of(self.targets, here)
        costs = [cost(scale.residuals(one, self.targets), scale, self.opened.study.search) for one in (here, *found)]
        best = int(np.argmin(costs))
        return there[best - 1] if best else None

    def concluded(self, values: Mapping[str, float]) -> Fits:
        """What is to be said of the parameters with these values."""
        point = self.space.point(values)
        here = self._around(point)
        fitted = {name: self._fitted(name, values[name], here.found) for name in self.space.names}
        kinds = {name: one.kind for name, one in self.opened.study.parameters.items()}
        correlation = here.found.correlation.tolist()
        return Fits(
            command=self.options.command,
            version=sim.__version__,
            study=_hash(self.opened.path),
            data=_hashes(self.opened, self.opened.data),
            given=_hashes(self.opened, given_files(self.opened)),
            software={name: one for name, one in fitted.items() if kinds[name] == "software"},
            hardware={name: one for name, one in fitted.items() if kinds[name] == "hardware"},
            correlation=tuple(tuple(round(value, 3) + 0.0 for value in row) for row in correlation),
            goodness=Goodness(
                numbers=len(here.residuals),
                freedom=here.found.freedom,
                chi2_per_freedom=_digits(float((here.residuals**2).sum()) / here.found.freedom),
            ),
            noise={metric: _digits(value) for metric, value in self.targets.noise.items()},
            discrepancy=self._discrepancy(here),
            warnings=(
                *self.targets.left_out,
                *self._unsettled(values),
                *warnings(self.space, point, here.jacobian, here.found),
            ),
            errors=tuple(self._errors(here)),
            left_out=self._left_out(point, here) if self.options.leave_one_out else {},
        )

    def next_step(self, values: Mapping[str, float]) -> dict[str, tuple[float, float]]:
        """How far one more Gauss-Newton step would move each coordinate within its bounds, and its deviation."""
        point = self.space.point(values)
        here = self._around(point)
        there = np.clip(point + _step(here, self.space), self.space.low, self.space.high)
        by, deviation = there - point, np.sqrt(np.diag(here.found.covariance))
        return {
            name: (float(by[index]), float(deviation[index]))
            for index, name in enumerate(self.space.names)
            if here.jacobian[:, index].any()
        }

    def _unsettled(self, values: Mapping[str, float]) -> Iterator[str]:
        for name, (by, deviation) in self.next_step(values).items():
            if abs(by) > FURTHER * deviation:
                yield f"the search would go on: {name} by {by / deviation:+.1f} deviations"

    def _around(self, point: Floats) -> _Around:
        at = self.objective.at([point])[0]
        scale = Scale.of(self.targets, at)
        residuals = scale.residuals(at, self.targets)
        jacobian = self.objective.slopes(point) / scale.deviation[:, None]
        weights = loss_weights(residuals, scale, self.opened.study.search)
        cells = likeness(self.targets, scale.deviation, at.runs)
        return _Around(
            at, scale, residuals, jacobian, weights, uncertainty(self.space, residuals, jacobian, weights, cells)
        )

    def _fitted(self, name: str, value: float, found: Uncertainty) -> Fitted:
        one: Parameter = self.space.parameters[name]
        index = self.space.names.index(name)
        low, high = self.space.interval(name, value, float(found.reach[index]))
        deviation = float(np.sqrt(found.covariance[index, index]))
        return Fitted(
            value=value,
            unit=one.unit,
            low=_digits(low),
            high=_digits(high),
            deviation=_digits(deviation if one.scale == "log" else deviation * (one.high - one.low)),
            bounds=(one.low, one.high),
            host=one.host,
            paths=one.paths,
            scales=one.scales,
            scale=one.scale,
            why=one.why,
        )

    def _errors(self, here: _Around) -> Iterator[CellError]:
        for one, predicted, residual in zip(self.targets.measured, here.at.predicted, here.residuals, strict=True):
            cell = self.targets.cells[one.cell].key
            yield CellError(
                cell=cell,
                metric=one.metric,
                measured=_digits(one.value),
                predicted=_digits(float(predicted)),
                deviations=round(float(residual), 2),
            )

    def _discrepancy(self, here: _Around) -> dict[str, float]:
        """By metric: squared errors less those of noise and simulation; parameters have taken their share of them."""
        errors = here.at.log_errors(self.targets)
        squares: dict[str, list[float]] = defaultdict(list)
        for one, error, noise in zip(self.targets.measured, errors.tolist(), here.scale.noise.tolist(), strict=True):
            squares[one.metric].append(error**2 * len(errors) / here.found.freedom - noise**2)
        return {metric: _digits(max(0.0, float(np.mean(some))) ** 0.5) for metric, some in squares.items()}

    def _left_out(self, point: Floats, here: _Around) -> dict[str, float]:
        """Errors of cells left out of the fit, root mean square by metric. The fit to the others is one Gauss-Newton
        step from the fit to all; the cell is then simulated there."""
        cells = np.array([one.cell for one in self.targets.measured])
        squares: dict[str, list[float]] = defaultdict(list)
        for cell in np.unique(cells).tolist():
            there = np.clip(point + _step(here, self.space, cells != cell), self.space.low, self.space.high)
            alone = self.targets.only([cell])
            found = replace(self.objective, targets=alone).at([there])[0]
            for one, error in zip(alone.measured, found.log_errors(alone), strict=True):
                squares[one.metric].append(float(error) ** 2)
        return {metric: _digits(float(np.mean(some)) ** 0.5) for metric, some in squares.items()}


@dataclass(frozen=True, slots=True)
class _Around:
    """The model at a point: the scale of residuals, they, their slopes, what each counts for, and what follows."""

    at: Evaluated
    scale: Scale
    residuals: Floats
    jacobian: Floats
    weights: Floats
    found: Uncertainty


def _step(here: _Around, space: Space, chosen: NDArray[np.bool_] | None = None) -> Floats:
    """The weighted Gauss-Newton step by all residuals or the chosen ones. Where directions are open it is held back by
    the bounds, as the covariance is."""
    weighted = here.jacobian * (here.weights if chosen is None else np.where(chosen, here.weights, 0))[:, None]
    information = weighted.T @ here.jacobian + np.diag(prior_of(space))
    return np.asarray(np.linalg.solve(information, -weighted.T @ here.residuals))


def _digits(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.4g}")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hashes(opened: OpenedStudy, paths: Sequence[Path]) -> dict[str, str]:
    """Of files, by path from the study's folder."""
    return {Path(os.path.relpath(path, opened.path.parent)).as_posix(): _hash(path) for path in paths}


def given_files(opened: OpenedStudy) -> list[Path]:
    """The fits whose parameters a study takes as given."""
    return [opened.path.parent / name for name in opened.study.given]


def _given(opened: OpenedStudy) -> dict[str, tuple[Placed, float]]:
    files = [read_fits(path) for path in given_files(opened)]
    return {name: (one, one.value) for fits in files for name, one in fits.parameters.items()}
