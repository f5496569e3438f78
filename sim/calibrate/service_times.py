"""Service times: which kinds are fitted, which distribution fits, how well, and what says so.

What says so is a file, and one line of YAML, ready for `service:`, `demand:` or `delay:` in a scenario.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from sim.calibrate.families import EXPONENTIAL, FAMILIES, GAMMA, LOGNORMAL, SHIFTED, STALLS, WEIBULL, Family, Floats
from sim.calibrate.likelihood import Goodness, Times, distance_of, effective_n, fit, goodness, intervals
from sim.errors import InputErrors, Problem
from sim.observed.table import Binned, Observations, Sample, unit_of

LEVELS = (0, 0.01, 0.05, *(step / 10 for step in range(1, 10)), 0.95, 0.98, 0.99, 0.995, 0.999, 1)
"""Probabilities of a table of measured values."""

SHIFTED_LEVELS = (*(step / 10 for step in range(10)), 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
"""Probabilities of the table that a shifted exponential is written as: scenarios have no shift."""

DIGITS = 4


def as_yaml(family: Family, theta: Floats) -> str:
    """The fitted distribution. Times with four digits."""
    if family is EXPONENTIAL:
        return f"{{exponential: {duration(theta[0])}}}"
    if family is GAMMA:
        return f"{{gamma: {_mean_cv(theta)}}}"
    if family is LOGNORMAL:
        return _mean_cv(theta)
    if family is WEIBULL:
        return f"{{weibull: {{scale: {duration(theta[0])}, shape: {_number(theta[1])}}}}}"
    if family is SHIFTED:
        # Beyond the last level an exponential has one mean left: a uniform one of the same mean ends at twice that.
        levels = np.array(SHIFTED_LEVELS)
        values = theta[0] - theta[1] * np.log1p(-levels)
        return _table([*values, values[-1] + 2 * theta[1]], [*levels, 1.0])
    assert family is STALLS
    share = float(f"{theta[4]:.{DIGITS}g}")
    body, stall = _mean_cv(theta[:2]), _mean_cv(theta[2:4])
    return f"{{mixture: [{{weight: {1 - share:.12g}, of: {body}}}, {{weight: {share:.12g}, of: {stall}}}]}}"


def table_of(x: Floats) -> str:
    """Quantiles of measured times in s; as many as the sample can tell apart."""
    levels = [level for level in LEVELS if level in (0, 1) or 1 / x.size <= min(level, 1 - level)]
    return _table(np.quantile(x, levels).tolist(), levels)


def table_of_counts(binned: Binned) -> str:
    """Edges of counted intervals as a table; empty ones at the ends are left out. Needs a last edge that is finite."""
    upto = np.concatenate([[0.0], np.cumsum(binned.counts)]) / binned.n
    first = int(np.flatnonzero(upto == 0)[-1])
    last = int(np.flatnonzero(upto >= 1 - 1e-12)[0])
    levels = [*upto[first:last].tolist(), 1.0]
    return _table((binned.edges_ns[first : last + 1] / 1e9).tolist(), levels)


def duration(seconds: float) -> str:
    """A time with four digits in the unit that reads best: `1.234 ms`."""
    for unit, length in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9999 * length:
            return f"{_number(seconds / length)} {unit}"
    return f"{round(seconds * 1e9)} ns"


def _mean_cv(theta: Floats) -> str:
    return f"{{mean: {duration(theta[0])}, cv: {_number(theta[1])}}}"


def _table(values: list[float], levels: list[float]) -> str:
    written = ", ".join(duration(value) for value in values)
    probabilities = ", ".join(f"{level:.6g}" for level in levels)
    return f"{{empirical: {{values: [{written}], probabilities: [{probabilities}]}}}}"


def _number(value: float) -> str:
    """Four digits, never with an exponent."""
    rounded = float(f"{value:.{DIGITS}g}")
    return f"{rounded:.0f}" if rounded >= 10**DIGITS else f"{rounded:g}" if rounded >= 1e-4 else f"{rounded:.8f}"


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

    n: values; worth: how many independent ones they are worth. candidates: the best first, empty where nothing was
    fitted. goodness, intervals: of the best; intervals at 95 %. empirical: the values themselves as a distribution;
    empty where their end is not known. notes: what the reader must know.
    """

    n: float
    worth: float
    mean: float
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


def fitted(sample: Sample, families: tuple[Family, ...] = FAMILIES, seed: int = 1) -> ServiceTimes:
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
    found = ServiceTimes(sample.n, worth, float(whole.mean()) if whole.size else 0.0)
    if times.exact.size < LEAST:
        return replace(found, notes=(*notes, f"fewer than {LEAST} values: not fitted"))
    if times.exact.std() < SAME * times.exact.mean():
        return replace(found, notes=(*notes, "all are equal"), empirical=duration(float(times.exact[0])))
    return _best(replace(found, empirical=table_of(whole) if known else "", notes=tuple(notes)), times, families, seed)


