"""Cells of `configs/uber-burst.yaml` run whole: two and four in one deployment give the figures of one.

Goal: what is said of one cell of four holds for a million tasks. Method: two minutes of letting tasks in, two runs of
each size. Tasks at work in a cell are Poisson; the waits of many cells are shorter by what more cores share better,
which is told by one cell's own wait for its cores.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import load
from sim.results.columns import Replication
from sim.units.tables import SECOND

FILE = Path(__file__).parents[2] / "configs" / "uber-burst.yaml"
MINUTES = 2
RATE_PER_S = 70

pytestmark = pytest.mark.long


@cache
def runs(cells: int) -> list[Replication]:
    """So many cells in one deployment: as many times the load, the nodes, the shards, the pods and the cores."""
    sets = [
        f"temporal.history_shards={128 * cells}",
        f"temporal.history.replicas={cells}",
        f"postgres.cpu={2 * cells}",
    ]
    for pool in (1, 2, 3):
        sets.append(f"workflows.task-{pool}.arrivals.poisson={RATE_PER_S * cells}/s")
        sets.append(f"workers.pool-{pool}.replicas={2500 * cells}")
    network = load(FILE, sets).lowered.network
    return [run_one(network, Plan(seed=seed, horizon_ns=MINUTES * 60 * SECOND, drain_ns=0)) for seed in (1, 2)]


def wait_ms(cells: int) -> float:
    """Mean wait of a task for its start."""
    spans = [run.spans["schedule_to_start.pool-1"] for run in runs(cells)]
    return float(np.mean([span.sum_ns / span.count for span in spans])) / 1e6


@pytest.mark.parametrize("cells", [1, 2, 4])
def test_tasks_at_work_are_those_let_in(cells: int) -> None:
    for run in runs(cells):
        at_work = run.places["pool-1-activity-slots"].busy_area / (MINUTES * 60 * SECOND)
        # None ends, so on average half of what is let in, less some 0.1 s of 2 min; Poisson, within 4 deviations.
        expected = cells * RATE_PER_S * MINUTES * 60 / 2
        assert abs(at_work - expected) <= 4 * (cells * RATE_PER_S * MINUTES * 60 / 3) ** 0.5 + 0.002 * expected


@pytest.mark.parametrize("cells", [2, 4])
def test_cells_in_one_deployment_wait_as_long_as_one_and_never_longer_than_sharing_explains(cells: int) -> None:
    cpu = runs(1)[0].places["postgres-cpu"]
    # What a task of one cell waits for its two cores in all, before its start and after.
    shared_ms = cpu.wait_sum_ns / 1e6 / runs(1)[0].spans["schedule_to_start.pool-1"].count
    assert abs(wait_ms(cells) - wait_ms(1)) <= shared_ms
    assert shared_ms < 0.5 * wait_ms(1)  # the claim is not an empty one: most of the wait is of another kind
