"""Error budgets of whole scenarios: their episodes are counted right, and what they are made of is where the file has
it.

Goal: a row of the error budget is the harm of its fault, in full and nothing else. Method: a queue without chance, in
which the harm of a pause is done on paper; faults whose harm lies in one node or in two at once; mistakes in the
asking.
"""

from __future__ import annotations

import pytest

from sim.errors import InputErrors
from sim.lower.load import load
from sim.network.distributions import Constant, Exponential
from sim.network.faults import Fault, Target
from sim.stats.error_budget import YEAR_MIN, ErrorBudget
from sim.studies.error_budget.study import ErrorBudgetOptions, error_budgets_of, three_nodes_min
from sim.units import HOUR

CLOCKWORK = """\
name: clockwork
network:
  sources: {{jobs: {{routine: job, arrivals: {{renewal: 1 s}}}}}}
  stations: {{server: {{servers: 1, service: {service}}}}}
  routines: {{job: [{{use: server}}]}}
  faults:
    pause: {{targets: [{{group: server}}], effect: pause, mttf: {mttf}, duration: {duration}}}
run: {{horizon: 1 min, warmup: 30 s, drill_window: {window}}}
objectives:
  - {{sli: {sli}, above: {above}}}
"""


def text(
    sli: str = "latency.job, within: 3 s",
    mttf: str = "1 day",
    duration: str = "10 s",
    window: str = "2 min",
    service: str = "500 ms",
) -> str:
    return CLOCKWORK.format(sli=sli, mttf=mttf, duration=duration, window=window, above="99 %", service=service)


def of(scenario: str) -> ErrorBudget:
    (error_budget,) = error_budgets_of(load(scenario), ErrorBudgetOptions(20, processes=1)).error_budgets
    return error_budget


def test_the_harm_of_a_pause_is_the_jobs_that_it_delays_beyond_the_threshold() -> None:
    # Those of the 10 s, and as they are made up for at two a second, those of the 10 s after. The pause begins with
    # the run's 30th second: the job of that second has to wait for 10 s, the next for 9.5, and so on, half a second
    # less each, and takes another half. Longer than 3 s are those that wait for more than 2.5: 10, 9.5, .. 3.
    found = of(text())
    assert found.events_per_min == pytest.approx(60, rel=0.02)
    assert found.rows[0].each_min.value == pytest.approx(15 / found.events_per_min)
    assert found.rows[0].per_year.value == pytest.approx(365 * 86400 / 86410)
    assert found.rows[0].flip == pytest.approx(0.01 * 365 * 1440 / 15 * found.events_per_min, rel=0.01)


def test_a_fault_that_harms_nobody_has_an_upper_end_and_a_row() -> None:
    found = of(text("latency.job, within: 1 min"))
    row = found.rows[0]
    assert row.each_min.value == 0
    assert row.flip is None, "no rate is known to be too many"
    assert row.each_min.high is not None
    assert row.flip_least == pytest.approx(found.level.budget_min / row.each_min.high)
    # Of episodes that spoil all 11 that are there while it lasts, a share of -log(0.025) / 20 would have shown in 20
    # with a chance of 97.5 %. Of 20,000 draws the quantile is within 6 % of it but once in 100,000 runs.
    assert row.each_min.high == pytest.approx(3.689 / 20 * 11 / found.events_per_min, rel=0.06)


def test_a_fault_with_a_maintenance_window_comes_while_it_is_open() -> None:
    # Five jobs each minute, done within 2.5 s; a pause that begins in the second before them makes all five late.
    each_minute = text(duration="10 s, window: {from: 59 s, to: 1 min, period: 1 min}")
    each_minute = each_minute.replace("{renewal: 1 s}", "{burst: 5, every: 1 min}")
    found = of(each_minute)
    assert found.rows[0].each_min.value == pytest.approx(5 / found.events_per_min)


def test_a_record_is_made_as_long_as_its_outage_needs() -> None:
    found = of(text(duration="1 h", window="1 min"))
    assert found.rows[0].never_back is not None
    assert found.rows[0].never_back.value == 0
    # Half a second is made up for with each job, up to the one that is late by 3 s: 2 x 3600 s, less 5 jobs.
    assert found.rows[0].each_min.value == pytest.approx((2 * 3600 - 5) / found.events_per_min)


def test_what_never_comes_back_is_found_and_kept_apart() -> None:
    # A server without any time to spare never makes up for the pause: every job after it is late by 10 s.
    found = of(text(service="1 s"))
    row = found.rows[0]
    assert row.never_back is not None
    assert row.never_back.value == 1
    assert row.each_min.value == 0
    assert found.verdict != "met"
    assert found.inside["a year"].chance.value == pytest.approx(0, abs=1e-9)


def test_an_error_budget_needs_a_service_level_and_something_that_fails_at_random() -> None:
    with pytest.raises(InputErrors, match="names no service level"):
        error_budgets_of(load(text().partition("objectives:")[0]))
    with pytest.raises(InputErrors, match="has none that comes at random"):
        error_budgets_of(load(text().replace("mttf: 1 day", "at: 10 s")))


def test_a_bound_on_an_availability_is_a_service_level_of_outcomes() -> None:
    before = text().partition("  - {sli")[0]
    found = of(before + "  - {metric: availability.job, above: 99.9 %, name: up}\n")
    assert found.level.name == "up"
    assert found.level.budget_min == pytest.approx(0.001 * YEAR_MIN)
    assert found.expected.value == 0, "a pause delays, and there is no deadline"


def test_three_nodes_at_once_are_bounded_by_the_chain_of_nodes_down() -> None:
    # Three nodes that are down for 1 h of 100 each: all three for a millionth of the time, 3 in a millionth of an hour
    # (each of them may be the first to come back), for 20 min each; and 20 more of an episode.
    fault = Fault(
        targets=(Target(group="pods", nodes="any"),),
        mttf=Exponential(exponential_ns=99 * HOUR),
        duration=Constant(constant_ns=HOUR),
        each=True,
    )
    assert three_nodes_min(fault, {"pods": 3}, 1200.0) == pytest.approx(3e-6 * 8760 * 40)
    assert three_nodes_min(fault, {"pods": 2}, 1200.0) == 0
    assert three_nodes_min(fault.model_copy(update={"each": False}), {"pods": 3}, 1200.0) == 0
