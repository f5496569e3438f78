"""PostgreSQL under pgbench: measured cells become changes of a scenario; its mechanisms do what they are there for.

Method: cells of calibration/measured; short runs of `configs/real` in which only one mechanism is changed. Distances
are those that the mechanism is known to make, many times the noise of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from calibration.systems import postgres
from calibration.systems.cells import Cell, read_cells
from calibration.systems.readings import Reading
from sim.engine import fast
from sim.lower.load import load
from sim.results.columns import Replication

ROOT = Path(__file__).parents[2]
MEASURED = sorted((ROOT / "calibration/measured/epyc").glob("pg_*.jsonl"))
FILES = sorted(postgres.SCENARIOS.values())


@cache
def cells() -> dict[str, Cell]:
    """A cell of each name that has a scenario."""
    found = {cell.name: cell for cell in read_cells(MEASURED)}
    return {name: cell for name, cell in found.items() if cell.settings["mode"] in postgres.SCENARIOS}


def run(name: str, *changes: str, seconds: float | None = None) -> tuple[Reading, Replication]:
    """A measured cell, predicted by one run with these changes, or with a shorter one."""
    case = postgres.case(cells()[name]).with_changes(changes)
    if seconds is not None:
        case = replace(case, duration_ns=round(seconds * 1e9))
    replication = fast.run(case.loaded().lowered.network, case.plan(1, 0))
    return postgres.metrics(case, replication), replication


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_every_measured_run_of_pgbench_is_a_scenario_with_changes_that_fit() -> None:
    assert {cell.settings["mode"] for cell in cells().values()} == set(postgres.SCENARIOS)
    by_mode = {cell.settings["mode"]: postgres.case(cell) for cell in cells().values()}
    for case in by_mode.values():
        assert case.loaded().lowered.network.sources
    assert {case.scenario for case in by_mode.values()} == set(FILES)


def test_what_all_scenarios_do_is_done_in_the_same_way_and_with_the_same_constants() -> None:
    networks = [load(file).lowered.network for file in FILES]
    for index, one in enumerate(networks):
        for other in networks[index + 1 :]:
            assert one.stations == other.stations
            assert one.faults == other.faults
            shared = one.routines.keys() & other.routines.keys() - {"first", "tpcb", "poll"}
            assert shared >= {"turn", "core", "flush", "commit_work", "reply"}
            assert {name: one.routines[name] for name in shared} == {name: other.routines[name] for name in shared}


def test_one_client_flushes_for_itself_and_eight_share_their_flushes() -> None:
    def commits_per_flush(name: str, changes: Sequence[str] = ()) -> float:
        _, replication = run(name, *changes, seconds=1)
        return replication.spans["span.transaction"].count / replication.places["device"].all_requested

    alone = ["network.routines.follow=[{acquire: wal}]"]
    assert commits_per_flush("a1-tpcb-like-on-c1") == pytest.approx(1, abs=0.01)
    assert commits_per_flush("a1-tpcb-like-on-c8") > 1.2
    assert commits_per_flush("a1-tpcb-like-on-c8", alone) == pytest.approx(1, abs=0.01)


def test_hot_rows_abort_under_repeatable_read_only_and_the_less_the_more_rows_there_are() -> None:
    def aborted(*changes: str) -> float:
        return run("a5-serializable-rows10-c8", *changes, seconds=0.5)[0].values["aborts"]

    aborts = [
        aborted(f"network.attributes.isolation={isolation}", f"network.nodes.rows.count={rows}")
        for isolation, rows in ((0, 10), (1, 1), (1, 10), (1, 1000))
    ]
    assert aborts[0] == 0
    assert aborts[1] > 2 * aborts[2] > 20 * aborts[3] > 0
    # Without what makes snapshots stale, those that wait for a lock are let through as well.
    assert aborted("network.routines.invalidate=[]") == 0


def test_a_recovery_takes_the_longer_the_longer_the_load_was_but_not_in_proportion() -> None:
    short, long = (run(f"a4-load{seconds}")[0].values for seconds in (1, 4))
    assert short["recovery"] == pytest.approx(0.26, rel=0.15)
    assert 1.4 < long["recovery"] / short["recovery"] < 2.5
    records_only = "network.routines.replay.0.branch.0.probability=0"
    assert run("a4-load4", records_only)[0].values["recovery"] < 0.5 * long["recovery"]


def test_beyond_saturation_the_wait_for_a_connection_grows_with_the_run() -> None:
    name, faster = "a2-tpcb-like-on-c8-50", "network.sources.clients.arrivals=4300/s"
    half, flooded = (run(name, *changes)[0].values for changes in ((), (faster,)))
    assert half["lag.mean"] < 0.3
    assert flooded["lag.mean"] > 100
    assert flooded["throughput"] == pytest.approx(3500, rel=0.1)
