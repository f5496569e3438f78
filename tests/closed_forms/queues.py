"""Single stations that runs are held against and no table shows: tails, variances, priorities, set-up times."""

from __future__ import annotations

import math
from collections.abc import Sequence

from calibration.closed_forms.disciplines import PriorityClass, cumulated, total
from calibration.closed_forms.loads import offered_load, stable_load
from calibration.closed_forms.mg1 import mg1
from calibration.closed_forms.moments import Law
from calibration.closed_forms.stations import Queue, mmc, queue_of
from sim.analytic.stations import erlang_c


def mmc_wait_tail(arrival_rate_per_s: float, service_mean_s: float, servers: int, t_s: float) -> float:
    """P(wait > t_s) in M/M/c FIFO: C exp(-(c mu - lambda) t). Raises Unstable as `mmc` does."""
    assert t_s >= 0, t_s
    load = stable_load(arrival_rate_per_s, service_mean_s, servers)
    return erlang_c(load, servers) * math.exp(-(servers - load) * t_s / service_mean_s)


def mg1_wait_variance_s2(arrival_rate_per_s: float, service: Law) -> float:
    """Variance in s² of the wait in M/G/1 FIFO: E[W]² + lambda E[S³] / (3 (1 - rho)).

    Raises Unstable if the offered load reaches 1.
    Source: Takács (1962); Kleinrock vol. 1 (1975), section 5.7.

    >>> from calibration.closed_forms.moments import Exponential
    >>> round(mg1_wait_variance_s2(0.5, Exponential(1.0)), 12)      # M/M/1: rho (2 - rho) / (1 - rho)²
    3.0
    """
    load = stable_load(arrival_rate_per_s, service.moment(1))
    mean_s = mg1(arrival_rate_per_s, service).wait_mean_s
    return mean_s**2 + arrival_rate_per_s * service.moment(3) / (3 * (1 - load))


def mg1_setup(arrival_rate_per_s: float, service: Law, setup: Law) -> Queue:
    """M/G/1 whose server goes off when the station is empty and needs a set-up when somebody comes again.

    Mean wait: that of M/G/1 plus (2 E[D] + lambda E[D²]) / (2 (1 + lambda E[D])) with set-up D; the set-up runs to
    its end, and arrivals during it wait. Everybody waits. `utilisation` counts serving, not setting up.
    Raises Unstable if the offered load reaches 1 (set-ups do not matter for that).
    Source: Welch, Operations Research 12 (1964); Levy & Kleinrock, Operations Research 34 (1986).

    >>> from calibration.closed_forms.moments import Exponential
    >>> round(mg1_setup(0.5, Exponential(1.0), Exponential(3.0)).wait_mean_s, 12)    # exponential: 1 + E[D]
    4.0
    """
    base = mg1(arrival_rate_per_s, service)
    d1, d2 = setup.moment(1), setup.moment(2)
    extra_s = (2 * d1 + arrival_rate_per_s * d2) / (2 * (1 + arrival_rate_per_s * d1))
    return queue_of(arrival_rate_per_s, service.moment(1), base.wait_mean_s + extra_s, 1.0, base.utilisation)


def mg1_setup_share(arrival_rate_per_s: float, service_mean_s: float, setup_mean_s: float) -> float:
    """Share of time that the server of `mg1_setup` is setting up: (1 - rho) lambda E[D] / (1 + lambda E[D])."""
    load = stable_load(arrival_rate_per_s, service_mean_s)
    raised = arrival_rate_per_s * setup_mean_s
    return (1 - load) * raised / (1 + raised)


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


def mg1_priority(classes: Sequence[PriorityClass]) -> tuple[Queue, ...]:
    """M/G/1, non-preemptive priorities, the most urgent class first; FIFO within a class. One `Queue` a class.

    Raises Unstable if all classes together reach the server.
    Source: Cobham, Operations Research 2 (1954); Kleinrock vol. 2 (1976), section 3.6.
    """
    load, residual_s = total(classes)
    queues, above = [], 0.0
    for each, upto in zip(classes, cumulated(classes), strict=True):
        wait_s = residual_s[-1] / ((1 - above) * (1 - upto))
        queues.append(queue_of(each.rate_per_s, each.service.moment(1), wait_s, load, upto - above))
        above = upto
    return tuple(queues)
