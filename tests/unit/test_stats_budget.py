"""The error budget: hand-worked limits, counts against a plain loop, and whole error budgets against truth.

Goal: an availability made of rare faults is neither wrong nor more certain than its episodes are. Method: formulas on
fixed numbers; a fault whose harm is known exactly (all that come during an outage fail); a queue whose after-effects
nobody has a formula for, held against a run in which faults come as rarely as they really do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.published.asking import Loss, Runs
from calibration.published.case_study import CaseStudy, at_least, registry_of
from calibration.published.check import Checker
from calibration.published.error_budget import turning_factor
from calibration.published.losses import Losses, losses, lost_by_an_episode
from calibration.published.registry import Mechanism, RunOf
from sim.figure import Figure
from sim.lower.load import load
from sim.results.columns import OPEN
from sim.stats.sums import YEAR_S, Frequency
from sim.studies.run.study import Options, predict

QUEUE = """\
name: queue
network:
  sources:
    jobs: {{routine: job, arrivals: {arrivals}}}
  stations:
    server: {server}
  routines:
    job:
      - attempt: {{schedule_to_close: 3 s, steps: [{{use: server}}]}}
{faults}
run: {{horizon: 1 h, warmup: none, replications: {replications}, drain: 1 min}}
"""
OUTAGE = "{targets: [{group: server}], effect: errors, probability: 1, mttf: %s, duration: {exponential: 30 s}}"
PAUSE = "{targets: [{group: server}], effect: pause, mttf: %s, duration: {mean: 90 s, cv: 1}}"
RUNS = {"calm": RunOf(file="calm.yaml"), "often": RunOf(file="often.yaml")}


def scenario(folder: Path, name: str, arrivals: str, server: str, fault: str = "", replications: int = 10) -> Path:
    faults = f"  faults:\n    stops: {fault}" if fault else ""
    path = folder / f"{name}.yaml"
    text = QUEUE.format(arrivals=arrivals, server=server, faults=faults, replications=replications)
    path.write_text(text, encoding="utf-8")
    return path


def error_budget(folder: Path, **how_often: str) -> Figure:
    study = CaseStudy("1", RUNS)
    stops = Loss("often", "stops", "made up", **how_often)

    @study.predicts("a.one", at_least(0.99, "ratio"), mechanism=Mechanism(name="a part", remove=("run.seed=2",)))
    def one(runs: Runs) -> Figure:
        return runs.error_budget("job", "calm", stops)

    (row,) = Checker(registry_of([study]), folder, Options(processes=1)).rows()
    assert row.predicted is not None
    return row.predicted


def contains(figure: Figure, truth: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low <= truth <= figure.high


# -- formulas -----------------------------------------------------------------------------------------------------


def test_where_nothing_was_lost_a_few_episodes_may_lose_all_that_was_open() -> None:
    lost = lost_by_an_episode(Losses((20, 40), (0, 0), (500, 500), 1000))
    assert (lost.value, lost.n, lost.most) == (0, 60, 1000)
    low, high = lost.draws(100_000, np.random.default_rng(1))
    assert not low.any()
    # -log(0.05) = 2.9957; of 100,000 draws the quantile is within 3 % of it but once in a million runs.
    assert np.quantile(high, 0.95) == pytest.approx(1000 * 2.9957 / 60, rel=0.03)
    few = lost_by_an_episode(Losses((2,), (0,), (500,), 1000))
    assert few.draws(1000, np.random.default_rng(1))[1].max() == 1000  # no more than all


def test_what_was_lost_is_spread_over_the_episodes() -> None:
    lost = lost_by_an_episode(Losses((10, 10, 10), (20, 50, 50), (500, 500, 500), 1000))
    assert lost.value == pytest.approx(4)
    # The mean of 2, 5 and 5, whose standard error is 1, with Student's t of 2 degrees.
    assert lost.error == pytest.approx(1)
    assert np.quantile(lost.pivots, 0.975) == pytest.approx(4.303, rel=0.02)


def test_a_rate_seen_a_few_times_is_known_as_well_as_that() -> None:
    # Two in two years: Gamma(2.5, 2 years), whose quantiles are those of a chi-square of 5 degrees over 4 years.
    rate = Frequency.of_seen(2, 2 * YEAR_S).figure()
    assert rate.value == pytest.approx(1.25)
    assert rate.low == pytest.approx(0.8312 / 4, rel=1e-3)
    assert rate.high == pytest.approx(12.8325 / 4, rel=1e-3)
    assert Frequency.of_seen(0, 5 * YEAR_S).figure().high == pytest.approx(5.0239 / 10, rel=1e-3)


def test_the_turning_rate_fills_the_budget_to_the_brim() -> None:
    bad = Figure(0.0, "ratio", 0.0, 6e-5)
    mine = Figure(0.0, "ratio", 0.0, 2e-5)
    factor = turning_factor(0.9999, bad, mine)
    assert factor == pytest.approx(3)  # 4e-5 by others, 3 x 2e-5 by this one: 1e-4
    assert turning_factor(0.99999, bad, mine) is None  # the others alone break it
    assert turning_factor(0.9999, bad, Figure.exact(0.0, "ratio")) is None


# -- counts -------------------------------------------------------------------------------------------------------


def test_losses_are_counted_as_a_plain_loop_counts_them(tmp_path: Path) -> None:
    path = scenario(tmp_path, "often", "2/s", "{servers: 8, service: {exponential: 2 s}}", OUTAGE % "5 min", 3)
    runs = predict(load(path, ["run.warmup=5 min"]), Options(processes=1)).replications
    found = losses(runs, "stops", "job", 4_000_000_000)
    most = 0
    for index, run in enumerate(runs):
        rows = run.executions
        begun = [one for one in run.episodes if run.begin_ns <= one.start_ns < run.horizon_ns]
        assert found.episodes[index] == len(begun) > 0
        good = sum(
            rows.outcome[row] == 0 and rows.end_ns[row] - rows.start_ns[row] <= 4_000_000_000 for row in rows.cohort
        )
        assert found.started[index] - found.bad[index] == good
        for one in begun:
            over = one.end_ns if one.end_ns >= 0 else run.end_ns
            present = sum(
                start <= over and (outcome == OPEN or end >= one.start_ns)
                for start, end, outcome in zip(rows.start_ns, rows.end_ns, rows.outcome, strict=True)
            )
            most = max(most, present)
    assert found.exposed == most


# -- whole error budgets ------------------------------------------------------------------------------------------


def test_an_outage_in_which_all_fails_costs_its_length(tmp_path: Path) -> None:
    server = "{servers: 100, service: 10 ms}"
    scenario(tmp_path, "calm", "5/s", server)
    scenario(tmp_path, "often", "5/s", server, OUTAGE % "5 min")
    found = error_budget(tmp_path, rate="1/day")
    # The calm run allows for what nobody has seen in it, 3 of 180,000.
    assert found.high is not None
    assert found.low is not None
    assert found.low <= 1 - 30 / 86400 <= found.high + 2e-5
    assert "365 a year (made up)" in found.note
    # A hundredth is allowed, which 28.8 a day take up on average; the upper end is a bit beyond, so fewer.
    turning = float(found.note.rpartition("turns at ")[2].removesuffix(" a year").replace(",", ""))
    assert 0.6 * 28.8 * 365 < turning < 28.8 * 365


def test_evidence_of_a_rate_widens_the_error_budget(tmp_path: Path) -> None:
    server = "{servers: 100, service: 10 ms}"
    scenario(tmp_path, "calm", "5/s", server)
    scenario(tmp_path, "often", "5/s", server, OUTAGE % "5 min")
    seen, known = error_budget(tmp_path, seen="7 in 10 days"), error_budget(tmp_path, rate="0.75/day")
    assert seen.value == pytest.approx(known.value)
    assert seen.half_width is not None
    assert known.half_width is not None
    assert seen.half_width > 1.5 * known.half_width


@pytest.mark.long
def test_a_queue_with_after_effects_has_the_availability_that_rare_faults_leave_it(tmp_path: Path) -> None:
    server = "{servers: 1, service: {exponential: 100 ms}}"
    scenario(tmp_path, "calm", "7/s", server)
    scenario(tmp_path, "often", "7/s", server, PAUSE % "10 min")
    truly = scenario(tmp_path, "truly", "7/s", server, PAUSE % "4 h")
    brute = predict(load(truly, ["run.horizon=16 h"]), Options()).summary.metrics["availability.job"]
    found = error_budget(tmp_path, rate="5.963/day")  # a pause comes every 4 h and its own 90 s
    assert found.low is not None
    assert found.high is not None
    assert brute.low is not None
    assert brute.high is not None
    assert found.low <= brute.high
    assert brute.low <= found.high
