"""Stations whose servers have states of their own: set-up, breakdowns, and one resource held while another serves.

All are exponential throughout and solved exactly as endless Markov chains (`levels`). Single servers with general
set-up and repair times are closed forms in `mg1`. Units: seconds and rates per second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from calibration.closed_forms.levels import solve_levels
from calibration.closed_forms.loads import offered_load, stable_load
from calibration.closed_forms.stations import Queue, queue_of


@dataclass(frozen=True, slots=True)
class SetupQueue:
    """Long-run figures of M/M/c/setup.

    wait_mean_s, sojourn_mean_s, population_mean: as in `Queue`. busy_mean: mean number of servers serving.
    starting_mean: mean number of servers setting up. The rest is off.
    """

    wait_mean_s: float
    sojourn_mean_s: float
    population_mean: float
    busy_mean: float
    starting_mean: float


def mmc_setup(
    arrival_rate_per_s: float,
    service_mean_s: float,
    servers: int,
    setup_mean_s: float,
    setups_at_once: int | None = None,
) -> SetupQueue:
    """M/M/c/setup: a server with nothing to do goes off at once; a waiting job has one started, in exponential time.

    With n present and i serving, min(n - i, c - i) servers are setting up, `setups_at_once` at most (None: any
    number; 1 is the staggered variant). A free server takes the next waiting job, and a set-up for which no job
    waits any longer is abandoned.

    Raises Unstable if the offered load reaches the servers.
    Sources: Gandhi, Harchol-Balter & Adan, Performance Evaluation 67 (2010); Gandhi, Doroudi, Harchol-Balter &
    Scheller-Wolf, SIGMETRICS (2013).

    >>> round(mmc_setup(0.5, 1.0, 1, 3.0).wait_mean_s, 9)      # M/M/1 plus the set-up: 1 + 3
    4.0
    """
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    assert 0 < setup_mean_s < math.inf, setup_mean_s
    limit = servers if setups_at_once is None else setups_at_once
    assert limit >= 1, limit

    def starting(n: int, on: int) -> int:
        return min(n - on, servers - on, limit)

    def moves(n: int, on: int) -> Iterable[tuple[float, int, int]]:
        yield arrival_rate_per_s, n + 1, on
        if starting(n, on):
            yield starting(n, on) / setup_mean_s, n, on + 1
        if on:
            yield on / service_mean_s, n - 1, min(on, n - 1)

    levels = solve_levels(moves, lambda n: range(min(n, servers) + 1), servers)
    population = levels.mean(lambda n, on: n)
    sojourn_s = population / arrival_rate_per_s
    return SetupQueue(sojourn_s - service_mean_s, sojourn_s, population, load, levels.mean(starting))


def mmc_breakdowns(
    arrival_rate_per_s: float,
    service_mean_s: float,
    servers: int,
    mttf_s: float,
    mttr_s: float,
    crews: int | None = None,
) -> Queue:
    """M/M/c whose servers break down and are repaired one by one, busy or idle.

    mttf_s, mttr_s: mean up and down time of a server, exponential. crews: how many can be repaired at a time
        (None: all). A job on a failing server moves to an idle one or to the head of the queue, and goes on there.
    `utilisation` is busy time / up time; `wait_mean_s` is all time without service.

    Raises Unstable if the offered load reaches the mean number of servers up.
    Source: Mitrany & Avi-Itzhak, A many-server queue with service interruptions, Operations Research 16 (1968).
    """
    load = offered_load(arrival_rate_per_s, service_mean_s)
    assert servers >= 1, servers
    assert 0 < mttf_s < math.inf, mttf_s
    assert 0 < mttr_s < math.inf, mttr_s
    repairers = servers if crews is None else crews
    assert repairers >= 1, repairers

    def moves(n: int, up: int) -> Iterable[tuple[float, int, int]]:
        yield arrival_rate_per_s, n + 1, up
        if up:
            yield up / mttf_s, n, up - 1
        if up < servers:
            yield min(servers - up, repairers) / mttr_s, n, up + 1
        if n and up:
            yield min(n, up) / service_mean_s, n - 1, up

    levels = solve_levels(moves, lambda n: range(servers + 1), servers)
    wait_s = levels.mean(lambda n, up: n - min(n, up)) / arrival_rate_per_s
    at_once = levels.mean(lambda n, up: float(n < up))
    up_mean = levels.mean(lambda n, up: up)
    return queue_of(arrival_rate_per_s, service_mean_s, wait_s, 1 - at_once, load / up_mean)


@dataclass(frozen=True, slots=True)
class NestedQueue:
    """Long-run figures of two nested resources.

    utilisation_outer, utilisation_inner: share of their units in use (held, and serving).
    wait_outer_mean_s: mean time in the queue for a unit of the outer; wait_inner_mean_s: for one of the inner,
        holding an outer. sojourn_mean_s: from arrival to the release of the outer. population_mean: present.
    """

    utilisation_outer: float
    utilisation_inner: float
    wait_outer_mean_s: float
    wait_inner_mean_s: float
    sojourn_mean_s: float
    population_mean: float


def nested_resources(
    arrival_rate_per_s: float,
    outer_units: int,
    inner_units: int,
    inner_service_mean_s: float,
    think_mean_s: float,
) -> NestedQueue:
    """A worker slot held while its job queues for a connection: two resources, one inside the other.

    Poisson arrivals queue for a unit of the outer resource. With it in hand a job queues for a unit of the inner
    one, is served there (exponential), gives the inner unit back, thinks for a while (exponential) and gives the
    outer unit back. Both queues are FIFO and unlimited. Exact; 50 outer units take a moment, 200 some seconds.

    Raises Unstable if arrivals reach what `outer_units` jobs that never stop could complete (for which see
    `networks.closed_network`).
    Source: the chain of (jobs present, jobs at the inner resource), solved by `levels`; the problem is that of
    Sauer, Approximate solution of queueing networks with simultaneous resource possession, IBM J. Research and
    Development 25 (1981), here small enough to be solved exactly.

    >>> round(nested_resources(0.5, 1, 1, 0.4, 0.6).utilisation_outer, 9)     # one unit: held for 1 s by each
    0.5
    """
    assert outer_units >= 1, outer_units
    assert inner_units >= 1, inner_units
    offered_load(arrival_rate_per_s, inner_service_mean_s)
    assert 0 < think_mean_s < math.inf, think_mean_s

    def moves(n: int, inner: int) -> Iterable[tuple[float, int, int]]:
        thinking = min(n, outer_units) - inner
        yield arrival_rate_per_s, n + 1, inner + (n < outer_units)
        if inner:
            yield min(inner, inner_units) / inner_service_mean_s, n, inner - 1
        if thinking:
            yield thinking / think_mean_s, n - 1, inner + (n > outer_units)

    levels = solve_levels(moves, lambda n: range(min(n, outer_units) + 1), outer_units)
    population = levels.mean(lambda n, inner: n)
    outer_queue = levels.mean(lambda n, inner: max(n - outer_units, 0))
    inner_queue = levels.mean(lambda n, inner: max(inner - inner_units, 0))
    return NestedQueue(
        levels.mean(lambda n, inner: min(n, outer_units)) / outer_units,
        arrival_rate_per_s * inner_service_mean_s / inner_units,
        outer_queue / arrival_rate_per_s,
        inner_queue / arrival_rate_per_s,
        population / arrival_rate_per_s,
        population,
    )
