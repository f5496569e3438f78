"""How much is asked of a full place, as a multiple of what it can do, and whether that is beyond doubt more than 1.

A run is cut into batches of time. In each, `full` is the share of what a place can do that it did, `more` the
executions by which the number that waits grew or that were turned away, `offered` the arrivals. What came in a batch,
as a share of what the place can do in it, is

    x = full (1 + more / (offered - more)),

what it did and what was added to the line in front of it. The mean of x estimates the load without bias wherever the
run starts: while a queue that starts empty fills, `full` is as much too small as `more` is too large. That is why a
slow transient is no overload: at 95 % of the limit the mean of x is 0.95, from empty and from the steady state alike,
however long the relaxation time; growth of the line alone would not tell one from the other.

The rule: overloaded when the lower end of the one-sided interval of the mean of x at 1 - MISTAKEN is above STABLE,
and the mean is above 1 + MATTERS. Arrivals and services of different batches are independent, or nearly so, and so
are the x, in contrast to queue lengths. The standard error is the larger of two: of all batches as one sample, and of
the means of the replications (which holds what lasts longer than a batch: bursts, an outage); Student's t has the
freedom of the batches.

Error rates. At load r with squared coefficients of variation a of the gaps and s of the services, the mean of x over
n executions has mean r and variance r^2 (a + s) / n =: e^2. A load of 0.95 is called overload with a chance of P(Z >
max(3.1, 0.08 / e)), 1 in 1,000 at most whatever n. A load of 1.1 is called so with a chance of P(Z > max(3.2 - 0.15 /
e, -0.07 / e)), which is 99 % once e < 0.027: n > 1,700 (a + s), such as 3,400 executions of M/M/1 over all
replications. Fewer leave overload unseen, they do not invent it. In between, a load of 1 is called so with P(Z > 0.03
/ e): rarely by long runs, more often by short ones. Heavy tails to the right make the lower end too low, not too
high. `python tests/statistics/measured_overload.py` prints the rates as they are measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.results.columns import Ints
from sim.stats.freedom import FloatArray, t_quantile

STABLE = 0.95
"""Load up to which a system is not to be called overloaded."""
MISTAKEN = 0.001
"""Chance, at most, of calling it so all the same."""
MATTERS = 0.03
"""Less than so much beyond the limit is not told from the limit."""
BATCHES = 10
"""Batches of a replication."""
LEAST_DONE = 0.01
"""Share of what is offered that is taken as done at least, so that a place that does nothing has a load."""


@dataclass(frozen=True, slots=True)
class OfferedLoad:
    """What is asked for over what can be done: the estimate, and the lower end of its interval at 1 - MISTAKEN."""

    value: float
    low: float

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than can be done, by enough to matter, and beyond doubt more than a stable system has."""
        return self.low > STABLE and self.value > 1 + MATTERS


def offered_load(full: FloatArray, more: FloatArray, offered: FloatArray, mistaken: float = MISTAKEN) -> OfferedLoad:
    """The load from batches of time, each argument of shape (replications, batches), two values or more.

    full: share of what the place can do that it did. more: by how many executions the number that waits grew, and how
    many were turned away. offered: arrivals.
    """
    assert full.shape == more.shape == offered.shape
    assert full.size >= 2
    arrived = float(offered.mean())
    if arrived == 0:
        return OfferedLoad(0.0, 0.0)
    done = max(arrived - float(more.mean()), LEAST_DONE * arrived)
    x = full + float(full.mean()) * more / done
    variance = float(x.var(ddof=1)) / x.size
    if len(x) > 1:
        variance = max(variance, float(x.mean(axis=1).var(ddof=1)) / len(x))
    value = float(x.mean())
    return OfferedLoad(value, value - t_quantile(1 - 2 * mistaken, x.size - 1) * math.sqrt(variance))


def sums_by_batch(at: Ints, edges: Ints) -> FloatArray:
    """How many of the sorted instants lie in each batch between two edges."""
    return np.diff(np.searchsorted(at, edges)).astype(np.float64)
