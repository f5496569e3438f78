"""Whole error budgets against truth: rare faults by conditional episodes, by brute force, and by theory.

Goal: what cannot be seen in a run of any length that one would wait for is told rightly by episodes, and cheaply.

Method: an M/M/1 at a load of 0.7 whose server is paused for 90 s in the mean (lognormal, cv 1), once in 24 h. A job is
bad when it is in the system for longer than 30 s. Its exact share is known (`closed_forms.interrupted`). A claim holds
when an estimate is within 4 of its standard errors of the truth, 6 in 100,000 by chance for a normal one; the test of
three such claims alarms by chance in less than one of a thousand runs, skewness included.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibration.closed_forms.mg1 import mg1_breakdowns
from calibration.closed_forms.moments import Exponential, Lognormal
from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.figure import Figure
from sim.lower.load import load
from sim.stats.error_budget import YEAR_MIN, ErrorBudget
from sim.stats.sli import Sli, events_of
from sim.studies.error_budget.study import ErrorBudgetOptions, ErrorBudgets, error_budgets_of
from tests.closed_forms.interrupted import mm1_share_above

HOUR_S, S = 3600, 1_000_000_000
PAUSES = Lognormal(90.0, 1.0)
ERRORS = 4

QUEUE = """\
name: queue
network:
  sources: {{jobs: {{routine: job, arrivals: 0.7/s}}}}
  stations: {{server: {{servers: 1, service: {{exponential: 1 s}}}}}}
  routines: {{job: [{{use: server}}]}}
  faults:
    pause: {{targets: [{{group: server}}], effect: pause, mttf: {mttf} h, duration: {{mean: 90 s, cv: 1}}}}
run: {{horizon: 10 min, warmup: 2 min, drill_window: 10 min}}
objectives:
  - {{sli: latency.job, within: {within} s, above: {above}}}
