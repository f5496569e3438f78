"""Service times of one kind: which distribution fits, how well, and what to write into a scenario."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.calibrate.families import FAMILIES, Family
from sim.calibrate.goodness import Goodness, distance_of, effective_n, goodness, intervals
from sim.calibrate.likelihood import Times, fit
from sim.calibrate.written import as_yaml, duration, table_of, table_of_counts
from sim.observed.table import Binned, Sample

Floats = NDArray[np.float64]

LEAST = 20
"""Fewer values are printed and not fitted."""
MOST = 10_000
"""Of more values that many are fitted, evenly picked; the rest would tell little more and cost time."""
REJECTED = 0.05
"""A family is rejected below this p-value."""
SAME = 1e-6
"""A coefficient of variation below this is a constant."""
FEW = 50
"""Where values are worth fewer, the test of fit is told to see little."""
STEADY = 0.5
"""Values that are worth less than this share of independent ones are told to drift."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One family with its parameters. aic: 2 for each parameter less twice the log likelihood, the latter by what the
    sample is worth. distance: of the distribution functions, the greatest."""

    family: Family
    theta: Floats
    aic: float
    distance: float


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """What is known of the times of one kind, in s.

    n: values; worth: how many independent ones they are worth; cut: those ended by a timeout. candidates: the best
    first, empty where nothing was fitted. goodness, intervals: of the best; intervals at 95 %. empirical: the values
    themselves as a distribution; empty where their end is not known. notes: what the reader must know.
    """

    kind: str
    n: float
    worth: float
    cut: int
    mean: float
    quantiles: dict[str, float]
    candidates: tuple[Candidate, ...] = ()
    goodness: Goodness | None = None
    intervals: tuple[tuple[float, float], ...] = ()
    empirical: str = ""
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The family of the least AIC, where one was fitted and not rejected, or where there is nothing else."""
        if not self.candidates or self.goodness is None:
            return None
        return self.candidates[0] if self.goodness.p_value >= REJECTED or not self.empirical else None

    @property
    def yaml(self) -> str:
        """What to write into a scenario: the best family, else the values themselves; empty where neither is known."""
        return as_yaml(self.best.family, self.best.theta) if self.best else self.empirical


def fitted(kind: str, sample: Sample, families: tuple[Family, ...] = FAMILIES, seed: int = 1) -> ServiceTimes:
    """The times of a sample, in ns, fitted. Zeros cannot be fitted and are told."""
    notes = []
    step = -(-sample.n // MOST) or 1
    x, cut = sample.value[::step] / 1e9, sample.cut[::step]
    if step > 1:
        notes.append(f"one in {step} of {sample.n} values was fitted")
    zeros = float((x <= 0).mean()) if x.size else 0.0
    if zeros:
        notes.append(f"{zeros:.1%} are 0 and are not in the fit")
    times = Times(x[(x > 0) & ~cut], x[(x > 0) & cut])
    worth = effective_n(x)
    whole = sample.value / 1e9
    if sample.n >= LEAST and worth < STEADY * x.size:
        fifths = [duration(float(np.median(part))) for part in np.array_split(x, 5)]
        notes.append(
            f"values follow each other: {x.size} are worth {worth:.0f} independent ones; "
            f"medians of five parts in turn: {', '.join(fifths)}"
        )
    known = not cut.any()
    if not known:
        notes.append(
            f"{int(sample.cut.sum())} were ended by a timeout; mean and percentiles count them at the timeout"
        )
    fact = _Fact(
        kind, sample.n, worth, int(sample.cut.sum()), float(whole.mean()) if whole.size else 0.0, _shown(whole)
    )
    if times.exact.size < LEAST:
        return fact.unfitted((*notes, f"fewer than {LEAST} values: not fitted"))
    if times.exact.std() < SAME * times.exact.mean():
        return fact.unfitted((*notes, "all are equal"), duration(float(times.exact[0])))
    return _best(fact, times, families, table_of(whole) if known else "", tuple(notes), seed)


def fitted_counts(kind: str, binned: Binned, families: tuple[Family, ...] = FAMILIES, seed: int = 1) -> ServiceTimes:
    """Counted times fitted. How they follow each other is not known: they are taken for independent."""
    times = Times(np.zeros(0), edges=binned.edges_ns / 1e9, counts=binned.counts)
    mean = binned.sum_ns / binned.n / 1e9 if binned.n else float("nan")
    fact = _Fact(kind, binned.n, binned.n, 0, mean, {})
    filled = int((binned.counts > 0).sum())
    if binned.n < LEAST or filled < 4:
        return fact.unfitted((f"{binned.n:.0f} values in {filled} intervals: not fitted",))
    enough = tuple(family for family in families if len(family.parameters) + 1 < filled)
    closed = np.isfinite(binned.edges_ns[-1]) or binned.counts[-1] == 0
    table = table_of_counts(binned) if closed else ""
    return _best(fact, times, enough, table, ("only counts in intervals are known",), seed)


@dataclass(frozen=True, slots=True)
class _Fact:
    kind: str
    n: float
    worth: float
    cut: int
    mean: float
    quantiles: dict[str, float]

    def unfitted(self, notes: tuple[str, ...], constant: str = "") -> ServiceTimes:
        """With what is known without a fit."""
        about = (self.kind, self.n, self.worth, self.cut, self.mean, self.quantiles)
        return ServiceTimes(*about, empirical=constant, notes=notes)


def _shown(x: Floats) -> dict[str, float]:
    levels = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: float(np.quantile(x, level)) for name, level in levels.items()} if x.size else {}


def _best(
    fact: _Fact, times: Times, families: tuple[Family, ...], table: str, notes: tuple[str, ...], seed: int
) -> ServiceTimes:
    weight = min(1.0, fact.worth / times.n)
    candidates = []
    for family in families:
        theta = fit(family, times)
        distribution = family.at(theta)
        aic = 2 * len(family.parameters) - 2 * weight * times.log_likelihood(distribution)
        candidates.append(Candidate(family, theta, aic, distance_of(times, distribution)))
    candidates.sort(key=lambda one: one.aic)
    best = candidates[0]
    worth = weight * times.n
    found = goodness(best.family, best.theta, times, worth, seed)
    ranges = tuple(intervals(best.family, best.theta, times, worth, seed=seed + 1))
    if worth < FEW and found.p_value >= REJECTED:
        notes = (*notes, f"worth {worth:.0f} independent values: so few seldom reject a family that is wrong")
    if found.p_value < REJECTED:
        told = "the values themselves are written instead" if table else "nothing better is known"
        notes = (*notes, f"{best.family.name} is rejected (p = {found.p_value:.3f}); {told}")
    about = (fact.kind, fact.n, fact.worth, fact.cut, fact.mean, fact.quantiles)
    return ServiceTimes(*about, tuple(candidates), found, ranges, table, notes)
