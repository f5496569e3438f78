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

from calibration.closed_forms.chains import PhaseType
from calibration.closed_forms.loads import offered_load, stable_load
from calibration.closed_forms.moments import Law
from calibration.closed_forms.stations import Queue, mmc, queue_of
from sim.analytic.stations import birth_death, erlang_c


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


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """One class of a priority queue: Poisson arrivals per second and the law of its service."""

    rate_per_s: float
    service: Law


def mg1_preemptive_priority(classes: Sequence[PriorityClass]) -> tuple[Queue, ...]:
    """M/G/1, preemptive-resume priorities, the most urgent class first; FIFO within a class. One `Queue` a class.

    Raises Unstable if all classes together reach the server (leave the hopeless classes out to see the others:
    the urgent do not feel them).
    Source: Gaver (1962); Kleinrock vol. 2 (1976), chapter 3, Jaiswal, Priority Queues (1968).
    """
    _, residual_s = total(classes)
    queues, above = [], 0.0
    for each, upto, residual in zip(classes, cumulated(classes), residual_s, strict=True):
        service_s = each.service.moment(1)
        sojourn_s = service_s / (1 - above) + residual / ((1 - above) * (1 - upto))
        queues.append(queue_of(each.rate_per_s, service_s, sojourn_s - service_s, upto, upto - above))
        above = upto
    return tuple(queues)


def cumulated(classes: Sequence[PriorityClass]) -> list[float]:
    """Offered load of the classes up to each, in erlangs."""
    return list(accumulate(offered_load(each.rate_per_s, each.service.moment(1)) for each in classes))


def total(classes: Sequence[PriorityClass]) -> tuple[float, list[float]]:
    """Load of all, and the mean residual work in service that an arrival meets, of the classes up to each."""
    load = stable_load(1.0, cumulated(classes)[-1])
    return load, list(accumulate(each.rate_per_s * each.service.moment(2) / 2 for each in classes))
