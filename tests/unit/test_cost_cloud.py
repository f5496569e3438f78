"""Temporal Cloud and Step Functions bills against the vendors' own worked examples, and the break-even load.

The examples are those of Temporal's documentation, docs/evaluate/cloud/pricing.mdx (2026-08).
"""

from __future__ import annotations

import pytest

from sim.cost.bill import Bill
from sim.cost.cloud import break_even, step_functions_bill, temporal_cloud_bill
from sim.cost.usage import Usage, WorkflowUse
from sim.errors import InputErrors
from sim.figure import Figure


def usage(million_actions: float, active_gib: float = 0.0, retained_gib: float = 0.0) -> Usage:
    """A month with so many actions, two to an execution, as a workflow with one activity has."""
    executions = Figure.exact(million_actions * 1e6 / 2, "")
    return Usage(
        window_hours=730,
        steady=True,
        workflows=(WorkflowUse("w", executions, actions_per_execution=2),),
        active_gib=Figure.exact(active_gib, "GiB"),
        retained_gib=Figure.exact(retained_gib, "GiB"),
    )


def amounts(bill: Bill) -> dict[str, float]:
    return {item.price.sku: item.cost.value or 0.0 for item in bill.items}


def test_actions_in_excess_of_the_allowance_fill_the_tiers_of_the_vendors_example() -> None:
    # 11.25 M beyond the 2.5 M that come with the plan: 5 x 50 + 5 x 45 + 1.25 x 40.
    bill = temporal_cloud_bill(usage(2.5 + 11.25))
    assert amounts(bill)["actions"] == pytest.approx(525)
    assert bill.total_per_month.value == pytest.approx(525 + 500)


def test_storage_in_excess_of_the_allowance_costs_what_the_vendors_example_costs() -> None:
    active = (2.5 * 744 + 720) / 730
    retained = (100 * 744 + 3600) / 730
    found = amounts(temporal_cloud_bill(usage(0, active, retained)))
    assert found["storage.active"] == pytest.approx(30.24)
    assert found["storage.retained"] == pytest.approx(3.78)


@pytest.mark.parametrize(("million", "consumption"), [(2.5, 0.0), (102.5, 3425.0), (202.5, 5925.0)])
def test_the_plan_costs_a_tenth_of_the_consumption_but_500_at_least(million: float, consumption: float) -> None:
    found = amounts(temporal_cloud_bill(usage(million)))
    assert found["actions"] == pytest.approx(consumption)
    assert found["plan.business"] == pytest.approx(max(500.0, consumption / 10))


def test_the_developer_plan_has_one_price_no_allowance_and_no_minimum() -> None:
    # 2 actions an execution at 50 USD a million: 100 USD a million executions, and a tenth on top.
    bill = temporal_cloud_bill(usage(2.0), "developer")
    assert amounts(bill)["actions.developer"] == pytest.approx(100)
    assert bill.total_per_month.value == pytest.approx(110)
    assert bill.per_execution["w"].value == pytest.approx(110e-6)
    assert temporal_cloud_bill(usage(0.0), "developer").total_per_month.value == 0


def test_above_200_million_the_price_is_by_contract() -> None:
    bill = temporal_cloud_bill(usage(695))
    assert amounts(bill)["actions"] == pytest.approx(5925)
    assert bill.not_priced[0] == "up to 492.5 million actions of temporal cloud: actions above 200: by contract"
    assert "a lower bound" in bill.total_per_month.note


def test_an_interval_that_reaches_beyond_the_list_is_said_to_be_a_lower_bound() -> None:
    executions = Figure(199e6, "", 190e6, 208e6, 0.95, 20)
    month = Usage(window_hours=730, steady=True, workflows=(WorkflowUse("w", executions, actions_per_execution=1),))
    bill = temporal_cloud_bill(month)
    assert bill.not_priced[0].startswith("up to 5.5 million actions")
    assert "a lower bound" in bill.total_per_month.note


