"""The lines of a bill: usage x price, for a month or for one run. Totals and the split by workflow are in `bill`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sim.cost.catalogue import Catalogue, Price
from sim.cost.propagate import product, through, times
from sim.cost.terms import Reduction, Terms
from sim.cost.usage import DiskUse, MeterUse, NodeUse, Usage
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.units import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Period:
    """What a bill covers: a month made of windows, or one run (= one window)."""

    name: str
    usage: Usage

    def windows(self, standing: bool = False) -> float:
        """How many windows of consumption fall into it."""
        return self.usage.windows_per_month(standing) if self.name == "month" else 1.0

    def months(self, standing: bool = False) -> float:
        """How long something exists in it, in months: the unit of everything that is billed by being there."""
        return self.windows(standing) * self.usage.window_hours / HOURS_PER_MONTH

    @property
    def money(self) -> str:
        """Unit of an amount on its bill."""
        return "USD/month" if self.name == "month" else "USD"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill.

    resource: what it is in the deployment; price: what is bought.
    quantity: per period, in the price's unit, without what comes free and without what has no price.
    list_cost: quantity at list price; `cost` is what is paid after `reduction`.
    unlisted: units above the end of the price list, which are left to a contract; at the upper end of the interval.
    """

    resource: str
    price: Price
    quantity: Figure
    list_cost: Figure
    reduction: Reduction = field(default_factory=Reduction)
    unlisted: float = 0.0

    @property
    def item(self) -> str:
        """What a reader of the bill sees."""
        return f"{self.resource}: {self.price.sku}{', spot' if self.reduction.category == 'Dynamic' else ''}"

    @property
    def cost(self) -> Figure:
        """Effective cost per period: list price less discount, commitment or spot."""
        return times(self.list_cost, self.reduction.effective, self.list_cost.unit)

    @property
    def unit_price(self) -> float:
        """Effective price of one unit; the mean over the tiers that the quantity reaches."""
        if not self.quantity.value or self.cost.value is None:
            return self.price.unit_price * self.reduction.effective
        return self.cost.value / self.quantity.value

    @property
    def source(self) -> str:
        """Who says so, marked when nobody checked it."""
        source = self.price.source
        return source.title if source.verified else f"UNVERIFIED: {source.title}"

    def to_json(self) -> dict[str, Any]:
        """The item of the output contract."""
        return {
            "item": self.item,
            "quantity": self.quantity.value,
            "unit": self.price.unit,
            "unit_price": self.unit_price,
            "amount": self.cost.value,
            "source": self.source,
            "date": self.price.source.date,
        }


def items_of(usage: Usage, period: Period, catalogue: Catalogue, terms: Terms) -> tuple[Item, ...]:
    """One item for each node pool and meter, up to three for each disk (storage, IOPS, throughput).

    Raises InputErrors with everything in `usage` that the catalogue or the terms have no price for.
    """
    items: list[Item] = []
    problems: list[Problem] = []
    for use in (*usage.nodes, *usage.disks, *usage.meters):
        try:
            match use:
                case NodeUse():
                    items.append(_node_item(use, period, catalogue, terms))
                case DiskUse():
                    items += _disk_items(use, period, catalogue, terms)
                case MeterUse():
                    items.append(_meter_item(use, period, catalogue, terms))
        except InputErrors as error:
            problems += error.problems
    if problems:
        raise InputErrors(list(dict.fromkeys(problems)))
    return tuple(items)


def priced(resource: str, price: Price, quantity: Figure, period: Period, reduction: Reduction) -> Item:
    """The item for `quantity` units of `price`, free ones included."""
    end = price.tiers[-1].up_to
    most = quantity.value if quantity.high is None else quantity.high
    return Item(
        resource,
        price,
        through(quantity, lambda units: min(price.billable(units), end), price.unit),
        through(quantity, price.amount, period.money),
        reduction,
        price.unlisted(most or 0.0),
    )


def unpriced_disk_features(usage: Usage, catalogue: Catalogue) -> Iterator[str]:
    """What was provisioned of a disk that the catalogue sells only as part of it, or not at all."""
    for use in usage.disks:
        disk = catalogue.disks.get(use.disk)
        if disk and use.iops and disk.iops is None:
            yield f"{use.iops:,.0f} IOPS of {use.resource}: no price for {use.disk}"
        if disk and use.mb_per_s and disk.throughput is None:
            yield f"{use.mb_per_s:,.0f} MB/s of {use.resource} beyond what comes with it: no price for {use.disk}"


def _node_item(use: NodeUse, period: Period, catalogue: Catalogue, terms: Terms) -> Item:
    price = catalogue.node(use.node, use.resource)
    hours = times(use.hours, period.windows(use.standing), "h")
    quantity = times(hours, 1 / HOURS_PER_MONTH, "month") if price.unit == "month" else hours
    return priced(use.resource, price, quantity, period, terms.reduction(price, catalogue, use.spot))


def _disk_items(use: DiskUse, period: Period, catalogue: Catalogue, terms: Terms) -> list[Item]:
    disk = catalogue.disk(use.disk, use.resource)
    volume_months = times(use.volumes, period.months(use.standing), "month")
    levels = (
        (disk.storage, use.size_gib),
        (disk.iops, Figure.exact(use.iops, "IOPS")),
        (disk.throughput, Figure.exact(use.mb_per_s, "MB/s")),
    )
    items = []
    for price, level in levels:
        if price is None or (level.value is not None and price.billable(level.high or level.value) == 0):
            continue
        quantity = product(through(level, price.billable, level.unit), volume_months, price.unit)
        cost = product(through(level, price.amount, "USD"), volume_months, period.money)
        items.append(Item(use.resource, price, quantity, cost, terms.reduction(price, catalogue)))
    return items


def _meter_item(use: MeterUse, period: Period, catalogue: Catalogue, terms: Terms) -> Item:
    price = catalogue.meter(use.meter, use.resource)
    in_millions = 1e6 if price.unit.startswith("million ") else 1.0
    quantity = times(use.quantity, period.windows(use.standing) / in_millions, price.unit)
    return priced(use.resource, price, quantity, period, terms.reduction(price, catalogue))
