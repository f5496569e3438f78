"""Offered loads, and which of them can be served. Any one unit of time will do, if it is used throughout."""

from __future__ import annotations

import math

from sim.errors import Unstable


def offered_load(arrival_rate_per_s: float, service_mean_s: float) -> float:
    """Arrival rate x mean service time in erlangs; both must be positive and finite."""
    assert 0 < arrival_rate_per_s < math.inf, f"arrival rate {arrival_rate_per_s}"
    assert 0 < service_mean_s < math.inf, f"service time {service_mean_s}"
    return arrival_rate_per_s * service_mean_s


def stable_load(arrival_rate_per_s: float, service_mean_s: float, servers: int = 1) -> float:
    """The offered load in erlangs. Raises Unstable where it reaches the number of servers."""
    assert servers >= 1, servers
    load = offered_load(arrival_rate_per_s, service_mean_s)
    if load >= servers:
        raise Unstable(f"an offered load of {load:.6g} erlangs on {servers} server(s): the queue grows without bound")
    return load
