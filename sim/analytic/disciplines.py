"""Orders of service other than first come first served: sharing, last come first served, priorities.

Units: seconds and rates per second. `wait_mean_s` of the answers is all time in the station beyond an undisturbed
service. First come first served is in `stations` and `mg1`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from sim.analytic.chains import PhaseType, birth_death
from sim.analytic.mg1 import mg1, mg1_wait_variance_s2
from sim.analytic.moments import Law
from sim.analytic.stations import Queue, erlang_c, mmc, offered_load, queue_of, stable_load


def mmc_ps(arrival_rate_per_s: float, service_mean_s: float, cores: int = 1) -> Queue:
    """M/M/c processor sharing: n jobs share c cores evenly, no job uses more than one core.

    The number present moves exactly as in M/M/c, so the mean sojourn is that of M/M/c by Little's law;
    `wait_mean_s` is what sharing adds to an undisturbed service. Raises Unstable as `mmc` does.
    Source: Cohen, The multiple phase service network with generalized processor sharing, Acta Informatica 12 (1979).
    """
    return mmc(arrival_rate_per_s, service_mean_s, cores)


def mmc_ps_sojourn(arrival_rate_per_s: float, service_mean_s: float, cores: int = 1) -> PhaseType:
    """Law of the sojourn in M/M/c processor sharing: ask it for `tail(t)`, `quantile(p)` or `moment(n)`.

    Follows one job among n others: it is served at min(1, c / (n + 1)) of a core. Others beyond a number met
    with probability 1e-13 are turned away, which is all that is approximated. Raises Unstable as `mmc` does.

    >>> sojourn = mmc_ps_sojourn(0.5, 1.0)
    >>> round(sojourn.mean(), 9)
    2.0
    """
    load = stable_load(arrival_rate_per_s, service_mean_s, cores)
    beyond = math.log(1e-13) / math.log(load / cores)
    others = cores + math.ceil(beyond)
    met = birth_death([load] * others, [float(min(n, cores)) for n in range(1, others + 1)])
    generator = np.zeros((others + 1, others + 1))
    for n in range(others + 1):
        speed = min(1.0, cores / (n + 1))
        if n < others:
            generator[n, n + 1] = load
        if n > 0:
            generator[n, n - 1] = n * speed
        generator[n, n] = -(generator[n].sum() + speed)
    return PhaseType(met, generator / service_mean_s)


def mm1_ps_sojourn_variance_s2(arrival_rate_per_s: float, service_mean_s: float) -> float:
    """Variance in s² of the sojourn in M/M/1 processor sharing.

    Source: Coffman, Muntz & Trotter, Journal of the ACM 17 (1970).

    >>> round(mm1_ps_sojourn_variance_s2(0.5, 1.0), 6)      # FIFO: 4
    6.666667
    """
    load = stable_load(arrival_rate_per_s, service_mean_s)
    return (service_mean_s / (1 - load)) ** 2 * (2 + load) / (2 - load)


def mmc_priority(rates_per_s: Sequence[float], service_mean_s: float, servers: int) -> tuple[Queue, ...]:
    """M/M/c, non-preemptive priorities: one arrival rate a class, the most urgent first, one law of service.

    Raises Unstable if all classes together reach the servers.
    Source: Cobham, Operations Research 2 (1954).

    >>> [round(q.wait_mean_s, 9) for q in mmc_priority([0.25, 0.25], 1.0, 1)]
    [0.666666667, 1.333333333]
    """
    load = stable_load(math.fsum(rates_per_s), service_mean_s, servers)
    waits = erlang_c(load, servers)
    queues, above = [], 0.0
    for rate in rates_per_s:
        upto = above + offered_load(rate, service_mean_s)
        free = (1 - above / servers) * (1 - upto / servers)
        wait_s = waits * service_mean_s / (servers * free)
        queues.append(queue_of(rate, service_mean_s, wait_s, waits, (upto - above) / servers))
        above = upto
    return tuple(queues)


def mmc_preemptive_priority(rates_per_s: Sequence[float], service_mean_s: float, servers: int) -> tuple[Queue, ...]:
    """M/M/c, preemptive-resume priorities: one arrival rate a class, the most urgent first, one law of service.

    Exact: the k most urgent classes together are an M/M/c that does not feel the others, and a preempted
    exponential service starts over where it was. Raises Unstable if all classes together reach the servers.

    >>> [round(q.sojourn_mean_s, 9) for q in mmc_preemptive_priority([0.25, 0.25], 1.0, 1)]
    [1.333333333, 2.666666667]
    """
    stable_load(math.fsum(rates_per_s), service_mean_s, servers)
    queues, above = [], 0.0
    for k, rate in enumerate(rates_per_s, 1):
        offered_load(rate, service_mean_s)
        upto = mmc(math.fsum(rates_per_s[:k]), service_mean_s, servers)
        wait_s = (upto.population_mean - above) / rate - service_mean_s
        queues.append(queue_of(rate, service_mean_s, wait_s, upto.wait_probability, rate * service_mean_s / servers))
        above = upto.population_mean
    return tuple(queues)


def mg1_ps(arrival_rate_per_s: float, service: Law) -> Queue:
    """M/G/1 processor sharing: only the mean of the service law matters; a demand of x takes x / (1 - rho).

    Raises Unstable if the offered load reaches 1.
    Source: Sakata, Noguchi & Oizumi, Operations Research 19 (1971); Kleinrock vol. 2 (1976), section 4.4.
    """
    return mmc_ps(arrival_rate_per_s, service.moment(1))


def mg1_ps_sojourn_given_s(arrival_rate_per_s: float, service_mean_s: float, demand_s: float) -> float:
    """Mean sojourn in s of a job that needs demand_s in M/G/1 processor sharing: demand / (1 - rho)."""
    assert demand_s >= 0, demand_s
    return demand_s / (1 - stable_load(arrival_rate_per_s, service_mean_s))


def mg1_lifo_wait_variance_s2(arrival_rate_per_s: float, service: Law) -> float:
    """Variance in s² of the wait in M/G/1, last come first served without preemption; the mean is that of `mg1`.

    E[W²] is that of FIFO divided by 1 - rho. Needs three moments of the service.
    Raises Unstable if the offered load reaches 1.
    Source: Takács, Delay distributions for one line with Poisson input, general holding times, and various orders
    of service, Bell System Technical Journal 42 (1963).
    """
    load = stable_load(arrival_rate_per_s, service.moment(1))
    mean_s = mg1(arrival_rate_per_s, service).wait_mean_s
    if service.moment(3) == math.inf:
        return math.inf
    return (mg1_wait_variance_s2(arrival_rate_per_s, service) + mean_s**2) / (1 - load) - mean_s**2


def mg1_preemptive_lifo(arrival_rate_per_s: float, service: Law) -> Queue:
    """M/G/1, last come first served, preemptive-resume: a sojourn is a busy period, so s / (1 - rho) in the mean.

    Raises Unstable if the offered load reaches 1.
    Source: Kleinrock, Queueing Systems vol. 2 (1976), section 4.5 and vol. 1, section 5.8.
    """
    service_s = service.moment(1)
    load = stable_load(arrival_rate_per_s, service_s)
    return queue_of(arrival_rate_per_s, service_s, service_s * load / (1 - load), 0.0, load)


def mg1_preemptive_lifo_sojourn_variance_s2(arrival_rate_per_s: float, service: Law) -> float:
    """Variance in s² of the sojourn in M/G/1 preemptive LIFO, which is that of the busy period.

    E[S²] / (1 - rho)³ - (E[S] / (1 - rho))². Raises Unstable if the offered load reaches 1.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 5.8.
    """
    free = 1 - stable_load(arrival_rate_per_s, service.moment(1))
    return service.moment(2) / free**3 - (service.moment(1) / free) ** 2


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """One class of a priority queue: Poisson arrivals per second and the law of its service."""

    rate_per_s: float
    service: Law


def mg1_priority(classes: Sequence[PriorityClass]) -> tuple[Queue, ...]:
    """M/G/1, non-preemptive priorities, the most urgent class first; FIFO within a class. One `Queue` a class.

    Raises Unstable if all classes together reach the server.
    Source: Cobham, Operations Research 2 (1954); Kleinrock vol. 2 (1976), section 3.6.
    """
    load, residual_s = _total(classes)
    queues, above = [], 0.0
    for each, upto in zip(classes, _cumulated(classes), strict=True):
        wait_s = residual_s[-1] / ((1 - above) * (1 - upto))
        queues.append(queue_of(each.rate_per_s, each.service.moment(1), wait_s, load, upto - above))
        above = upto
    return tuple(queues)


def mg1_preemptive_priority(classes: Sequence[PriorityClass]) -> tuple[Queue, ...]:
    """M/G/1, preemptive-resume priorities, the most urgent class first; FIFO within a class. One `Queue` a class.

    Raises Unstable if all classes together reach the server (leave the hopeless classes out to see the others:
    the urgent do not feel them).
    Source: Gaver (1962); Kleinrock vol. 2 (1976), chapter 3, Jaiswal, Priority Queues (1968).
    """
    _, residual_s = _total(classes)
    queues, above = [], 0.0
    for each, upto, residual in zip(classes, _cumulated(classes), residual_s, strict=True):
        service_s = each.service.moment(1)
        sojourn_s = service_s / (1 - above) + residual / ((1 - above) * (1 - upto))
        queues.append(queue_of(each.rate_per_s, service_s, sojourn_s - service_s, upto, upto - above))
        above = upto
    return tuple(queues)


def _cumulated(classes: Sequence[PriorityClass]) -> list[float]:
    """Offered load of the classes up to each, in erlangs."""
    return list(accumulate(offered_load(each.rate_per_s, each.service.moment(1)) for each in classes))


def _total(classes: Sequence[PriorityClass]) -> tuple[float, list[float]]:
    """Load of all, and the mean residual work in service that an arrival meets, of the classes up to each."""
    load = stable_load(1.0, _cumulated(classes)[-1])
    return load, list(accumulate(each.rate_per_s * each.service.moment(2) / 2 for each in classes))
