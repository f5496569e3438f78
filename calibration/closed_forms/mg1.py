"""One server, FIFO: any law of service (M/G/1, with breakdowns too) or any law of the gaps between arrivals (GI/M/1).

Units: seconds and rates per second. Other orders of service are in `disciplines`, several servers with states of their
own in `phased`.
"""

from __future__ import annotations

import math

from calibration.closed_forms.bisection import increasing_root
from calibration.closed_forms.loads import stable_load
from calibration.closed_forms.moments import Law
from calibration.closed_forms.stations import Queue, queue_of
from sim.errors import Unstable


def mg1(arrival_rate_per_s: float, service: Law) -> Queue:
    """M/G/1: mean wait lambda E[S²] / (2 (1 - rho)); infinite where the service has no variance.

    Raises Unstable if the offered load reaches 1.
    Source: Pollaczek (1930), Khinchine (1932); Kleinrock, Queueing Systems vol. 1 (1975), section 5.6.

    >>> from calibration.closed_forms.moments import Deterministic, Exponential
    >>> round(mg1(0.5, Exponential(1.0)).wait_mean_s, 12), round(mg1(0.5, Deterministic(1.0)).wait_mean_s, 12)
    (1.0, 0.5)
    """
    load = stable_load(arrival_rate_per_s, service.moment(1))
    wait_s = arrival_rate_per_s * service.moment(2) / (2 * (1 - load))
    return queue_of(arrival_rate_per_s, service.moment(1), wait_s, load, load)


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


def gim1(interarrival: Law, service_mean_s: float) -> Queue:
    """GI/M/1 FIFO: independent times between arrivals of any law, exponential service.

    An arrival waits with probability sigma, the root in (0, 1) of sigma = E[exp(-mu (1 - sigma) X)], and then for an
    exponential time of mean s / (1 - sigma). Hence also: sojourns are exponential with that mean.

    Raises Unstable if the offered load reaches 1.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 6.4.
    """
    rate = 1 / interarrival.moment(1)
    load = stable_load(rate, service_mean_s)
    # With x = 1 - sigma: x - 1 + E[exp(-mu x X)] is convex, 0 at x = 0, below it at first, then above.
    free = increasing_root(lambda x: x - 1 + interarrival.transform(x / service_mean_s) if x > 0 else -1, 1 - load)
    waits = 1 - free
    return queue_of(rate, service_mean_s, waits * service_mean_s / free, waits, load)
