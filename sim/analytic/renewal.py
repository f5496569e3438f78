"""Queues whose arrivals are not Poisson: GI/M/1 and D/M/1 exactly, G/G/c by formulas that say they approximate.

Units: seconds and rates per second.
"""

from __future__ import annotations

import math

from sim.analytic.bisection import increasing_root
from sim.analytic.moments import Deterministic, Law
from sim.analytic.stations import Queue, erlang_c, queue_of, stable_load


def gim1(interarrival: Law, service_mean_s: float) -> Queue:
    """GI/M/1 FIFO: independent times between arrivals of any law, exponential service.

    An arrival waits with probability sigma, the root in (0, 1) of sigma = E[exp(-mu (1 - sigma) X)], and then for an
    exponential time of mean s / (1 - sigma). Hence also: sojourns are exponential with that mean.

    Raises Unstable if the offered load reaches 1.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 6.4.
    """
    rate = 1 / interarrival.moment(1)
    load = stable_load(rate, service_mean_s)
    # With x = 1 - sigma: x - 1 + E[exp(-mu x X)] is convex, 0 at x = 0, below it at first, then above.
    free = increasing_root(lambda x: x - 1 + interarrival.transform(x / service_mean_s) if x > 0 else -1, 1 - load)
    waits = 1 - free
    return queue_of(rate, service_mean_s, waits * service_mean_s / free, waits, load)


def dm1(interarrival_s: float, service_mean_s: float) -> Queue:
    """D/M/1: an arrival every interarrival_s, exponential service. Raises Unstable as `gim1` does.

    >>> round(dm1(2.0, 1.0).wait_probability, 6)       # sigma = exp(-2 (1 - sigma))
    0.203188
    """
    return gim1(Deterministic(interarrival_s), service_mean_s)


def dd1_wait_s(index: int, interarrival_s: float, service_s: float) -> float:
    """Wait in s of customer `index` (0, 1, ...) of D/D/1 that starts empty: index (s - a), or 0 where s <= a."""
    assert index >= 0, index
    return index * max(service_s - interarrival_s, 0.0)


def burst_sojourn_mean_s(jobs: int, service_s: float, servers: int) -> float:
    """Mean sojourn in s of `jobs` jobs of service_s each that come at one instant to `servers` idle servers.

    Job i leaves with wave ceil(i / servers).

    >>> burst_sojourn_mean_s(5, 1.0, 2)     # 1, 1, 2, 2, 3
    1.8
    """
    assert jobs >= 1, jobs
    assert servers >= 1, servers
    full, rest = divmod(jobs, servers)
    return service_s * (servers * full * (full + 1) / 2 + rest * (full + 1)) / jobs


def burst_makespan_s(jobs: int, service_s: float, servers: int) -> float:
    """Time in s until the last of such jobs has left: ceil(jobs / servers) services."""
    assert jobs >= 0, jobs
    assert servers >= 1, servers
    return -(-jobs // servers) * service_s


def gg1_wait_bound_s(interarrival: Law, service: Law) -> float:
    """Upper bound in s on the mean wait in GI/GI/1 FIFO: lambda (var A + var S) / (2 (1 - rho)).

    Raises Unstable if the offered load reaches 1.
    Source: Kingman, Some inequalities for the queue GI/G/1, Biometrika 49 (1962).
    """
    rate = 1 / interarrival.moment(1)
    load = stable_load(rate, service.moment(1))
    return rate * (interarrival.variance_s2 + service.variance_s2) / (2 * (1 - load))


def gg1_kingman_wait_approximate_s(
    arrival_rate_per_s: float, service_mean_s: float, arrival_scv: float, service_scv: float
) -> float:
    """APPROXIMATE mean wait in s of G/G/1: rho / (1 - rho) x (ca² + cs²) / 2 x s.

    Exact for M/G/1, right in the limit of heavy traffic, too high for light traffic and regular arrivals.
    Raises Unstable if the offered load reaches 1.
    Source: Kingman, The single server queue in heavy traffic, Proc. Cambridge Phil. Soc. 57 (1961).
    """
    return ggc_wait_approximate_s(arrival_rate_per_s, service_mean_s, 1, arrival_scv, service_scv)


def ggc_wait_approximate_s(
    arrival_rate_per_s: float, service_mean_s: float, servers: int, arrival_scv: float, service_scv: float
) -> float:
    """APPROXIMATE mean wait in s of G/G/c: that of M/M/c times (ca² + cs²) / 2.

    Exact for M/M/c and M/G/1. Raises Unstable if the offered load reaches the servers.
    Source: Allen, Probability, Statistics and Queueing Theory (2nd ed. 1990), section 5.4 (Allen-Cunneen).
    """
    assert 0 <= arrival_scv < math.inf, arrival_scv
    assert 0 <= service_scv < math.inf, service_scv
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    return erlang_c(load, servers) * service_mean_s / (servers - load) * (arrival_scv + service_scv) / 2
