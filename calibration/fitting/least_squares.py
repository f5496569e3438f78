"""Parameters by weighted least squares on relative errors, from one or several starts.

A residual is log(predicted / measured) over its standard deviation: noise of the measurement, a floor below which no
model is asked to come, and the chance of the simulation, in quadrature. Large ones count less (`loss`). The noise of a
measured run is that of the repeats, pooled over cells, or that of a run of the model if it is more: near saturation
runs differ by chance alone, and a few repeats do not show by how much. The search has it as it is at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import qmc

from calibration.fitting.objective import Evaluated, Objective
from calibration.fitting.study import Search
from calibration.fitting.targets import Targets
from calibration.systems.readings import Floats

TOLERANCE = 1e-3
"""The search ends when the cost, or the point, moves by less than this share: far below what noise can tell."""
CANDIDATES = 10
"""Points of the Latin hypercube for each further start; the best are taken."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scale:
    """noise: relative standard deviation of measurement and simulation. deviation: of each residual, with the floor.
    root_weight: root of what it counts for."""

    noise: Floats
    deviation: Floats
    root_weight: Floats

    @classmethod
    def of(cls, targets: Targets, at: Evaluated) -> Scale:
        """With the chance of the simulation at one point."""
        repeats = np.array([one.repeats for one in targets.measured])
        measured = np.maximum([one.noise for one in targets.measured], at.run_scatter / np.sqrt(repeats))
        floor = np.array([one.target.floor_ratio for one in targets.measured])
        weight = np.array([one.target.weight for one in targets.measured])
        noise = np.sqrt(measured**2 + at.scatter**2)
        return cls(noise, np.hypot(noise, floor), np.sqrt(weight))

    def residuals(self, at: Evaluated, targets: Targets) -> Floats:
        """Errors in standard deviations, without the weights."""
        return at.log_errors(targets) / self.deviation


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a search. cost: as least_squares counts it."""

    point: Floats
    cost: float


def fit(objective: Objective, evaluations: int, say: Say = lambda _: None) -> Floats:
    """The best point of all starts, by at most so many evaluations each, near the minimum. say: hears how it goes."""
    starts = _starts(objective)
    found: list[Found] = []
    for number, start in enumerate(starts, 1):
        found.append(_search(objective, start, evaluations))
        say(f"start {number} of {len(starts)}: cost {found[-1].cost:.1f}")
    return min(found, key=lambda one: one.cost).point


def _search(objective: Objective, start: Floats, evaluations: int) -> Found:
    """One search. Slopes are simulated at its start; from then on they follow the errors that are seen (Broyden's
    update, Mathematics of Computation 19, 1965), since those of a model are nearly the same everywhere."""
    search, space, targets = objective.search, objective.space, objective.targets
    scale = Scale.of(targets, objective.at([space.start])[0])
    last: tuple[Floats, Floats, Floats] | None = None

    def residuals(point: Floats) -> Floats:
        return scale.residuals(objective.at([point])[0], targets) * scale.root_weight

    def slopes(point: Floats) -> Floats:
        nonlocal last
        here = residuals(point)
        if last is None:
            found = objective.slopes(point) * (scale.root_weight / scale.deviation)[:, None]
        else:
            before, there, known = last
            step = point - before
            found = known + np.outer(here - there - known @ step, step) / (step @ step)
        last = point.copy(), here, np.asarray(found)
        return np.asarray(found)

    result = least_squares(
        residuals,
        start,
        jac=slopes,
        bounds=(space.low, space.high),
        loss=search.loss,
        f_scale=search.outlier,
        ftol=TOLERANCE,
        xtol=TOLERANCE,
        gtol=None,
        max_nfev=evaluations,
    )
    return Found(result.x, float(result.cost))


def cost(residuals: Floats, scale: Scale, search: Search) -> float:
    """What residuals cost together: half of the sum of the losses of their squares, as least_squares has it."""
    size = (residuals * scale.root_weight / search.outlier) ** 2
    match search.loss:
        case "soft_l1":
            losses = 2 * (np.sqrt(1 + size) - 1)
        case "huber":
            losses = np.where(size <= 1, size, 2 * np.sqrt(size) - 1)
        case "linear":
            losses = size
    return float(losses.sum()) * search.outlier**2 / 2


def loss_weights(residuals: Floats, scale: Scale, search: Search) -> Floats:
    """What each squared residual counts for at a point: its weight times the slope of the loss there."""
    weight = scale.root_weight**2
    size = weight * residuals**2 / search.outlier**2
    match search.loss:
        case "soft_l1":
            return np.asarray(weight / np.sqrt(1 + size))
        case "huber":
            return np.asarray(weight / np.sqrt(np.maximum(size, 1)))
        case "linear":
            return np.asarray(weight)


def _starts(objective: Objective) -> list[Floats]:
    """The study's own start, and the best points of a Latin hypercube between the bounds."""
    search, space, targets = objective.search, objective.space, objective.targets
    if search.starts == 1:
        return [space.start]
    number = CANDIDATES * (search.starts - 1)
    sampler = qmc.LatinHypercube(d=len(space.names), seed=np.random.default_rng(search.seed))
    points = list(qmc.scale(sampler.random(number), space.low, space.high))
    first, *others = objective.at([space.start, *points])
    scale = Scale.of(targets, first)
    costs = [float(np.square(scale.residuals(one, targets) * scale.root_weight).sum()) for one in others]
    return [space.start, *(points[index] for index in np.argsort(costs)[: search.starts - 1])]
