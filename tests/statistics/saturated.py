"""Queues near saturation that begin empty: how often what is given holds the truth, and how far its mean is off.

The queues are simulated directly, job by job, since the engine is too slow for thousands of them; what is counted goes
through the very functions that make the figures of a run, with the relaxation time of the very closed form. Time is in
mean services. `test_near_saturation.py` has a slice of the same through the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from sim.analytic.estimate import estimate
from sim.analytic.relaxation import paces
from sim.analytic.stations import erlang_c
from sim.figure import Figure
from sim.network import Network
from sim.results.histogram import BUCKETS, Histogram
from sim.stats.metrics import _durations
from sim.stats.relaxation import Length, Relaxation

Array = NDArray[np.float64]

BATCH_MEAN = 5.0  # jobs of a burst, geometric
CV = 2.0  # of the lognormal service
LEVELS = {"mean": 0.0, "p50": 0.5, "p95": 0.95, "p99": 0.99}
KINDS = ("M/M/c", "bursts", "lognormal")
SERVICE_NS = 1_000_000


@njit(cache=True)  # type: ignore[untyped-decorator]
def _uniform(state: NDArray[np.uint64]) -> float:
    """In (0, 1), by SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): five times as quick as numpy's there."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (float((z ^ (z >> np.uint64(31))) >> np.uint64(12)) + 0.5) / 4503599627370496.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fill(kind: int, rho: float, servers: int, warmup: int, jobs: int, seed: int, counts: NDArray[np.int64]) -> float:
    """Sum of the sojourns of `jobs` jobs after `warmup` others from empty; how many took how long goes to `counts`."""
    state = np.array([seed], np.uint64) * np.uint64(0xD1342543DE82EF95)
    free = np.zeros(servers)
    spread = math.sqrt(math.log(1 + CV * CV))
    gap = BATCH_MEAN / (rho * servers) if kind == 1 else 1 / (rho * servers)
    now = total = 0.0
    for job in range(warmup + jobs):
        if kind != 1 or _uniform(state) < 1 / BATCH_MEAN:
            now -= math.log(_uniform(state)) * gap
        service = -math.log(_uniform(state))
        if kind == 2:
            normal = math.sqrt(2 * service) * math.cos(2 * math.pi * _uniform(state))
            service = math.exp(spread * normal - spread * spread / 2)
        end = max(free[0], now) + service
        place = 0
        while True:  # the server that is free soonest stands first
            child = 2 * place + 1
            if child >= servers:
                break
            if child + 1 < servers and free[child + 1] < free[child]:
                child += 1
            if free[child] >= end:
                break
            free[place] = free[child]
            place = child
        free[place] = end
        if job >= warmup:
            total += end - now
            ns = np.int64((end - now) * SERVICE_NS)
            shift = max(math.frexp(float(ns))[1] - 9, 0)
            counts[256 * shift + (ns >> shift)] += 1
    return total


