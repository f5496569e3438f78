"""M/D/c: Poisson arrivals, a service that always takes the same time, c servers, FIFO; exact, with percentiles.

Everything follows from looking at the queue every D seconds: all that were in service have gone, so the number
waiting moves as Q' = max(Q + A - c, 0) with A Poisson arrivals (Crommelin 1932).
"""

from __future__ import annotations

import cmath
import math

import numpy as np

from calibration.closed_forms.bisection import increasing_root
from calibration.closed_forms.chains import Array
from calibration.closed_forms.loads import stable_load
from calibration.closed_forms.stations import Queue, queue_of


def mdc(arrival_rate_per_s: float, service_s: float, servers: int) -> Queue:
    """M/D/c: mean number waiting = sum of 1 / (1 - z_k) - (c (c - 1) - a²) / (2 (c - a)).

    a: offered load; z_k: the roots of z^c = exp(a (z - 1)) inside the unit circle, c - 1 of them. The number
    waiting has an absolute error of about 1e-15 c², so that a vanishing wait has few digits.

    Raises Unstable if the offered load reaches the servers.
    Sources: Crommelin, Post Office Electrical Engineers Journal 25 (1932); Tijms, A First Course in Stochastic
    Models (2003), section 9.6.

    >>> round(mdc(0.5, 1.0, 1).wait_mean_s, 12)       # rho / (2 (1 - rho))
    0.5
    """
    load = stable_load(arrival_rate_per_s, service_s, servers)
    roots = _roots(load, servers)
    queue = sum(1 / (1 - z) for z in roots).real - (servers * (servers - 1) - load**2) / (2 * (servers - load))
    at_once = (servers - load) / math.prod((1 - z for z in roots), start=1 + 0j).real
    wait_s = max(queue, 0.0) / arrival_rate_per_s
    return queue_of(arrival_rate_per_s, service_s, wait_s, max(1 - at_once, 0.0), load / servers)


def mdc_wait_tail(arrival_rate_per_s: float, service_s: float, servers: int, t_s: float) -> float:
    """P(wait > t_s) in M/D/c FIFO, absolute error about 1e-12.

    Raises Unstable if the offered load reaches the servers.
    Source: Franx, A simple solution for the M/D/c waiting time distribution, Operations Research Letters 29 (2001):
    with (k - 1) D <= t < kD, P(wait <= t) = sum over j < kc of P(Q <= kc - 1 - j) P(Poisson(lambda (kD - t)) = j).

    >>> round(mdc_wait_tail(0.5, 1.0, 1, 0.0), 12), round(mdc_wait_tail(0.5, 1.0, 1, 1.0), 9)
    (0.5, 0.175639365)
    """
    load = stable_load(arrival_rate_per_s, service_s, servers)
    return _tail(load, servers, _queue_cdf(load, servers), t_s / service_s)


def mdc_wait_quantile_s(arrival_rate_per_s: float, service_s: float, servers: int, p: float) -> float:
    """The wait in s that a share p of arrivals stays within in M/D/c FIFO; 0 where more than p do not wait.

    1 - p above 1e-9. The sojourn's quantile is this plus the service. Raises Unstable as `mdc` does.
    """
    assert 0 < p <= 1 - 1e-9, p
    load = stable_load(arrival_rate_per_s, service_s, servers)
    queue_cdf = _queue_cdf(load, servers)
    if _tail(load, servers, queue_cdf, 0.0) <= 1 - p:
        return 0.0
    return service_s * increasing_root(lambda t: (1 - p) - _tail(load, servers, queue_cdf, t), 1.0)


def _roots(load: float, servers: int) -> list[complex]:
    """The roots of z^c = exp(a (z - 1)) with |z| < 1: one for each c-th root of unity w other than 1."""
    rho, roots = load / servers, []
    for k in range(1, servers):
        w = cmath.exp(2j * math.pi * k / servers)
        z = 0j
        for _ in range(200):  # a contraction by rho; the Newton step makes it quadratic at the end
            image = w * cmath.exp(rho * (z - 1))
            step = (image - z) / (1 - rho * image)
            z += step
            if abs(step) < 1e-16:
                break
        assert abs(z - w * cmath.exp(rho * (z - 1))) < 1e-14, (load, servers, k)
        assert abs(z) < 1, (load, servers, k)
        roots.append(z)
    return roots


def _queue_cdf(load: float, servers: int) -> Array:
    """P(at most m waiting), m = 0, 1, ... until the rest is below 1e-14; from the generating function by FFT."""
    # The far tail decays as tau^-m where tau > 1 solves tau^c = exp(a (tau - 1)); x = tau - 1.
    decay = increasing_root(lambda x: load * x - servers * math.log1p(x), 1 - load / servers)
    size = 1 << math.ceil(math.log2(40 / math.log1p(decay) + 2 * servers + 2))
    z = np.exp(-2j * np.pi * np.arange(1, size) / size)
    values = np.ones(size, dtype=complex)
    values[1:] = (servers - load) * (z - 1) / (z**servers - np.exp(load * (z - 1)))
    for root in _roots(load, servers):
        values[1:] *= (z - root) / (1 - root)
    shares = np.fft.ifft(values).real
    cdf: Array = np.minimum(np.cumsum(np.maximum(shares, 0.0)), 1.0)
    return cdf


def _tail(load: float, servers: int, queue_cdf: Array, t: float) -> float:
    """P(wait > t), t in units of the service time."""
    assert t >= 0, t
    windows = math.floor(t) + 1
    last = windows * servers - 1
    mean = load * (windows - t)  # arrivals in what is left of the last window
    j = np.arange(last + 1)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(j[1:])))) if last else np.zeros(1)
    arrivals = np.exp(j * math.log(mean) - mean - log_factorial)
    waiting = queue_cdf[np.minimum(last - j, len(queue_cdf) - 1)]
    return float(min(max(1.0 - arrivals @ waiting, 0.0), 1.0))
