"""Likelihood of times that are known exactly, cut by a timeout, or only counted in intervals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from sim.calibrate.distributions import Distribution
from sim.calibrate.families import Family

Floats = NDArray[np.float64]

IMPOSSIBLE = 1e300
"""Stands for an infinite loss, which a search cannot compare."""

_NONE: Floats = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Times:
    """Times in s, all positive.

    exact: known. cut: lower bounds. edges, counts: counts in (edge, next edge]; the last edge may be infinite.
    """

    exact: Floats
    cut: Floats = field(default_factory=lambda: _NONE)
    edges: Floats = field(default_factory=lambda: _NONE)
    counts: Floats = field(default_factory=lambda: _NONE)

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
