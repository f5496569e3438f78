"""Intervals of means, ratios and shares over independent replications, on the degrees of freedom of their variance.

A replication gives one value; the values are independent and alike. Percentiles are in `quantiles`, few very skewed
values in `skewed`.

Student's t assumes that the values under a variance are normal. Output of a queue is skewed and comes in clusters:
a few long congestions make most of the variance, a run that happens to see none of them underestimates it, and
the interval is too short just then. Matching the first two moments of the estimate S^2 to a scaled chi-square
(Satterthwaite, Biometrics Bulletin 2, 1946) gives, for n independent values of excess kurtosis k,

    Var(S^2) / sigma^4 = 2 / (n - 1) + k / n,      degrees of freedom = 2 / (Var(S^2) / sigma^4).

Only the kurtosis is estimated here, from what the values are known to be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.figure import Figure

FloatArray = NDArray[np.float64]
NS = 1e-9
"""A nanosecond in seconds."""


def t_quantile(confidence: float, degrees_of_freedom: float) -> float:
    """Half-width, in standard errors, of a two-sided interval at level `confidence`; infinite below 0.05 degrees."""
    from sim.draws.special import stdtrit

    assert 0 < confidence < 1
    return float(stdtrit(degrees_of_freedom, (1 + confidence) / 2)) if degrees_of_freedom >= 0.05 else float("inf")


def skewness(values: FloatArray) -> float:
    """Sample skewness with the unbiased third central moment; 0 for fewer than 3 values or without spread."""
    n = values.size
    deviations = values - values.mean()
    variance = float((deviations**2).sum()) / max(n - 1, 1)
    if n < 3 or variance == 0:
        return 0.0
    return float(n / ((n - 1) * (n - 2)) * (deviations**3).sum() / variance**1.5)


def freedom_of_skewed(values: FloatArray) -> float:
    """Degrees of freedom under the variance of independent values, for an excess kurtosis of 1.5 skewness^2.

    That relation is the one of the gamma family, which spans normal to exponential; the sample kurtosis itself is
    hopeless at 20 values. Fewer than 5 values tell nothing of skewness: n - 1.
    """
    n = values.size
    if n < 5:
        return float(n - 1)
    return 2 / (2 / (n - 1) + 1.5 * skewness(values) ** 2 / n)


@dataclass(frozen=True, slots=True)
class Clustering:
    """How a rare thing is spread over sections.

    excursions: number of independent clusters that the sample holds, over all sections.
    freedom: degrees of freedom under the variance between sections.
    """

    excursions: float
    freedom: float


def clustering(counts: FloatArray, expected: FloatArray) -> Clustering:
    """Clusters behind counts of a rare thing per section, such as executions beyond the 99th percentile.

    counts: how many each section saw, shape (sections,). expected: its share of the total, by its length.

    The counts are taken as compound Poisson: clusters (busy periods, outages) arrive at random and bring a geometric
    number each. The index of dispersion D = variance / mean, at least 1, is the weight of a cluster; a section holds
    c = mean / D of them, and its count has excess kurtosis 1 / c for clusters of one, 6 / c for long ones, between
    them (6 - 5 / D) / c, exact at both ends.
    """
    n = counts.size
    assert n >= 2
    mean = float(counts.mean())
    if mean == 0:
        return Clustering(0.0, 0.0)
    dispersion = max(1.0, float(((counts - expected) ** 2).sum()) / (n - 1) / mean)
    per_section = mean / dispersion
    kurtosis = (6 - 5 / dispersion) / per_section
    return Clustering(n * per_section, 2 / (2 / (n - 1) + kurtosis / n))


def as_values(values: ArrayLike) -> FloatArray:
    """One-dimensional float64 array of finite values, one a replication."""
    array = np.asarray(values, dtype=np.float64)
    assert array.ndim == 1, "one value for each replication"
    assert bool(np.isfinite(array).all()), "a replication without a value has to be refused before"
    return array


def skewed_t_limits(values: FloatArray, confidence: float) -> tuple[float, float]:
    """Ends of the interval of the mean of two or more independent values.

    Student's t with Willink's correction for skewness (Communications in Statistics - Theory and Methods 34, 2005),
    as in Skart (Tafazzoli & Wilson, Simulation 87, 2011), on the degrees of freedom of `freedom_of_skewed`. For
    symmetric values it is Student's interval; for right-skewed ones it reaches further up than down.
    """
    n = values.size
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(n)
    t = t_quantile(confidence, freedom_of_skewed(values))
    beta = skewness(values) / (6 * math.sqrt(n)) if n >= 5 else 0.0
    if abs(beta) < 1e-6:  # the limit of the formula below
        return mean - t * error, mean + t * error

    def adjusted(r: float) -> float:
        return (float(np.cbrt(1 + 6 * beta * (r - beta))) - 1) / (2 * beta)

    return mean - adjusted(t) * error, mean - adjusted(-t) * error


def mean_interval(values: ArrayLike, unit: str, confidence: float = 0.95) -> Figure:
    """Mean over replications with a t-interval corrected for skewness, see `skewed_t_limits`.

    values: one a replication, finite. A single one has no interval; none at all is refused.
    """
    values = as_values(values)
    if values.size == 0:
        return Figure.refused(unit, "no replication has a value")
    mean = float(values.mean())
    if values.size == 1:
        return Figure(mean, unit, n=1, note="one replication: no interval")
    if bool((values == values[0]).all()):
        return Figure(float(values[0]), unit, float(values[0]), float(values[0]), confidence, values.size)
    low, high = skewed_t_limits(values, confidence)
    return Figure(mean, unit, low, high, confidence, values.size)


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike, unit: str, confidence: float = 0.95) -> Figure:
    """Ratio of two means over replications, such as retries per execution, by the jackknife.

    numerators, denominators: one of each a replication. The value is the jackknife's, which takes out the bias of
    order 1/n; the interval is `mean_interval` of its pseudo-values (Asmussen & Glynn, Stochastic Simulation, 2007,
    III.5; Miller, Biometrika 61, 1974).
    """
    a, b = as_values(numerators), as_values(denominators)
    assert a.shape == b.shape, "numerator and denominator of the same replications"
    n = a.size
    if n == 0 or b.sum() == 0:
        return Figure.refused(unit, "the denominator is zero in every replication", n)
    ratio = float(a.sum() / b.sum())
    if n == 1:
        return Figure(ratio, unit, n=1, note="one replication: no interval")
    rest = b.sum() - b
    if bool((rest == 0).any()):
        note = f"best guess {ratio:.4g}, from the only replication with a denominator; more replications are needed"
        return Figure.refused(unit, note, n)
    pseudo = n * ratio - (n - 1) * (a.sum() - a) / rest
    return mean_interval(pseudo, unit, confidence)


def as_share(figure: Figure) -> Figure:
    """A figure that can only be within [0, 1], such as a utilisation: what of its interval is not there is cut off."""

    def inside(value: float | None) -> float | None:
        return None if value is None else min(max(value, 0.0), 1.0)

    return replace(figure, value=inside(figure.value), low=inside(figure.low), high=inside(figure.high))


def proportion_interval(
    hits: ArrayLike,
    trials: ArrayLike,
    unit: str = "ratio",
    confidence: float = 0.95,
    independent: int | None = None,
) -> Figure:
    """Share of trials that were hits, such as executions that ended within their deadline.

    hits, trials: counts, one of each a replication.
    independent: number of independent units, for the limit when nothing was seen: outages, episodes; by default
        replications with trials. Executions of one replication are *not* independent: one outage fails thousands.

    The interval is Student's t on the logit scale, its variance that of a ratio over replications, its degrees of
    freedom those of `clustering`, but at least 4: with fewer a single outage would give "somewhere in (0, 1)", and at
    4 the measured coverage of one to three outages is still nominal. Without a single hit, or miss, it is the
    one-sided limit -log(1 - confidence) / n of n independent units, the rule of three (3/n at 95 %).
    """
    h, total = as_values(hits), as_values(trials)
    assert h.shape == total.shape, "hits and trials of the same replications"
    assert bool(((h >= 0) & (h <= total)).all()), "hits are among the trials"
    n = h.size
    if total.sum() == 0:
        return Figure.refused(unit, "nothing was counted", n)
    share = float(h.sum() / total.sum())
    if share in (0.0, 1.0):
        units = int((total > 0).sum()) if independent is None else independent
        assert units > 0
        return unseen(share, units, unit, confidence)
    if n == 1:
        return Figure(share, unit, n=1, note="one replication: no interval")
    rare, rare_share = (h, share) if share <= 0.5 else (total - h, 1 - share)
    expected = rare_share * total
    error = math.sqrt(n / (n - 1) * float(((rare - expected) ** 2).sum())) / float(total.sum())
    freedom = min(n - 1.0, max(4.0, clustering(rare, expected).freedom))
    reach = t_quantile(confidence, freedom) * error / (share * (1 - share))
    odds = share / (1 - share)
    low, high = odds * math.exp(-reach), odds * math.exp(min(reach, 700.0))
    return Figure(share, unit, low / (1 + low), high / (1 + high), confidence, n)


def shares(parts: Mapping[str, tuple[Sequence[float], Sequence[float]]], confidence: float) -> dict[str, Figure]:
    """Shares by name, each of a part and its whole in every replication; none where there was nothing at all."""
    return {
        name: proportion_interval(part, whole, "ratio", confidence)
        for name, (part, whole) in parts.items()
        if any(whole)
    }


def unseen(share: float, units: int, unit: str, confidence: float) -> Figure:
    """A share of 0 or 1 seen in all of `units` independent units: a one-sided limit, 3/units at 95 %."""
    limit = min(1.0, -math.log(1 - confidence) / units)
    if share == 0:
        return Figure(0.0, unit, 0.0, limit, confidence, units, f"none in {units} independent units: upper limit")
    return Figure(1.0, unit, 1 - limit, 1.0, confidence, units, f"all of {units} independent units: lower limit")
