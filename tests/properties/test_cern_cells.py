"""Cells of `configs/cern.yaml` run whole: two and four in one deployment give the figures of one.

Goal: what is said of one cell holds for many. Method: a cell has queues, workers and rows of its own; services and
masters are those of all cells, as many times as large. Each cell of each run is an observation, four of each size;
means agree within Student's bound on their difference that a true claim misses once in 16,000, for each figure.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import Loaded, load
from sim.scenario.reading.reader import load_yaml
from sim.units.tables import SECOND

FILE = Path(__file__).parents[2] / "configs" / "cern.yaml"
OBSERVATIONS = 4

pytestmark = pytest.mark.long


def whole(cells: int) -> Loaded:
    """So many cells in one deployment."""
    data = load_yaml(FILE.read_text(encoding="utf-8"), str(FILE))
    data.pop("objectives")
    for part in ("workflows", "workers", "records"):
        data[part] = {f"{name}{cell}": value for cell in range(cells) for name, value in data[part].items()}
    for name, workflow in data["workflows"].items():
        cell = name[-1]
        text = json.dumps(workflow)
        for word in ("control", "grid", "training", "catalogue"):
            text = text.replace(f'"{word}"', f'"{word}{cell}"')
        data["workflows"][name] = json.loads(text)
    temporal = data["temporal"]
    temporal["history_shards"] *= cells
    for service in ("history", "matching"):
        temporal[service]["replicas"] *= cells
    data["postgres"]["cpu"] *= cells
    return load(json.dumps(data, indent=1))


@cache
def figures(cells: int) -> dict[str, list[float]]:
    """Figures of each cell, over as many runs as give the wanted number of cells."""
    found: dict[str, list[float]] = {"latency_s": [], "local_share": [], "transitions": []}
    network = whole(cells).lowered.network
    for seed in range(OBSERVATIONS // cells):
        plan = Plan(seed=10 * cells + seed, horizon_ns=450 * SECOND, follow_ns=0, drain_ns=7200 * SECOND)
        run = run_one(network, plan)
        rows = run.executions
        for cell in range(cells):
            mine = rows.cohort[rows.routine[rows.cohort] == run.routines.index(f"analysis{cell}")]
            counts = {name: number for (routine, name), number in run.counts.items() if routine == f"analysis{cell}"}
            assert (rows.outcome[mine] == 0).all()
            found["latency_s"].append(float(np.mean(rows.end_ns[mine] - rows.start_ns[mine])) / 1e9)
            found["local_share"].append(counts[f"local_grid{cell}"] / counts[f"reading_grid{cell}"])
            found["transitions"].append(counts["transition"] / len(mine))
    return found


@pytest.mark.parametrize("cells", [2, 4])
def test_cells_in_one_deployment_have_the_figures_of_one(cells: int) -> None:
    one, many = figures(1), figures(cells)
    for name, values in many.items():
        assert len(values) == len(one[name]) == OBSERVATIONS
        error = np.hypot(np.std(values, ddof=1), np.std(one[name], ddof=1)) / OBSERVATIONS**0.5
        # Four observations on either side: Student's quantile of 6 degrees of freedom, 9.9, in the place of 4.
        assert abs(np.mean(values) - np.mean(one[name])) <= 10 * error + 1e-9, name
        assert np.std(values + one[name]) < 0.2 * abs(np.mean(one[name])) + 0.5, name  # the claim is not an empty one