@dataclass(frozen=True)
class Cell:
    """A queue at a load, seen by so many runs of so many relaxation times, after a warm-up of `warmup` of them."""

    kind: str
    rho: float
    servers: int
    runs: int
    window: float
    warmup: float = 3.0

    def __str__(self) -> str:
        name = self.kind.replace("c", str(self.servers)) if self.kind == "M/M/c" else self.kind
        return f"{name} at {self.rho}, {self.runs} x {self.window:g}"

    @cached_property
    def relaxation(self) -> Relaxation:
        """As the tool finds it for a scenario of this queue."""
        rate = 1000 * self.rho * self.servers
        service: object = {"exponential": "1 ms"}
        arrivals: object = {"poisson": f"{rate}/s"}
        if self.kind == "bursts":
            arrivals = {"poisson": f"{rate / BATCH_MEAN}/s", "batch": {"geometric": BATCH_MEAN}}
        if self.kind == "lognormal":
            service = {"mean": "1 ms", "cv": CV}
        network = Network.model_validate(
            {
                "sources": {"jobs": {"routine": "job", "arrivals": arrivals}},
                "stations": {"server": {"servers": self.servers, "service": service}},
                "routines": {"job": [{"use": "server"}]},
            }
        )
        pace = paces(network, estimate(network))["server"]
        seconds = pace.relaxation_s(pace.estimate.utilisation) * 1e9 / SERVICE_NS
        return Relaxation("server", pace.estimate.utilisation, seconds, pace.estimate.wait_s, pace.visits, pace.scv)

    @property
    def length(self) -> Length:
        """How long the runs are, times in mean services."""
        seconds = self.relaxation.seconds
        return Length(self.relaxation, self.window * seconds, self.warmup * seconds, self.runs)

    @property
    def jobs(self) -> int:
        """Jobs of one run."""
        return round(self.length.window_s * self.rho * self.servers)

    def figures(self, seeds: int) -> Iterator[dict[str, Figure]]:
        """What is told of each of so many seeds, by level. The same cell always draws the same."""
        warmup = round(self.length.warmup_s * self.rho * self.servers)
        for seed in range(seeds):
            sums, histograms = [], []
            for run in range(self.runs):
                counts = np.zeros(BUCKETS, np.int64)
                kind, stream = KINDS.index(self.kind), 1000 * seed + run + 1
                sums.append(_fill(kind, self.rho, self.servers, warmup, self.jobs, stream, counts))
                histograms.append(Histogram.of_counts(counts))
            scaled = [total * SERVICE_NS * 1e-9 for total in sums]
            found = _durations("t", histograms, scaled, [float(self.jobs)] * self.runs, 0.0, 0.95, self.length)
            yield {level: found[f"t.{level}"].scaled(1e9 / SERVICE_NS, "s") for level in LEVELS}

    @cached_property
    def truth(self) -> dict[str, float]:
        """Mean and percentiles of the sojourn."""
        if self.kind == "lognormal":
            return _lognormal(self.rho)
        if self.kind == "bursts":  # GI/M/1, see `lindley.bursts`
            rate = (1 - self.rho) / BATCH_MEAN
            return {level: -math.log(1 - p) / rate if p else 1 / rate for level, p in LEVELS.items()}
        waits = erlang_c(self.rho * self.servers, self.servers)
        rate = self.servers * (1 - self.rho)

        def beyond(t: float) -> float:
            """P(sojourn > t): a service, or a wait and a service."""
            both = (rate * math.exp(-t) - math.exp(-rate * t)) / (rate - 1) if abs(rate - 1) > 1e-9 else 0.0
            both = both if abs(rate - 1) > 1e-9 else (1 + t) * math.exp(-t)
            return (1 - waits) * math.exp(-t) + waits * both

        found = {"mean": 1 + waits / rate}
        for level, p in LEVELS.items():
            if p:
                found[level] = float(brentq(lambda t, p=p: beyond(t) - (1 - p), 0.0, 1000 * found["mean"]))
        return found


def _lognormal(rho: float) -> dict[str, float]:
    """M/G/1 by Pollaczek and Khinchine: the wait is a geometric sum of residual services, on a fine grid."""
    step, size = 0.01, 1 << 21
    spread = math.sqrt(math.log(1 + CV**2))
    edges = np.arange(1, size) * step
    above = np.concatenate(([1.0], 1 - ndtr((np.log(edges) + spread**2 / 2) / spread)))
    residual = (above + np.append(above[1:], 0.0)) / 2 * step
    service = above - np.append(above[1:], 0.0)
    transform = np.fft.rfft(residual / residual.sum())
    sojourn = np.fft.irfft((1 - rho) / (1 - rho * transform) * np.fft.rfft(service), size)
    below = np.cumsum(sojourn)
    found = {"mean": 1 + rho * (1 + CV**2) / (2 * (1 - rho))}
    return found | {level: float(np.searchsorted(below, p)) * step for level, p in LEVELS.items() if p}


