"""Kinds of distribution that service times are fitted with: density, shares and draws, parameters and first guesses.

All have their mass above 0. Parameters are searched as logarithms, so that they stay positive; times are in seconds.
Where a maximum of the likelihood is known, or is the root of one equation, it is taken (`direct`): Johnson, Kotz,
Balakrishnan, Continuous Univariate Distributions 1 (1994), chapters 14, 17, 19, 21. A fit evaluates a distribution
some hundred thousand times: scipy.stats has them too, with some 0.3 ms of bookkeeping a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Floats = NDArray[np.float64]

_LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a fit asks of a distribution.

    logpdf: logarithm of the density at x > 0. cdf: share at or below x; 0 at 0, 1 at infinity. rvs: so many
    independent draws.
    """

    logpdf: Callable[[Floats], Floats]
    cdf: Callable[[Floats], Floats]
    rvs: Callable[[int, np.random.Generator], Floats]


RARE = 0.1
"""Up to this share the smaller part of a mixture is called a stall."""
LEAST = 1e-9
"""Least share of a part."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of distribution.

    parameters: names and units ("s", or "" for a plain number). at: the distribution with given parameters. start:
    parameters to search from, given times that are typical. direct: those of the greatest likelihood where all times
    are known exactly, from a start where there is one.
    """

    name: str
    parameters: Mapping[str, str]
    at: Callable[[Floats], Distribution]
    start: Callable[[Floats], Floats]
    direct: Callable[[Floats, Floats | None], Floats]


# -- the families ---------------------------------------------------------------------------------------------------


def _exponential(theta: Floats) -> Distribution:
    return _shifted(np.array([0.0, theta[0]]))


def _shifted(theta: Floats) -> Distribution:
    """A shift, and an exponential time of this mean after it."""
    shift, scale = theta
    return Distribution(
        logpdf=lambda x: np.where(x < shift, -np.inf, -(x - shift) / scale - np.log(scale)),
        cdf=lambda x: np.asarray(-np.expm1(-np.maximum(x - shift, 0.0) / scale)),
        rvs=lambda n, generator: shift + generator.exponential(scale, n),
    )


def _gamma(theta: Floats) -> Distribution:
    shape = theta[1] ** -2
    scale = theta[0] / shape
    norm = special.gammaln(shape) + np.log(scale)
    return Distribution(
        logpdf=lambda x: np.asarray((shape - 1) * np.log(x / scale) - x / scale - norm),
        cdf=lambda x: np.asarray(special.gammainc(shape, x / scale)),
        rvs=lambda n, generator: generator.gamma(shape, scale, n),
    )


