"""The same load on a workflow service that is paid by use: Temporal Cloud, AWS Step Functions, and the load at which
self-hosting breaks even. The self-hosted bill is in `bill`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sim.cost.bill import Allocation, Bill, Item, Period, priced, settle
from sim.cost.catalogue import Catalogue, load_catalogue
from sim.cost.propagate import through, times, total
from sim.cost.terms import Reduction, Terms
from sim.cost.usage import Usage
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.units import HOURS_PER_MONTH

GB_H_PER_GB = 744
"""What Temporal Cloud makes of a GB of included storage (docs/evaluate/cloud/pricing.mdx)."""

CLOUD_UNPRICED = (
    "your own workers: they run outside the service and stay on your bill",
    "running both during a migration",
    "tax",
    "observability: metrics, logs, traces",
    "staging, test and disaster-recovery copies",
    "on-call and operations staff",
    "commitments and private discounts",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of Temporal Cloud; its least price a month is in the catalogue.

    share_of_usage: the plan costs this share of actions + storage, or its least price if that is more.
    included: millions of actions and GB of storage a month that come with it and are taken off first.
    Source: docs/evaluate/cloud/pricing.mdx, 2026-08.
    """

    name: Literal["developer", "business"]
    actions_sku: str
    included_million_actions: float
    included_active_gb: float
    included_retained_gb: float
    share_of_usage: float = 0.10


PLANS = {
    "developer": Plan("developer", "actions.developer", 0.0, 0.0, 0.0),
    "business": Plan("business", "actions", 2.5, 2.5, 100.0),
}


def temporal_cloud_bill(usage: Usage, plan: str = "business") -> Bill:
    """What Temporal Cloud would charge for the actions and histories of `usage`, pay-as-you-go.

    Tiers apply to what exceeds the plan's allowance; above 200 M actions a month the list ends and the total is a
    lower bound. Histories are taken in GB of 2^30 bytes. Cost is allotted to workflows by their share of actions.

    Raises InputErrors for a plan without a list price (enterprise plans are priced by contract).
    """
    if plan not in PLANS:
        message = f"is `{plan}`, which is not a plan with a list price"
        raise InputErrors([Problem("prices.temporal_cloud.plan", message, f"one of {', '.join(PLANS)}")])
    catalogue = load_catalogue("temporal-cloud")
    not_priced = list(CLOUD_UNPRICED)
    if usage.active_gib is None or usage.retained_gib is None:
        not_priced.insert(0, "storage of histories: not in the run's usage")
    return settle(
        name=f"Temporal Cloud, {plan} plan",
        usage=usage,
        catalogue=catalogue,
        itemise=lambda period: _temporal_items(usage, period, PLANS[plan], catalogue),
        terms=Terms(),
        allocation=Allocation(by="actions"),
        not_priced=not_priced,
    )


def _temporal_items(usage: Usage, period: Period, plan: Plan, catalogue: Catalogue) -> tuple[Item, ...]:
    months = period.months()
    actions = total((times(one.executions, one.actions_per_execution, "") for one in usage.workflows), "")
    counted = [
        (plan.actions_sku, plan.included_million_actions, times(actions, period.windows() / 1e6, "million actions")),
        ("storage.active", plan.included_active_gb * GB_H_PER_GB, _gb_h(usage.active_gib, months)),
        ("storage.retained", plan.included_retained_gb * GB_H_PER_GB, _gb_h(usage.retained_gib, months)),
    ]
    items = [
        priced("temporal cloud", replace(catalogue.meter(sku), free=included * months), quantity, period, Reduction())
        for sku, included, quantity in counted
        if quantity is not None
    ]
    consumption = total((item.cost for item in items), period.money)
    fee = catalogue.meter(f"plan.{plan.name}")
    least = fee.amount(months)
    fee_cost = through(consumption, lambda usd: max(least, plan.share_of_usage * usd), period.money)
    return (*items, Item("temporal cloud", fee, Figure.exact(months, "month"), fee_cost))


def _gb_h(level: Figure | None, months: float) -> Figure | None:
    return None if level is None else times(level, months * HOURS_PER_MONTH, "GB-h")


