"""How long to simulate for a mean of wanted precision: planning formulas, before any run is made.

What a finished run says about its own precision is a matter of `sim.stats`.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from calibration.closed_forms.loads import stable_load


def mm1_population_run_s(
    arrival_rate_per_s: float, service_mean_s: float, relative_precision: float, confidence: float = 0.95
) -> float:
    """Time in s to watch a stationary M/M/1 for its mean number present, to +- relative_precision.

    relative_precision: half-width of the interval / mean. From the asymptotic variance of the time average,
    2 rho (1 + rho) / (mu (1 - rho)^4), and the mean rho / (1 - rho).
    Raises Unstable if the offered load reaches 1.
    Source: Whitt, Planning queueing simulations, Management Science 35 (1989).

    >>> round(mm1_population_run_s(0.9, 1.0, 0.05))        # in service times
    648780
    """
    load = stable_load(arrival_rate_per_s, service_mean_s)
    variance_s = 2 * load * (1 + load) / (1 - load) ** 4 * service_mean_s
    mean = load / (1 - load)
    return variance_s * _wanted(relative_precision, confidence) / mean**2


def mm1_wait_customers(
    arrival_rate_per_s: float, service_mean_s: float, relative_precision: float, confidence: float = 0.95
) -> float:
    """Number of customers of a stationary M/M/1 FIFO for the mean wait in queue, to +- relative_precision.

    From the asymptotic variance of the mean over customers, rho (2 + 5 rho - 4 rho² + rho³) / (1 - rho)^4 in
    squared service times. Raises Unstable if the offered load reaches 1.
    Sources: Daley, J. Australian Mathematical Society 8 (1968); Whitt (1989).
    """
    load = stable_load(arrival_rate_per_s, service_mean_s)
    variance = load * (2 + 5 * load - 4 * load**2 + load**3) / (1 - load) ** 4
    mean = load / (1 - load)
    return variance * _wanted(relative_precision, confidence) / mean**2


def mm1_waits_per_independent_one(load: float) -> float:
    """How many successive waits of M/M/1 FIFO carry as much about their mean as one independent wait.

    The asymptotic variance over the variance rho (2 - rho) / (1 - rho)². Raises Unstable if load reaches 1.

    >>> round(mm1_waits_per_independent_one(0.9))
    363
    """
    stable_load(load, 1.0)
    return (2 + 5 * load - 4 * load**2 + load**3) / ((2 - load) * (1 - load) ** 2)


def ggc_run_approximate_s(
    arrival_rate_per_s: float,
    service_mean_s: float,
    servers: int,
    arrival_scv: float,
    service_scv: float,
    relative_precision: float,
    confidence: float = 0.95,
) -> float:
    """APPROXIMATE time in s to watch a busy stationary G/G/c for its mean number waiting, to +- relative_precision.

    2 (ca² + cs²) / (c mu (1 - rho)²) per squared relative standard error: the queue as reflected Brownian motion, good
    in heavy traffic. Raises Unstable if the offered load reaches the servers.
    Source: Whitt, Management Science 35 (1989).
    """
    assert 0 <= arrival_scv < math.inf, arrival_scv
    assert 0 <= service_scv < math.inf, service_scv
    free = 1 - stable_load(arrival_rate_per_s, service_mean_s, servers) / servers
    relative_variance_s = 2 * (arrival_scv + service_scv) * service_mean_s / (servers * free**2)
    return relative_variance_s * _wanted(relative_precision, confidence)


def _wanted(relative_precision: float, confidence: float) -> float:
    """How many relative standard deviations squared the interval asks for: (z / precision)²."""
    assert 0 < relative_precision < math.inf, relative_precision
    assert 0 < confidence < 1, confidence
    return float((NormalDist().inv_cdf((1 + confidence) / 2) / relative_precision) ** 2)
