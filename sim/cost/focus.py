"""A bill as CSV in the FinOps Open Cost and Usage Specification, FOCUS 1.2: a row a month, resource and SKU.

All columns that are mandatory in 1.2 are there, and of the conditional ones those that a simulation can fill. Columns
of our own start with `x_`, as the specification wants. Source: https://focus.finops.org/focus-specification/v1-2/.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TextIO

from sim.cost.bill import Bill, Item

Row = dict[str, str]

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "x_PriceDate",
    "x_PriceSource",
    "x_PriceVerified",
)

_UNITS = {"h": "Hours", "month": "Months", "GB": "GB", "ACU-h": "ACU-Hours", "GB-h": "GB-Hours"}


def focus_rows(bill: Bill, first_month: date, months: int = 1) -> Iterator[Row]:
    """Rows of `months` calendar months that each cost what the bill says; null is an empty cell.

    A covered share of an item is a row of its own: nothing is billed for it, and its effective cost is its part of the
    commitment. The commitment itself is a Purchase with a billed cost and no effective one: every month, or, paid
    upfront, once in the first month for its whole term. So effective costs sum to the bill's total.

    first_month: any day of it. The bill must be of a month, and no amount on it refused.
    """
    assert bill.period == "month", "a run without declared runs per month has no invoice"
    for index in range(months):
        start, end = _month(first_month, index), _month(first_month, index + 1)
        for item in bill.items:
            for row in _usage_rows(bill, item):
                yield _complete(bill, row, start, end)
        for row in _purchase_rows(bill, first=index == 0):
            yield _complete(bill, row, start, end)


def write_focus(rows: Iterable[Row], out: TextIO) -> None:
    """Writes the rows as CSV with a header."""
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _usage_rows(bill: Bill, item: Item) -> Iterator[Row]:
    quantity, list_cost = item.quantity.value, item.list_cost.value
    assert quantity is not None
    assert list_cost is not None
    if quantity == 0:
        return
    reduction = item.reduction
    for share, covered in ((1 - reduction.covered, False), (reduction.covered, True)):
        if share == 0:
            continue
        committed = covered and reduction.category == "Committed"
        listed = share * list_cost
        contracted = listed * reduction.contracted
        effective = contracted * (1 - reduction.saving) if covered else contracted
        yield {
            "BilledCost": _number(0.0 if committed else effective),
            "ChargeCategory": "Usage",
            "ChargeDescription": _text(f"{item.price.sku} for {item.resource}, {item.price.basis}"),
            "ChargeFrequency": "Usage-Based",
            **(_commitment(bill) | {"CommitmentDiscountStatus": "Used"} if committed else {}),
            "ConsumedQuantity": _number(share * quantity),
            "ConsumedUnit": _unit(item.price.unit),
            "ContractedCost": _number(contracted),
            "ContractedUnitPrice": _number(contracted / (share * quantity)),
            "EffectiveCost": _number(effective),
            "ListCost": _number(listed),
            "ListUnitPrice": _number(list_cost / quantity),
            "PricingCategory": reduction.category if covered else "Standard",
            "PricingQuantity": _number(share * quantity),
            "PricingUnit": _unit(item.price.unit),
            "ProviderName": item.price.service.provider,
            "RegionId": item.price.region if item.price.region != "any" else "",
            "ResourceId": _text(item.resource),
            "ResourceName": _text(item.resource),
            "ServiceCategory": item.price.service.category,
            "ServiceName": item.price.service.name,
            "SkuId": _text(item.price.sku),
            "SkuPriceId": _text(f"{item.price.sku} ({item.price.basis})"),
            "x_PriceDate": item.price.source.date,
            "x_PriceSource": item.price.source.title,
            "x_PriceVerified": str(item.price.source.verified).lower(),
        }


def _purchase_rows(bill: Bill, first: bool) -> Iterator[Row]:
    plan = bill.terms.savings_plan
    covered = [item for item in bill.items if item.reduction.category == "Committed"]
    if plan is None or not covered or (plan.paid_upfront and not first):
        return
    fee = sum(
        (item.list_cost.value or 0.0)
        * item.reduction.covered
        * item.reduction.contracted
        * (1 - item.reduction.saving)
        for item in covered
    )
    months = 12 * plan.years if plan.paid_upfront else 1
    amount = _number(fee * months)
    yield {
        "BilledCost": amount,
        "ChargeCategory": "Purchase",
        "ChargeDescription": str(plan),
        "ChargeFrequency": "One-Time" if plan.paid_upfront else "Recurring",
        **_commitment(bill),
        "ContractedCost": amount,
        "ContractedUnitPrice": _number(fee),
        "EffectiveCost": _number(0.0),
        "ListCost": amount,
        "ListUnitPrice": _number(fee),
        "PricingCategory": "Standard",
        "PricingQuantity": _number(months),
        "PricingUnit": _unit("month"),
        "ProviderName": covered[0].price.service.provider,
        "ResourceId": "savings-plan",
        "ResourceName": "savings-plan",
        "ServiceCategory": "Compute",
        "ServiceName": covered[0].price.service.name,
        "SkuId": "savings-plan",
        "SkuPriceId": f"savings-plan ({plan.years} years)",
        "x_PriceVerified": "true",
    }


def _commitment(bill: Bill) -> Row:
    return {
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountId": "savings-plan",
        "CommitmentDiscountName": str(bill.terms.savings_plan),
        "CommitmentDiscountType": "Savings Plan",
    }


def _complete(bill: Bill, row: Row, start: str, end: str) -> Row:
    return {
        "BillingAccountId": "simulation",
        "BillingAccountName": bill.name,
        "BillingCurrency": bill.currency,
        "BillingPeriodEnd": end,
        "BillingPeriodStart": start,
        "ChargePeriodEnd": end,
        "ChargePeriodStart": start,
        "InvoiceIssuerName": row["ProviderName"],
        "PublisherName": row["ProviderName"],
        **row,
    }


def _month(first: date, later: int) -> str:
    """The first instant of the month `later` months after that of `first`, as FOCUS writes dates."""
    year, month = divmod(first.year * 12 + first.month - 1 + later, 12)
    return f"{year:04d}-{month + 1:02d}-01T00:00:00Z"


def _unit(unit: str) -> str:
    """The unit as FOCUS writes it: plural, capitalised, a hyphen in compounds ("GB-Months", "1000000 Actions")."""
    if unit in _UNITS:
        return _UNITS[unit]
    if unit.startswith("million "):
        return f"1000000 {unit.removeprefix('million ').capitalize()}"
    thing, _, period = unit.partition("-")
    return f"{thing[0].upper()}{thing[1:]}-{'Months' if period == 'month' else period.capitalize()}"


def _number(value: float) -> str:
    """Shortest decimal that reads back as the same float; rounding is left to whoever prints."""
    return repr(value + 0.0)


def _text(text: str) -> str:
    """Text that came from a scenario, safe in a spreadsheet: never the start of a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
