"""Networks: open (Jackson, tandem), closed (exact MVA, convolution), machine repair, fork-join, scalability.

Units: seconds and rates per second. Single stations are in `stations`; a resource held while another serves is no
network of this kind and is in `phased`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.closed_forms.chains import Array, PhaseType
from calibration.closed_forms.loads import stable_load
from calibration.closed_forms.stations import Queue, mmc, queue_of
from sim.analytic.stations import birth_death
from sim.errors import Unstable


@dataclass(frozen=True, slots=True)
class OpenNetwork:
    """Long-run figures of an open network: rates and `Queue` by station, and over the whole.

    visits: mean number of visits of one customer to each station. sojourn_mean_s: from entry to exit.
    """

    throughputs_per_s: tuple[float, ...]
    visits: tuple[float, ...]
    stations: tuple[Queue, ...]
    sojourn_mean_s: float
    population_mean: float


def jackson(
    arrivals_per_s: Sequence[float],
    routing: Sequence[Sequence[float]],
    service_means_s: Sequence[float],
    servers: Sequence[int | None],
) -> OpenNetwork:
    """Open Jackson network: each station behaves as an M/M/c of its own.

    arrivals_per_s: from outside, by station. routing[i][j]: probability to go from i to j; what a row lacks to 1
    leaves, and everybody has to leave in the end. servers: None is a delay without queue.

    Raises Unstable, naming the station by its index, where one is offered more than it can serve.
    Source: Jackson, Operations Research 5 (1957); Kleinrock vol. 1 (1975), section 4.8.

    >>> net = jackson([0.4], [[0.2]], [1.0], [1])      # a fifth comes back: throughput 0.4 / 0.8
    >>> round(net.throughputs_per_s[0], 12), round(net.sojourn_mean_s, 12)
    (0.5, 2.5)
    """
    entering = np.array(arrivals_per_s, dtype=float)
    going = np.array(routing, dtype=float)
    n = len(entering)
    assert going.shape == (n, n), going.shape
    assert len(service_means_s) == len(servers) == n, (len(service_means_s), len(servers))
    assert np.all(going >= 0), going
    assert np.all(going.sum(axis=1) <= 1 + 1e-12), going
    assert np.all(entering >= 0), entering
    assert entering.sum() > 0, "nothing arrives"
    try:
        throughputs = np.linalg.solve(np.eye(n) - going.T, entering).tolist()
    except np.linalg.LinAlgError:
        raise AssertionError("a group of stations is never left") from None
    stations = []
    for i, (rate, service_s, count) in enumerate(zip(throughputs, service_means_s, servers, strict=True)):
        if rate == 0:
            stations.append(Queue(0.0, 0.0, 0.0, service_s, 0.0, 0.0))
        elif count is None:
            stations.append(queue_of(rate, service_s, 0.0, 0.0, 0.0))
        else:
            try:
                stations.append(mmc(rate, service_s, count))
            except Unstable as reason:
                raise Unstable(f"station {i}: {reason}") from None
    entering_all = float(entering.sum())
    population = math.fsum(station.population_mean for station in stations)
    return OpenNetwork(
        tuple(throughputs),
        tuple(rate / entering_all for rate in throughputs),
        tuple(stations),
        population / entering_all,
        population,
    )


def tandem_sojourn(arrival_rate_per_s: float, service_means_s: Sequence[float]) -> PhaseType:
    """Law of the total sojourn through M/M/1 FIFO stations in a row: ask for `mean()`, `tail(t)`, `quantile(p)`.

    The sojourns are independent and exponential with rates mu_i - lambda. Raises Unstable as `mmc` does.
    Source: Reich, Waiting times when queues are in tandem, Annals of Mathematical Statistics 28 (1957).

    >>> round(tandem_sojourn(0.5, [1.0, 0.5]).mean(), 9)       # 1 / (1 - 0.5) + 1 / (2 - 0.5)
    2.666666667
    """
    assert service_means_s, "no stations"
    rates = [(1 - stable_load(arrival_rate_per_s, s)) / s for s in service_means_s]
    initial = np.zeros(len(rates))
    initial[0] = 1.0
    return PhaseType(initial, np.diag([-rate for rate in rates]) + np.diag(rates[:-1], 1))


@dataclass(frozen=True, slots=True)
class ClosedNetwork:
    """Long-run figures of a closed network of N clients.

    throughput_per_s: cycles per second. response_s: mean time of a cycle without the think time.
    residences_s: its parts by station. populations: mean number at each station.
    utilisations: share of server time busy; of a delay station 0.
    """

    throughput_per_s: float
    response_s: float
    residences_s: tuple[float, ...]
    populations: tuple[float, ...]
    utilisations: tuple[float, ...]


def mva(clients: int, think_s: float, demands_s: Sequence[float]) -> ClosedNetwork:
    """Closed network of single-server stations by exact mean value analysis.

    clients: N >= 1. think_s: mean time between two cycles of a client, >= 0, any law. demands_s: mean service of one
    cycle at each station (visits x service time); exponential FIFO, or sharing with any law.
    Source: Reiser & Lavenberg, Journal of the ACM 27 (1980): an arrival sees the network with one client less.

    >>> round(mva(1, 1.0, [0.5, 0.25]).throughput_per_s, 12)
    0.571428571429
    """
    assert clients >= 1, clients
    assert 0 <= think_s < math.inf, think_s
    assert demands_s, "no stations"
    assert all(0 < d < math.inf for d in demands_s), demands_s
    populations = [0.0] * len(demands_s)
    for n in range(1, clients + 1):
        residences = [d * (1 + q) for d, q in zip(demands_s, populations, strict=True)]
        throughput = n / (think_s + math.fsum(residences))
        populations = [throughput * r for r in residences]
    return ClosedNetwork(
        throughput,
        math.fsum(residences),
        tuple(residences),
        tuple(populations),
        tuple(throughput * d for d in demands_s),
    )


def closed_network(
    clients: int, think_s: float, demands_s: Sequence[float], servers: Sequence[int | None]
) -> ClosedNetwork:
    """Closed network with multi-server stations, exactly; servers: None is a delay station.

    Gives what load-dependent MVA gives, by convolution of the stations' weights in logarithms: all terms are
    positive, whereas the marginal probabilities of load-dependent MVA cancel to nonsense near saturation (Chandy &
    Sauer, Communications of the ACM 23, 1980). Arguments else as in `mva`.
    Source: Buzen, Communications of the ACM 16 (1973).

    >>> round(closed_network(2, 0.0, [1.0], [2]).throughput_per_s, 12)
    2.0
    """
    assert clients >= 1, clients
    assert 0 <= think_s < math.inf, think_s
    assert len(demands_s) == len(servers) > 0, (demands_s, servers)
    assert all(0 < d < math.inf for d in demands_s), demands_s
    assert all(c is None or c >= 1 for c in servers), servers
    weights = [_log_weights(clients, d, c) for d, c in zip(demands_s, servers, strict=True)]
    think = _log_weights(clients, think_s, None) if think_s else np.where(np.arange(clients + 1) == 0, 0.0, -np.inf)
    # before[i]: think time and the stations before i; after[i]: the stations from i on.
    before = [think]
    for weight in weights:
        before.append(_log_convolve(before[-1], weight))
    after = [np.where(np.arange(clients + 1) == 0, 0.0, -np.inf)]
    for weight in reversed(weights):
        after.insert(0, _log_convolve(after[0], weight))
    whole = before[-1]
    throughput = math.exp(whole[clients - 1] - whole[clients])
    present = np.arange(clients + 1)
    populations = []
    for i, weight in enumerate(weights):
        others = _log_convolve(before[i], after[i + 1])
        shares = np.exp(weight + others[::-1] - whole[clients])
        populations.append(float(shares @ present))
    return ClosedNetwork(
        throughput,
        math.fsum(populations) / throughput,
        tuple(q / throughput for q in populations),
        tuple(populations),
        tuple(0.0 if c is None else throughput * d / c for d, c in zip(demands_s, servers, strict=True)),
    )


def _log_weights(clients: int, demand_s: float, servers: int | None) -> Array:
    """Log of demand^n / (product of min(j, servers) over j = 1..n), n = 0..clients."""
    j = np.arange(1, clients + 1)
    busy = j if servers is None else np.minimum(j, servers)
    return np.concatenate(([0.0], np.cumsum(math.log(demand_s) - np.log(busy))))


def _log_convolve(a: Array, b: Array) -> Array:
    """Log of the convolution of exp(a) and exp(b), cut to the same length."""
    out = np.empty(len(a))
    for n in range(len(a)):
        terms = a[: n + 1] + b[n::-1]
        peak = terms.max()
        out[n] = peak + math.log(np.exp(terms - peak).sum()) if peak > -np.inf else -np.inf
    return out


@dataclass(frozen=True, slots=True)
class MachineRepair:
    """Long-run figures of N machines that fail and are repaired by a few crews.

    up_mean: machines working. availability: up_mean / N. failures_per_s: of all machines together.
    wait_mean_s: mean time a failed machine waits for a crew. down_mean_s: wait + repair.
    crew_utilisation: share of the crews' time. down_shares[n]: share of time with n machines down.
    """

    up_mean: float
    availability: float
    failures_per_s: float
    wait_mean_s: float
    down_mean_s: float
    crew_utilisation: float
    down_shares: tuple[float, ...]


def machine_repair(machines: int, mttf_s: float, mttr_s: float, crews: int) -> MachineRepair:
    """M/M/c//N: each machine fails after an exponential time mttf_s, a repair takes an exponential mttr_s.

    Also a closed loop of N clients with think time mttf_s in front of c servers.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 3.8; Gross & Harris (1998), section 2.7.

    >>> round(machine_repair(2, 1.0, 1.0, 1).availability, 12)     # shares 1 : 2 : 2 of 0, 1, 2 down
    0.4
    """
    assert machines >= 1, machines
    assert crews >= 1, crews
    assert 0 < mttf_s < math.inf, mttf_s
    assert 0 < mttr_s < math.inf, mttr_s
    shares = birth_death(
        [(machines - n) / mttf_s for n in range(machines)],
        [min(n, crews) / mttr_s for n in range(1, machines + 1)],
    )
    down = np.arange(machines + 1)
    up_mean = float(shares @ (machines - down))
    failures = up_mean / mttf_s
    wait_s = float(shares @ np.maximum(down - crews, 0)) / failures
    return MachineRepair(
        up_mean,
        up_mean / machines,
        failures,
        wait_s,
        wait_s + mttr_s,
        failures * mttr_s / crews,
        tuple(shares.tolist()),
    )


def fork_join_2_s(arrival_rate_per_s: float, service_mean_s: float) -> float:
    """Mean time in s from a fork to its join over two equal M/M/1 FIFO queues: (12 - rho) / 8 x s / (1 - rho).

    Every arrival puts one task into each queue and is done when both are. Exact. Raises Unstable as `mmc` does.
    Source: Flatto & Hahn, SIAM J. Applied Mathematics 44 (1984); Nelson & Tantawi, IEEE Trans. Computers 37 (1988).

    >>> fork_join_2_s(0.5, 1.0)
    2.875
    """
    load = stable_load(arrival_rate_per_s, service_mean_s)
    return (12 - load) / 8 * service_mean_s / (1 - load)


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
