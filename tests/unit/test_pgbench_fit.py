"""The fit behind configs/postgres-pgbench.yaml: it repeats, it is what the scenario uses, and it never saw the answer.

Goal: no number of the scenario can drift from its derivation or come from the run that is predicted. Method: the
fit is done again from the committed measurements; its parts are tried on logs made up for them.
"""

from __future__ import annotations

import gzip
import hashlib
import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration import pgbench
from sim.network.distributions import Constant, Lognormal
from sim.network.places import Server
from sim.network.routines import DelayStep, Use
from sim.network.sources import PoissonArrivals
from sim.scenario.reading.reader import load_yaml


@pytest.fixture(scope="module")
def fits() -> dict[str, Any]:
    data: dict[str, Any] = load_yaml(pgbench.FITS.read_text(encoding="utf-8"), "fits")
    return data


def value(fits: dict[str, Any], name: str) -> float:
    return float(fits["parameters"][name]["value"])


def log_file(path: Path, latencies_us: list[int]) -> Path:
    """A log of one client in a closed loop without pauses, started at 1000 s."""
    lines, now_us = [], 1_000_000_000
    for number, latency_us in enumerate(latencies_us, 1):
        now_us += latency_us
        lines.append(f"0 {number} {latency_us} 0 {now_us // 10**6} {now_us % 10**6}\n")
    path.write_bytes(gzip.compress("".join(lines).encode()))
    return path


def noisy_us(mean_us: float, count: int, seed: int) -> list[int]:
    draws: list[int] = np.random.default_rng(seed).normal(mean_us, 0.1 * mean_us, count).astype(int).tolist()
    return draws


def test_the_fit_repeats_to_the_last_digit_of_the_committed_file() -> None:
    parameters = pgbench.fit(pgbench.ONE_CLIENT_LOG, pgbench.CLOSED_LOOP)
    assert pgbench.fits_text(parameters) == pgbench.FITS.read_text(encoding="utf-8")


def test_every_fitted_number_of_the_scenario_is_that_of_the_fits_file(fits: dict[str, Any]) -> None:
    network = pgbench.model()
    connections, host = network.resources["connections"], network.stations["host"]
    (use,) = (step.use for step in network.routines["transaction"] if isinstance(step, Use))
    assert connections.opening == Constant(constant_ns=round(value(fits, "opening") * 1e6))
    assert isinstance(host, Server)
    assert host.contention is not None
    assert host.contention.contention == value(fits, "contention")
    assert host.contention.coherency == 0
    demand_ns = round(value(fits, "demand_mean") * 1e6)
    assert use.demand == Lognormal(mean_ns=demand_ns, cv=value(fits, "demand_cv"))


def test_every_other_number_of_the_scenario_is_an_argument_of_the_run_or_of_linux() -> None:
    network = pgbench.model()
    (source,) = network.sources.values()
    delay = network.routines["transaction"][0]
    assert source.arrivals == PoissonArrivals(poisson_per_s=1750.0)  # -R 1750
    assert source.stop_ns == pgbench.scenario().run.horizon_ns == 6_000_000_000  # -T 6
    assert network.resources["connections"].units == 8  # -c 8
    assert network.resources["connections"].open == 0
    assert isinstance(delay, DelayStep)
    assert delay.delay == Constant(constant_ns=50_000)  # timer slack


def test_the_other_demand_that_the_scenario_names_is_that_of_the_whole_log(fits: dict[str, Any]) -> None:
    mean, cv = value(fits, "whole_log_demand_mean"), value(fits, "whole_log_demand_cv")
    assert f"demand: {{mean: {mean:g} ms, cv: {cv:g}}}" in pgbench.SCENARIO.read_text(encoding="utf-8")


def test_the_fit_sees_one_client_and_the_closed_loop_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: dict[str, Any]
) -> None:
    inputs = [pgbench.ONE_CLIENT_LOG, pgbench.CLOSED_LOOP]
    hashes = {str(path.relative_to(pgbench.ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in inputs}
    assert fits["inputs"] == hashes
    assert list(inspect.signature(pgbench.fit).parameters) == ["one_client_log", "closed_loop", "connections"]
    expected = pgbench.fit(pgbench.ONE_CLIENT_LOG, pgbench.CLOSED_LOOP)
    log, closed_loop = (Path(shutil.copy(path, tmp_path)) for path in inputs)
    for name in ("MEASURED", "ONE_CLIENT_LOG", "CLOSED_LOOP", "PREDICTED_LOG", "FITS", "SCENARIO"):
        monkeypatch.setattr(pgbench, name, tmp_path / "absent")
    assert pgbench.fit(log, closed_loop) == expected


def test_closed_loop_throughputs_are_of_runs_without_a_schedule() -> None:
    cells = [json.loads(line) for line in pgbench.CLOSED_LOOP.read_text(encoding="utf-8").splitlines()]
    assert all(cell["rate_target"] is None for cell in cells)
    assert len(pgbench.closed_loop_per_s(pgbench.CLOSED_LOOP, 1)) == 3
    assert len(pgbench.closed_loop_per_s(pgbench.CLOSED_LOOP, 8)) == 3


def test_a_log_is_read_in_milliseconds_from_the_start_of_its_first_transaction(tmp_path: Path) -> None:
    log = pgbench.read_log(log_file(tmp_path / "log.gz", [2500, 500, 999_000]))
    assert log.latency_ms.tolist() == [2.5, 0.5, 999.0]
    assert log.end_ms == pytest.approx([2.5, 3.0, 1002.0])


def test_a_log_with_the_lag_of_a_schedule_is_read_alike() -> None:
    log = pgbench.read_log(pgbench.PREDICTED_LOG)
    assert len(log.latency_ms) == 10_448
    assert log.latency_ms[:2].tolist() == [3.885, 8.181]


def test_a_change_of_level_is_found_at_its_block(tmp_path: Path) -> None:
    log = log_file(tmp_path / "log.gz", noisy_us(900, 3000, seed=1) + noisy_us(1100, 1500, seed=2))
    assert pgbench.last_segment_start_ms(pgbench.read_log(log)) == pytest.approx(2700, abs=pgbench.BLOCK_MS)


@pytest.mark.parametrize("seed", range(10))
def test_a_steady_log_has_no_change(tmp_path: Path, seed: int) -> None:
    log = pgbench.read_log(log_file(tmp_path / "log.gz", noisy_us(900, 4500, seed)))
    assert pgbench.last_segment_start_ms(log) == 0


def test_a_demand_after_a_change_is_that_of_its_segment(tmp_path: Path) -> None:
    log = log_file(tmp_path / "log.gz", [2000, *noisy_us(900, 3000, seed=1), *noisy_us(1100, 1500, seed=2)])
    parameters = pgbench.fit(log, pgbench.CLOSED_LOOP)
    # 1500 draws with a cv of 0.1 have a mean to 0.3 %; one block too many or too few is another 0.2 %.
    assert parameters["demand_mean"].value == pytest.approx(1.1, rel=0.015)
    assert parameters["demand_cv"].value == pytest.approx(0.1, rel=0.15)
    assert parameters["opening"].value == pytest.approx(2.0 - 0.94, abs=0.05)


@pytest.mark.parametrize(("c", "clients"), [(0.0, 8), (0.2231, 8), (1.0, 2)])
def test_contention_is_what_gives_the_speed_up(c: float, clients: int) -> None:
    assert pgbench.contention(clients / (1 + c * (clients - 1)), clients) == pytest.approx(c)
