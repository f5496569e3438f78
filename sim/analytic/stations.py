"""The formulas of queueing theory that estimates and bounds rest on: Erlang B and C, birth and death.

Units: seconds and rates per second (any one unit of time will do, if it is used throughout).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.errors import Unstable

VANISHING = 1e-300
"""Probability below which Erlang B is 0."""


MANY = 100_000
"""Erlangs from which on a sum over all servers is no more begun at the first."""


def erlang_b(load: float, servers: int) -> float:
    """Probability that an arrival at M/G/c/c finds all servers busy and is lost.

    load: offered load in erlangs, >= 0, may exceed `servers` (>= 0). Holds for any law of service.
    Source: Erlang (1917); the recursion of Jagerman, Bell System Technical Journal 53 (1974), which cannot
    overflow.

    >>> round(erlang_b(10.0, 10), 4)
    0.2146
    """
    assert 0 <= load < math.inf, load
    assert servers >= 0, servers
    # From a guess (the fluid limit) the recursion forgets within some roots of the load what it began with.
    begin = max(0, math.floor(min(servers, load) - 60 * math.sqrt(load))) if load > MANY else 0
    blocked = 1 - begin / load if begin else 1.0
    for n in range(begin + 1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
        # It falls with every server: millions of them are not gone through to tell 0 from less than nothing.
        if blocked < VANISHING:
            return 0.0
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """Probability that an arrival waits in M/M/c.

    load: arrival rate x mean service time in erlangs; must be below `servers`. Returns a number in [0, 1].

    Raises Unstable if load >= servers: the queue then grows without bound.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 3.5; by way of Erlang B.

    >>> round(erlang_c(8.0, 10), 4)
    0.4092
    """
    assert servers >= 1, servers
    if load >= servers:
        raise Unstable(f"an offered load of {load:.6g} erlangs on {servers} server(s): the queue grows without bound")
    blocked = erlang_b(load, servers)
    return servers * blocked / (servers - load * (1 - blocked))


def birth_death(births: Sequence[float], deaths: Sequence[float]) -> NDArray[np.float64]:
    """Long-run shares of 0..n where k goes to k + 1 at births[k] and k + 1 goes back to k at deaths[k].

    births, deaths: rates per s, n each; deaths positive. Returns n + 1 shares, without overflow.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 3.1.

    >>> birth_death([1.0, 1.0], [2.0, 2.0]).tolist()
    [0.5714285714285714, 0.2857142857142857, 0.14285714285714285]
    """
    assert len(births) == len(deaths), (len(births), len(deaths))
    assert all(0 <= b < math.inf for b in births)
    assert all(0 < d < math.inf for d in deaths)
    shares = [1.0]
    for birth, death in zip(births, deaths, strict=True):
        shares.append(shares[-1] * birth / death)
        if shares[-1] > 1e200:
            shares = [share / shares[-1] for share in shares]
    total = math.fsum(shares)
    return np.array(shares) / total


def harmonic(n: int) -> float:
    """1 + 1/2 + ... + 1/n: the mean of the longest of n exponential times of mean 1. Beyond a thousand by Euler and
    Maclaurin, whose first term left out is below 1e-14."""
    if n <= 1000:
        return math.fsum(1 / k for k in range(1, n + 1))
    return math.log(n) + 0.5772156649015329 + 1 / (2 * n) - 1 / (12 * n * n)
