"""Scores put together: how large the errors of a metric are over its cells, and how often intervals held.

Medians, because a few cells are far off and are shown by name; the worst, because they are what hurts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from calibration.scores.kinds import WIDTH, WIDTHS, kind_of, target_of
from calibration.scores.score import Score, TableScore

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one metric over cells. median, worst: of corrected |error|; raw: median of |error| as it is; bias: median of
    the error with its sign; noise: median of the repeats' standard deviation; within: cells that reach the target."""

    cells: int
    median: float
    worst: float
    raw: float
    bias: float
    noise: float
    target: float | None
    within: int | None

    def to_json(self) -> dict[str, Any]:
        """As it is printed by `--json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def errors_of(metric: str, found: Sequence[Score]) -> Errors:
    """The errors of one metric over its cells."""
    corrected = np.array([score.corrected for score in found])
    target = target_of(metric)
    return Errors(
        len(found),
        float(np.median(corrected)),
        float(corrected.max()),
        float(np.median([abs(score.error) for score in found])),
        float(np.median([score.error for score in found])),
        float(np.median([score.noise for score in found])),
        target,
        None if target is None else int((corrected <= target).sum()),
    )


@dataclass(frozen=True, slots=True)
class TableErrors:
    """Of one kind of quantile table over cells, as `TableScore` has them."""

    cells: int
    median: float
    worst: float
    p99: float
    noise: float | None

    def to_json(self) -> dict[str, Any]:
        """As it is printed by `--json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def table_errors_of(found: Sequence[TableScore]) -> TableErrors:
    """The errors of one kind of table over its cells: median and worst of the corrected mean, median of q0.99's."""
    corrected = np.array([score.corrected for score in found])
    noises = [score.noise for score in found if score.noise is not None]
    return TableErrors(
        len(found),
        float(np.median(corrected)),
        float(corrected.max()),
        float(np.median([score.p99 for score in found])),
        float(np.median(noises)) if noises else None,
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often 90 % prediction intervals held one measured run.

    inside, runs: measured runs. share: mean over the (cell, metric) pairs of the share inside. error: its binomial
    standard error with one trial a cell, since the runs and the metrics of a cell share what the model gets wrong of
    it; of Agresti & Coull (The American Statistician 52, 1998), which is not 0 where all are inside. half_width:
    median relative half-width, aimed at `width`.
    """

    inside: int
    runs: int
    cells: int
    share: float
    error: float
    half_width: float
    width: float

    def to_json(self) -> dict[str, Any]:
        """As it is printed by `--json`."""
        return {name: getattr(self, name) for name in self.__slots__}


def coverage_of(kind: str, found: Sequence[Score]) -> Coverage:
    """Coverage of one kind of metric."""
    share = float(np.mean([score.inside / score.repeats for score in found]))
    cells = len({(score.system, score.host, score.cell) for score in found})
    moved = (share * cells + 2) / (cells + 4)
    return Coverage(
        sum(score.inside for score in found),
        sum(score.repeats for score in found),
        cells,
        share,
        float(np.sqrt(moved * (1 - moved) / (cells + 4))),
        float(np.median([score.half_width for score in found])),
        WIDTHS.get(kind, WIDTH),
    )


Scored = TypeVar("Scored", Score, TableScore)


def grouped(found: Iterable[Scored], key: Callable[[Scored], Key]) -> dict[Key, list[Scored]]:
    """Scores by a key, in the order in which the keys come up."""
    groups: dict[Key, list[Scored]] = {}
    for score in found:
        groups.setdefault(key(score), []).append(score)
    return groups


def worst(found: Sequence[Score], most: int = 10) -> list[Score]:
    """The scores furthest beyond their target, at most one a cell, so that one bad cell does not hide the others."""
    seen: set[tuple[str, str]] = set()
    chosen = []
    for score in sorted(found, key=lambda score: -score.of_target):
        if score.of_target > 0 and (score.host, score.cell) not in seen:
            seen.add((score.host, score.cell))
            chosen.append(score)
    return chosen[:most]


def by_kind(found: Sequence[Score]) -> dict[str, list[Score]]:
    """Scores by kind of metric, those with a target only."""
    return grouped([score for score in found if score.target is not None], lambda score: kind_of(score.metric))
