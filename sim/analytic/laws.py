"""Laws of capacity that need no probability: Little, utilisation, bounds, scalability, staffing, drain times.

Units: seconds and rates per second. Models of queues are in `stations` and the files beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from sim.analytic.stations import erlang_b, erlang_c
from sim.errors import Unstable


def little_population(throughput_per_s: float, sojourn_mean_s: float) -> float:
    """Mean number present = throughput x mean time spent. Source: Little, Operations Research 9 (1961)."""
    return throughput_per_s * sojourn_mean_s


def utilisation(throughput_per_s: float, service_mean_s: float, servers: int = 1) -> float:
    """Share of server time busy = throughput x mean service / servers.

    Source: Denning & Buzen, ACM Computing Surveys 10 (1978).
    """
    assert servers >= 1, servers
    return throughput_per_s * service_mean_s / servers


def forced_flow(system_throughput_per_s: float, visits: float) -> float:
    """Throughput of a station in 1/s = that of the system x visits per job. Source: Denning & Buzen (1978)."""
    return system_throughput_per_s * visits


@dataclass(frozen=True, slots=True)
class ClosedBounds:
    """What no closed system of N clients can escape.

    throughput_low_per_s, throughput_high_per_s, response_low_s, response_high_s: asymptotic bounds.
    saturation_clients: N* = (D + Z) / D_max, the number at which queueing has to set in.
    """

    throughput_low_per_s: float
    throughput_high_per_s: float
    response_low_s: float
    response_high_s: float
    saturation_clients: float


def closed_bounds(clients: int, think_s: float, demands_s: Sequence[float]) -> ClosedBounds:
    """Asymptotic bounds of a closed system of single servers with the given demands per cycle.

    N / (N D + Z) <= X <= min(N / (D + Z), 1 / D_max) and max(D, N D_max - Z) <= R <= N D, D the sum of demands.
    Source: Lazowska et al., Quantitative System Performance (1984), section 5.2.

    >>> closed_bounds(10, 5.0, [1.0, 0.5]).saturation_clients
    6.5
    """
    assert clients >= 1, clients
    assert 0 <= think_s < math.inf, think_s
    assert all(0 < d < math.inf for d in demands_s), demands_s
    total, top = math.fsum(demands_s), max(demands_s)
    return ClosedBounds(
        clients / (clients * total + think_s),
        min(clients / (total + think_s), 1 / top),
        max(total, clients * top - think_s),
        clients * total,
        (total + think_s) / top,
    )


def usl_throughput_per_s(n: float, rate_of_one_per_s: float, contention: float, coherency: float) -> float:
    """Throughput in 1/s of n workers by the Universal Scalability Law.

    rate n / (1 + contention (n - 1) + coherency n (n - 1)). contention: serial share, in [0, 1]; coherency >= 0: cost
    of keeping each pair of workers consistent.
    Source: Gunther, Guerrilla Capacity Planning (2007).

    >>> round(usl_throughput_per_s(32, 1.0, 0.05, 0.0), 4)       # Amdahl: 32 / (1 + 0.05 x 31)
    12.549
    """
    assert n > 0, n
    assert 0 <= contention <= 1, contention
    assert coherency >= 0, coherency
    return rate_of_one_per_s * n / (1 + contention * (n - 1) + coherency * n * (n - 1))


def usl_peak(contention: float, coherency: float) -> float:
    """The number of workers at which the USL's throughput is highest: sqrt((1 - contention) / coherency).

    Infinite without coherency cost; below 1 the peak is one worker. Source: Gunther (2007).
    """
    assert 0 <= contention <= 1, contention
    return math.sqrt((1 - contention) / coherency) if coherency > 0 else math.inf


def halfin_whitt_wait_probability(beta: float) -> float:
    """APPROXIMATE P(wait) of M/M/c with c = a + beta sqrt(a) servers, a erlangs: the limit for large a.

    1 / (1 + beta Phi(beta) / phi(beta)), beta > 0.
    Source: Halfin & Whitt, Operations Research 29 (1981).

    >>> round(halfin_whitt_wait_probability(1.0), 4)
    0.2234
    """
    assert beta > 0, beta
    normal = NormalDist()
    return 1 / (1 + beta * normal.cdf(beta) / normal.pdf(beta))


def square_root_staffing(load: float, beta: float) -> int:
    """Servers for an offered load in erlangs by the square-root rule: a + beta sqrt(a), rounded up, above a.

    Source: Halfin & Whitt (1981); the rule goes back to Erlang (1924).

    >>> square_root_staffing(100.0, 1.0)
    110
    """
    assert load > 0, load
    return max(math.ceil(load + beta * math.sqrt(load)), math.floor(load) + 1)


def servers_for_wait_probability(load: float, wait_probability: float) -> int:
    """Fewest servers with which M/M/c makes at most that share of arrivals wait; exact.

    >>> servers_for_wait_probability(100.0, 0.2)
    111
    """
    assert load > 0, load
    assert 0 < wait_probability < 1, wait_probability
    servers = math.floor(load) + 1
    blocked = erlang_b(load, servers)
    while servers * blocked / (servers - load * (1 - blocked)) > wait_probability:
        servers += 1
        blocked = load * blocked / (servers + load * blocked)
    assert erlang_c(load, servers) <= wait_probability
    return servers


def backlog_drain_s(backlog: float, capacity_per_s: float, arrival_rate_per_s: float) -> float:
    """Time in s until a backlog is worked off while arrivals go on (fluid): backlog / (capacity - arrivals).

    Raises Unstable where arrivals leave no capacity for the backlog.

    >>> backlog_drain_s(1000, 120.0, 100.0)
    50.0
    """
    assert backlog >= 0, backlog
    assert arrival_rate_per_s >= 0, arrival_rate_per_s
    if capacity_per_s <= arrival_rate_per_s:
        raise Unstable(f"{arrival_rate_per_s:.6g} arrivals/s against {capacity_per_s:.6g}/s: the backlog never drains")
    return backlog / (capacity_per_s - arrival_rate_per_s)


@dataclass(frozen=True, slots=True)
class OutageRecovery:
    """What a pause of service does to a steady stream, as a fluid.

    backlog: waiting when service is back. drain_s: from then until nobody waits. affected: arrivals delayed.
    delay_mean_s, delay_max_s: of those.
    """

    backlog: float
    drain_s: float
    affected: float
    delay_mean_s: float
    delay_max_s: float


def outage_recovery(outage_s: float, capacity_per_s: float, arrival_rate_per_s: float) -> OutageRecovery:
    """An outage of outage_s under steady arrivals, then FIFO at full capacity (fluid: randomness is left out).

    The delay falls linearly from outage_s for the first arrival of the outage to 0 for the last of the drain.
    Raises Unstable as `backlog_drain_s` does.

    >>> outage_recovery(60.0, 150.0, 100.0)
    OutageRecovery(backlog=6000.0, drain_s=120.0, affected=18000.0, delay_mean_s=30.0, delay_max_s=60.0)
    """
    assert outage_s >= 0, outage_s
    backlog = arrival_rate_per_s * outage_s
    drain_s = backlog_drain_s(backlog, capacity_per_s, arrival_rate_per_s)
    return OutageRecovery(backlog, drain_s, arrival_rate_per_s * (outage_s + drain_s), outage_s / 2, outage_s)
