"""How often a system is called overloaded: the measurement, and its table.

`python tests/statistics/measured_overload.py` prints the table (some 8 minutes on one core), `... fast` that of the
quick cells, `... template` that of the scenario to start from. A cell is a queue at a multiple of its limit, run as
`sim run` does it: so many replications of so many executions, each from empty, cut into ten batches. Cells of
`queues` are simulated here, by Lindley's recursion with c servers, many runs at once, and judged by `offered_load`;
no engine. Cells of `networks` are run by the fast engine and judged whole, by `overload`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sim.scenario
from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import load
from sim.network import Network
from sim.scenario.reading.reader import parse
from sim.stats.batches import BATCHES
from sim.stats.overload import offered_load, overload
from sim.studies.window import SAMPLES, measured

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

STABLE, TOO_MUCH = 0.95, 1.1
RUNS_AT_ONCE = 2_000


def exponential(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.exponential(1.0, shape)


def lognormal(cv: float, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    spread = np.sqrt(np.log(1 + cv**2))
    return rng.lognormal(-(spread**2) / 2, spread, shape)


def pareto(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Lomax with shape 1.5 and mean 1: infinite variance."""
    return rng.pareto(1.5, shape) / 2


def in_bursts(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Gaps of geometric bursts of 5 on average: the squared coefficient of variation is 9."""
    return np.where(rng.random(shape) < 0.2, rng.exponential(5.0, shape), 0.0)


QUEUES: dict[str, tuple[Draw, Draw, int]] = {
    "M/M/1": (exponential, exponential, 1),
    "M/M/8": (exponential, exponential, 8),
    "M/G/1, lognormal, cv 2": (exponential, partial(lognormal, 2.0), 1),
    "M/G/1, lognormal, cv 4": (exponential, partial(lognormal, 4.0), 1),
    "M/G/1, Pareto 1.5": (exponential, pareto, 1),
    "bursts/M/1": (in_bursts, exponential, 1),
}
"""Gaps and services with mean 1, and the number of servers."""


def batches(queue: str, load: float, jobs: int, runs: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Share busy, growth of the number in the system and arrivals of each batch, (runs, BATCHES), from empty."""
    gaps, services, servers = QUEUES[queue]
    edges = np.linspace(0.0, jobs, BATCHES + 1)  # an arrival a unit of time on average
    if servers == 1:
        return _of_one_server(gaps, services, load, edges, runs, rng)
    mean_service = load * servers
    arrived, present, busy = (np.zeros((runs, BATCHES + 1)) for _ in range(3))
    free_at = np.zeros((servers, runs))
    now = np.zeros(runs)
    while (now < jobs).any():
        now = now + gaps(rng, (runs,))
        row = free_at.argmin(axis=0)
        start = np.maximum(now, free_at[row, np.arange(runs)])
        end = start + mean_service * services(rng, (runs,))
        free_at[row, np.arange(runs)] = end
        here = now[:, None] <= edges
        arrived += here
        present += here & (edges < end[:, None])
        busy += np.clip(edges, start[:, None], end[:, None]) - start[:, None]
    return np.diff(busy) / (servers * edges[1]), np.diff(present), np.diff(arrived)


def _of_one_server(
    gaps: Draw, services: Draw, load: float, edges: Array, runs: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """The end of job i is the greatest over j <= i of the arrival of j and all services from j to i."""
    jobs = edges[-1]
    came = [gaps(rng, (runs, int(jobs)))]
    while (sum(part.sum(axis=1) for part in came) < jobs).any():
        came.append(gaps(rng, (runs, int(jobs / 10) + 1)))
    arrival = np.cumsum(np.concatenate(came, axis=1), axis=1)
    service = load * services(rng, arrival.shape)
    work = np.cumsum(service, axis=1)
    end = work + np.maximum.accumulate(arrival - work + service, axis=1)
    start = end - service
    arrived, ended, busy = (np.empty((runs, len(edges))) for _ in range(3))
    for run in range(runs):
        arrived[run] = np.searchsorted(arrival[run], edges)
        gone = ended[run] = np.searchsorted(end[run], edges)
        done = np.concatenate(([0.0], work[run]))[gone.astype(int)]
        busy[run] = done + np.maximum(edges - start[run][np.minimum(gone.astype(int), len(start[run]) - 1)], 0.0)
    return np.diff(busy) / edges[1], np.diff(arrived - ended), np.diff(arrived)


NETWORKS = {
    "M/M/1": """
        sources: {jobs: {routine: job, arrivals: %r/s}}
        stations: {desk: {servers: 1, service: {exponential: 50 ms}}}
        routines: {job: [{use: desk}]}
        """,
    "slots around pollers around 4 cores": """
        sources: {jobs: {routine: job, arrivals: %r/s}}
        resources: {slots: {units: 40}, pollers: {units: 12}}
        stations: {cpu: {cores: 4}}
        routines:
          job:
          - {acquire: slots}
          - {acquire: pollers}
          - {use: {station: cpu, demand: {exponential: 200 ms}}}
          - {release: pollers}
          - {delay: 100 ms}
          - {release: slots}
        """,
    "queue of at most 20": """
        sources: {jobs: {routine: job, arrivals: %r/s}}
        stations: {desk: {servers: 1, queue_limit: 20, service: {exponential: 50 ms}}}
        routines: {job: [{use: desk}]}
        """,
    "a hot row of 16": """
        sources: {jobs: {routine: job, arrivals: %r/s}}
        resources: {rows: {nodes: 16, units: 1, keyed: {by: execution, skew: 1}}}
        routines: {job: [{acquire: rows}, {delay: {exponential: 169.0365 ms}}]}
        """,
    "a long sleep, then M/M/1": """
        sources: {jobs: {routine: job, arrivals: %r/s}}
        stations: {desk: {servers: 1, service: {exponential: 50 ms}}}
        routines: {job: [{use: desk}, {delay: {exponential: 1 min}, kind: timer}]}
        """,
}
"""Each is at its limit at 20 executions a second."""


@dataclass(frozen=True)
class Cell:
    """What is run, at which multiple of its limit. engine: whether the whole judgement is made of runs by it."""

    system: str
    load: float
    replications: int
    jobs: int
    runs: int
    engine: bool = False

    def __str__(self) -> str:
        return f"{self.system} at {self.load:g}, {self.replications} x {self.jobs:,}"


TEMPLATE = "what `sim init` writes, one workflow task poller a pod"
TEMPLATE_FILE = Path(sim.scenario.__file__).parent / "template.yaml"
TEMPLATE_LIMIT = 35.0
"""Executions a second: of 34 the line of pollers does not grow within 4 minutes, of 36 it does by 1.1 a second."""


def called(cell: Cell) -> int:
    """Of how many of the cell's runs it is said that they are overloaded. The same cell always draws the same."""
    return sum(_of_networks(cell) if cell.engine else _of_queues(cell))


def _of_queues(cell: Cell) -> list[bool]:
    rng = np.random.default_rng(20261201)
    found: list[bool] = []
    while len(found) < cell.runs:
        count = min(max(1, RUNS_AT_ONCE // cell.replications), cell.runs - len(found))
        parts = batches(cell.system, cell.load, cell.jobs, count * cell.replications, rng)
        full, more, offered = (part.reshape(count, cell.replications, BATCHES) for part in parts)
        found += [offered_load(*one).is_overloaded for one in zip(full, more, offered, strict=True)]
    return found


def _of_networks(cell: Cell) -> list[bool]:
    if cell.system == TEMPLATE:
        return _of_template(cell)
    network = Network.model_validate(parse(NETWORKS[cell.system] % (20 * cell.load), "network").data)
    horizon = int(cell.jobs / 20 * 1e9)
    found = []
    for seed in range(cell.runs):
        plans = [Plan(seed, one, 0, horizon, 0, 0, horizon // SAMPLES) for one in range(cell.replications)]
        judged = overload(network, [run_one(network, plan) for plan in plans])
        assert judged is not None
        found.append(judged.overloaded)
    return found


def _of_template(cell: Cell) -> list[bool]:
    arrivals = f"workflows.checkout.arrivals={TEMPLATE_LIMIT * cell.load}/s"
    loaded = load(TEMPLATE_FILE, [arrivals, "workers.orders.workflow_task_pollers=1"])
    network, settings = loaded.lowered.network, loaded.scenario.run
    found = []
    for seed in range(cell.runs):
        window = measured(network, settings, seed, list)
        judged = overload(network, [run_one(network, window.plan(seed, one)) for one in range(cell.replications)])
        assert judged is not None
        found.append(judged.overloaded)
    return found


FAST = [
    Cell("M/M/1", STABLE, 10, 2000, 1000),
    Cell("M/M/1", TOO_MUCH, 10, 2000, 400),
    *[Cell(name, load, 10, 2000, 20, True) for name in NETWORKS for load in (STABLE, TOO_MUCH)],
]
FULL_SIZE = [
    Cell("M/M/1", 0.8, 10, 2000, 10_000),
    Cell("M/M/1", STABLE, 10, 2000, 10_000),
    Cell("M/M/1", 1.0, 10, 2000, 10_000),
    Cell("M/M/1", TOO_MUCH, 10, 2000, 10_000),
    *[Cell("M/M/1", load, 10, 600, 10_000) for load in (STABLE, TOO_MUCH)],
    *[Cell("M/M/1", load, 2, 5000, 10_000) for load in (STABLE, TOO_MUCH)],
    Cell("M/M/1", STABLE, 10, 60, 10_000),
    Cell("M/M/1", STABLE, 2, 300, 10_000),
    *[Cell(name, load, 10, 2000, 5000) for name in list(QUEUES)[1:] for load in (STABLE, TOO_MUCH)],
    *[Cell(name, load, 10, 12_000, 500) for name in list(QUEUES)[1:] for load in (STABLE, TOO_MUCH)],
    *[Cell(name, load, 10, 2000, 300, True) for name in NETWORKS for load in (STABLE, TOO_MUCH)],
    *[Cell(TEMPLATE, load, 10, 3500, 30, True) for load in (STABLE, TOO_MUCH)],
]


def table(cells: list[Cell], show: Callable[[str], None] = print) -> None:
    """Print how often each cell is called overloaded, as a Markdown table; the interval is Wilson's at 95 %."""
    show("| system at a multiple of its limit, replications x executions | by | runs | called overloaded | 95 % |")
    show("| --- | --- | ---: | ---: | --- |")
    for cell in cells:
        found = called(cell)
        low, high = wilson(found, cell.runs)
        by = "engine" if cell.engine else "recursion"
        show(f"| {cell} | {by} | {cell.runs:,} | {found:,} ({found / cell.runs:.2%}) | {low:.2%} to {high:.2%} |")


def wilson(found: int, of: int, z: float = 1.96) -> tuple[float, float]:
    share, scale = found / of, 1 + z**2 / of
    centre = (share + z**2 / (2 * of)) / scale
    reach = z / scale * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


if __name__ == "__main__":
    chosen = FAST if "fast" in sys.argv[1:] else FAST + FULL_SIZE
    if "template" in sys.argv[1:]:
        chosen = [cell for cell in FULL_SIZE if cell.system == TEMPLATE]
    table(chosen, show=lambda line: print(line, flush=True))
