"""Queues with Poisson arrivals, exponential service and as much room as it takes: M/M/1, M/M/c.

Limited room and patience are in `limited`, other orders than FIFO in `disciplines`, other laws of service in `mg1`
and `mdc`.

Units: seconds and rates per second (any one unit of time will do, if it is used throughout). `Queue` is the
answer of every stable queue of this package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from calibration.closed_forms.bisection import increasing_root
from calibration.closed_forms.loads import stable_load
from sim.analytic.stations import erlang_c


@dataclass(frozen=True, slots=True)
class Queue:
    """Long-run figures of a stable station at which nobody is turned away.

    utilisation: share of server time spent serving, in [0, 1].
    wait_probability: share of arrivals that do not get a server of their own at once.
    wait_mean_s: mean time in the station without being served (mean over all, also those that do not wait); where
        servers are shared or interrupted, all that is longer than an undisturbed service.
    sojourn_mean_s: mean time in the station, wait + service.
    queue_mean, population_mean: mean number not being served, and in the station (Little's law).
    """

    utilisation: float
    wait_probability: float
    wait_mean_s: float
    sojourn_mean_s: float
    queue_mean: float
    population_mean: float


def queue_of(
    arrival_rate_per_s: float, service_mean_s: float, wait_mean_s: float, wait_probability: float, utilisation: float
) -> Queue:
    """The `Queue` with the given mean wait; the rest follows by Little's law."""
    sojourn_s = wait_mean_s + service_mean_s
    return Queue(
        utilisation,
        wait_probability,
        wait_mean_s,
        sojourn_s,
        arrival_rate_per_s * wait_mean_s,
        arrival_rate_per_s * sojourn_s,
    )


def mmc(arrival_rate_per_s: float, service_mean_s: float, servers: int = 1) -> Queue:
    """M/M/c, first come first served (the means are the same for any order that ignores the service times).

    Raises Unstable if the offered load reaches the servers.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 3.5.

    >>> round(mmc(7.2, 1.0, 8).sojourn_mean_s, 4)
    1.8769
    """
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    waits = erlang_c(load, servers)
    wait_s = waits * service_mean_s / (servers - load)
    return queue_of(arrival_rate_per_s, service_mean_s, wait_s, waits, load / servers)


def mmc_wait_quantile_s(arrival_rate_per_s: float, service_mean_s: float, servers: int, p: float) -> float:
    """The wait in s that a share p of arrivals stays within, M/M/c FIFO; 0 where more than p do not wait.

    >>> round(mmc_wait_quantile_s(0.9, 1.0, 1, 0.99), 4)     # ln(0.9 / 0.01) / (1 - 0.9)
    44.9981
    """
    assert 0 < p < 1, p
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    waits = erlang_c(load, servers)
    if waits <= 1 - p:
        return 0.0
    return math.log(waits / (1 - p)) * service_mean_s / (servers - load)


def mmc_sojourn_tail(arrival_rate_per_s: float, service_mean_s: float, servers: int, t_s: float) -> float:
    """P(wait + service > t_s) in M/M/c FIFO.

    With rate a of service and rate b = c mu - lambda of the wait (given there is one), the sum of the two
    exponentials has the tail (b exp(-a t) - a exp(-b t)) / (b - a), written here so that a = b is no trouble.
    Raises Unstable as `mmc` does.
    Source: Gross & Harris, Fundamentals of Queueing Theory (3rd ed. 1998), section 2.3.

    >>> round(mmc_sojourn_tail(7.2, 1.0, 8, 7.0873), 6)
    0.01
    """
    assert t_s >= 0, t_s
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    waits = erlang_c(load, servers)
    t = t_s / service_mean_s
    slow, fast = sorted((1.0, servers - load))
    gap = (fast - slow) * t
    both = math.exp(-slow * t) * (1 + slow * t * (-math.expm1(-gap) / gap if gap > 0 else 1.0))
    return (1 - waits) * math.exp(-t) + waits * both


def mmc_sojourn_quantile_s(arrival_rate_per_s: float, service_mean_s: float, servers: int, p: float) -> float:
    """The sojourn in s that a share p stays within, M/M/c FIFO; by bisection on `mmc_sojourn_tail`.

    >>> round(mmc_sojourn_quantile_s(7.2, 1.0, 8, 0.5), 4), round(mmc_sojourn_quantile_s(7.2, 1.0, 8, 0.99), 4)
    (1.4894, 7.0873)
    """
    assert 0 < p < 1, p
    return increasing_root(
        lambda t: (1 - p) - mmc_sojourn_tail(arrival_rate_per_s, service_mean_s, servers, t), service_mean_s
    )
