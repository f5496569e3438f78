"""Group commit: one flush serves everybody who waited when it began. Exact for Poisson arrivals.

Units: seconds and rates per second. Servers that take one at a time are in `stations`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from calibration.closed_forms.bisection import increasing_root
from calibration.closed_forms.loads import offered_load
from calibration.closed_forms.moments import Law
from sim.errors import Unstable


@dataclass(frozen=True, slots=True)
class GroupCommit:
    """Long-run figures of a committer.

    utilisation: share of time flushing. wait_mean_s: mean wait for one's own flush to begin.
    sojourn_mean_s: until it has ended. flushes_per_s; batch_mean: commits per flush.
    """

    utilisation: float
    wait_mean_s: float
    sojourn_mean_s: float
    flushes_per_s: float
    batch_mean: float


def group_commit(arrival_rate_per_s: float, flush: Law) -> GroupCommit:
    """Flushes of any length and without a limit on the batch; an idle committer flushes a first arrival at once.

    Flushes follow each other until one in which nobody arrives, 1 / v in the mean with v = E[exp(-lambda F)], so a
    share (f / v) / (f / v + 1 / lambda) of arrivals meets a flush, waits for the rest of it, and is in the next.
    Stable at any load.
    Source: renewal reward over busy periods; for the service in bulk M/G[1, inf]/1, Chaudhry & Templeton, A First
    Course in Bulk Queues (1983), chapter 4.

    >>> from calibration.closed_forms.moments import Exponential
    >>> busy = group_commit(10_000.0, Exponential(0.001))      # nearly always: rest of one flush, then one's own
    >>> round(busy.sojourn_mean_s, 6), round(busy.batch_mean, 3)
    (0.001991, 10.091)
    """
    flush_s = flush.moment(1)
    load = offered_load(arrival_rate_per_s, flush_s)
    silent = flush.transform(arrival_rate_per_s)
    batch = load + silent
    utilisation = load / batch
    wait_s = utilisation * flush.residual_mean_s
    return GroupCommit(utilisation, wait_s, wait_s + flush_s, arrival_rate_per_s / batch, batch)


def group_commit_limited(arrival_rate_per_s: float, flush_mean_s: float, batch_max: int) -> GroupCommit:
    """Exponential flushes that take at most `batch_max` of those who wait, in their order: M/M[1, b]/1.

    While flushing, the number waiting is q with a share proportional to r^q, r the root in (0, 1) of
    lambda (1 - r) = mu r (1 - r^b).

    Raises Unstable if arrivals reach batch_max per flush.
    Source: Gross & Harris, Fundamentals of Queueing Theory (3rd ed. 1998), section 3.2.

    >>> from calibration.closed_forms.stations import mmc
    >>> one = group_commit_limited(0.5, 1.0, 1)        # batches of one: M/M/1
    >>> round(one.sojourn_mean_s, 9) == round(mmc(0.5, 1.0).sojourn_mean_s, 9)
    True
    """
    assert batch_max >= 1, batch_max
    load = offered_load(arrival_rate_per_s, flush_mean_s)
    if load >= batch_max:
        raise Unstable(f"{load:.6g} arrivals per flush against batches of {batch_max}: the queue grows without bound")
    # Divided by r - 1, with x = 1 - r the room that is left: r (1 + r + ... + r^(b-1)) falls from b to 0.
    room = increasing_root(
        lambda x: load - math.fsum((1 - x) ** k for k in range(1, batch_max + 1)) if x < 1 else load, 0.5
    )
    ratio = 1 - room
    # Shares: 1 / load for idle and 1 / (1 - r) in all for flushing, up to a common factor.
    flushing = 1 / room / (1 / room + 1 / load)
    wait_s = flushing * ratio / room / arrival_rate_per_s
    flushes = flushing / flush_mean_s
    return GroupCommit(flushing, wait_s, wait_s + flush_mean_s, flushes, arrival_rate_per_s / flushes)
