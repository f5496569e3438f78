"""The bill of a run: its lines, usage x price, for a month or for one run; totals with intervals; who pays for what is
shared, which makes the cost per execution; and what it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sim.cost.catalogue import Catalogue, Price
from sim.cost.propagate import product, ratio, through, times, total
from sim.cost.terms import Reduction, Terms
from sim.cost.usage import DiskUse, MeterUse, NodeUse, Usage, WorkflowUse
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
            items += _ITEMISE[type(use)](use, period, catalogue, terms)
        except InputErrors as error:
            problems += error.problems
    if problems:
        raise InputErrors(list(dict.fromkeys(problems)))
    return tuple(items)


def priced(resource: str, price: Price, quantity: Figure, period: Period, reduction: Reduction) -> Item:
    """The item for `quantity` units of `price`, free ones included."""
    most = quantity.value if quantity.high is None else quantity.high
    return Item(
        resource,
        price,
        through(quantity, lambda units: min(price.billable(units), price.listed_to), price.unit),
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


def _node_items(use: NodeUse, period: Period, catalogue: Catalogue, terms: Terms) -> list[Item]:
    price = catalogue.node(use.node, use.resource)
    hours = times(use.hours, period.windows(use.standing), "h")
    quantity = times(hours, 1 / HOURS_PER_MONTH, "month") if price.unit == "month" else hours
    return [priced(use.resource, price, quantity, period, terms.reduction(price, catalogue, use.spot))]


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


def _meter_items(use: MeterUse, period: Period, catalogue: Catalogue, terms: Terms) -> list[Item]:
    price = catalogue.meter(use.meter, use.resource)
    in_millions = 1e6 if price.unit.startswith("million ") else 1.0
    quantity = times(use.quantity, period.windows(use.standing) / in_millions, price.unit)
    return [priced(use.resource, price, quantity, period, terms.reduction(price, catalogue))]


_ITEMISE: Mapping[type, Callable[[Any, Period, Catalogue, Terms], list[Item]]] = {
    NodeUse: _node_items,
    DiskUse: _disk_items,
    MeterUse: _meter_items,
}


Yardstick = Literal["transitions", "actions"]


@dataclass(frozen=True, slots=True)
class Allocation:
    """Shares of each resource's cost.

    by: what the shared cost is in proportion to. State transitions are the default, since each of them takes the
        shard, the connection and the store once; Temporal uses the same unit for capacity.
    owners: resources with shares of their own, such as {"workers.orders": {"checkout": 1.0}}; they sum to 1.
    """

    by: Yardstick = "transitions"
    owners: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        rule = f"by share of {self.by}"
        return f"{rule}, except {', '.join(sorted(self.owners))} as declared" if self.owners else rule

    def shares(self, resource: str, workflows: Sequence[WorkflowUse]) -> Mapping[str, float]:
        """Share of the cost of `resource` for each workflow; all 0 when nothing was done that could carry it."""
        if resource in self.owners:
            return {workflow.name: self.owners[resource].get(workflow.name, 0.0) for workflow in workflows}
        weights = {
            workflow.name: (workflow.executions.value or 0.0)
            * (workflow.actions_per_execution if self.by == "actions" else workflow.transitions_per_execution)
            for workflow in workflows
        }
        whole = sum(weights.values())
        return {name: weight / whole if whole else 0.0 for name, weight in weights.items()}


ALWAYS_UNPRICED = (
    "support plan of the provider",
    "tax",
    "observability: metrics, logs, traces",
    "staging, test and disaster-recovery copies",
    "on-call and operations staff",
    "backups beyond what the service includes, snapshot copies, extended support",
    "cluster fees, load balancers, endpoints",
)
"""What no run can know and every real bill has."""


@dataclass(frozen=True, slots=True)
class Bill:
    """An itemised bill.

    catalogue: name@date of the prices.
    period: "month", or "run" for a finite scenario without declared runs per month; items are per period.
    total_per_month: refused for such a scenario; total_per_run: None for a steady one.
    per_execution, per_task: by workflow, in USD; the average, not the marginal cost.
    per_million: statements and commits, where they were counted.
    allocation: the rule by which shared cost was allotted.
    not_priced: what the total leaves out.
    downtime_per_year: cost to the business, never part of a total; None when unknown.
    """

    name: str
    currency: str
    catalogue: str
    period: str
    terms: Terms
    items: tuple[Item, ...]
    total_per_month: Figure
    total_per_run: Figure | None
    per_execution: Mapping[str, Figure]
    per_task: Mapping[str, Figure]
    per_million: Mapping[str, Figure]
    allocation: str
    not_priced: tuple[str, ...]
    downtime_per_year: Figure | None = None

    def to_json(self) -> dict[str, Any]:
        """The bill of the output contract."""
        return {
            "currency": self.currency,
            "total_per_month": self.total_per_month.to_json(),
            "per_execution": {name: figure.to_json() for name, figure in self.per_execution.items()},
            "items": [item.to_json() for item in self.items],
            "not_priced": list(self.not_priced),
        }


def bill(
    usage: Usage,
    catalogue: Catalogue,
    terms: Terms | None = None,
    downtime_min_per_year: Figure | None = None,
) -> Bill:
    """The bill of a self-hosted deployment.

    Raises InputErrors with every node type, disk and meter that has no price, and every missing rate of `terms`.
    """
    terms = terms or Terms()
    unlisted = list(unpriced_disk_features(usage, catalogue))
    return settle(
        name="self-hosted",
        usage=usage,
        catalogue=catalogue,
        itemise=lambda period: items_of(usage, period, catalogue, terms),
        terms=terms,
        allocation=Allocation(),
        not_priced=unlisted + _left_out(usage, terms),
        downtime_min_per_year=downtime_min_per_year,
    )


HOW_OFTEN = (
    "a month needs to know how often that is: write   run: {runs: 30}   or, where the load repeats, "
    "run: {cycle: 1 h}   and a horizon of whole cycles"
)
"""What to write for the cost of a month."""


def settle(
    *,
    name: str,
    usage: Usage,
    catalogue: Catalogue,
    itemise: Callable[[Period], tuple[Item, ...]],
    terms: Terms,
    allocation: Allocation,
    not_priced: Iterable[str],
    downtime_min_per_year: Figure | None = None,
) -> Bill:
    """Totals and cost per execution of the items that `itemise` gives for a month or for a run."""
    period = Period("month" if usage.has_month else "run", usage)
    items = itemise(period)
    beyond = [
        f"up to {item.unlisted:,.4g} {item.price.unit} of {item.item} above {item.price.listed_to:,.0f}: by contract"
        for item in items
        if item.unlisted > 0
    ]
    sum_of_items = _sum(items, period, beyond)
    if usage.has_month:
        per_month = sum_of_items
    else:
        amount = f"{sum_of_items.value:,.2f} USD a run" if sum_of_items.value is not None else "no cost of a run"
        per_month = Figure.refused("USD/month", f"{amount}; {HOW_OFTEN}", sum_of_items.n)
    per_run = None
    if not usage.steady:
        run = Period("run", usage)
        per_run = _sum(itemise(run), run, beyond)
    per_execution = _per_execution(items, usage, period, allocation)
    downtime = None
    if terms.downtime_usd_per_min is not None and downtime_min_per_year is not None:
        downtime = times(downtime_min_per_year, terms.downtime_usd_per_min, "USD/year")
    return Bill(
        name=name,
        currency=catalogue.currency,
        catalogue=str(catalogue),
        period=period.name,
        terms=terms,
        items=items,
        total_per_month=per_month,
        total_per_run=per_run,
        per_execution=per_execution,
        per_task={
            workflow.name: times(per_execution[workflow.name], 1 / workflow.tasks_per_execution, "USD")
            for workflow in usage.workflows
            if workflow.tasks_per_execution > 0
        },
        per_million={
            what: ratio(sum_of_items, times(count, period.windows() / 1e6, ""), "USD/million")
            for what, count in (("statements", usage.statements), ("commits", usage.commits))
            if count is not None
        },
        allocation=str(allocation),
        not_priced=(*beyond, *not_priced),
        downtime_per_year=downtime,
    )


def _sum(items: Iterable[Item], period: Period, beyond: list[str]) -> Figure:
    whole = total((item.cost for item in items), period.money)
    return whole.with_note(f"a lower bound: {'; '.join(beyond)}") if beyond else whole


def _per_execution(items: Iterable[Item], usage: Usage, period: Period, allocation: Allocation) -> dict[str, Figure]:
    found = {}
    shares = {item.resource: allocation.shares(item.resource, usage.workflows) for item in items}
    for workflow in usage.workflows:
        own = total((times(item.cost, shares[item.resource][workflow.name], "USD") for item in items), "USD")
        executions = times(workflow.executions, period.windows(), "")
        figure = ratio(own, executions, "USD")
        if figure.value is not None:
            load = f"{executions.value:,.0f} executions a {period.name}"
            figure = figure.with_note(f"at {load}; shared cost allotted {allocation}")
            if workflow.children:
                figure = figure.with_note(f"children cost extra: {', '.join(workflow.children)}")
        found[workflow.name] = figure
    return found


def _left_out(usage: Usage, terms: Terms) -> list[str]:
    meters = {meter.meter for meter in usage.meters}
    others = {
        "traffic to the internet: not in the run's usage": "egress" not in meters,
        "traffic between zones: not in the run's usage": "cross_zone" not in meters,
        "NAT gateways: not in the run's usage": "nat_gateway.traffic" not in meters,
        "private discount: none was given": terms.discount == 0,
        "unused part of the savings plan: it is taken as fully used": terms.savings_plan is not None,
        "downtime: a cost to the business, shown beside the bill": terms.downtime_usd_per_min is not None,
    }
    return [*ALWAYS_UNPRICED, *(what for what, is_left_out in others.items() if is_left_out)]
