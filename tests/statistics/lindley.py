"""Sojourn times of four single-server queues, many runs at once, each from its stationary state, with their truth.

Lindley's recursion (Proceedings of the Cambridge Philosophical Society 48, 1952) is the quickest way to output that is
correlated like that of a queue and has a known mean and 99th percentile. Time is in mean services. No engine here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm, solve
from scipy.optimize import brentq
from scipy.special import gammaincc

Array = NDArray[np.float64]

BATCH_MEAN = 5.0  # jobs of a burst, geometric
RATES = np.array([3.0, 1 / 3])  # of the MMPP in its two phases, in multiples of the mean rate
LEAVING = np.array([1 / 100, 1 / 300])  # rates at which its phases end, so that it is in the first 1/4 of the time
FAILING, REPAIR_MEAN = 1 / 450, 50.0  # of the server, while it serves
LEVELS = 40_000  # of the MMPP's queue; what lies above has probability below 1e-9 at a utilisation of 0.95


@dataclass(frozen=True)
class Queue:
    """A queue at utilisation `rho`; `sample(jobs, runs, rng)` gives sojourns (jobs, runs), `mean`, `p99` the truth."""

    name: str
    rho: float
    mean: float
    p99: float
    sample: Callable[[int, int, np.random.Generator], Array]


def lindley(start: Array, jobs: int, step: Callable[[], tuple[Array, Array]]) -> Array:
    """Sojourns (jobs, runs) from the work that the first job of each run finds and (service, next gap) of each job."""
    wait = start
    sojourns = np.empty((jobs, start.size))
    for job in range(jobs):
        service, gap = step()
        sojourns[job] = wait + service
        wait = np.maximum(sojourns[job] - gap, 0.0)
    return sojourns


def mm1(rho: float) -> Queue:
    """Poisson arrivals: the sojourn is exponential with rate 1 - rho."""

    def sample(jobs: int, runs: int, rng: np.random.Generator) -> Array:
        start = np.where(rng.random(runs) < rho, rng.exponential(1 / (1 - rho), runs), 0.0)
        return lindley(start, jobs, lambda: (rng.exponential(1, runs), rng.exponential(1 / rho, runs)))

    return Queue("M/M/1", rho, 1 / (1 - rho), np.log(100) / (1 - rho), sample)


def bursts(rho: float) -> Queue:
    """Geometric batches: gaps are renewals, zero within a batch, hence GI/M/1 with sigma = 1 - (1 - rho) / 5.

    sigma solves sigma = A*(1 - sigma) with A*(s) = 1 - q + q l / (l + s), q = 1 / 5 and l = rho q; the sojourn is
    exponential with rate 1 - sigma, the wait zero with probability 1 - sigma (Kleinrock, Queueing Systems 1, 6.4).
    """
    q = 1 / BATCH_MEAN
    rate = q * (1 - rho)

    def sample(jobs: int, runs: int, rng: np.random.Generator) -> Array:
        start = np.where(rng.random(runs) < 1 - rate, rng.exponential(1 / rate, runs), 0.0)

        def step() -> tuple[Array, Array]:
            last = rng.random(runs) < q
            return rng.exponential(1, runs), np.where(last, rng.exponential(1 / (rho * q), runs), 0.0)

        return lindley(start, jobs, step)

    return Queue("bursts", rho, 1 / rate, np.log(100) / rate, sample)


def mmpp(rho: float) -> Queue:
    """MMPP(2)/M/1 as a quasi-birth-death process, pi_k = pi_0 R^k (Neuts, Matrix-Geometric Solutions, 1981)."""
    rates = rho * RATES
    switching = np.array([[-LEAVING[0], LEAVING[0]], [LEAVING[1], -LEAVING[1]]])
    r = rate_matrix(np.diag(rates), switching)
    boundary = switching - np.diag(rates) + r  # balance of level 0: pi_0 (Q - L) + pi_0 R mu = 0
    total = np.linalg.inv(np.eye(2) - r).sum(axis=1)
    first = solve(np.column_stack([boundary[:, 0], total]).T, [0.0, 1.0])
    levels = np.empty((LEVELS, 2))
    for level in range(LEVELS):
        levels[level] = first
        first = first @ r
    assert abs(levels.sum() - 1) < 1e-6
    seen = levels * rates / rho  # level and phase as arrivals find them: not as time does, they favour the burst
    found = seen.sum(axis=1)

    def longer(t: float) -> float:
        return float(found @ gammaincc(np.arange(1, LEVELS + 1), t))

    mean = float(found @ np.arange(1, LEVELS + 1))
    p99 = float(brentq(lambda t: longer(t) - 0.01, 0.0, 200 * mean))

    def sample(jobs: int, runs: int, rng: np.random.Generator) -> Array:
        state = np.minimum(np.searchsorted(seen.ravel().cumsum(), rng.random(runs)), 2 * LEVELS - 1)
        level, phase = state // 2, state % 2
        start = np.where(level > 0, rng.gamma(np.maximum(level, 1)), 0.0)

        def gap() -> Array:
            time = np.zeros(runs)
            waiting = np.arange(runs)
            while waiting.size:
                here = phase[waiting]
                rate = rates[here] + LEAVING[here]
                time[waiting] += rng.exponential(1, waiting.size) / rate
                switched = rng.random(waiting.size) * rate < LEAVING[here]
                waiting = waiting[switched]
                phase[waiting] ^= 1
            return time

        return lindley(start, jobs, lambda: (rng.exponential(1, runs), gap()))

    return Queue("MMPP", rho, mean, p99, sample)


def rate_matrix(up: Array, switching: Array) -> Array:
    """R of a quasi-birth-death process with service rate 1, by logarithmic reduction (Latouche & Ramaswami, 1993)."""
    one = np.eye(2)
    stay = solve(up + one - switching, np.hstack((up, one)))
    high, low = stay[:, :2], stay[:, 2:]
    first_passage, path = low, high
    while np.abs(path).max() > 1e-15:
        back = one - high @ low - low @ high
        high, low = solve(back, high @ high), solve(back, low @ low)
        first_passage, path = first_passage + path @ low, path @ high
    return np.asarray(up @ np.linalg.inv(up + one - switching - up @ first_passage))


def breakdowns(rho: float) -> Queue:
    """A server that fails while it serves: M/G/1 whose service is a phase type of serving and being repaired.

    The wait is a geometric sum of equilibrium residual services, again a phase type (Neuts, 1981, section 3.2).
    """
    down = FAILING * REPAIR_MEAN  # repair time for each unit of service
    serving = 1 / (1 + down)
    rate = rho * serving
    generator = np.array([[-1 - FAILING, FAILING], [1 / REPAIR_MEAN, -1 / REPAIR_MEAN]])
    exits, residual = np.array([1.0, 0.0]), np.array([serving, 1 - serving])
    whole = np.zeros((4, 4))  # phases of the wait, then of the own service
    whole[:2, :2] = generator + rho * np.outer(exits, residual)
    whole[:2, 2] = (1 - rho) * exits
    whole[2:, 2:] = generator
    start_in = np.concatenate((rho * residual, [1 - rho, 0.0]))
    mean = float(-start_in @ solve(whole, np.ones(4)))
    p99 = float(brentq(lambda t: start_in @ expm(whole * t) @ np.ones(4) - 0.01, 0.0, 200 * mean))

    def with_repairs(service: Array, rng: np.random.Generator, at_once: NDArray[np.int64] | int = 0) -> Array:
        repairs = rng.poisson(FAILING * service) + at_once
        failed = np.flatnonzero(repairs)  # few, and a gamma is dear
        service[failed] += rng.gamma(repairs[failed], REPAIR_MEAN)
        return service

    def sample(jobs: int, runs: int, rng: np.random.Generator) -> Array:
        ahead = rng.geometric(1 - rho, runs) - 1
        work = np.where(ahead > 0, rng.gamma(np.maximum(ahead, 1)), 0.0)
        start = with_repairs(work, rng, rng.binomial(ahead, 1 - serving))

        def step() -> tuple[Array, Array]:
            return with_repairs(rng.exponential(1, runs), rng), rng.exponential(1 / rate, runs)

        return lindley(start, jobs, step)

    return Queue("breakdowns", rho, mean, p99, sample)


QUEUES: dict[str, Callable[[float], Queue]] = {
    "M/M/1": mm1,
    "bursts": bursts,
    "MMPP": mmpp,
    "breakdowns": breakdowns,
}


def from_empty(rho: float) -> Callable[[int, int, np.random.Generator], Array]:
    """M/M/1 that begins empty, for tests of the warm-up: `sample(jobs, runs, rng)`."""
    return partial(_mm1_from_empty, rho)


def _mm1_from_empty(rho: float, jobs: int, runs: int, rng: np.random.Generator) -> Array:
    return lindley(np.zeros(runs), jobs, lambda: (rng.exponential(1, runs), rng.exponential(1 / rho, runs)))
