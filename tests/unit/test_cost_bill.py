"""A bill is usage x price: by hand, to the cent, with intervals that are wide enough."""

from __future__ import annotations

import json
import math
import random

import pytest

from sim.cost.bill import Allocation, bill
from sim.cost.catalogue import Catalogue, load_catalogue
from sim.cost.propagate import product, ratio, times, total
from sim.cost.terms import SavingsPlan, Terms
from sim.cost.usage import DiskUse, MeterUse, NodeUse, Usage, WorkflowUse, kept_gib
from sim.errors import InputErrors
from sim.figure import Figure


@pytest.fixture
def aws() -> Catalogue:
    return load_catalogue("aws-us-east-1")


def exact(value: float, unit: str = "") -> Figure:
    return Figure.exact(value, unit)


def about(value: float, half_width: float, n: int = 20) -> Figure:
    return Figure(value, "", value - half_width, value + half_width, 0.95, n)


# ------------------------------------------------------------------------------------------- a steady month


def test_a_steady_hour_stands_for_730_of_them(aws: Catalogue) -> None:
    usage = Usage(window_hours=2, steady=True, nodes=(NodeUse("kubernetes.nodes", "m7g.2xlarge", exact(15 * 2)),))
    month = bill(usage, aws)
    assert month.total_per_month.value == pytest.approx(3574.08, abs=0.005)
    assert month.items[0].quantity.value == pytest.approx(15 * 730)
    assert month.total_per_run is None


def test_the_wished_for_bill_comes_out_to_the_cent(aws: Catalogue) -> None:
    # 15 m7g.2xlarge, and a db.r6g.2xlarge with a standby; 7 % discount, 60 % of EC2 under a 1-year plan at -26 %.
    usage = Usage(
        window_hours=1,
        steady=True,
        nodes=(NodeUse("nodes", "m7g.2xlarge", exact(15)), NodeUse("postgres", "db.r6g.2xlarge", exact(2))),
    )
    month = bill(usage, aws, Terms(discount=0.07, savings_plan=SavingsPlan(1, 0.6, 0.26)))
    listed = [round(item.list_cost.value or 0, 2) for item in month.items]
    effective = [round(item.cost.value or 0, 2) for item in month.items]
    assert listed == [3574.08, 1314.00]
    assert effective == [2805.37, 1222.02]
    assert month.items[1].source.startswith("UNVERIFIED: ")
    assert "unused part of the savings plan: it is taken as fully used" in month.not_priced


@pytest.mark.parametrize(("nodes", "usd_per_month"), [(3, 3325.11), (30, 33251.10)])
def test_nodes_at_a_price_of_ones_own_cost_their_number_times_it(
    aws: Catalogue, nodes: int, usd_per_month: float
) -> None:
    catalogue = aws.with_nodes({"d8s-4xp30": 1108.37})
    usage = Usage(window_hours=24, steady=True, nodes=(NodeUse("store", "d8s-4xp30", exact(nodes * 24)),))
    month = bill(usage, catalogue)
    assert round(month.total_per_month.value or 0, 2) == usd_per_month
    assert month.items[0].quantity.value == pytest.approx(nodes)
    assert month.items[0].price.unit == "month"


def test_a_volume_is_billed_for_what_exceeds_what_comes_with_it(aws: Catalogue) -> None:
    disk = DiskUse("postgres", "gp3", exact(1024, "GiB"), iops=12000, mb_per_s=500)
    node = NodeUse("postgres", "r6g.2xlarge", exact(1))
    month = bill(Usage(window_hours=1, steady=True, nodes=(node,), disks=(disk,)), aws)
    assert [round(item.cost.value or 0, 2) for item in month.items] == [294.34, 81.92, 45.00, 15.00]
    assert [item.quantity.value for item in month.items][2:] == [9000, 375]
    assert round(month.total_per_month.value or 0, 2) == 436.26


def test_a_multi_az_instance_is_two_volumes_with_iops_each(aws: Catalogue) -> None:
    disk = DiskUse("postgres", "rds.gp3", exact(1000), volumes=exact(2), iops=13000, mb_per_s=500)
    month = bill(Usage(window_hours=1, steady=True, disks=(disk,)), aws)
    assert [round(item.cost.value or 0, 2) for item in month.items] == [0.23 * 1000, 0.04 * 1000]
    assert "500 MB/s of postgres beyond what comes with it: no price for rds.gp3" in month.not_priced


