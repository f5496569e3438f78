"""Stations that do not keep everybody: limited places (M/M/c/K, M/G/c/c) and impatience (Erlang A).

Units: seconds and rates per second. Stations that keep everybody are in `stations`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration.closed_forms.loads import offered_load
from sim.analytic.stations import birth_death, erlang_b


@dataclass(frozen=True, slots=True)
class LossQueue:
    """Long-run figures of a station with limited places.

    blocking: share of arrivals turned away. throughput_per_s: arrivals let in, and completed.
    utilisation: share of server time busy. wait_mean_s, sojourn_mean_s: means over those let in.
    queue_mean, population_mean: mean number waiting, and in the station.
    """

    blocking: float
    throughput_per_s: float
    utilisation: float
    wait_mean_s: float
    sojourn_mean_s: float
    queue_mean: float
    population_mean: float


def mmck(arrival_rate_per_s: float, service_mean_s: float, servers: int, places: int) -> LossQueue:
    """M/M/c/K: at most `places` = K >= c in the station, those in service counted; stable at any load.

    Source: Kleinrock, Queueing Systems vol. 1 (1975), sections 3.6 and 3.10.

    >>> round(mmck(1.0, 1.0, 1, 4).blocking, 12)     # lambda = mu: all five states alike
    0.2
    """
    assert 1 <= servers <= places, (servers, places)
    load = offered_load(arrival_rate_per_s, service_mean_s)
    shares = birth_death([load] * places, [float(min(n, servers)) for n in range(1, places + 1)])
    present = np.arange(places + 1)
    blocking = float(shares[-1])
    # Sums over the states below the last, so that a blocking close to 1 loses no digits.
    throughput = arrival_rate_per_s * float(shares[:-1].sum())
    queue = float(shares @ np.maximum(present - servers, 0))
    population = float(shares @ present)
    return LossQueue(
        blocking,
        throughput,
        throughput * service_mean_s / servers,
        queue / throughput,
        queue / throughput + service_mean_s,
        queue,
        population,
    )


def mgcc(arrival_rate_per_s: float, service_mean_s: float, servers: int) -> LossQueue:
    """M/G/c/c: as many places as servers, nobody waits; any law of service with that mean (insensitive).

    Source: Erlang (1917), Sevastyanov (1957); Kleinrock vol. 1 (1975), section 3.7.
    """
    load = offered_load(arrival_rate_per_s, service_mean_s)
    blocking = erlang_b(load, servers)
    throughput = arrival_rate_per_s * (1 - blocking)
    busy = load * (1 - blocking)
    return LossQueue(blocking, throughput, busy / servers, 0.0, service_mean_s, 0.0, busy)


@dataclass(frozen=True, slots=True)
class ImpatientQueue:
    """Long-run figures of a station whose customers leave the queue when their patience is over.

    wait_probability: share of arrivals that find all servers busy. abandon_probability: share that leaves unserved.
    utilisation: share of server time busy. throughput_per_s: served per second.
    wait_mean_s: mean time in the queue over all; wait_served_mean_s: over those that are served in the end.
    queue_mean, population_mean: mean number waiting, and in the station.
    """

    wait_probability: float
    abandon_probability: float
    utilisation: float
    throughput_per_s: float
    wait_mean_s: float
    wait_served_mean_s: float
    queue_mean: float
    population_mean: float


def erlang_a(arrival_rate_per_s: float, service_mean_s: float, servers: int, patience_mean_s: float) -> ImpatientQueue:
    """M/M/c+M: FIFO, each waiting customer gives up after an exponential patience; stable at any load.

    By the birth-death chain of the number present, carried on until the rest is below 1e-18. Of the customer who
    finds j waiting, the chance to be served is cM/(cM + (j+1)A) with service rate M and impatience A, and the time
    to the front is then the sum of 1/(cM + iA) over i = 1..j+1, whoever leaves first.
    Sources: Palm (1957); Garnett, Mandelbaum & Reiman, Manufacturing & Service Operations Management 4 (2002).

    >>> q = erlang_a(10.0, 1.0, 10, 1.0)       # impatience as fast as service: present is Poisson(10)
    >>> round(q.population_mean, 9)
    10.0
    """
    assert servers >= 1, servers
    assert 0 < patience_mean_s < math.inf, patience_mean_s
    load = offered_load(arrival_rate_per_s, service_mean_s)
    impatience = service_mean_s / patience_mean_s  # per mean service time, as are all rates here
    deaths: list[float] = []
    log_weight = log_peak = 0.0
    rest = math.inf  # bound on the log of all weights (times their queue) not yet taken in
    while len(deaths) < servers or rest > log_peak - 45:
        n = len(deaths) + 1
        death = min(n, servers) + max(n - servers, 0) * impatience
        deaths.append(death)
        log_weight += math.log(load / death)
        log_peak = max(log_peak, log_weight)
        rest = log_weight - 2 * math.log1p(-load / death) if death > load else math.inf
    shares = birth_death([load] * len(deaths), deaths)
    present = np.arange(len(shares))
    waiting = np.maximum(present - servers, 0)
    queue = float(shares @ waiting)

    ahead = present[: len(shares) - servers]  # waiting when someone arrives to busy servers
    exits = servers + (ahead + 1) * impatience
    meets = shares[servers:]
    served_after_wait = float(meets @ (servers / exits))
    time_to_front = np.cumsum(1 / exits) * service_mean_s
    served = float(shares[:servers].sum()) + served_after_wait
    return ImpatientQueue(
        wait_probability=min(float(meets.sum()), 1.0),
        abandon_probability=queue * impatience / load,
        utilisation=float(shares @ np.minimum(present, servers)) / servers,
        throughput_per_s=arrival_rate_per_s * served,
        wait_mean_s=queue / arrival_rate_per_s,
        wait_served_mean_s=float(meets @ (servers / exits * time_to_front)) / served,
        queue_mean=queue,
        population_mean=float(shares @ present),
    )
