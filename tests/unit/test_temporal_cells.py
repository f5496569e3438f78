"""Measured runs of Temporal's dev server as changes of a scenario.

Goal: whatever was set in a run is set in the scenario, in the words that a user would type. Method: one run of each
kind, its changes by hand; every run that is committed loads.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.calibrate.systems import temporal
from sim.observed.cells import Cell, read_cells

MEASURED = Path(__file__).parents[2] / "calibration" / "measured" / "epyc"
FILES = sorted(MEASURED.glob("temporal_b_*.jsonl")) + sorted(MEASURED.glob("temporal_b3_*.jsonl"))
CELLS = {cell.name: cell for cell in read_cells(FILES) if cell.settings["mode"] != "idle"}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_every_measured_run_is_a_scenario(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MEASURED.parents[2])
    loaded = temporal.case(cell).loaded()
    assert loaded.lowered.network.sources["job"] is not None


def test_settings_are_changes_that_a_user_would_type() -> None:
    changes = temporal.case(CELLS["open-mem-k1-fixed50-s1-w1-open10"]).changes
    assert "workflows.job.arrivals=9.667/s" in changes  # 58 in the 6 s of the last run
    assert "workflows.job.steps.1.repeat.times=0" in changes
    assert "workflows.job.steps.0.activity.service=50 ms" in changes
    assert "workers.jobs.activity_slots=1" in changes
    closed = temporal.case(CELLS["sat-mem-k3-fixed0-s100-w1-transferProcessorMaxPollRPS500-closed1"]).changes
    assert "temporal.transfer_queue.max_poll_rate=500/s" in closed
    assert "workflows.job.arrivals={closed: 1, think: 2 ms}" in closed


def test_failures_and_their_policy_are_set_where_there_are_some() -> None:
    name = next(name for name in CELLS if "fail_p" in name)
    changes = temporal.case(CELLS[name]).changes
    assert "workflows.job.steps.0.activity.error_rate=10 %" in changes
    assert "workflows.job.retry={initial_interval: 100 ms, backoff_coefficient: 2}" in changes