def fitted_counts(binned: Binned, families: tuple[Family, ...] = FAMILIES, seed: int = 1) -> ServiceTimes:
    """Counted times fitted. How they follow each other is not known: they are taken for independent."""
    times = Times(np.zeros(0), edges=binned.edges_ns / 1e9, counts=binned.counts)
    mean = binned.sum_ns / binned.n / 1e9 if binned.n else float("nan")
    found = ServiceTimes(binned.n, binned.n, mean)
    filled = int((binned.counts > 0).sum())
    if binned.n < LEAST or filled < 4:
        return replace(found, notes=(f"{binned.n:.0f} values in {filled} intervals: not fitted",))
    enough = tuple(family for family in families if len(family.parameters) + 1 < filled)
    closed = np.isfinite(binned.edges_ns[-1]) or binned.counts[-1] == 0
    table = table_of_counts(binned) if closed else ""
    found = replace(found, empirical=table, notes=("only counts in intervals are known",))
    return _best(found, times, enough, seed)


def _best(known: ServiceTimes, times: Times, families: tuple[Family, ...], seed: int) -> ServiceTimes:
    """What is known of the times, with the families fitted to them."""
    weight = min(1.0, known.worth / times.n)
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
    notes = known.notes
    if worth < FEW and found.p_value >= REJECTED:
        notes = (*notes, f"worth {worth:.0f} independent values: so few seldom reject a family that is wrong")
    if found.p_value < REJECTED:
        told = "the values themselves are written instead" if known.empirical else "nothing better is known"
        notes = (*notes, f"{best.family.name} is rejected (p = {found.p_value:.3f}); {told}")
    return replace(known, candidates=tuple(candidates), goodness=found, intervals=ranges, notes=notes)


SERVICE = ("service*", "start_to_close.activity.*", "own.*")
"""Times that say how long work took; waits and whole latencies come out of a run."""
WITHOUT = "latency*"
"""Where a source has none of these, latencies are fitted: with one client, or little load, they are service."""


def service_kinds(observed: Observations, requested: Sequence[str] = ()) -> list[str]:
    """The kinds that are fitted: those that match the globs, or service times. Raises InputErrors where none match."""
    times = [kind for kind in (*observed.samples, *observed.binned) if unit_of(kind) == "ns"]
    if requested:
        found = [kind for kind in times if any(fnmatchcase(kind, glob) for glob in requested)]
        if not found:
            raise InputErrors(
                [Problem("--kind", f"no kind matches {', '.join(requested)}", f"kinds: {', '.join(times)}")]
            )
        return found
    service = [kind for kind in times if any(fnmatchcase(kind, glob) for glob in SERVICE)]
    return service or [kind for kind in times if kind in observed.binned or fnmatchcase(kind, WITHOUT)]


def fit_kinds(observed: Observations, kinds: Sequence[str]) -> dict[str, ServiceTimes]:
    """Each kind fitted."""
    return {
        kind: fitted_counts(observed.binned[kind]) if kind in observed.binned else fitted(observed.samples[kind])
        for kind in kinds
    }


def as_file(fits: Mapping[str, ServiceTimes], paths: Sequence[Path], command: str) -> Iterator[str]:
    """The lines of the file, YAML: under `service_times` each kind with its distribution as a scenario takes it."""
    yield "# Service times fitted by likelihood, written by the command below, not by hand."
    yield f"command: {json.dumps(command)}"
    yield "data:  # SHA-256"
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            yield f"  {json.dumps(file.as_posix())}: {json.dumps(hashlib.sha256(file.read_bytes()).hexdigest())}"
    yield "service_times:"
    for kind, one in fits.items():
        yield f"  {json.dumps(kind)}:"
        if one.yaml:
            yield f"    distribution: {one.yaml}"
        yield f"    values: {one.n:g}"
        yield f"    worth: {one.worth:.0f}  # independent ones"
        if one.best is not None and one.goodness is not None:
            yield f"    family: {one.best.family.name}"
            yield f"    p_value: {one.goodness.p_value:.3f}"
            yield "    parameters:  # with 95 % intervals"
            for (name, unit), value, (low, high) in zip(
                one.best.family.parameters.items(), one.best.theta, one.intervals, strict=True
            ):
                told = f', unit: "{unit}"' if unit else ""
                yield f"      {name.replace(' ', '_')}: {{value: {value:.5g}, low: {low:.5g}, high: {high:.5g}{told}}}"
        if one.notes:
            yield f"    notes: {json.dumps(list(one.notes), ensure_ascii=False)}"