def test_tiers_of_a_volume_are_its_own(aws: Catalogue) -> None:
    disk = DiskUse("db", "io2", exact(0), volumes=exact(2), iops=32000)
    month = bill(Usage(window_hours=1, steady=True, disks=(disk,)), aws)
    assert month.total_per_month.value == pytest.approx(2 * 32000 * 0.065)


def test_requests_are_counted_plainly_and_priced_by_the_million(aws: Catalogue) -> None:
    meter = MeterUse("aurora", "aurora.io", exact(3600.0))
    month = bill(Usage(window_hours=1, steady=True, meters=(meter,)), aws)
    # One I/O a second all month; the source's own figure is 6.3072 a year of 8,760 h.
    assert (month.total_per_month.value or 0) * 12 == pytest.approx(6.3072)


def test_traffic_above_the_list_is_named_and_the_total_becomes_a_lower_bound(aws: Catalogue) -> None:
    usage = Usage(window_hours=730, steady=True, meters=(MeterUse("web", "egress", exact(160 * 1024)),))
    month = bill(usage, aws)
    assert month.items[0].quantity.value == 150 * 1024
    assert month.not_priced[0] == "up to 1.024e+04 GB of web: egress above 153,600: by contract"
    assert "a lower bound" in month.total_per_month.note


def test_a_scenario_without_anything_priced_has_no_bill(aws: Catalogue) -> None:
    usage = Usage(window_hours=1, steady=True, workflows=(WorkflowUse("w", exact(10)),))
    month = bill(usage, aws)
    assert month.total_per_month.value is None
    assert month.per_execution["w"].value is None


def test_everything_without_a_price_is_told_at_once(aws: Catalogue) -> None:
    usage = Usage(
        window_hours=1,
        steady=True,
        nodes=(NodeUse("a", "m5.huge", exact(1)), NodeUse("b", "m5.large", exact(1), spot=True)),
        disks=(DiskUse("c", "gp4", exact(1)),),
        meters=(MeterUse("d", "egres", exact(1)),),
    )
    with pytest.raises(InputErrors) as error:
        bill(usage, aws)
    assert [problem.path for problem in error.value.problems] == ["a", "prices.spot_saving", "c", "d"]


# --------------------------------------------------------------------------------------------- a finite run


def campaign(runs_per_month: float | None, standing: bool) -> Usage:
    return Usage(
        window_hours=73,
        steady=False,
        runs_per_month=runs_per_month,
        nodes=(NodeUse("store", "m5.2xlarge", exact(3 * 73), standing=standing),),
        disks=(DiskUse("store", "gp3", exact(1000), volumes=exact(3), standing=standing),),
        workflows=(WorkflowUse("upgrade", exact(300_000), tasks_per_execution=2),),
    )


RUN_USD = 3 * 73 * 0.384 + 3 * 1000 * 0.08 / 10


def test_a_finite_scenario_has_a_cost_per_run_and_no_month_of_its_own(aws: Catalogue) -> None:
    found = bill(campaign(None, standing=False), aws)
    assert found.period == "run"
    assert found.total_per_month.value is None
    assert "run: {runs: 30}" in found.total_per_month.note
    assert found.total_per_run is not None
    assert found.total_per_run.value == pytest.approx(RUN_USD)
    assert found.per_execution["upgrade"].value == pytest.approx(RUN_USD / 300_000)


def test_declared_runs_make_a_month(aws: Catalogue) -> None:
    found = bill(campaign(4, standing=False), aws)
    assert found.total_per_month.value == pytest.approx(4 * RUN_USD)
    assert found.total_per_run is not None
    assert found.total_per_run.value == pytest.approx(RUN_USD)
    assert found.per_execution["upgrade"].value == pytest.approx(RUN_USD / 300_000)


