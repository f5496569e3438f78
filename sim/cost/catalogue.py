"""A dated price list: what one unit of each thing costs, on which basis, and who says so.

Reading one from a file is in `read_prices`; discounts are in `terms`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sim.errors import InputErrors, Problem
from sim.units import HOURS_PER_MONTH

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure was read. `date` is that of the source, "undated" where it carries none."""

    title: str
    date: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Service:
    """What is bought: provider, the name on its invoice, and the service category of FOCUS."""

    provider: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class Tier:
    """`unit_price` for the part of a quantity up to `up_to` units (infinite for the last tier of an open list)."""

    up_to: float
    unit_price: float


@dataclass(frozen=True, slots=True)
class Price:
    """The list price of one thing.

    sku: the name that scenarios and usage call it by, such as "m7g.2xlarge" or "gp3.iops".
    unit: what one price buys: "h", "month", "GB-month", "IOPS-month", "GB", "million actions", ...
    tiers: ascending; a quantity fills the first, then the next, as income fills tax brackets.
    basis: "on-demand, Linux", "3 years all upfront", ...
    free: units that come with the resource and are not charged; tiers are counted after them.
    savings_plan: whether a compute savings plan applies to it.
    own: given by the buyer: it is what is paid, and nothing comes off it.
    """

    sku: str
    unit: str
    tiers: tuple[Tier, ...]
    currency: str
    region: str
    basis: str
    service: Service
    source: Source
    free: float = 0.0
    savings_plan: bool = False
    own: bool = False

    @property
    def unit_price(self) -> float:
        """Price of one unit in the first tier."""
        return self.tiers[0].unit_price

    def amount(self, quantity: float) -> float:
        """List price of `quantity` units; what lies above the last tier has no price and adds nothing."""
        rest = max(quantity - self.free, 0.0)
        amount = floor = 0.0
        for tier in self.tiers:
            amount += max(min(rest, tier.up_to) - floor, 0.0) * tier.unit_price
            floor = tier.up_to
        return amount

    def billable(self, quantity: float) -> float:
        """The part of `quantity` that is charged."""
        return max(quantity - self.free, 0.0)

    def unlisted(self, quantity: float) -> float:
        """The part of `quantity` above the last tier, which the list leaves to a contract."""
        return max(self.billable(quantity) - self.tiers[-1].up_to, 0.0)

    @property
    def per_hour(self) -> float:
        """Price of one hour of a thing that is billed by time."""
        assert self.unit in ("h", "month"), self.unit
        return self.unit_price / (HOURS_PER_MONTH if self.unit == "month" else 1)


@dataclass(frozen=True, slots=True)
class Disk:
    """A kind of volume: price of its storage and, where the provider sells them apart, of IOPS and throughput."""

    storage: Price
    iops: Price | None = None
    throughput: Price | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a node costs a month when it is reserved; the rest as in `Price`."""

    per_month: float
    source: Source


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All prices of one provider in one region on one date. Names are unique within nodes, disks and meters."""

    name: str
    date: str
    currency: str
    nodes: Mapping[str, Price]
    disks: Mapping[str, Disk] = field(default_factory=dict)
    meters: Mapping[str, Price] = field(default_factory=dict)
    reserved_3_years: Mapping[str, Reservation] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}@{self.date}"

    def node(self, name: str, path: str = "") -> Price:
        """Price of a node of type `name`; raises InputErrors, at `path` of the scenario, when there is none."""
        return self._find(name, self.nodes, "node type", path)

    def disk(self, name: str, path: str = "") -> Disk:
        """Prices of a volume of kind `name`; raises InputErrors when there is none."""
        return self._find(name, self.disks, "kind of disk", path)

    def meter(self, name: str, path: str = "") -> Price:
        """Price of whatever else is counted, such as "egress"; raises InputErrors when there is none."""
        return self._find(name, self.meters, "meter", path)

    def _find(self, name: str, table: Mapping[str, T], kind: str, path: str) -> T:
        if name in table:
            return table[name]
        near = difflib.get_close_matches(name, table, n=3, cutoff=0.6)
        known = f"did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
        own = f"or give your own under `prices`, such as {name}: 250 USD/month" if kind == "node type" else ""
        message = f"is `{name}`, which is not a {kind} of the price catalogue {self}"
        raise InputErrors([Problem(path, message, " ".join(part for part in (known, own) if part))])

    def with_nodes(self, usd_per_month: Mapping[str, float]) -> Catalogue:
        """The same catalogue with node prices of the user's own, which win over the list."""
        own = {name: _own_price(name, price, self.nodes.get(name)) for name, price in usd_per_month.items()}
        return replace(self, nodes={**self.nodes, **own})


def _own_price(name: str, usd_per_month: float, listed: Price | None) -> Price:
    return Price(
        sku=name,
        unit="month",
        tiers=(Tier(math.inf, usd_per_month),),
        currency="USD",
        region=listed.region if listed else "",
        basis="as given in the scenario",
        service=listed.service if listed else Service("self-hosted", "Compute", "Compute"),
        source=Source("given in the scenario", "undated", verified=True),
        own=True,
    )