"""


def share_above(threshold_s: float, mttf_h: float) -> float:
    return mm1_share_above(threshold_s, 0.7, 1.0, mttf_h * HOUR_S, PAUSES)


def error_budgets(mttf_h: float, episodes: int, above: str = "99.5 %", within_s: int = 30) -> ErrorBudgets:
    text = QUEUE.format(mttf=mttf_h, above=above, within=within_s)
    return error_budgets_of(load(text), ErrorBudgetOptions(episodes, processes=1))


def error_of(figure: Figure) -> float:
    """Standard error behind a 95 % interval, by its longer side: a bit more than there is."""
    assert figure.value is not None
    assert figure.low is not None
    assert figure.high is not None
    return max(figure.high - figure.value, figure.value - figure.low) / 1.96


def of_faults(error_budget: ErrorBudget) -> Figure:
    """The minutes of the faults alone."""
    return error_budget.rows[0].year_min


def brute_force(mttf_h: float, days: int) -> tuple[float, float, int]:
    """Share of bad jobs, its standard error and the number of jobs, by runs of a day each."""
    network = load(QUEUE.format(mttf=mttf_h, above="99.5 %", within=30)).lowered.network
    sli = Sli("x", "latency", "job", 30 * S)
    bad, begun = np.zeros(days), np.zeros(days)
    for day in range(days):
        plan = Plan(11, day, 600 * S, 600 * S + 24 * HOUR_S * S, 600 * S, 3 * HOUR_S * S)
        events = events_of(run_one(network, plan), sli)
        bad[day], begun[day] = events.bad, len(events.begun_ns)
    share = float(bad.sum() / begun.sum())
    error = float(np.std(bad - share * begun, ddof=1)) * math.sqrt(days) / float(begun.sum())
    return share, error, int(begun.sum())


def test_episodes_tell_the_share_of_bad_jobs_that_theory_knows() -> None:
    (error_budget,) = error_budgets(24, 60).error_budgets
    truth = (share_above(30, 24) - share_above(30, math.inf)) * YEAR_MIN
    found = of_faults(error_budget)
    assert found.value == pytest.approx(truth, abs=ERRORS * error_of(found) + error_budget.left_out_min)
    assert error_of(found) < 0.1 * truth, "or else it says nothing"
    assert error_budget.rows[0].gain > 2, "the lengths of the pauses are known in the mean"
    # What a pair could add is bounded, and not much.
    assert error_budget.left_out_min < 0.02 * truth


def test_without_faults_the_calm_row_is_the_share_of_the_undisturbed_queue() -> None:
    # At 5 s 22 % are longer without any pause: the calm row has it, and the rows of faults are what is beyond.
    (error_budget,) = error_budgets(24, 60, "50 %", 5).error_budgets
    assert error_budget.calm.value == pytest.approx(
        math.exp(-1.5) * YEAR_MIN, abs=ERRORS * error_of(error_budget.calm)
    )
    truth = (share_above(5, 24) - math.exp(-1.5)) * YEAR_MIN
    assert of_faults(error_budget).value == pytest.approx(truth, abs=ERRORS * error_of(of_faults(error_budget)))


@pytest.mark.long
def test_episodes_brute_force_and_theory_agree_and_episodes_need_fifty_times_fewer_jobs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = error_budgets(24, 200)
    (error_budget,) = found.error_budgets
    truth = share_above(30, 24)
    calm = share_above(30, math.inf)
    episodes = of_faults(error_budget)
    assert episodes.value == pytest.approx(
        (truth - calm) * YEAR_MIN, abs=ERRORS * error_of(episodes) + error_budget.left_out_min
    )
    share, error, jobs = brute_force(24, 120)
    assert share == pytest.approx(truth, abs=ERRORS * error)
    # At the same precision: the variance of a mean falls as the number of jobs grows.
    relative = error / (share - calm)
    assert episodes.value is not None
    needed = jobs * (relative / (error_of(episodes) / episodes.value)) ** 2
    ratio = needed / found.executions
    with capsys.disabled():
        print(
            f"\nM/M/1, pauses of 90 s every 24 h: {100 * truth:.4f} % bad by theory, {100 * share:.4f} +- "
            f"{100 * error:.4f} by {jobs:,} jobs, {100 * (calm + episodes.value / YEAR_MIN):.4f} +- "
            f"{100 * error_of(episodes) / YEAR_MIN:.4f} by {found.executions:,} jobs of episodes: "
            f"{ratio:.0f} times fewer for the same precision"
        )
    assert ratio >= 50


@pytest.mark.long
def test_on_a_compressed_clock_pairs_are_part_of_the_sum() -> None:
    # A pause every 2 h: one in 20 comes while another one's queue is still there. Theory knows all orders.
    truth, calm = share_above(30, 2), share_above(30, math.inf)
    share, error, _ = brute_force(2, 25)
    assert share == pytest.approx(truth, abs=ERRORS * error)
    (error_budget,) = error_budgets(2, 100, "97 %").error_budgets
    assert error_budget.pairs, "the bound is above a hundredth of the budget"
    assert error_budget.expected.value == pytest.approx(
        (truth - calm) * YEAR_MIN, abs=ERRORS * error_of(error_budget.expected)
    )
    assert error_budget.pairs[0].year_min.value is not None
    assert error_budget.pairs[0].year_min.value > 0, "two together hold more jobs up than each by itself"


@pytest.mark.long
def test_brute_force_has_the_mean_of_avi_itzhak_and_naor() -> None:
    # The network is the one of the theory: its mean sojourn is another formula's.
    network = load(QUEUE.format(mttf=2, above="99 %", within=30)).lowered.network
    means = []
    for day in range(25):
        run = run_one(network, Plan(12, day, 600 * S, 600 * S + 24 * HOUR_S * S, 600 * S, 3 * HOUR_S * S))
        rows = run.executions
        means.append(float((rows.end_ns - rows.start_ns)[rows.cohort].mean()) / S)
    theory = mg1_breakdowns(0.7, Exponential(1.0), 2 * HOUR_S, PAUSES).sojourn_mean_s
    assert np.mean(means) == pytest.approx(theory, abs=ERRORS * np.std(means, ddof=1) / math.sqrt(25))