def test_what_stands_all_month_is_billed_all_month_whatever_the_runs(aws: Catalogue) -> None:
    found = bill(campaign(4, standing=True), aws)
    assert found.total_per_month.value == pytest.approx(10 * RUN_USD)  # 730 h / 73 h
    assert found.per_execution["upgrade"].value == pytest.approx(10 * RUN_USD / (4 * 300_000))
    assert found.per_task["upgrade"].value == pytest.approx(10 * RUN_USD / (8 * 300_000))


def test_cost_per_task_of_the_upgrade_platform_names_its_load(aws: Catalogue) -> None:
    # 3,325 USD a month and 0.0001 USD a task are 33.25 M tasks a month, 12.6 a second on average.
    catalogue = aws.with_nodes({"pg": 1108.37})
    usage = Usage(
        window_hours=1,
        steady=True,
        nodes=(NodeUse("postgres", "pg", exact(3)),),
        workflows=(WorkflowUse("upgrade", exact(33.2511e6 / 730), tasks_per_execution=1),),
    )
    figure = bill(usage, catalogue).per_task["upgrade"]
    assert figure.value == pytest.approx(0.0001)
    assert "33,251,100 executions a month" in figure.note


# ------------------------------------------------------------------------------------------ hours and bytes


def test_histories_kept_follow_littles_law() -> None:
    found = kept_gib(2 * 1024, about(40, 2), 14 * 86400)
    assert found.value == pytest.approx(40 * 14 * 86400 * 2048 / 2**30)
    assert found.high == pytest.approx((found.value or 0) * 42 / 40)


# -------------------------------------------------------------------------------------------- the intervals


def test_an_interval_of_usage_becomes_an_interval_of_cost(aws: Catalogue) -> None:
    nodes = (NodeUse("a", "m5.large", about(10, 1, n=20)), NodeUse("b", "m5.xlarge", about(10, 2, n=12)))
    figure = bill(Usage(window_hours=1, steady=True, nodes=nodes), aws).total_per_month
    assert figure.value == pytest.approx(730 * (10 * 0.096 + 10 * 0.192))
    assert figure.low == pytest.approx(730 * (9 * 0.096 + 8 * 0.192))
    assert figure.high == pytest.approx(730 * (11 * 0.096 + 12 * 0.192))
    assert (figure.confidence, figure.n) == (0.95, 12)


def test_known_quantities_give_a_cost_without_sampling_error(aws: Catalogue) -> None:
    figure = bill(Usage(window_hours=1, steady=True, nodes=(NodeUse("a", "m5.large", exact(1)),)), aws).total_per_month
    assert figure.low == figure.value == figure.high
    assert (figure.confidence, figure.n) == (None, 0)


def test_a_refused_quantity_refuses_the_total_and_keeps_the_reason(aws: Catalogue) -> None:
    refused = Figure.refused("h", "the run is too short")
    figure = bill(Usage(window_hours=1, steady=True, nodes=(NodeUse("a", "m5.large", refused),)), aws).total_per_month
    assert figure.value is None
    assert figure.note == "the run is too short"


def test_the_interval_of_a_sum_holds_that_of_the_replications_totals() -> None:
    # The triangle inequality makes it certain, not likely: any data will do.
    rng = random.Random(7)
    for _ in range(200):
        n = rng.randint(3, 20)
        rows = [[rng.uniform(0, 10) for _ in range(n)] for _ in range(4)]
        rows.append([5 + x - y for x, y in zip(rows[0], rows[1], strict=True)])
        exactly = interval([sum(column) for column in zip(*rows, strict=True)])
        found = total((interval(row) for row in rows), "")
        assert found.value == pytest.approx(exactly.value)
        assert (found.half_width or 0) >= (exactly.half_width or 0) - 1e-9


def interval(sample: list[float]) -> Figure:
    """Mean with 2 standard errors; any common multiple would do."""
    n = len(sample)
    mean = math.fsum(sample) / n
    half = 2 * math.sqrt(sum((x - mean) ** 2 for x in sample) / (n - 1) / n)
    return Figure(mean, "", mean - half, mean + half, 0.95, n)


