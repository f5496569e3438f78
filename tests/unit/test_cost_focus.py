"""The FOCUS 1.2 file adds up to the bill, on a billed and on an effective basis."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from sim.cost.bill import Bill, bill
from sim.cost.catalogue import load_catalogue
from sim.cost.focus import COLUMNS, focus_rows, write_focus
from sim.cost.terms import SavingsPlan, Terms
from sim.cost.usage import DiskUse, MeterUse, NodeUse, Usage
from sim.figure import Figure

# The columns that FOCUS 1.2 makes mandatory and never null for usage and purchases; ChargeClass is null but for
# corrections.
MANDATORY = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
)


def month(terms: Terms, resource: str = "nodes") -> Bill:
    def exact(value: float) -> Figure:
        return Figure.exact(value, "")

    usage = Usage(
        window_hours=1,
        steady=True,
        nodes=(
            NodeUse(resource, "m5.2xlarge", exact(15)),
            NodeUse("batch", "c6i.2xlarge", exact(2), spot=True),
            NodeUse("postgres", "db.r6g.2xlarge", exact(2)),
        ),
        disks=(DiskUse("postgres", "gp3", exact(1024), iops=12000),),
        meters=(MeterUse("zones", "cross_zone", exact(10)), MeterUse("s3", "s3.writes", exact(5e5))),
    )
    return bill(usage, load_catalogue("aws-us-east-1"), terms)


def rows(of: Bill, months: int = 1) -> list[dict[str, str]]:
    out = io.StringIO()
    write_focus(focus_rows(of, date(2027, 11, 5), months), out)
    out.seek(0)
    return list(csv.DictReader(out))


def summed(of: list[dict[str, str]], column: str, category: str = "") -> float:
    return sum(float(row[column]) for row in of if category in ("", row["ChargeCategory"]))


MONTHLY = Terms(discount=0.07, savings_plan=SavingsPlan(1, 0.6, 0.26), spot_saving=0.6)
UPFRONT = Terms(discount=0.07, savings_plan=SavingsPlan(3, 0.6), spot_saving=0.6)


@pytest.mark.parametrize("terms", [Terms(spot_saving=0.6), MONTHLY, UPFRONT])
def test_effective_costs_add_up_to_the_bill(terms: Terms) -> None:
    found = month(terms)
    assert summed(rows(found), "EffectiveCost") == pytest.approx(found.total_per_month.value)
    listed = sum(item.list_cost.value or 0.0 for item in found.items)
    assert summed(rows(found), "ListCost", "Usage") == pytest.approx(listed)


def test_a_plan_paid_monthly_bills_each_month_what_the_month_costs() -> None:
    found = month(MONTHLY)
    lines = rows(found, months=3)
    assert summed(lines, "BilledCost") == pytest.approx(3 * (found.total_per_month.value or 0))
    assert [row["ChargeFrequency"] for row in lines if row["ChargeCategory"] == "Purchase"] == ["Recurring"] * 3


def test_a_plan_paid_upfront_bills_its_whole_term_in_the_first_month() -> None:
    lines = rows(month(UPFRONT), months=36)
    (purchase,) = [row for row in lines if row["ChargeCategory"] == "Purchase"]
    assert purchase["BillingPeriodStart"] == "2027-11-01T00:00:00Z"
    # 60 % of 15 m5.2xlarge reserved at 105.39 a month, less 7 %, for 36 months.
    assert float(purchase["BilledCost"]) == pytest.approx(0.6 * 15 * 105.39 * 0.93 * 36)
    assert summed(lines, "BilledCost") == pytest.approx(summed(lines, "EffectiveCost"))


def test_the_covered_share_is_a_row_of_its_own_with_nothing_billed() -> None:
    (used,) = [row for row in rows(month(MONTHLY)) if row["CommitmentDiscountStatus"] == "Used"]
    assert used["PricingCategory"] == "Committed"
    assert float(used["BilledCost"]) == 0
    assert float(used["PricingQuantity"]) == pytest.approx(0.6 * 15 * 730)
    assert float(used["EffectiveCost"]) == pytest.approx(0.6 * 15 * 730 * 0.384 * 0.93 * 0.74)


def test_every_row_has_what_focus_demands_and_its_products_hold() -> None:
    lines = rows(month(MONTHLY), months=2)
    assert {*MANDATORY, "ChargeClass"} <= set(COLUMNS)
    own = [column for column in COLUMNS if column.startswith("x_")]
    assert list(COLUMNS) == sorted(set(COLUMNS) - set(own)) + own
    for row in lines:
        assert all(row[column] for column in MANDATORY)
        for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
            assert float(row[price]) * float(row["PricingQuantity"]) == pytest.approx(float(row[cost]))


def test_units_are_written_as_focus_writes_them() -> None:
    units = {row["SkuId"]: row["PricingUnit"] for row in rows(month(MONTHLY))}
    assert units["m5.2xlarge"] == "Hours"
    assert units["gp3.storage"] == "GB-Months"
    assert units["gp3.iops"] == "IOPS-Months"
    assert units["s3.writes"] == "1000000 Requests"
    assert units["cross_zone"] == "GB"


def test_spot_is_priced_dynamically_and_unverified_prices_say_so() -> None:
    by_resource = {row["ResourceId"]: row for row in rows(month(MONTHLY))}
    assert by_resource["batch"]["PricingCategory"] == "Dynamic"
    assert {row["x_PriceVerified"] for row in rows(month(MONTHLY)) if row["SkuId"] == "db.r6g.2xlarge"} == {"false"}


def test_months_run_over_the_end_of_the_year() -> None:
    starts = sorted({row["BillingPeriodStart"] for row in rows(month(MONTHLY), months=3)})
    ends = sorted({row["BillingPeriodEnd"] for row in rows(month(MONTHLY), months=3)})
    assert starts == ["2027-11-01T00:00:00Z", "2027-12-01T00:00:00Z", "2028-01-01T00:00:00Z"]
    assert ends == [*starts[1:], "2028-02-01T00:00:00Z"]


def test_a_name_from_a_scenario_never_starts_a_formula() -> None:
    found = rows(month(MONTHLY, resource="=HYPERLINK(1)"))
    assert {row["ResourceId"] for row in found if "HYPERLINK" in row["ResourceId"]} == {"'=HYPERLINK(1)"}
