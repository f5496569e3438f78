"""Child executions in the figures: by routine each is one of its own, in totals it is part of its parent.

Goal: nobody's work, failure or wait counts twice, and a workflow that is started as a child only has all figures.
Method: small networks without chance on the reference engine, counted by hand.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sim.analytic.estimate import estimate
from sim.analytic.relaxation import paces
from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import Loaded, load
from sim.network.facts import counted_routines, waited_for
from sim.report.frames import write_columns
from sim.report.parts import named_states
from sim.report.wording import state_of
from sim.results.audit import audit
from sim.results.columns import FAILED, SUCCEEDED, Executions, Replication
from sim.stats.episodes import windows_of
from sim.stats.late import at_work, late
from sim.stats.metrics import metrics
from sim.stats.overload import overload
from sim.stats.pictures import split
from sim.stats.sli import Sli, events_of
from sim.stats.summary import Split
from sim.studies.billing import usage_of
from sim.studies.loading.inputs import metric_units
from sim.studies.metrics.families import service_levels
from sim.studies.run.remedies import cause_of
from sim.studies.run.study import Options, predict

S = 1_000_000_000

SHOP = """
name: shop
network:
  sources: {orders: {routine: order, arrivals: {renewal: 1 s}}}
  stations: {desk: {servers: 1, service: 200 ms}}
  routines:
    order: [{delay: 100 ms}, {child: charge, name: charge}, {count: {order: 1}}]
    charge: [{use: desk}, {count: {query: 2}}MORE]
objectives: [{metric: latency.order.mean, below: 1 ms}, {metric: latency.charge.p90, below: 1 s}]
run: {warmup: 1 s, horizon: 101 s, replications: 5}
"""
"""An order a second from 1 s on; after 100 ms its charge is at the desk for 200 ms."""


ASIDE = "{child: {routine: charge, wait: false, on_close: abandon}}"
"""In place of the step that waits."""


def shop(more: str = "") -> Loaded:
    return load(SHOP.replace("MORE", more))


def run(loaded: Loaded, horizon_s: int = 101, warmup_s: int = 0) -> Replication:
    plan = Plan(1, 0, warmup_s * S, horizon_s * S, 0, 100 * S, S // 2)
    return run_one(loaded.lowered.network, plan, engine="reference")


# -- by routine ----------------------------------------------------------------------------------------------------


def test_a_routine_that_children_alone_run_has_its_figures_like_any_other() -> None:
    found = metrics([run(shop())], {"order": None, "charge": 150_000_000}, 0.95)
    assert found["latency.order.mean"].value == pytest.approx(0.3)
    assert found["latency.charge.mean"].value == pytest.approx(0.2)
    assert found["offered.charge"].value == found["offered.order"].value
    assert (found["availability.order"].value, found["availability.charge"].value) == (1.0, 0.0)
    assert found["in_flight.charge.max"].value == 1.0


def test_the_split_of_a_parent_has_the_wait_for_its_child_and_the_childs_split_what_that_is() -> None:
    found = [split([run(shop())], routine).mean_s for routine in ("order", "charge")]
    assert found[0] == pytest.approx({"service.delay-1": 0.1, "child.charge": 0.2})
    assert found[1] == pytest.approx({"service.desk": 0.2})


def test_objectives_and_service_levels_may_be_on_a_workflow_that_is_started_as_a_child_only() -> None:
    lowered = shop().lowered
    assert counted_routines(lowered.network) == ("order", "charge")
    assert {"latency.charge.p99", "availability.charge", "in_flight.charge.max"} <= metric_units(lowered).keys()
    assert {"outcome.charge", "latency.charge"} <= set(service_levels(lowered))
    assert list(lowered.deadlines_ns) == ["order", "charge"]


def test_a_service_level_of_a_child_counts_its_rows_and_a_start_those_of_calls_alone() -> None:
    one = run(shop())
    events = events_of(one, Sli("x", "outcome", "charge", 150_000_000))
    assert (len(events.begun_ns), events.bad) == (100, 100)
    rows = one.executions
    assert not rows.let_in(one.cohort_of("charge")).any()


def test_children_of_executions_that_do_not_count_are_of_no_figure() -> None:
    text = (
        SHOP.replace("MORE", "").replace("{renewal: 1 s}}", "{renewal: 1 s}, counted: false}").split("objectives")[0]
    )
    assert counted_routines(load(text).lowered.network) == ()


def test_a_state_leads_to_the_routine_that_is_waited_for_through_calls_too() -> None:
    text = """
