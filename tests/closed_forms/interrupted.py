"""How many of an M/M/1's jobs take longer than a threshold when its server is paused now and then.

The mean is that of Avi-Itzhak and Naor; here is the whole law of the sojourn, by its transform.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from functools import cache
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.closed_forms.loads import stable_load

Complex = NDArray[np.complex128]

_NODES, _REACH = 4001, 8.0
"""Points of the trapezoidal rule for the transform of a repair, over so many deviations of a normal variable."""
_TERMS, _AVERAGED, _DAMPING = 30, 12, 18.4
"""Of the Euler summation: its error of discretisation is exp(-18.4) = 1e-8."""


class Repair(Hashable, Protocol):
    """The law of the length of a repair, in seconds."""

    def moment(self, order: int) -> float:
        """E[R^order]."""

    def quantile(self, p: float) -> float:
        """The length that a share p of all stay within."""


def mm1_share_above(
    threshold_s: float, arrival_rate_per_s: float, service_mean_s: float, mttf_s: float, repair: Repair
) -> float:
    """Probability that a job of M/M/1 FIFO with breakdowns is in the system for longer than `threshold_s`.

    mttf_s: mean of the exponential time from a repair to the next breakdown, which runs all the time, idle or not;
    `math.inf` for a server that never breaks down. A service in progress goes on where it was.

    The number present at a random time is that of M/G/1 with completion times C (a service and its repairs) plus,
    independent of it, the number at a random time at which nobody is served (Fuhrmann & Cooper, Operations Research
    33, 1985): nobody, or for the share f r / (1 + f r) of that time those who came since the repair R under way began.
    By the distributional law of Little (Keilson & Servi, Operations Research Letters 7, 1988) the sojourn is the sum

        E exp(-sT) = (1 - rho_c) s C(s) / (s - lambda + lambda C(s)) x (1 + f (1 - R(s)) / s) / (1 + f r),

    with f = 1 / mttf, r = E[R], C(s) = mu / (mu + s + f (1 - R(s))), rho_c = lambda (1 + f r) / mu. It is inverted by
    Abate & Whitt's Euler summation (ORSA Journal on Computing 7, 1995), to about 1e-8.

    Raises Unstable if rho_c reaches 1.

    >>> class Minute:
    ...     moment = staticmethod(lambda order: 60.0**order)
    ...     quantile = staticmethod(lambda p: 60.0)
    >>> round(mm1_share_above(10.0, 0.7, 1.0, math.inf, Minute()), 6), round(math.exp(-3.0), 6)
    (0.049787, 0.049787)
    """
    assert threshold_s > 0, threshold_s
    fails = 0.0 if math.isinf(mttf_s) else 1 / mttf_s
    down = fails * repair.moment(1)
    load = stable_load(arrival_rate_per_s, service_mean_s * (1 + down))
    serves = 1 / service_mean_s
    away_s, weights = _repairs(repair)

    def tail(at: Complex) -> Complex:
        """Transform of the probability to be longer than a time."""
        gone = fails * (1 - np.exp(-at[:, None] * away_s) @ weights) if fails else np.zeros(len(at), np.complex128)
        completion = serves / (serves + at + gone)
        busy = (1 - load) * at * completion / (at - arrival_rate_per_s + arrival_rate_per_s * completion)
        idle = (1 + gone / at) / (1 + down)
        found: Complex = (1 - busy * idle) / at
        return found

    return _inverted(tail, threshold_s)


@cache
def _repairs(repair: Repair) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths of repairs and their weights: quantiles at the levels of a normal variable on an even grid."""
    normal = NormalDist()
    points = np.linspace(-_REACH, _REACH, _NODES)
    weights = np.exp(-(points**2) / 2)
    levels = (min(max(normal.cdf(point), 1e-15), 1 - 1e-15) for point in points)
    return np.array([repair.quantile(level) for level in levels]), weights / weights.sum()


def _inverted(transform: Callable[[Complex], Complex], time: float) -> float:
    """A function's value at a time from its Laplace transform."""
    count = _TERMS + _AVERAGED
    at = np.asarray((_DAMPING + 2j * math.pi * np.arange(count + 1)) / (2 * time), np.complex128)
    terms = np.real(transform(at)) * (-1.0) ** np.arange(count + 1)
    terms[0] /= 2
    sums = np.cumsum(terms)[_TERMS:]
    chances = np.array([math.comb(_AVERAGED, k) for k in range(_AVERAGED + 1)]) / 2.0**_AVERAGED
    return float(math.exp(_DAMPING / 2) / time * (sums @ chances))
