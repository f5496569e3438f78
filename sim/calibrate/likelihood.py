"""Likelihood of times that are known exactly, cut by a timeout, or only counted in intervals, and how well a fit fits.

How well a distribution fits and how well its parameters are known comes by resampling, since both were fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, stats

from sim.calibrate.families import Distribution, Family, Floats

IMPOSSIBLE = 1e300
"""Stands for an infinite loss, which a search cannot compare."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times in s, all positive.

    exact: known. cut: lower bounds. edges, counts: counts in (edge, next edge]; the last edge may be infinite.
    """

    exact: Floats
    cut: Floats = field(default_factory=lambda: np.zeros(0))
    edges: Floats = field(default_factory=lambda: np.zeros(0))
    counts: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def n(self) -> float:
        """How many."""
        return float(self.exact.size + self.cut.size + self.counts.sum())

    @property
    def typical(self) -> Floats:
        """Times that a search may start from: cut ones as if they had ended, counted ones in the middle."""
        if not self.counts.size:
            return np.concatenate([self.exact, self.cut])
        ends = np.where(np.isfinite(self.edges[1:]), self.edges[1:], 2 * self.edges[:-1])
        shown = np.ceil(self.counts * min(1.0, 1000 / self.counts.sum())).astype(int)
        return np.repeat((self.edges[:-1] + ends) / 2, shown)

    def log_likelihood(self, distribution: Distribution) -> float:
        """Logarithm of the likelihood; -inf where something cannot have happened."""
        total = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.exact.size:
                total += float(distribution.logpdf(self.exact).sum())
            if self.cut.size:
                total += float(np.log1p(-distribution.cdf(self.cut)).sum())
            if self.counts.size:
                shares = np.log(np.diff(distribution.cdf(self.edges)))
                total += float(self.counts[self.counts > 0] @ shares[self.counts > 0])
        return -np.inf if np.isnan(total) else total


def fit(family: Family, times: Times, start: Floats | None = None) -> Floats:
    """Parameters of the greatest likelihood; start: of a sample that is like this one, which is near already."""
    if not times.cut.size and not times.counts.size:
        return family.direct(times.exact, start)
    begin = np.log(family.start(times.typical) if start is None else start)

    def lost(theta: Floats) -> float:
        value = -times.log_likelihood(family.at(np.exp(theta)))
        return value if np.isfinite(value) else IMPOSSIBLE

    near = start is not None
    simplex = begin + (0.05 if near else 0.3) * np.vstack([np.zeros(begin.size), np.eye(begin.size)])
    fine = 1e-3 if near else 1e-4
    options = {"initial_simplex": simplex, "xatol": fine, "fatol": fine, "maxfev": (40 if near else 400) * begin.size}
    found = optimize.minimize(lost, begin, method="Nelder-Mead", options=options).x
    return np.asarray(np.exp(found), dtype=np.float64)


RESAMPLES = 199
"""A p-value then has steps of 1/200."""
RESAMPLES_SEARCHED = 99
"""Where each fit is a search, which takes longer."""


@dataclass(frozen=True, slots=True)
class Goodness:
    """distance: greatest difference of the two distribution functions (Kolmogorov-Smirnov). p_value: share of samples
    of the fitted distribution that lie as far from their own fit."""

    distance: float
    p_value: float


def effective_n(x: Floats) -> float:
    """How many independent values these are worth, in the order of time.

    n over the integrated autocorrelation time of the ranks, so that a few long ones do not decide it. The sum ends
    where the lag exceeds five such times (Sokal's window, Monte Carlo Methods in Statistical Mechanics, 1996).
    """
    n = x.size
    if n < 20:
        return float(n)
    ranks = stats.rankdata(x) - (n + 1) / 2
    padded = np.fft.rfft(ranks, 2 * n)
    covariance = np.fft.irfft(padded * np.conj(padded))[: n // 2]
    if covariance[0] <= 0:
        return float(n)
    times = 2 * np.cumsum(covariance / covariance[0]) - 1
    window = np.argmax(np.arange(times.size) >= 5 * times) or times.size - 1
    return float(n / max(1.0, times[window]))


def distance_of(times: Times, distribution: Distribution) -> float:
    """Kolmogorov-Smirnov distance, below the first cut; of counted times at the edges."""
    if times.counts.size:
        shares = np.concatenate([[0.0], np.cumsum(times.counts)]) / times.counts.sum()
        return float(np.abs(shares - distribution.cdf(times.edges)).max())
    x = np.sort(times.exact)
    if times.cut.size:
        x = x[x < times.cut.min()]
    fitted = distribution.cdf(x)
    rank = np.arange(x.size)
    return float(max(np.abs(fitted - rank / times.n).max(), np.abs(fitted - (rank + 1) / times.n).max()))


def goodness(family: Family, theta: Floats, times: Times, worth: float, seed: int = 1) -> Goodness:
    """The distance and its p-value by parametric bootstrap: samples of the fit, each fitted anew.

    worth: how many independent values the sample is worth; samples are drawn of that size, which allows for values
    that follow each other. All are cut at the least cut there is, as by one timeout.
    Source: Stute, Gonzalez Manteiga, Presedo Quindimil, Metrika 40 (1993): the bootstrap is right where tables of
    Kolmogorov's distribution, made for known parameters, are not.
    """
    generator = np.random.default_rng(seed)
    distribution = family.at(theta)
    seen = distance_of(times, distribution)
    further = 0
    for _ in range(_resamples(times)):
        drawn = _drawn(distribution, times, max(5, round(worth)), generator)
        further += distance_of(drawn, family.at(fit(family, drawn, theta))) >= seen
    return Goodness(seen, (1 + further) / (_resamples(times) + 1))


def _resamples(times: Times) -> int:
    return RESAMPLES_SEARCHED if times.cut.size or times.counts.size else RESAMPLES


def _drawn(distribution: Distribution, times: Times, n: int, generator: np.random.Generator) -> Times:
    """A sample of the distribution that is known in the way in which these times are."""
    if times.counts.size:
        shares = np.diff(distribution.cdf(times.edges))
        counts = generator.multinomial(n, shares / shares.sum()).astype(np.float64)
        return Times(np.zeros(0), edges=times.edges, counts=counts)
    x = distribution.rvs(n, generator)
    if not times.cut.size:
        return Times(x)
    limit = float(times.cut.min())
    return Times(x[x < limit], np.full(int((x >= limit).sum()), limit))


def intervals(
    family: Family, theta: Floats, times: Times, worth: float, confidence: float = 0.95, seed: int = 2
) -> list[tuple[float, float]]:
    """Confidence intervals of the parameters: percentiles over resamples.

    Values are drawn in blocks twice as long as their memory (n over `worth`), so that what follows each other stays
    together: Kuensch, Annals of Statistics 17 (1989). Counted times are drawn one by one.
    """
    generator = np.random.default_rng(seed)
    found = np.array([fit(family, _redrawn(times, worth, generator), theta) for _ in range(_resamples(times))])
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _redrawn(times: Times, worth: float, generator: np.random.Generator) -> Times:
    if times.counts.size:
        total = times.counts.sum()
        counts = generator.multinomial(max(1, round(total)), times.counts / total).astype(np.float64)
        return Times(np.zeros(0), edges=times.edges, counts=counts)
    n = times.exact.size
    length = max(1, min(n, round(2 * n / worth))) if worth < n else 1
    begins = generator.integers(0, n, -(-n // length))
    which = ((begins[:, None] + np.arange(length)) % n).ravel()[:n]
    cut = times.cut
    return Times(times.exact[which], cut[generator.integers(0, cut.size, cut.size)] if cut.size else cut)
