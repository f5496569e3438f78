"""What stands between a list price and what is paid: private discount, savings plan, spot market.

Prices themselves are in `catalogue`. The order is the providers' own: the private discount first, on every list
price; the savings plan then covers a share of the eligible hours at its lower rate; spot has a price of its own, to
which neither applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.cost.catalogue import Catalogue, Price
from sim.errors import InputErrors, Problem
from sim.units import HOURS_PER_MONTH

PricingCategory = Literal["Standard", "Committed", "Dynamic"]
"""As FOCUS 1.2 names them: agreed rate, under a commitment, or a market's."""


@dataclass(frozen=True, slots=True)
class SavingsPlan:
    """A commitment to a rate for `years`, taken to be fully used.

    coverage: share of the eligible node-hours that it covers, in [0, 1]; the rest is paid on demand.
    saving: what the plan takes off the on-demand price, in [0, 1]; None takes the catalogue's reservations, which
        it has for 3 years, paid upfront, and some node types only.
    """

    years: Literal[1, 3]
    coverage: float
    saving: float | None = None

    def __post_init__(self) -> None:
        assert 0 <= self.coverage <= 1, self.coverage
        assert self.saving is None or 0 <= self.saving <= 1, self.saving

    @property
    def paid_upfront(self) -> bool:
        """Whether the whole term is paid on its first day (the catalogue's reservations are) or month by month."""
        return self.saving is None

    def __str__(self) -> str:
        payment = "all upfront" if self.paid_upfront else "no upfront"
        return f"{self.years}-year plan, {payment}, {self.coverage:.0%} covered"


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is taken off one list price.

    discount: private discount, share of the list price.
    covered: share of the quantity that is had at a lower rate, `saving` below the discounted list price.
    category: how the covered part is priced.
    """

    discount: float = 0.0
    covered: float = 0.0
    saving: float = 0.0
    category: PricingCategory = "Standard"

    @property
    def contracted(self) -> float:
        """Share of the list price after the private discount."""
        return 1.0 - self.discount

    @property
    def effective(self) -> float:
        """Share of the list price that is paid in the end."""
        return self.contracted * (1.0 - self.covered * self.saving)


@dataclass(frozen=True, slots=True)
class Terms:
    """The buyer's own conditions.

    discount: private discount on every list price, in [0, 1].
    spot_saving: what the spot market takes off the on-demand price on average, in [0, 1]; needed when nodes are spot.
    downtime_usd_per_min: what a minute of downtime costs the business; shown beside the bill, never in it.
    """

    discount: float = 0.0
    savings_plan: SavingsPlan | None = None
    spot_saving: float | None = None
    downtime_usd_per_min: float | None = None

    def __post_init__(self) -> None:
        assert 0 <= self.discount <= 1, self.discount
        assert self.spot_saving is None or 0 <= self.spot_saving <= 1, self.spot_saving

    def reduction(self, price: Price, catalogue: Catalogue, spot: bool = False) -> Reduction:
        """What these terms take off `price`.

        Raises InputErrors when a spot node has no `spot_saving`, or the plan has no rate for this node type.
        """
        if price.own:
            return Reduction()
        if spot:
            if self.spot_saving is None:
                message = f"is needed for the spot nodes of type `{price.sku}`: the catalogue has no spot prices"
                hint = "write what spot takes off the on-demand price, such as spot_saving: 60 %"
                raise InputErrors([Problem("prices.spot_saving", message, hint)])
            return Reduction(covered=1.0, saving=self.spot_saving, category="Dynamic")
        plan = self.savings_plan
        if plan is None or plan.coverage == 0 or not price.savings_plan:
            return Reduction(self.discount)
        return Reduction(self.discount, plan.coverage, _saving(plan, price, catalogue), "Committed")


def _saving(plan: SavingsPlan, price: Price, catalogue: Catalogue) -> float:
    if plan.saving is not None:
        return plan.saving
    reservation = catalogue.reserved_3_years.get(price.sku) if plan.years == 3 else None
    if reservation is None:
        message = f"is needed: {catalogue} has no {plan.years}-year rate for `{price.sku}`"
        hint = "write what your plan takes off the on-demand price, such as saving: 27 %"
        raise InputErrors([Problem("prices.savings_plan.saving", message, hint)])
    return 1.0 - reservation / (price.per_hour * HOURS_PER_MONTH)
