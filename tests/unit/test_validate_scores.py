"""Errors beside the noise of the measurement: numbers worked by hand, and intervals held against what they promise.

Goal: a published error is neither flattered nor made worse by how it is put together. Method: synthetic cells whose
errors, noises and coverages are known.
"""

from __future__ import annotations

import doctest
import json
import math

import numpy as np
import pytest

import calibration.scores.kinds
from calibration.scores.kinds import load_range, target_of
from calibration.scores.score import (
    Forecast,
    Measured,
    beyond_noise,
    discrepancies,
    interval_of_one_run,
    pooled_noise,
    scores,
    table_scores,
)
from calibration.scores.summary import coverage_of, errors_of, worst
from calibration.scores.tables import scores_text
from calibration.systems.cells import PROBABILITIES


def cell(name: str = "c8", use: str = "held_out", **values: list[float]) -> Measured:
    arrays = {metric.replace("_", "."): np.array(found) for metric, found in values.items()}
    return Measured("postgres", "here", name, use, arrays, load="50-80")  # type: ignore[arg-type]


def forecast(**values: list[float]) -> Forecast:
    arrays = {metric.replace("_", "."): np.array(found) for metric, found in values.items()}
    return Forecast(arrays, command="sim run configs/real/pgbench-closed.yaml --set clients=8")


def test_what_the_doctests_say() -> None:
    assert doctest.testmod(calibration.scores.kinds).failed == 0


def test_the_noise_of_a_mean_of_repeats_is_taken_off_in_quadrature() -> None:
    # Repeats 9, 10, 11: sd 1, noise 10 %; the mean is known to 10 % / sqrt(3). Predicted 11: an error of 10 %.
    [score] = scores(cell(latency_mean=[9.0, 10.0, 11.0]), forecast(latency_mean=[10.9, 11.1]), {}, {})
    assert score.error == pytest.approx(0.1)
    assert score.noise == pytest.approx(0.1)
    assert score.corrected == pytest.approx(math.sqrt(0.1**2 - 0.1**2 / 3))
    assert score.monte_carlo == pytest.approx(0.1 / 11)  # sd 0.1414 / sqrt 2, of 11
    assert beyond_noise(0.05, 0.1, 3) == 0, "an error that the measurement may account for is none"


def test_a_single_run_borrows_the_noise_of_the_cells_that_were_repeated() -> None:
    repeated = cell("a", latency_mean=[9.0, 10.0, 11.0]), cell("b", latency_mean=[8.0, 10.0, 12.0])
    pooled = pooled_noise([*repeated, cell("c", latency_mean=[10.0])])
    assert pooled["latency.mean"] == pytest.approx(math.sqrt((0.1**2 + 0.2**2) / 2))
    [score] = scores(cell("c", latency_mean=[10.0]), forecast(latency_mean=[12.0, 12.0]), pooled, {})
    assert score.borrowed
    assert score.corrected == pytest.approx(math.sqrt(0.2**2 - 0.025))


def test_a_share_is_scored_by_its_difference_so_that_a_measured_zero_is_an_answer() -> None:
    [score] = scores(cell(aborts=[0.0, 0.0]), forecast(aborts=[0.02, 0.04]), {}, {})
    assert score.error == pytest.approx(0.03)
    assert score.noise == 0


def test_what_cannot_be_scored_gets_no_score() -> None:
    measured = cell(latency_mean=[0.0, 0.0], throughput=[1.0], recovery=[math.nan])
    assert scores(measured, forecast(latency_mean=[1.0, 1.0], recovery=[1.0, 1.0]), {}, {}) == []


def test_targets_belong_to_what_a_user_feels_and_not_to_its_parts() -> None:
    assert target_of("latency.p99") == 0.2
    assert target_of("schedule_to_start.activity.p50") == 0.1
    assert target_of("goodput") == target_of("throughput") == 0.05
    assert target_of("lag.mean") is None
    assert target_of("latency.p95") is None


def test_ranges_of_load() -> None:
    assert [load_range(share) for share in (0.49, 0.5, 0.8, 0.81, 1.0)] == [
        "<50",
        "50-80",
        "50-80",
        ">80",
        "overloaded",
    ]
    assert load_range(0.7, kept_up=False) == "overloaded"


def test_a_table_is_scored_quantile_by_quantile() -> None:
    levels = PROBABILITIES
    table = np.vstack([1 + levels, 1 + levels])
    predicted = (1 + levels) * np.where(levels < 0.5, 1.1, 0.8)
    measured = Measured("postgres", "here", "c8", "calibrated", {}, {"latency": table})
    [score] = table_scores(measured, Forecast({}, {"latency": predicted}))
    # q0.05 .. q0.49 are 45 quantiles at +10 %, q0.50 .. q0.95 are 46 at -20 %.
    assert score.mean == pytest.approx((45 * 0.1 + 46 * 0.2) / 91)
    assert score.largest == pytest.approx(0.2)
    assert score.p99 == pytest.approx(0.2)
    assert score.corrected == pytest.approx(score.mean), "repeats that agree leave nothing to take off"


