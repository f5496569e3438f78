"""Measured runs of Temporal's dev server as changes of a scenario.

Goal: whatever was set in a run is set in the scenario, in the words that a user would type. Method: one run of each
kind, its changes by hand; every run that is committed loads.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.systems import temporal
from calibration.systems.cells import Cell, read_cells
from sim.engine.reference import Engine

MEASURED = Path(__file__).parents[2] / "calibration" / "measured" / "epyc"
FILES = sorted(MEASURED.glob("temporal_b*.jsonl"))
CELLS = {cell.name: cell for cell in read_cells(FILES) if cell.settings["mode"] != "idle"}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_every_measured_run_is_a_scenario(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MEASURED.parents[2])
    loaded = temporal.case(cell).loaded()
    assert loaded.lowered.network.sources["job"] is not None


def test_settings_are_changes_that_a_user_would_type() -> None:
    changes = temporal.case(CELLS["open-mem-k1-fixed50-s1-w1-open10"]).changes
    assert "workflows.job.arrivals=10/s" in changes
    assert "workflows.job.steps.0.repeat.times=1" in changes
    assert "workflows.job.steps.0.repeat.steps.0.activity.service=50 ms" in changes
    assert "workers.jobs.activity_slots=1" in changes
    closed = temporal.case(CELLS["sat-mem-k3-fixed0-s100-w1-transferProcessorMaxPollRPS500-closed1"]).changes
    assert "temporal.transfer_queue.max_poll_rate=500/s" in closed
    assert "workflows.job.arrivals={closed: 1, think: 2 ms}" in closed


def test_failures_and_their_policy_are_set_where_there_are_some() -> None:
    name = next(name for name in CELLS if "fail_p" in name)
    changes = temporal.case(CELLS[name]).changes
    assert "workflows.job.steps.0.repeat.steps.0.activity.error_rate=10 %" in changes
    assert "workflows.job.retry={initial_interval: 100 ms, backoff_coefficient: 2}" in changes


def test_a_kill_comes_a_moment_after_the_last_start() -> None:
    case = temporal.case(CELLS["b2-kindstc-stc_s2-slots100-act_ms1000"])
    assert case.drill == "kill"
    # 40 within 0.8 s: the last one at 0.8 x 40 / 41 on average, and 0.1 s more.
    assert "workflows.job.arrivals={burst: 40, jitter: 0.8 s}" in case.changes
    assert "faults.kill.at=0.8805 s" in case.changes
    assert "workflows.job.steps.0.activity.start_to_close=2 s" in case.changes


def test_what_a_kill_costs_is_told_from_the_activities_that_were_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MEASURED.parents[2])
    case = temporal.case(CELLS["b2-kindstc-stc_s2-slots100-act_ms1000"])
    network = case.loaded().lowered.network
    reading = temporal.metrics(case, Engine(network, case.plan(1, 0)).run())
    # Started by 0.8 s before the kill, timed out after 2 s, tried again within 1.001 s and 1 s long; some ms of work.
    assert 2.2 < reading.values["recovery"] < 4.1
    assert reading.values["recovery.max"] - reading.values["recovery.p50"] < 1.0
    # The last one waits for the cache of the dead worker, 10 s more.
    assert 12.0 < reading.values["recovery.last"] < 14.2


def test_a_cache_that_is_lost_costs_the_sticky_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MEASURED.parents[2])
    case = temporal.case(CELLS["b2-kindsticky-stc_s60-sticky_s3-slots100-act_ms1500"])
    network = case.loaded().lowered.network
    reading = temporal.metrics(case, Engine(network, case.plan(1, 0)).run())
    assert reading.values["sticky.mean"] == pytest.approx(3.0, abs=0.1)
