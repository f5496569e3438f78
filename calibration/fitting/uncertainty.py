"""How well the data tell the parameters: covariance, intervals, correlations, and warnings in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.fitting.likeness import CellRows
from calibration.fitting.space import Space
from calibration.systems.readings import Floats
from sim.stats.intervals import t_quantile

CONFIDENCE = 0.90
TOO_ALIKE = 0.95
"""Correlation of two parameters above which the data tell only a combination of them."""
UNTOLD = 0.5
"""Share of the interval between the bounds above which the data tell nothing of a parameter."""
HARDLY = 1e-6
"""Weight of the bounds where the data are asked alone: none would leave open directions infinite."""
AT_BOUND = 1e-3
"""A parameter so near to a bound, as a share of the range, is at it."""


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """covariance: of the coordinates. by_data: the same by the data alone, all but without the bounds. freedom: of the
    residuals' variance. reach: half of the 90 % interval of each coordinate; infinite where no metric answers. scale:
    variance of the residuals, at least 1."""

    covariance: Floats
    by_data: Floats
    freedom: int
    reach: Floats
    scale: float

    @property
    def correlation(self) -> Floats:
        """Of the coordinates."""
        return _correlation(self.covariance)


def uncertainty(
    space: Space, residuals: Floats, jacobian: Floats, weights: Floats, cells: Sequence[CellRows]
) -> Uncertainty:
    """Covariance of the coordinates by the delta method.

    residuals: in standard deviations, at the fit. jacobian: of them, by coordinate. weights: what each counted for in
    the fit, the loss included. cells: the residuals of each, and how they go together.

    With A = J' W J the covariance is A^-1 (sum over cells of J' W R W J) A^-1 times the variance of the residuals,
    where R is the correlation within a cell: they are errors of the same runs and tell less than as many independent
    ones. The variance is at least 1, since noise and floors are known; a model that misses by more than they explain
    has wider intervals. Where the data tell nothing the bounds do: the even distribution between them enters as a weak
    prior, which adds its inverse variance to A and does not move the fit.
    """
    freedom = max(len(residuals) - len(space.names), 1)
    scale = max(1.0, float((weights * residuals**2).sum() / weights.sum()) * len(residuals) / freedom)
    weighted = jacobian * weights[:, None]
    prior = np.diag(prior_of(space))
    information = jacobian.T @ weighted
    spread = sum((weighted[one.rows].T @ one.correlation @ weighted[one.rows] for one in cells), 0 * prior)
    bread = np.linalg.inv(information + prior)
    covariance = bread @ (scale * spread + prior) @ bread
    reach = t_quantile(CONFIDENCE, freedom) * np.sqrt(np.diag(covariance))
    reach[~jacobian.any(axis=0)] = np.inf
    by_data = np.asarray(np.linalg.inv(information / scale + prior * HARDLY))
    return Uncertainty(covariance, by_data, freedom, reach, scale)


def prior_of(space: Space) -> Floats:
    """Inverse variance of each coordinate if it were anywhere between its bounds alike."""
    return np.asarray(12 / (space.high - space.low) ** 2)


def _correlation(covariance: Floats) -> Floats:
    deviation = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(deviation, deviation))


def warnings(space: Space, point: Floats, jacobian: Floats, found: Uncertainty) -> Iterator[str]:
    """What the data do not tell, in words."""
    span = space.high - space.low
    silent = [not jacobian[:, index].any() for index in range(len(space.names))]
    vague = [2 * found.reach[index] > UNTOLD * span[index] for index in range(len(space.names))]
    for index, name in enumerate(space.names):
        share = (point[index] - space.low[index]) / span[index]
        if silent[index]:
            yield f"no metric answers to {name}: its value is the start's"
            continue
        if min(share, 1 - share) < AT_BOUND:
            side, bound = ("low", "lower") if share < 0.5 else ("high", "higher")
            yield f"{name} is at its bound `{side}`: the data ask for a {bound} one, or the model lacks something"
        if vague[index]:
            share = 2 * found.reach[index] / span[index]
            yield f"{name} is hardly told by the data: its interval is {share:.0%} of what was searched"
    correlation = _correlation(found.by_data)
    for one in range(len(space.names)):
        for other in range(one):
            if abs(correlation[one, other]) > TOO_ALIKE and not silent[one] and not silent[other]:
                names = f"{space.names[other]} and {space.names[one]}"
                what = "sum or product" if correlation[one, other] < 0 else "difference or ratio"
                yield f"{names} have a correlation of {correlation[one, other]:.2f}: the data tell only their {what}"
    yield from _direction(space, jacobian, silent)


CONDITION = 100
"""Ratio of the greatest to the least singular value above which a combination of parameters is left open."""


def _direction(space: Space, jacobian: Floats, silent: Sequence[bool]) -> Iterator[str]:
    """The combination of parameters that the data tell least of, where it is much less than of the others. Columns are
    brought to one length first, so that it is about directions and not about units."""
    heard = [index for index in range(len(space.names)) if not silent[index]]
    if len(heard) < 2:
        return
    length = np.linalg.norm(jacobian[:, heard], axis=0)
    _, singular, rows = np.linalg.svd(jacobian[:, heard] / length)
    if singular[0] > CONDITION * singular[-1]:
        parts = [(share, space.names[index]) for share, index in zip(rows[-1] / length, heard, strict=True)]
        greatest = max(abs(share) for share, _ in parts)
        named = [f"{name}{'+' if share > 0 else '-'}" for share, name in parts if abs(share) > 0.2 * greatest]
        ratio = singular[0] / singular[-1] if singular[-1] > 0 else math.inf
        yield f"moved together, {' '.join(named)} change nothing that is measured (condition {ratio:.0f})"