@pytest.mark.parametrize(("replications", "discrepancy", "drift"), [(5, 0.0, 0.0), (5, 0.1, 0.0), (20, 0.1, 0.1)])
def test_intervals_of_one_run_cover_what_they_promise(replications: int, discrepancy: float, drift: float) -> None:
    # 2,000 truths, each off the model by the discrepancy, one run of each, on a host that drifts. Without the two the
    # interval is exact (t), with them the quadrature errs to the wide side: of coverage c the count is binomial, whose
    # five standard deviations are 3.4 % here; a false alarm in a million.
    generator = np.random.default_rng(6)
    inside, noise = 0, math.hypot(0.05, drift)
    for _ in range(2000):
        run = math.exp(generator.normal(0, discrepancy) + generator.normal(0, noise))
        values = np.exp(generator.normal(0, 0.05, replications))
        low, high = interval_of_one_run(values, discrepancy, noise if drift else 0.0)
        inside += low <= run <= high
    share = inside / 2000
    assert share > 0.9 - 0.034
    assert share < (0.9 if discrepancy == 0 else 0.96) + 0.034


def test_the_discrepancy_is_what_repeats_and_replications_do_not_account_for() -> None:
    generator = np.random.default_rng(7)
    found = []
    for index in range(400):
        truth = 10 * math.exp(generator.normal(0, 0.2))
        measured = cell(f"c{index}", latency_mean=list(truth * np.exp(generator.normal(0, 0.1, 3))))
        found += scores(measured, forecast(latency_mean=[9.9, 10.1]), {}, {})
    # The standard error of a 90 % quantile of 400 values is 7 % of their deviation, that of the deviation read from it
    # 4.4 %: more than four of them.
    assert discrepancies(found)["latency.mean"] == pytest.approx(0.2, rel=0.2)
    same = [one for one in found if abs(one.error) < one.noise / 10]
    assert discrepancies(same)["latency.mean"] == 0


def test_a_few_cells_that_are_far_off_do_not_make_all_intervals_wide() -> None:
    found = []
    for index in range(20):
        guess = [10.0, 10.0] if index else [100.0, 100.0]
        found += scores(cell(f"c{index}", latency_mean=[9.0, 9.0]), forecast(latency_mean=guess), {}, {})
    # 19 cells of 20 are off by log(10 / 9) = 0.105, and so is the one that 68 % are not beyond.
    assert discrepancies(found)["latency.mean"] == pytest.approx(math.log(10 / 9), rel=1e-3)


def test_coverage_counts_runs_and_its_error_counts_cells() -> None:
    # Predicted 9.9, 10, 10.1: the interval reaches 2.92 x 1 % x sqrt(4/3) to either side, so that 20 is not inside.
    found = []
    for index in range(4):
        measured = cell(f"c{index}", latency_mean=[10.0, 10.0, 20.0], schedule_mean=[10.0, 10.0, 20.0])
        guess = [9.9, 10.0, 10.1]
        found += scores(measured, forecast(latency_mean=guess, schedule_mean=guess), {}, {})
    coverage = coverage_of("mean", found)
    assert (coverage.inside, coverage.runs, coverage.cells) == (16, 24, 4)
    moved = (4 * 2 / 3 + 2) / 8
    assert coverage.error == pytest.approx(math.sqrt(moved * (1 - moved) / 8))


def test_errors_tell_median_worst_and_how_many_reach_the_target() -> None:
    found = []
    for index, factor in enumerate((1.02, 0.93, 1.3)):
        measured = cell(f"c{index}", throughput=[100.0, 100.0])
        found += scores(measured, forecast(throughput=[100 * factor, 100 * factor]), {}, {})
    errors = errors_of("throughput", found)
    assert errors.median == pytest.approx(0.07)
    assert errors.worst == pytest.approx(0.3)
    assert errors.bias == pytest.approx(0.02)
    assert (errors.within, errors.cells) == (1, 3)
    assert [score.cell for score in worst(found)] == ["c2", "c1", "c0"]
    json.dumps(errors.to_json(), allow_nan=False)


def test_the_text_fits_the_terminal_and_says_what_repeats_the_worst_cells() -> None:
    found = []
    for use in ("calibrated", "held_out"):
        measured = cell(f"tpcb-like-{use}", use, throughput=[100.0, 101.0], latency_p99=[5.0, 6.0], aborts=[0.0, 0.0])
        guess = forecast(throughput=[120.0, 121.0], latency_p99=[5.0, 5.2], aborts=[0.1, 0.1])
        found += scores(measured, guess, {}, {})
    text = scores_text(found, [], ["a4-load9: no scenario asks for it"])
    assert max(map(len, text.splitlines())) <= 100
    for said in ("CALIBRATED on here", "HELD OUT on here", "BY LOAD", "INTERVALS of one run", "NOT SCORED"):
        assert said in text
    assert "sim run configs/real/pgbench-closed.yaml --set clients=8" in text