def test_ends_meet_the_right_ends_in_products_and_ratios() -> None:
    found = product(about(10, 1), about(4, 2), "")
    assert (found.low, found.high) == (9 * 2, 11 * 6)
    found = ratio(about(12, 2), about(4, 1), "")
    assert (found.low, found.high) == (10 / 5, 14 / 3)
    assert ratio(about(12, 2), about(4, 5), "").low is None
    assert ratio(about(12, 2), exact(0), "").value is None
    assert times(about(1, 2), 3, "").low == 0


# ------------------------------------------------------------------------------------------- who pays for it


def mixed_usage() -> Usage:
    return Usage(
        window_hours=1,
        steady=True,
        nodes=(NodeUse("postgres", "m5.2xlarge", exact(10)), NodeUse("workers.orders", "m5.large", exact(4))),
        workflows=(
            WorkflowUse("checkout", exact(3000), transitions_per_execution=19, tasks_per_execution=4),
            WorkflowUse("payout", exact(1000), transitions_per_execution=11, tasks_per_execution=2),
        ),
        statements=exact(1e6),
        commits=exact(0.5e6),
    )


def test_shared_cost_goes_by_transitions_and_adds_up(aws: Catalogue) -> None:
    month = bill(mixed_usage(), aws)
    checkout, payout = month.per_execution["checkout"], month.per_execution["payout"]
    assert (checkout.value or 0) / (payout.value or 1) == pytest.approx(19 / 11)
    allotted = 730 * (3000 * (checkout.value or 0) + 1000 * (payout.value or 0))
    assert allotted == pytest.approx(month.total_per_month.value)
    assert month.allocation == "by share of transitions"
    assert "allotted by share of transitions" in checkout.note
    assert month.per_million["statements"].value == pytest.approx((month.total_per_month.value or 0) / 730)
    assert month.per_million["commits"].value == pytest.approx((month.total_per_month.value or 0) / 365)


def test_a_resource_with_an_owner_is_paid_by_it() -> None:
    rule = Allocation(owners={"workers.orders": {"checkout": 1.0}})
    assert rule.shares("workers.orders", mixed_usage().workflows) == {"checkout": 1.0, "payout": 0.0}
    assert rule.shares("postgres", mixed_usage().workflows) == Allocation().shares("", mixed_usage().workflows)
    assert "except workers.orders" in str(rule)


def test_another_yardstick_can_be_chosen() -> None:
    workflows = mixed_usage().workflows
    shares = Allocation().shares("postgres", workflows)
    assert shares["checkout"] / shares["payout"] == pytest.approx(3 * 19 / 11)
    assert set(Allocation(by="actions").shares("postgres", workflows)) == {"checkout", "payout"}


# ---------------------------------------------------------------------------------------------- what is said


def test_the_json_holds_the_contract_and_nothing_else(aws: Catalogue) -> None:
    found = json.loads(json.dumps(bill(mixed_usage(), aws).to_json(), allow_nan=False))
    assert set(found) == {"currency", "total_per_month", "per_execution", "items", "not_priced"}
    assert set(found["items"][0]) == {"item", "quantity", "unit", "unit_price", "amount", "source", "date"}
    for item in found["items"]:
        assert item["quantity"] * item["unit_price"] == pytest.approx(item["amount"])
    assert set(found["total_per_month"]) == {"value", "unit", "low", "high", "confidence", "n", "note"}
    assert "support plan of the provider" in found["not_priced"]
    assert "traffic between zones: not in the run's usage" in found["not_priced"]


def test_traffic_that_is_billed_is_not_said_to_be_left_out(aws: Catalogue) -> None:
    usage = Usage(window_hours=1, steady=True, meters=(MeterUse("zones", "cross_zone", exact(100)),))
    month = bill(usage, aws)
    assert month.total_per_month.value == pytest.approx(730 * 2)
    assert not any("between zones" in line for line in month.not_priced)


def test_downtime_is_shown_beside_the_bill_and_never_in_it(aws: Catalogue) -> None:
    terms = Terms(downtime_usd_per_min=400)
    month = bill(mixed_usage(), aws, terms, downtime_min_per_year=about(46.2, 4))
    assert month.downtime_per_year is not None
    assert month.downtime_per_year.value == pytest.approx(18480)
    assert month.total_per_month == bill(mixed_usage(), aws).total_per_month
    assert bill(mixed_usage(), aws, terms).downtime_per_year is None