name: nested
network:
  sources: {jobs: {routine: top, arrivals: 1/s}}
  routines:
    top: [{call: part}]
    part: [{child: leaf}, {child: {routine: other}, name: aside}]
    leaf: [{delay: 1 s}]
    other: [{child: leaf}]
"""
    found = waited_for(load(text).lowered.network)
    assert found["top", "child-1"] == found["part", "child-1"] == {"leaf"}
    assert found["top", "aside"] == {"other"}
    assert found["other", "child-1"] == {"leaf"}


# -- totals --------------------------------------------------------------------------------------------------------


def test_a_failing_child_that_takes_its_parent_along_is_one_failure() -> None:
    one = run(shop(", {fail: declined}"))
    assert len(one.executions.cohort) == 200
    assert (one.ended(FAILED), one.ended(SUCCEEDED)) == (100, 0)
    assert one.executions.asked_for == 100


def test_operations_for_each_execution_are_those_of_a_parent_with_its_children() -> None:
    found = metrics([run(shop())], {}, 0.95)
    assert found["count.query.per_execution"].value == 2.0
    assert found["count.order.per_execution"].value == 1.0


def test_windows_and_stretches_count_parents() -> None:
    one = run(shop())
    windows = windows_of(one, S // 2)
    # The order of second t ends at t + 0.3 s: at the end of a window it has just come, or is over.
    assert windows.completed.tolist()[:6] == [0, 0, 1, 0, 1, 0]
    assert windows.backlog.tolist()[:6] == [0, 1, 0, 1, 0, 1]
    assert windows.backlog.max() == 1
    stretch = late(one, 20 * S, 30 * S, {})
    assert (stretch.starts, stretch.good) == (10, 10)


def test_a_child_that_nobody_waits_for_keeps_the_work_of_its_parent_open() -> None:
    text = SHOP.replace("MORE", "").replace("{child: charge, name: charge}", ASIDE).replace("200 ms", "60 s")
    one = run(load(text), 11)
    assert at_work(one, 10 * S, 11 * S).tolist() == [10.0, 10.0]  # each has ended 100 ms after it came
    assert set(one.executions.outcome[::2].tolist()) == {SUCCEEDED}
    assert one.executions.roots.tolist() == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14, 16, 16, 18, 18]


@pytest.mark.parametrize("step", ["{child: charge}", ASIDE])
def test_a_full_place_that_children_alone_visit_overloads_the_workflow_that_lets_them_in(step: str) -> None:
    text = SHOP.replace("MORE", "").replace("{child: charge, name: charge}", step).replace("200 ms", "2 s")
    loaded = load(text)
    plans = [Plan(1, index, 0, 400 * S, 0, 0, 2 * S) for index in range(3)]
    found = overload(loaded.lowered.network, [run_one(loaded.lowered.network, p, engine="reference") for p in plans])
    assert found is not None
    assert found.overloaded
    assert [flow.workflow for flow in found.flows] == ["order"]
    assert found.full[0].name == "desk"
    assert found.offered.value == pytest.approx(1.0, rel=0.01)
    assert found.growth.value == pytest.approx(0.5, rel=0.02)


def test_the_bill_counts_an_execution_with_the_workflow_that_it_runs() -> None:
    loaded = shop()
    usage = usage_of(loaded.lowered, [run(loaded)], True, None, 0.95)
    assert [(one.name, one.executions.value, one.children) for one in usage.workflows] == [
        ("order", 100.0, ("charge",)),
        ("charge", 100.0, ()),
    ]


# -- laws ----------------------------------------------------------------------------------------------------------


def with_rows(change: Callable[[Executions], Executions]) -> list[str]:
    one = run(shop(), 6)
    assert audit(one) == []
    return audit(replace(one, executions=change(one.executions)))


def parents(rows: Executions, *changes: tuple[int, int]) -> Executions:
    assert rows.parent is not None
    parent = rows.parent.copy()
    for row, value in changes:
        parent[row] = value
    return replace(rows, parent=parent)


def test_a_child_comes_after_its_parent_and_is_of_the_cohort_with_it() -> None:
    assert "comes before its parent" in with_rows(lambda rows: parents(rows, (1, 2)))[0]
    assert "comes before its parent" in with_rows(lambda rows: parents(rows, (1, 1)))[0]
    assert "are no rows" in with_rows(lambda rows: parents(rows, (1, -2)))[0]
    found = with_rows(lambda rows: replace(rows, cohort=rows.cohort[1:], split=rows.split[1:]))
    assert "one alone is in the cohort" in found[0]


# -- the first estimate --------------------------------------------------------------------------------------------

LOADED = """
name: loaded
network:
  sources: {a: {routine: top, arrivals: 2/s}, b: {routine: leaf, arrivals: 1/s}}
  stations: {desk: {servers: 1, service: {exponential: 50 ms}}}
  routines:
    top: [{loop: {times: 3, steps: [{child: middle}]}}]
    middle: [{use: desk}, {child: {routine: leaf, wait: false}}]
    leaf: [{delay: 1 s}, {use: desk}]
