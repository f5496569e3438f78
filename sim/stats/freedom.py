"""How many degrees of freedom a variance estimate really has, and the t-quantile that goes with them.

Student's t assumes that the values under a variance are normal. Output of a queue is skewed and comes in clusters:
a few long congestions make most of the variance, a run that happens to see none of them underestimates it, and
the interval is too short just then. Matching the first two moments of the estimate S^2 to a scaled chi-square
(Satterthwaite, Biometrics Bulletin 2, 1946) gives, for n independent values of excess kurtosis k,

    Var(S^2) / sigma^4 = 2 / (n - 1) + k / n,      degrees of freedom = 2 / (Var(S^2) / sigma^4).

Only the kurtosis is estimated here, from what the values are known to be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def t_quantile(confidence: float, degrees_of_freedom: float) -> float:
    """Half-width, in standard errors, of a two-sided interval at level `confidence`; infinite below 0.05 degrees."""
    from scipy.special import stdtrit

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