def test_an_interval_of_executions_goes_through_tiers_and_minimum() -> None:
    executions = Figure(6e6, "", 5e6, 7e6, 0.95, 20)
    month = Usage(window_hours=730, steady=True, workflows=(WorkflowUse("w", executions, actions_per_execution=1),))
    bill = temporal_cloud_bill(month)
    assert bill.total_per_month.value == pytest.approx(500 + 3.5 * 50)
    assert bill.total_per_month.low == pytest.approx(500 + 2.5 * 50)
    assert bill.total_per_month.high == pytest.approx(500 + 4.5 * 50)
    assert bill.not_priced[0] == "storage of histories: not in the run's usage"


def test_cost_of_the_service_goes_by_actions() -> None:
    month = Usage(
        window_hours=1,
        steady=True,
        workflows=(
            WorkflowUse("long", Figure.exact(100, ""), transitions_per_execution=99, actions_per_execution=9),
            WorkflowUse("short", Figure.exact(900, ""), transitions_per_execution=1, actions_per_execution=1),
        ),
    )
    bill = temporal_cloud_bill(month)
    assert (bill.per_execution["long"].value or 0) == pytest.approx(9 * (bill.per_execution["short"].value or 0))


def test_a_plan_without_a_list_price_is_refused() -> None:
    with pytest.raises(InputErrors, match="developer, business"):
        temporal_cloud_bill(usage(1), "enterprise")


def test_step_functions_charge_by_their_own_transitions() -> None:
    bill = step_functions_bill(usage(2.0), {"w": 4})
    assert bill.total_per_month.value == pytest.approx(4 * 25)
    assert bill.per_execution["w"].value == pytest.approx(4 * 0.025 / 1000)


@pytest.mark.parametrize(("counts", "reason"), [({}, "is needed"), ({"w": 1, "v": 1}, "is not a workflow")])
def test_step_functions_need_a_count_for_each_workflow(counts: dict[str, float], reason: str) -> None:
    with pytest.raises(InputErrors, match=reason):
        step_functions_bill(usage(2.0), counts)


def test_at_the_break_even_load_both_cost_the_same() -> None:
    load = usage(20.0, active_gib=10, retained_gib=500)
    per_s = 10e6 / (730 * 3600)
    for cost in (700.0, 1500.0, 5000.0):
        found = break_even(Figure.exact(cost, "USD/month"), load, temporal_cloud_bill)
        scale = (found.value or 0) / per_s
        there = usage(20.0 * scale, active_gib=10 * scale, retained_gib=500 * scale)
        assert temporal_cloud_bill(there).total_per_month.value == pytest.approx(cost)
        assert found.low == found.value == found.high


def test_the_break_even_of_a_plain_price_is_a_division() -> None:
    def service(month: Usage) -> Bill:
        return step_functions_bill(month, {"w": 4})

    # 4 transitions at 25 USD a million: 0.0001 USD an execution.
    found = break_even(Figure(1000.0, "USD/month", 900.0, 1100.0, 0.95, 20), usage(2.0), service)
    for value, cost in ((found.value, 1000), (found.low, 900), (found.high, 1100)):
        assert value == pytest.approx(cost / 0.0001 / (730 * 3600))
    assert (found.confidence, found.n) == (0.95, 20)


def test_there_is_no_break_even_below_the_minimum_or_beyond_the_list() -> None:
    cheap = break_even(Figure.exact(400.0, "USD/month"), usage(20.0), temporal_cloud_bill)
    assert cheap.value is None
    assert "at least 500.00 USD" in cheap.note
    dear = break_even(Figure.exact(50_000.0, "USD/month"), usage(20.0), temporal_cloud_bill)
    assert dear.value is None
    assert "price list ends" in dear.note
    wide = break_even(Figure(6000.0, "USD/month", 5000.0, 50_000.0, 0.95, 20), usage(20.0), temporal_cloud_bill)
    assert wide.value is not None
    assert wide.low is None
