"""The bill of a run: totals with intervals, cost per execution, and what it leaves out. Its lines are in `items`, the
rule of the split by workflow in `allocation`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.cost.allocation import Allocation
from sim.cost.catalogue import Catalogue
from sim.cost.items import Item, Period, items_of, unpriced_disk_features
from sim.cost.propagate import ratio, times, total
from sim.cost.terms import Terms
from sim.cost.usage import Usage
from sim.figure import Figure

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
    beyond = list(_beyond_the_list(items))
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
        downtime_per_year=_downtime(terms, downtime_min_per_year),
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
        found[workflow.name] = figure
    return found


def _beyond_the_list(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        if item.unlisted > 0:
            end = item.price.tiers[-1].up_to
            yield f"up to {item.unlisted:,.4g} {item.price.unit} of {item.item} above {end:,.0f}: by contract"


def _left_out(usage: Usage, terms: Terms) -> list[str]:
    left_out = list(ALWAYS_UNPRICED)
    meters = {meter.meter for meter in usage.meters}
    for meter, what in (
        ("egress", "traffic to the internet"),
        ("cross_zone", "traffic between zones"),
        ("nat_gateway.traffic", "NAT gateways"),
    ):
        if meter not in meters:
            left_out.append(f"{what}: not in the run's usage")
    if terms.discount == 0:
        left_out.append("private discount: none was given")
    if terms.savings_plan is not None:
        left_out.append("unused part of the savings plan: it is taken as fully used")
    if terms.downtime_usd_per_min is not None:
        left_out.append("downtime: a cost to the business, shown beside the bill")
    return left_out


def _downtime(terms: Terms, minutes_per_year: Figure | None) -> Figure | None:
    if terms.downtime_usd_per_min is None or minutes_per_year is None:
        return None
    return times(minutes_per_year, terms.downtime_usd_per_min, "USD/year")
