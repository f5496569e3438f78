"""How often 95 % intervals hold the truth: the measurement, and its table.

`python tests/statistics/measured_coverage.py` writes COVERAGE.md, with what `make evidence-statistics` has kept of
cells near saturation, which take an hour of one core else; `... fast` prints the table of the quick cells.
A cell is a queue at a utilisation, observed by so many replications of so many jobs. Each seed gives one figure: an
interval, or a refusal. `wrong` is the share of all seeds that gave an interval without the truth in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import saturated
from lindley import QUEUES, Queue
from numpy.typing import NDArray

from calibration.evidence import record
from sim.figure import Figure
from sim.results.histogram import Histogram
from sim.stats.intervals import mean_interval
from sim.stats.quantiles import percentile_interval
from sim.stats.relaxation import MIN_BEYOND, MIN_FOR_MEAN

SEEDS = 1000
JOBS_AT_ONCE = 30_000_000


@dataclass(frozen=True)
class Cell:
    """A queue, and how it is observed."""

    queue: str
    rho: float
    replications: int
    jobs: int

    def __str__(self) -> str:
        return f"{self.queue} at {self.rho}, {self.replications} x {self.jobs:,}"


@dataclass
class Coverage:
    """Outcomes of one figure over seeds."""

    seeds: int = 0
    given: int = 0
    right: int = 0

    def add(self, figure: Figure, truth: float) -> None:
        self.seeds += 1
        if figure.value is not None:
            assert figure.low is not None
            assert figure.high is not None
            self.given += 1
            self.right += figure.low <= truth <= figure.high

    @property
    def share_given(self) -> float:
        return self.given / self.seeds

    @property
    def covered(self) -> float:
        """Share of the intervals given that hold the truth."""
        return self.right / self.given if self.given else float("nan")

    @property
    def wrong(self) -> float:
        return (self.given - self.right) / self.seeds


def measure(cell: Cell, seeds: int = SEEDS) -> dict[str, Coverage]:
    """Coverage of the mean and of the 99th percentile. The same cell always draws the same."""
    queue = QUEUES[cell.queue](cell.rho)
    found = {"mean": Coverage(), "p99": Coverage()}
    for runs in sojourns(queue, cell, seeds):
        mean, p99 = of_replications(runs)
        found["mean"].add(mean, queue.mean)
        found["p99"].add(p99, queue.p99)
    return found


def of_replications(runs: NDArray[np.float64]) -> tuple[Figure, Figure]:
    """Mean and p99 of sojourns (replications, jobs) in seconds."""
    durations_ns = np.rint(runs * 1e9).astype(np.int64)
    return mean_interval(runs.mean(axis=1), "s"), percentile_interval(
        [Histogram.of(run) for run in durations_ns], 0.99
    )


def sojourns(queue: Queue, cell: Cell, seeds: int) -> Iterator[NDArray[np.float64]]:
    """Sojourns (replications, jobs) of each seed in turn; many seeds are drawn at once, for speed."""
    rng = np.random.default_rng(20261124)
    at_once = max(1, min(seeds, JOBS_AT_ONCE // (cell.replications * cell.jobs)))
    for begin in range(0, seeds, at_once):
        count = min(at_once, seeds - begin)
        columns = queue.sample(cell.jobs, count * cell.replications, rng)
        for seed in range(count):
            own = columns[:, seed * cell.replications : (seed + 1) * cell.replications]
            yield np.ascontiguousarray(own.T)


FAST = [
    Cell("M/M/1", 0.5, 10, 2000),
    Cell("M/M/1", 0.8, 10, 2000),
    Cell("M/M/1", 0.95, 10, 2000),
    Cell("bursts", 0.5, 10, 2000),
]
FULL = [
    *[Cell("M/M/1", 0.5, replications, 4000) for replications in (5, 10, 40)],
    *[Cell("M/M/1", 0.8, 20, jobs) for jobs in (2000, 16_000)],
    *[Cell("M/M/1", 0.95, 20, jobs) for jobs in (8000, 64_000)],
    *[Cell("bursts", rho, 20, jobs) for rho, jobs in ((0.5, 8000), (0.8, 8000), (0.95, 16_000))],
    *[Cell("MMPP", rho, 20, jobs) for rho, jobs in ((0.5, 16_000), (0.8, 16_000), (0.95, 16_000))],
    *[Cell("breakdowns", rho, 20, jobs) for rho, jobs in ((0.5, 16_000), (0.8, 32_000), (0.95, 16_000))],
]


def table(cells: list[Cell], seeds: int = SEEDS, show: Callable[[str], None] = print) -> None:
    """Print the measured coverage of every cell, as a Markdown table."""
    show(f"{seeds} seeds a cell; nominal coverage 95 %.\n")
    show("| queue, utilisation, replications x jobs | figure | given | coverage of those given | wrong |")
    show("| --- | --- | ---: | ---: | ---: |")
    for cell in cells:
        for name, result in measure(cell, seeds).items():
            covered = f"{result.covered:.1%}" if result.share_given >= 0.05 else "-"
            show(f"| {cell} | {name} | {result.share_given:.0%} | {covered} | {result.wrong:.1%} |")


CLAIM = "test_what_is_given_near_saturation_holds_the_truth_at_full_size"
OF_CLAIM = "tests/statistics/test_near_saturation.py"


def near_saturation(cells: list[saturated.Cell], show: Callable[[str], None]) -> None:
    """Print what was measured near saturation, as a Markdown table: the evidence where there is any, else anew."""
    of_file = record.read("statistics").files.get(OF_CLAIM)
    claims = of_file.claims if of_file is not None else {}
    needed = f"A mean needs {MIN_FOR_MEAN} relaxation times in all runs together, a percentile {MIN_BEYOND} beyond it"
    show(f"{needed}, {2 * MIN_BEYOND} where work is more variable than\nexponential.\n")
    show(saturated.HEADS)
    for cell in cells:
        claim = claims.get(f"{CLAIM}[{cell}]")
        if claim is not None and "coverage" in claim.figures:
            found = claim.figures["coverage"]
        else:
            seen = saturated.measure(cell, saturated.seeds_of(cell))
            found = {level: one.as_figures() for level, one in seen.items()}
        for row in saturated.rows(cell, found):
            show(row)


HEAD = """# Measured coverage of 95 % intervals

Made by `python tests/statistics/measured_coverage.py`. What counts as right is asserted in `test_coverage.py` and
`test_near_saturation.py`. *Given*: share of seeds that got an interval and not a refusal.

## Where the relaxation time is not known

*Wrong*: share of all seeds whose interval does not hold the truth. Queues are described in `lindley.py`.
"""
NEAR = """
## Near saturation

Queues of `saturated.py`, from empty, 3 relaxation times dropped, by the rule of `sim/stats/relaxation.py`: it looks at
load, relaxation time and length of the runs alone. *Mean error*: of the values given, with two standard errors.
"""


if __name__ == "__main__":
    if "fast" in sys.argv[1:]:
        table(FAST, show=lambda line: print(line, flush=True))
        near_saturation(saturated.FAST, lambda line: print(line, flush=True))
    else:
        lines = [HEAD]
        table(FAST + FULL, show=lines.append)
        lines.append(NEAR)
        near_saturation(saturated.FAST + saturated.FULL, lines.append)
        Path(__file__).with_name("COVERAGE.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
