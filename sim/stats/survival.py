"""Durations of executions of which some are still open: Kaplan-Meier by start cohort, or a refusal.

Counting only what completed is length-biased: the long ones are the open ones. A cohort is everything started in the
window of one replication, each with its duration so far and whether it closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.figure import Figure
from sim.stats.intervals import NS, FloatArray, mean_interval
from sim.stats.quantiles import MIN_EXCURSIONS, MIN_SECTIONS, sectioned

MAX_OPEN_FOR_MEAN = 0.001


@dataclass(frozen=True, slots=True)
class Cohort:
    """Executions started in the window of one replication.

    durations_ns: from start to close, or to where the run ended, shape (executions,). closed: whether it closed.
    """

    durations_ns: NDArray[np.int64]
    closed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        assert self.durations_ns.shape == self.closed.shape
        assert self.durations_ns.ndim == 1


@dataclass(frozen=True, slots=True)
class Survival:
    """The product-limit estimate of the share that lasts longer than a time.

    times_ns: increasing instants at which something closed. surviving: share that lasts longer than each of them.
    open_share: share of the executions that had not closed.
    """

    times_ns: FloatArray
    surviving: FloatArray
    open_share: float

    def quantile(self, p: float) -> float | None:
        """Shortest time, in ns, within which a share p closes; None where the estimate does not reach it."""
        reached = np.flatnonzero(self.surviving <= 1 - p + 1e-12)
        return float(self.times_ns[reached[0]]) if reached.size else None

    def restricted_mean(self) -> float:
        """Area under the estimate up to its last closure, in ns: the mean, or below it while some are open."""
        edges = np.concatenate(([0.0], self.times_ns))
        levels = np.concatenate(([1.0], self.surviving[:-1])) if self.times_ns.size else np.zeros(0)
        return float((np.diff(edges) * levels).sum())


def kaplan_meier(durations_ns: ArrayLike, closed: ArrayLike) -> Survival:
    """Product-limit estimate (Kaplan & Meier, Journal of the American Statistical Association 53, 1958).

    At equal times a closure comes before an end of observation. Without open executions it is the empirical
    distribution. It assumes that when a run ends has nothing to do with how long an execution would still take.
    """
    durations = np.asarray(durations_ns, dtype=np.float64)
    ended = np.asarray(closed, dtype=np.bool_)
    assert durations.shape == ended.shape
    assert durations.size > 0
    times, closures = np.unique(durations[ended], return_counts=True)
    at_risk = durations.size - np.searchsorted(np.sort(durations), times, side="left")
    return Survival(times, np.asarray(np.cumprod(1 - closures / at_risk), dtype=np.float64), float((~ended).mean()))


def survival_mean(cohorts: Sequence[Cohort], max_open: float = MAX_OPEN_FOR_MEAN, confidence: float = 0.95) -> Figure:
    """Mean duration in seconds over replications; refused when more than `max_open` of all executions are open."""
    filled = [cohort for cohort in cohorts if cohort.durations_ns.size]
    if not filled:
        return Figure.refused("s", "nothing was counted", len(cohorts))
    pooled = _pooled(filled)
    if pooled.open_share > max_open:
        note = f"{pooled.open_share:.3g} of the executions were still open; at least {_as_seconds(pooled)}"
        return Figure.refused("s", f"{note}; follow them to their close", len(filled))
    means = [kaplan_meier(cohort.durations_ns, cohort.closed).restricted_mean() * NS for cohort in filled]
    figure = mean_interval(means, "s", confidence)
    return figure.with_note(f"{pooled.open_share:.3g} were still open") if pooled.open_share else figure


def survival_percentile(cohorts: Sequence[Cohort], p: float, confidence: float = 0.95) -> Figure:
    """The p-quantile of durations in seconds, by sectioning the Kaplan-Meier estimate over replications.

    Refused above one minus the open share, of all executions or of one replication's, and where the sample cannot
    carry it (see `quantiles`).
    """
    filled = [cohort for cohort in cohorts if cohort.durations_ns.size]
    n = len(filled)
    if not filled:
        return Figure.refused("s", "nothing was counted", len(cohorts))
    pooled = _pooled(filled)
    value = pooled.quantile(p)
    if value is None or pooled.open_share > 1 - p:
        note = f"{pooled.open_share:.3g} of the executions were still open, so that no percentile above it can be told"
        return Figure.refused("s", note, n)
    guess = f"best guess {value * NS:.3g} s"
    if n < MIN_SECTIONS:
        return Figure.refused("s", f"{guess}; {MIN_SECTIONS} replications are needed for an interval", n)
    own = [kaplan_meier(cohort.durations_ns, cohort.closed).quantile(p) for cohort in filled]
    if any(quantile is None for quantile in own):
        return Figure.refused("s", f"{guess}; in some replications too many were still open", n)
    # At the quantile's own value only the share that fits counts as beyond, which matters for atoms such as timers.
    above = np.array([float((cohort.durations_ns > value).sum()) for cohort in filled])
    inside = np.array([float((cohort.durations_ns == value).sum()) for cohort in filled])
    sizes = np.array([float(cohort.durations_ns.size) for cohort in filled])
    share = ((1 - p) * sizes.sum() - above.sum()) / max(inside.sum(), 1.0)
    beyond = above + min(max(share, 0.0), 1.0) * inside
    expected = sizes * beyond.sum() / sizes.sum()
    result = sectioned(value, np.array(own, dtype=np.float64), beyond, expected, confidence)
    if result.excursions < MIN_EXCURSIONS:
        rests_on = f"{guess}, from about {result.excursions:.2g} independent excursions beyond it"
        return Figure.refused("s", f"{rests_on}; {MIN_EXCURSIONS} are needed", n)
    return Figure(value * NS, "s", result.low * NS, result.high * NS, confidence, n)


def _pooled(cohorts: Sequence[Cohort]) -> Survival:
    return kaplan_meier(
        np.concatenate([cohort.durations_ns for cohort in cohorts]),
        np.concatenate([cohort.closed for cohort in cohorts]),
    )


def _as_seconds(survival: Survival) -> str:
    return f"{survival.restricted_mean() * NS:.4g} s"