def step_functions_bill(usage: Usage, transitions_per_execution: Mapping[str, float]) -> Bill:
    """What AWS Step Functions, standard workflows, would charge.

    transitions_per_execution: state transitions of Step Functions by workflow, retries included. They are steps of a
        state machine and not the durable transitions of Temporal, so a run cannot give them.

    Raises InputErrors for a workflow without its count, and for a count of no workflow.
    """
    names = {workflow.name for workflow in usage.workflows}
    odd = [
        *(
            (name, "is needed: the state transitions of one execution")
            for name in sorted(names - set(transitions_per_execution))
        ),
        *((name, "is not a workflow of the scenario") for name in sorted(set(transitions_per_execution) - names)),
    ]
    if odd:
        raise InputErrors([Problem(f"prices.step_functions.{name}", message) for name, message in odd])
    catalogue = load_catalogue("aws-us-east-1")
    price = catalogue.meter("step_functions.transitions")

    def itemise(period: Period) -> tuple[Item, ...]:
        return tuple(
            priced(
                workflow.name,
                price,
                times(
                    workflow.executions,
                    transitions_per_execution[workflow.name] * period.windows() / 1e6,
                    price.unit,
                ),
                period,
                Reduction(),
            )
            for workflow in usage.workflows
        )

    return settle(
        name="AWS Step Functions, standard workflows",
        usage=usage,
        catalogue=catalogue,
        itemise=itemise,
        terms=Terms(),
        allocation=Allocation(owners={name: {name: 1.0} for name in names}),
        not_priced=("payload storage and logs of the service", *CLOUD_UNPRICED),
    )


def break_even(self_hosted_usd_per_month: Figure, usage: Usage, service: Callable[[Usage], Bill]) -> Figure:
    """Load, in executions a second, children too, of the same mix, at which the service costs what self-hosting does.

    Below it the service is the cheaper of the two. The self-hosted cost is taken as it is, whatever the load: that
    holds up to what the deployment can carry. Leave the workers out of it, they are needed on both sides.

    self_hosted_usd_per_month: its interval becomes that of the load.
    service: the bill for a usage, such as `temporal_cloud_bill`; must not fall when the load grows.

    Refused when the service's least price is above the self-hosted cost already, and when the price list ends before
    it is reached.
    """
    assert usage.has_month
    per_month = sum(workflow.executions.value or 0.0 for workflow in usage.workflows) * usage.windows_per_month()
    if self_hosted_usd_per_month.value is None or per_month <= 0:
        return Figure.refused("1/s", self_hosted_usd_per_month.note or "no execution closed in the window")
    rate_per_s = per_month / (HOURS_PER_MONTH * 3600)

    def root(target: float | None) -> float | str:
        return "no interval" if target is None else _scale_at(target, usage, service)

    found = root(self_hosted_usd_per_month.value)
    if isinstance(found, str):
        return Figure.refused("1/s", found)
    low, high = root(self_hosted_usd_per_month.low), root(self_hosted_usd_per_month.high)
    note = "for the same mix of workflows; valid up to what the self-hosted deployment can carry"
    if isinstance(low, str) or isinstance(high, str):
        return Figure(found * rate_per_s, "1/s", n=self_hosted_usd_per_month.n, note=note)
    return Figure(
        found * rate_per_s,
        "1/s",
        low * rate_per_s,
        high * rate_per_s,
        self_hosted_usd_per_month.confidence,
        self_hosted_usd_per_month.n,
        note,
    )


def _scale_at(target: float, usage: Usage, service: Callable[[Usage], Bill]) -> float | str:
    """The multiple of the load at which the bill reaches `target`, or why there is none."""

    def cost(scale: float) -> float:
        value = service(_scaled(usage, scale)).total_per_month.value
        assert value is not None
        return value

    least = cost(0.0)
    if least >= target:
        return f"the service costs at least {least:,.2f} USD a month, self-hosting {target:,.2f}"
    low, high = 0.0, 1.0
    while cost(high) < target:
        if any(item.unlisted > 0 for item in service(_scaled(usage, high)).items):
            # Past its end the list adds nothing, so the cost would never get there.
            return f"the price list ends before the service costs {target:,.2f} USD a month: above it by contract"
        if high > 1e12:
            return "the service charges nothing for this load"
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if cost(middle) < target else (low, middle)
    return high


def _scaled(usage: Usage, scale: float) -> Usage:
    """The usage at `scale` times the load, without its intervals."""

    def exact(figure: Figure | None) -> Figure | None:
        return None if figure is None or figure.value is None else Figure.exact(figure.value * scale, figure.unit)

    return replace(
        usage,
        workflows=tuple(
            replace(workflow, executions=Figure.exact((workflow.executions.value or 0.0) * scale, ""))
            for workflow in usage.workflows
        ),
        active_gib=exact(usage.active_gib),
        retained_gib=exact(usage.retained_gib),
    )