"""


def test_the_estimate_has_the_rates_of_children_and_counts_their_visits_once() -> None:
    network = load(LOADED).lowered.network
    found = estimate(network)
    assert found.executions_per_s == pytest.approx({"top": 2.0, "leaf": 7.0, "middle": 6.0})
    assert found.rates_per_s == {"top": 2.0, "leaf": 1.0}
    desk = found.places["desk"]
    assert desk.rate_per_s == pytest.approx(2 * 6 + 1)
    assert desk.utilisation == pytest.approx(0.65)
    assert found.latency_s["middle"] == pytest.approx(desk.wait_s + 0.05)
    assert found.latency_s["top"] == pytest.approx(3 * found.latency_s["middle"])
    assert found.latency_s["leaf"] == pytest.approx(1 + desk.wait_s + 0.05)
    assert paces(network, found)["desk"].visits == pytest.approx({"top": 6.0, "leaf": 1.0, "middle": 2.0})


# -- words and files -----------------------------------------------------------------------------------------------


def test_the_waits_of_parent_and_child_for_one_another_have_words() -> None:
    assert state_of("child.charge") == "waiting for child charge"
    assert state_of("told") == "telling its parent"


def test_a_child_step_named_like_a_place_is_not_taken_for_it() -> None:
    elements = shop().elements
    assert "child.desk" in named_states({"order": Split({"child.desk": 1.0}, {})}, elements)["order"].mean_s


def test_the_rows_of_children_name_their_parents(tmp_path: Path) -> None:
    write_columns(tmp_path, [run(shop(), 3)])
    with (tmp_path / "executions.csv").open(encoding="utf-8") as file:
        rows = [(row["ordinal"], row["parent"], row["routine"]) for row in csv.DictReader(file)]
    assert rows == [("0", "", "order"), ("1", "0", "charge"), ("2", "", "order"), ("3", "2", "charge")]


def test_what_a_parent_waits_for_is_told_by_the_split_of_its_child() -> None:
    loaded = shop()
    prediction = predict(loaded, Options(processes=1, engine="reference"))
    found = cause_of(prediction.summary.objectives[0], loaded, prediction)
    assert found is not None
    assert found.cause.words.startswith(
        "67 % of the time on average is waiting for child workflow charge: see its own"
    )
    assert found.elements == ("desk",)
    assert prediction.summary.objectives[1].verdict == "met"
