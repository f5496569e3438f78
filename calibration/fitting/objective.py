"""Errors of the model at points of the parameters' space, and their slopes, by simulation.

Every evaluation uses the same random numbers, so that errors change with the parameters and with nothing else. Many
points are evaluated in one go, on all cores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from calibration.fitting.space import Space
from calibration.fitting.study import Search
from calibration.fitting.targets import Targets
from calibration.systems.cases import Case
from calibration.systems.predict import Prediction, Progress, predicted_all
from calibration.systems.readings import Floats

NO_FIGURE = math.log(0.01)
"""Error of a point at which the model gives no figure, or 0, where it gave one at the start: a hundredth of it."""
FEWEST = 2
"""Runs of each case, so that chance is told from the rest."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The model at one point. predicted: one figure for each number measured, NaN where there is none. scatter: its
    relative standard error, by the chance of the simulation; run_scatter: relative standard deviation of one run;
    runs: the figures of the single runs, case by case."""

    predicted: Floats
    scatter: Floats
    run_scatter: Floats
    runs: Sequence[Sequence[Floats]]

    def log_errors(self, targets: Targets) -> Floats:
        """log(predicted / measured)."""
        measured = np.array([one.value for one in targets.measured])
        is_there = self.predicted > 0
        ratio = np.where(is_there, self.predicted, 1.0) / measured
        return np.where(is_there, np.log(ratio), NO_FIGURE)


@dataclass(frozen=True, slots=True)
class _Requested:
    """A case as the study has it, the same with the parameters at some point, and how often it is run."""

    case: Case
    there: Case
    replications: int


@dataclass(slots=True)
class Objective:
    """The model of a study. replications: runs of each cell in each evaluation, at least 2 of each of its cases.
    evaluations: points so far, those for slopes included."""

    space: Space
    targets: Targets
    search: Search
    replications: int
    processes: int = -1
    on_progress: Progress | None = None
    evaluations: int = 0
    _known: dict[Case, Prediction] = field(default_factory=dict)
    _deaf: set[tuple[str, Case]] = field(default_factory=set)

    def at(self, points: Sequence[Floats]) -> list[Evaluated]:
        """The model at each point."""
        return self._run([self._requested(point) for point in points])

    def slopes(self, point: Floats) -> Floats:
        """Change of log(predicted) with each coordinate: rows as the numbers measured, columns as the coordinates; 0
        where there is no figure.

        Differences to the point a step further, or a step back at a bound. A case whose every figure stayed the same
        to the last bit when a parameter was moved is taken not to depend on it: it is not run again for this one.
        """
        high, by = self.space.high, self.search.step_ratio
        here = self._requested(point)
        ends: list[Floats] = []
        requested: list[list[_Requested]] = []
        for index, name in enumerate(self.space.names):
            end = point.copy()
            end[index] += by if point[index] + by <= high[index] else -by
            pairs = zip(here, self._requested(end), strict=True)
            requested.append([now if (name, now.case) in self._deaf else then for now, then in pairs])
            ends.append(end)
        base, *found = self._run([here, *requested])
        self._learn(here, requested)
        logs = [np.log(np.where(one.predicted > 0, one.predicted, np.nan)) for one in (base, *found)]
        columns = [
            (log - logs[0]) / (end - point)[index] for index, (log, end) in enumerate(zip(logs[1:], ends, strict=True))
        ]
        return np.asarray(np.nan_to_num(np.stack(columns, axis=1)))

    def _requested(self, point: Floats) -> list[_Requested]:
        """What is run at a point, cell by cell; only cells that something is measured of."""
        found = []
        for index in dict.fromkeys(one.cell for one in self.targets.measured):
            cell = self.targets.cells[index]
            replications = max(min(self.replications, FEWEST), math.ceil(self.replications / len(cell.cases)))
            for case in cell.cases:
                made = self.space.changes(point, case, cell.host)
                found.append(_Requested(case, case.with_changes(made), replications))
        return found

    def _run(self, points: Sequence[Sequence[_Requested]]) -> list[Evaluated]:
        missing = [one.there for requested in points for one in requested if one.there not in self._known]
        if missing:
            missing = list(dict.fromkeys(missing))
            wanted = {one.there: one.replications for requested in points for one in requested}
            for number in sorted(set(wanted.values())):
                some = [case for case in missing if wanted[case] == number]
                found = predicted_all(some, number, self.processes, self.search.seed, on_progress=self.on_progress)
                self._known.update(zip(some, found, strict=True))
            self.evaluations += len(points)
        return [self._evaluated(requested) for requested in points]

    def _learn(self, here: Sequence[_Requested], requested: Sequence[Sequence[_Requested]]) -> None:
        """Note which cases do not depend on which parameter."""
        for name, there in zip(self.space.names, requested, strict=True):
            for now, then in zip(here, there, strict=True):
                if then.there != now.there and _same(self._known[then.there], self._known[now.there]):
                    self._deaf.add((name, now.case))

    def _evaluated(self, requested: Sequence[_Requested]) -> Evaluated:
        there = {one.case: self._known[one.there] for one in requested}
        predicted, scatter, run_scatter, runs = [], [], [], []
        for one in self.targets.measured:
            cases = self.targets.cells[one.cell].cases
            share = np.array(list(cases.values())) / sum(cases.values())
            values = [there[case].values.get(one.metric, np.array([np.nan])) for case in cases]
            mean = float(share @ np.array([_mean(some) for some in values]))
            # The cases of a cell share their random numbers, so their errors add up.
            deviation = float(share @ np.array([_deviation(some) for some in values]))
            predicted.append(mean)
            run_scatter.append(deviation / mean if mean > 0 else 0.0)
            scatter.append(run_scatter[-1] / math.sqrt(min(map(len, values))))
            runs.append(values)
        return Evaluated(np.array(predicted), np.array(scatter), np.array(run_scatter), runs)


def _mean(values: Floats) -> float:
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else float("nan")


def _deviation(values: Floats) -> float:
    """Standard deviation; 0 where one replication tells nothing of it."""
    there = values[~np.isnan(values)]
    return float(there.std(ddof=1)) if there.size > 1 else 0.0


def _same(one: Prediction, other: Prediction) -> bool:
    """Whether all figures are equal to the last bit."""
    return one.values.keys() == other.values.keys() and all(
        np.array_equal(values, other.values[name], equal_nan=True) for name, values in one.values.items()
    )