def _lognormal(theta: Floats) -> Distribution:
    """The exponential of a normal variable."""
    variance = np.log1p(theta[1] ** 2)
    mu, sigma = np.log(theta[0]) - variance / 2, np.sqrt(variance)

    def logpdf(x: Floats) -> Floats:
        logs = np.log(x)
        return np.asarray(-(((logs - mu) / sigma) ** 2) / 2 - logs - np.log(sigma) - _LOG_ROOT_2_PI)

    def cdf(x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.asarray(special.ndtr((np.log(x) - mu) / sigma))

    return Distribution(logpdf, cdf, lambda n, generator: generator.lognormal(mu, sigma, n))


def _weibull(theta: Floats) -> Distribution:
    """P(X > x) = exp(-(x/scale)^shape)."""
    scale, shape = theta

    def logpdf(x: Floats) -> Floats:
        logs = np.log(x / scale)
        return np.asarray(np.log(shape / scale) + (shape - 1) * logs - np.exp(shape * logs))

    return Distribution(
        logpdf=logpdf,
        cdf=lambda x: np.asarray(-np.expm1(-((x / scale) ** shape))),
        rvs=lambda n, generator: scale * generator.weibull(shape, n),
    )


def _mean_cv(x: Floats) -> Floats:
    mean = float(x.mean())
    return np.array([mean, max(float(x.std()) / mean, 1e-3)])


def _fit_exponential(x: Floats, start: Floats | None = None) -> Floats:
    return np.array([x.mean()])


def _fit_shifted(x: Floats, start: Floats | None = None) -> Floats:
    least = float(x.min())
    return np.array([max(least, 1e-12), max(float(x.mean()) - least, 1e-12)])


def _fit_lognormal(x: Floats, start: Floats | None = None) -> Floats:
    logs = np.log(x)
    mean, variance = float(logs.mean()), float(logs.var())
    return np.array([np.exp(mean + variance / 2), np.sqrt(np.expm1(variance))])


def _fit_gamma(x: Floats, start: Floats | None = None) -> Floats:
    mean = float(x.mean())
    gap = float(np.log(mean) - np.log(x).mean())  # log(k) - digamma(k), which lies between 1/2k and 1/k
    shape = optimize.brentq(lambda k: np.log(k) - special.digamma(k) - gap, 0.49 / gap, 1.01 / gap)
    return np.array([mean, shape**-0.5])


def _fit_weibull(x: Floats, start: Floats | None = None) -> Floats:
    logs = np.log(x)
    spread = logs - logs.max()

    def excess(shape: float) -> float:
        weights = np.exp(shape * spread)
        return float((weights * logs).sum() / weights.sum() - 1 / shape - logs.mean())

    guess = 1.2825 / max(float(logs.std()), 1e-9)  # pi / sqrt(6): the deviation of a Gumbel variable
    shape = optimize.brentq(excess, guess / 20, guess * 20)
    scale = float(np.exp(logs.max() + np.log(np.exp(shape * spread).mean()) / shape))
    return np.array([scale, shape])


# -- a body and rare stalls -----------------------------------------------------------------------------------------


def _stalls(theta: Floats) -> Distribution:
    """One of two lognormals, the second with the probability that comes last."""
    body, stall = _lognormal(theta[:2]), _lognormal(theta[2:4])
    share = float(np.clip(theta[4], LEAST, 1 - LEAST))

    def rvs(n: int, generator: np.random.Generator) -> Floats:
        stalled = generator.random(n) < share
        drawn = body.rvs(n, generator)
        drawn[stalled] = stall.rvs(int(stalled.sum()), generator)
        return drawn

    return Distribution(
        logpdf=lambda x: np.logaddexp(np.log1p(-share) + body.logpdf(x), np.log(share) + stall.logpdf(x)),
        cdf=lambda x: np.asarray((1 - share) * body.cdf(x) + share * stall.cdf(x)),
        rvs=rvs,
    )


def _start_stalls(x: Floats) -> Floats:
    """The longest of a hundred, or those beyond three times the median, begin as stalls."""
    longer = x > 3 * np.median(x)
    share = float(longer.mean())
    if not 1 < longer.sum() < RARE * x.size:
        longer = x >= np.sort(x)[-max(2, x.size // 100)]
        share = float(longer.mean())
    body, stall = _mean_cv(x[~longer] if not longer.all() else x), _mean_cv(x[longer])
    return np.array([*body, stall[0], max(stall[1], 0.05), min(max(share, LEAST), 0.5)])


def _fit_stalls(x: Floats, start: Floats | None = None) -> Floats:
    """By expectation and maximisation on logarithms; the floor on deviations keeps a part off a single value."""
    logs = np.log(x)
    theta = _start_stalls(x) if start is None else start
    means = np.log(theta[[0, 2]]) - np.log1p(theta[[1, 3]] ** 2) / 2
    deviations = np.sqrt(np.log1p(theta[[1, 3]] ** 2))
    shares = np.array([1 - theta[4], theta[4]])
    before = -np.inf
    for _ in range(500):
        scores = (logs[:, None] - means) / deviations
        parts = np.log(shares) - scores**2 / 2 - np.log(deviations)
        whole = np.logaddexp(parts[:, 0], parts[:, 1])
        weights = np.exp(parts - whole[:, None])
        total = weights.sum(axis=0)
        if whole.sum() - before < 1e-6 * x.size or total.min() < 1.5:
            break
        before = float(whole.sum())
        shares = total / x.size
        means = (weights * logs[:, None]).sum(axis=0) / total
        spread = (weights * (logs[:, None] - means) ** 2).sum(axis=0) / total
        deviations = np.sqrt(np.maximum(spread, (0.02 * logs.std()) ** 2))
    long, short = (1, 0) if shares[1] <= shares[0] else (0, 1)
    order = [short, long]
    means, deviations, share = means[order], deviations[order], float(np.clip(shares[long], LEAST, 0.5))
    cvs = np.sqrt(np.expm1(deviations**2))
    levels = np.exp(means + deviations**2 / 2)
    return np.array([levels[0], cvs[0], levels[1], cvs[1], share])


EXPONENTIAL = Family("exponential", {"mean": "s"}, _exponential, _fit_exponential, _fit_exponential)
SHIFTED = Family("shifted exponential", {"shift": "s", "mean": "s"}, _shifted, _fit_shifted, _fit_shifted)
GAMMA = Family("gamma", {"mean": "s", "cv": ""}, _gamma, _mean_cv, _fit_gamma)
LOGNORMAL = Family("lognormal", {"mean": "s", "cv": ""}, _lognormal, _mean_cv, _fit_lognormal)
WEIBULL = Family("Weibull", {"scale": "s", "shape": ""}, _weibull, _fit_weibull, _fit_weibull)
STALLS = Family(
    "two lognormals",
    {"mean": "s", "cv": "", "stall mean": "s", "stall cv": "", "stall share": ""},
    _stalls,
    _start_stalls,
    _fit_stalls,
)

FAMILIES = (EXPONENTIAL, SHIFTED, GAMMA, LOGNORMAL, WEIBULL, STALLS)
"""All that are tried, those with fewer parameters first."""
