"""Queues with Poisson arrivals, exponential service and as much room as it takes: M/M/1, M/M/c, M/G/inf.

Limited room and patience are in `limited`, other orders than FIFO in `disciplines`, other laws of service in `mg1`
and `mdc`.

Units: seconds and rates per second (any one unit of time will do, if it is used throughout). `Queue` is the
answer of every stable queue of this package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.analytic.bisection import increasing_root
from sim.errors import Unstable


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


def offered_load(arrival_rate_per_s: float, service_mean_s: float) -> float:
    """Arrival rate x mean service time in erlangs; both must be positive and finite."""
    assert 0 < arrival_rate_per_s < math.inf, f"arrival rate {arrival_rate_per_s}"
    assert 0 < service_mean_s < math.inf, f"service time {service_mean_s}"
    return arrival_rate_per_s * service_mean_s


def stable_load(arrival_rate_per_s: float, service_mean_s: float, servers: int = 1) -> float:
    """The offered load in erlangs. Raises Unstable where it reaches the number of servers."""
    assert servers >= 1, servers
    load = offered_load(arrival_rate_per_s, service_mean_s)
    if load >= servers:
        raise Unstable(f"an offered load of {load:.6g} erlangs on {servers} server(s): the queue grows without bound")
    return load


VANISHING = 1e-300
"""Probability below which Erlang B is 0."""


MANY = 100_000
"""Erlangs from which on a sum over all servers is no more begun at the first."""


def erlang_b(load: float, servers: int) -> float:
    """Probability that an arrival at M/G/c/c finds all servers busy and is lost.

    load: offered load in erlangs, >= 0, may exceed `servers` (>= 0). Holds for any law of service.
    Source: Erlang (1917); the recursion of Jagerman, Bell System Technical Journal 53 (1974), which cannot
    overflow.

    >>> round(erlang_b(10.0, 10), 4)
    0.2146
    """
    assert 0 <= load < math.inf, load
    assert servers >= 0, servers
    # From a guess (the fluid limit) the recursion forgets within some roots of the load what it began with.
    begin = max(0, math.floor(min(servers, load) - 60 * math.sqrt(load))) if load > MANY else 0
    blocked = 1 - begin / load if begin else 1.0
    for n in range(begin + 1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
        # It falls with every server: millions of them are not gone through to tell 0 from less than nothing.
        if blocked < VANISHING:
            return 0.0
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """Probability that an arrival waits in M/M/c.

    load: arrival rate x mean service time in erlangs; must be below `servers`. Returns a number in [0, 1].

    Raises Unstable if load >= servers: the queue then grows without bound.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 3.5; by way of Erlang B.

    >>> round(erlang_c(8.0, 10), 4)
    0.4092
    """
    assert servers >= 1, servers
    if load >= servers:
        raise Unstable(f"an offered load of {load:.6g} erlangs on {servers} server(s): the queue grows without bound")
    blocked = erlang_b(load, servers)
    return servers * blocked / (servers - load * (1 - blocked))


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


def mmc_wait_tail(arrival_rate_per_s: float, service_mean_s: float, servers: int, t_s: float) -> float:
    """P(wait > t_s) in M/M/c FIFO: C exp(-(c mu - lambda) t). Raises Unstable as `mmc` does."""
    assert t_s >= 0, t_s
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    return erlang_c(load, servers) * math.exp(-(servers - load) * t_s / service_mean_s)


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


def mm1_sojourn_quantile_s(arrival_rate_per_s: float, service_mean_s: float, p: float) -> float:
    """The sojourn in s that a share p stays within, M/M/1 FIFO: exponential with rate mu - lambda.

    Raises Unstable if the offered load reaches 1.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 5.7.

    >>> round(mm1_sojourn_quantile_s(0.5, 1.0, 0.5), 6)     # 2 ln 2
    1.386294
    """
    assert 0 < p < 1, p
    load = stable_load(arrival_rate_per_s, service_mean_s)
    return -math.log1p(-p) * service_mean_s / (1 - load)


def mginf_population_mean(arrival_rate_per_s: float, service_mean_s: float) -> float:
    """Mean number present in M/G/inf, for any law of service; the number is Poisson, so this is its variance too.

    Source: Takács, Introduction to the Theory of Queues (1962), chapter 3.
    """
    return offered_load(arrival_rate_per_s, service_mean_s)


def mginf_population_quantile(arrival_rate_per_s: float, service_mean_s: float, p: float) -> int:
    """Smallest n with P(at most n present) >= p in M/G/inf.

    >>> mginf_population_quantile(3.0, 1.0, 0.99)
    8
    """
    assert 0 < p < 1, p
    load = offered_load(arrival_rate_per_s, service_mean_s)
    n, below = 0, 0.0
    while True:
        below += math.exp(n * math.log(load) - load - math.lgamma(n + 1))
        if below >= p or (n > load and below >= 1 - 1e-14):
            return n
        n += 1


def mminf_population_at(arrival_rate_per_s: float, service_mean_s: float, t_s: float) -> float:
    """Mean number present in M/M/inf a time t_s after it started empty.

    Source: Eick, Massey & Whitt, Operations Research 41 (1993), section 1: lambda times E[min(S, t)].
    """
    assert t_s >= 0, t_s
    return -offered_load(arrival_rate_per_s, service_mean_s) * math.expm1(-t_s / service_mean_s)