@dataclass
class Seen:
    """What came of one figure over seeds."""

    truth: float
    seeds: int = 0
    given: int = 0
    right: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, figure: Figure) -> None:
        self.seeds += 1
        if figure.value is None:
            return
        assert figure.low is not None
        assert figure.high is not None
        self.given += 1
        self.right += figure.low <= self.truth <= figure.high
        self.total += figure.value / self.truth - 1
        self.squares += (figure.value / self.truth - 1) ** 2

    def as_figures(self) -> dict[str, float]:
        """What is kept of it: seeds, share given, coverage, mean error and its standard error."""
        seen = {"seeds": self.seeds, "given": self.given / self.seeds}
        if self.given:
            seen |= {"covered": self.covered, "off": self.off, "off_by_chance": self.off_by_chance}
        return {name: round(value, 6) for name, value in seen.items()}

    @property
    def covered(self) -> float:
        return self.right / self.given

    @property
    def off(self) -> float:
        """By how much the values given are off on average, as a share of the truth."""
        return self.total / self.given

    @property
    def off_by_chance(self) -> float:
        """Standard error of `off`."""
        return math.sqrt(max(self.squares / self.given - self.off**2, 0.0) / self.given)


def measure(cell: Cell, seeds: int) -> dict[str, Seen]:
    """Every level over so many seeds."""
    found = {level: Seen(cell.truth[level]) for level in LEVELS}
    for figures in cell.figures(seeds):
        for level, figure in figures.items():
            found[level].add(figure)
    return found


JOBS = 600_000_000
"""Jobs of a cell at most, but for those of MOST_LOADED."""
MOST_LOADED, MOST_JOBS = 0.98, 2_400_000_000


def seeds_of(cell: Cell) -> int:
    """Seeds that a cell gets: a thousand, or what its jobs allow."""
    most = MOST_JOBS if cell.rho > MOST_LOADED else JOBS
    return max(60, min(1000, most // (cell.jobs * cell.runs)))


FAST = [
    Cell("M/M/c", 0.5, 1, 10, 102),
    Cell("M/M/c", 0.8, 10, 10, 102),
    Cell("M/M/c", 0.8, 100, 10, 102),
    Cell("lognormal", 0.5, 1, 10, 204),
    Cell("M/M/c", 0.9, 1, 10, 4),
]
FULL = [
    *[Cell("M/M/c", rho, 1, 10, 102) for rho in (0.8, 0.9, 0.95, 0.97, 0.99)],
    *[Cell("M/M/c", rho, 10, 10, 102) for rho in (0.5, 0.95)],
    *[Cell("M/M/c", rho, 100, 10, 102) for rho in (0.9, 0.97, 0.99)],
    Cell("M/M/c", 0.9, 1, 5, 204),
    Cell("M/M/c", 0.9, 1, 40, 25.5),
    *[Cell("bursts", rho, 1, 10, 102) for rho in (0.5, 0.8, 0.9)],
    *[Cell("lognormal", rho, 1, 10, 204) for rho in (0.8, 0.9)],
    *[Cell("M/M/c", rho, servers, 10, 4) for rho, servers in ((0.5, 1), (0.97, 10), (0.99, 1), (0.99, 100))],
    Cell("bursts", 0.9, 1, 10, 4),
    Cell("lognormal", 0.9, 1, 10, 20),
]


HEADS = """| queue, load, runs x relaxation times | seeds | figure | given | coverage | mean error |
| --- | ---: | --- | ---: | ---: | ---: |"""


def rows(cell: Cell, found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The rows of a cell in a Markdown table, from what `Seen.as_figures` gave of each level."""
    for level, of in found.items():
        told = f"{of['covered']:.1%} | {of['off']:+.1%} +-{2 * of['off_by_chance']:.1%}" if of["given"] else "- | -"
        yield f"| {cell} | {of['seeds']} | {level} | {of['given']:.0%} | {told} |"
