"""`sim calibrate LOG`: what is printed, what is written, and that what is written runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.cli import main as calibration_main
from sim.cli import main
from sim.lower.load import load
from sim.scenario.reading.reader import load_yaml
from sim.studies.run.study import Options, predict

ROOT = Path(__file__).parents[2]
ONE_CLIENT = ROOT / "calibration" / "measured" / "epyc" / "pgbench-log" / "tpcb_c1.log.gz"
ORDERS = ROOT / "notebooks" / "data" / "order-histories.jsonl.gz"
HISTOGRAM = ROOT / "tests" / "unit" / "samples" / "prometheus-query-range.json"


@pytest.fixture
def called(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in ("calibrate", *words)], exit_after=False)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def closed_log(folder: Path, clients: int = 1, n: int = 400) -> Path:
    """A log of clients without pauses; gamma times of 2 ms, cv 0.4."""
    generator = np.random.default_rng(1)
    path = folder / "pgbench_log.1"
    lines = []
    for client in range(clients):
        ends = 10**15 + np.cumsum(generator.gamma(6.25, 320, n)).astype(int)
        times = np.diff(ends, prepend=10**15)
        rows = enumerate(zip(times, ends, strict=True), 1)
        lines += [f"{client} {i} {t} 0 {end // 10**6} {end % 10**6}" for i, (t, end) in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_it_prints_what_is_in_a_log_and_the_distribution_as_a_line_of_yaml(called: Any, tmp_path: Path) -> None:
    code, out, _ = called(closed_log(tmp_path))
    assert code == 0
    assert "pgbench_log.1: pgbench log" in out
    assert "\nlatency: {gamma: {mean: " in out or "\nlatency: {mean: " in out
    assert "p = " in out


def test_the_fits_are_written_with_data_and_command(called: Any, tmp_path: Path) -> None:
    log, file = closed_log(tmp_path), tmp_path / "out" / "fits.yaml"
    code, _, err = called(log, "--write", file)
    assert code == 0
    assert f"fits: {file}" in err
    data = load_yaml(file.read_text(encoding="utf-8"), "fits.yaml")
    assert data["command"].startswith("sim calibrate ")
    assert len(data["data"][log.as_posix()]) == 64
    fit = data["service_times"]["latency"]
    mean = fit["parameters"]["mean"]
    assert mean["low"] < mean["value"] < mean["high"]
    assert mean["value"] == pytest.approx(0.002, rel=0.1)  # 2 % standard error


def test_a_log_of_one_client_becomes_a_scenario_that_gives_its_latency_back(called: Any, tmp_path: Path) -> None:
    scenario = tmp_path / "pg.yaml"
    code, _, _ = called(closed_log(tmp_path), "--scenario", scenario, "--cpu", 2, "--quiet")
    assert code == 0
    found = predict(load(scenario), Options(replications=5, processes=1)).summary.metrics["latency.transaction.mean"]
    assert found.value == pytest.approx(0.002, rel=0.1)  # 2 % standard error of the log


def test_the_times_of_several_clients_are_delays_of_that_load(called: Any, tmp_path: Path) -> None:
    scenario = tmp_path / "pg.yaml"
    code, _, _ = called(closed_log(tmp_path, clients=3), "--scenario", scenario, "--quiet")
    text = scenario.read_text(encoding="utf-8")
    assert code == 0
    assert "arrivals: {closed: 3}" in text
    assert "- delay: " in text
    load(scenario)


@pytest.mark.parametrize("like", [None, ROOT / "configs" / "real" / "temporal.yaml"], ids=["assumed", "like"])
def test_histories_become_a_scenario_with_their_steps(called: Any, like: Path | None, tmp_path: Path) -> None:
    scenario = tmp_path / "orders.yaml"
    code, _, _ = called(ORDERS, "--scenario", scenario, "--quiet", *(["--like", like] if like else []))
    assert code == 0
    data = load_yaml(scenario.read_text(encoding="utf-8"), "orders.yaml")
    charge, both, pause, ship = data["workflows"]["order"]["steps"]
    assert charge["activity"]["name"] == "charge"
    assert [branch[0]["activity"]["name"] for branch in both["parallel"]] == ["notify", "reserve"]
    assert pause == {"sleep": "500 ms"}
    assert ship["activity"]["task_queue"] == "shipping"
    assert ship["activity"]["error_rate"] == "11.8 %"  # 8 of 68 attempts
    assert data["temporal"]["eager_activities"] is True
    assert data["presets"]["sdk"] == "python"
    assert set(data["workers"]) == {"orders", "shipping"}
    load(scenario)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scenario", "x.yaml"], "add   --cpu 2"),
        (["--cpu", "2"], "add   --scenario OUT.yaml"),
        (["--kind", "waits"], "kinds: latency"),
        (["--check"], "No such option"),
        (["--scenario", "x.yaml", "--cpu", "2", "--like", "y.yaml"], "is for workflow histories"),
    ],
)
def test_an_option_that_does_not_belong_is_told(called: Any, words: list[str], says: str, tmp_path: Path) -> None:
    code, _, err = called(closed_log(tmp_path), *words)
    assert code == 2
    assert says in err


def test_options_of_a_log_are_not_for_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibration_main(["study", str(tmp_path / "study.yaml"), "--kind", "x"], exit_after=False) == 2
    assert "No such option" in capsys.readouterr().err


def test_a_histogram_has_no_order_of_calls_and_makes_no_scenario(called: Any, tmp_path: Path) -> None:
    code, _, err = called(HISTOGRAM, "--kind", "service_latency.Respond*", "--scenario", tmp_path / "x.yaml")
    assert code == 2
    assert "sim init" in err
    assert not (tmp_path / "x.yaml").exists()


def test_the_help_says_what_is_read(called: Any) -> None:
    code, out, _ = called("--help")
    assert code == 0
    for word in ("pgbench -l", "Prometheus", "Jaeger", "k6", "locust"):
        assert word in out
