"""One server with Poisson arrivals and any law of service, FIFO: M/G/1, with set-up times and with breakdowns.

Units: seconds and rates per second. Other orders of service are in `disciplines`, arrivals that are not Poisson in
`renewal`, several servers with states of their own in `phased`.
"""

from __future__ import annotations

import math

from sim.analytic.moments import Deterministic, Erlang, Hyperexponential, Law
from sim.analytic.stations import Queue, queue_of, stable_load
from sim.errors import Unstable


def mg1(arrival_rate_per_s: float, service: Law) -> Queue:
    """M/G/1: mean wait lambda E[S²] / (2 (1 - rho)); infinite where the service has no variance.

    Raises Unstable if the offered load reaches 1.
    Source: Pollaczek (1930), Khinchine (1932); Kleinrock, Queueing Systems vol. 1 (1975), section 5.6.

    >>> from sim.analytic.moments import Deterministic, Exponential
    >>> round(mg1(0.5, Exponential(1.0)).wait_mean_s, 12), round(mg1(0.5, Deterministic(1.0)).wait_mean_s, 12)
    (1.0, 0.5)
    """
    load = stable_load(arrival_rate_per_s, service.moment(1))
    wait_s = arrival_rate_per_s * service.moment(2) / (2 * (1 - load))
    return queue_of(arrival_rate_per_s, service.moment(1), wait_s, load, load)


def mg1_wait_variance_s2(arrival_rate_per_s: float, service: Law) -> float:
    """Variance in s² of the wait in M/G/1 FIFO: E[W]² + lambda E[S³] / (3 (1 - rho)).

    Raises Unstable if the offered load reaches 1.
    Source: Takács (1962); Kleinrock vol. 1 (1975), section 5.7.

    >>> from sim.analytic.moments import Exponential
    >>> round(mg1_wait_variance_s2(0.5, Exponential(1.0)), 12)      # M/M/1: rho (2 - rho) / (1 - rho)²
    3.0
    """
    load = stable_load(arrival_rate_per_s, service.moment(1))
    mean_s = mg1(arrival_rate_per_s, service).wait_mean_s
    return mean_s**2 + arrival_rate_per_s * service.moment(3) / (3 * (1 - load))


def mg1_sojourn_variance_s2(arrival_rate_per_s: float, service: Law) -> float:
    """Variance in s² of wait + service in M/G/1 FIFO; the two are independent. Raises Unstable as `mg1` does."""
    return mg1_wait_variance_s2(arrival_rate_per_s, service) + service.variance_s2


def md1(arrival_rate_per_s: float, service_s: float) -> Queue:
    """M/D/1: half the wait of M/M/1. Raises Unstable if the offered load reaches 1. Percentiles are in `mdc`."""
    return mg1(arrival_rate_per_s, Deterministic(service_s))


def mh21(arrival_rate_per_s: float, service_mean_s: float, scv: float) -> Queue:
    """M/H2/1 with balanced means and squared coefficient of variation `scv` >= 1. Raises Unstable as `mg1` does."""
    return mg1(arrival_rate_per_s, Hyperexponential.balanced(service_mean_s, scv))


def mek1(arrival_rate_per_s: float, service_mean_s: float, stages: int) -> Queue:
    """M/E_k/1: service in k exponential stages of service_mean_s together. Raises Unstable as `mg1` does."""
    return mg1(arrival_rate_per_s, Erlang(service_mean_s, stages))


def mg1_setup(arrival_rate_per_s: float, service: Law, setup: Law) -> Queue:
    """M/G/1 whose server goes off when the station is empty and needs a set-up when somebody comes again.

    Mean wait: that of M/G/1 plus (2 E[D] + lambda E[D²]) / (2 (1 + lambda E[D])) with set-up D; the set-up runs to
    its end, and arrivals during it wait. Everybody waits. `utilisation` counts serving, not setting up.
    Raises Unstable if the offered load reaches 1 (set-ups do not matter for that).
    Source: Welch, Operations Research 12 (1964); Levy & Kleinrock, Operations Research 34 (1986).

    >>> from sim.analytic.moments import Exponential
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


def mg1_breakdowns(
    arrival_rate_per_s: float, service: Law, mttf_s: float, repair: Law, *, only_while_serving: bool = False
) -> Queue:
    """M/G/1 whose server breaks down; a service in progress goes on where it was after the repair.

    mttf_s: mean of the exponential time from a repair to the next breakdown; it runs all the time, idle or not, or,
        with `only_while_serving`, in service time alone.
    repair: law of the repair; the queue stays and arrivals go on.

    A service S takes the completion time C = S + its repairs: E[C] = E[S] (1 + f r1),
    E[C²] = E[S²] (1 + f r1)² + E[S] f r2 with f = 1 / mttf. An arrival to an empty station may find the server down;
    averaged over all arrivals that adds f r2 / (2 (1 + f r1)), whatever else.
    `utilisation` is busy time / up time; `wait_mean_s` includes the repairs during one's own service.

    Raises Unstable if lambda E[C] reaches 1.
    Source: Avi-Itzhak & Naor, Operations Research 11 (1963); for the term of the idle server,
    Welch (1964) with the residual repair as the first customer's set-up.
    """
    assert 0 < mttf_s < math.inf, mttf_s
    s1, s2 = service.moment(1), service.moment(2)
    r1, r2 = repair.moment(1) / mttf_s, repair.moment(2) / mttf_s
    completion_s = s1 * (1 + r1)
    completion_s2 = s2 * (1 + r1) ** 2 + s1 * r2
    load = arrival_rate_per_s * completion_s
    if load >= 1:
        raise Unstable(f"with its repairs a service takes {completion_s:.6g} s: a load of {load:.6g} on one server")
    start_s = arrival_rate_per_s * completion_s2 / (2 * (1 - load))
    waits = load
    if not only_while_serving:
        start_s += r2 / (2 * (1 + r1))
        waits = 1 - (1 - load) / (1 + r1)  # all but those who find the server idle and up
    wait_s = start_s + completion_s - s1
    # Serving takes lambda s1 of all time; the server is up for 1 / (1 + r1) of it, or all but its repairs.
    up = 1 - arrival_rate_per_s * s1 * r1 if only_while_serving else 1 / (1 + r1)
    return queue_of(arrival_rate_per_s, s1, wait_s, waits, arrival_rate_per_s * s1 / up)
