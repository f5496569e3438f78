"""A dated price list: what one unit of each thing costs, on which basis, and who says so; read from YAML.

The lists that ship are in prices/; discounts are in `terms`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.errors import InputErrors, Problem
from sim.scenario.reading.reader import load_yaml
from sim.units import HOURS_PER_MONTH

T = TypeVar("T")


NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Row):
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


class Tier(_Row):
    """The price of a unit for the part of a quantity up to `up_to` units (infinite for the last of an open list)."""

    price: NotNegative
    up_to: Annotated[float, Field(gt=0)] = math.inf


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
        return self.tiers[0].price

    @property
    def listed_to(self) -> float:
        """How many units the list has a price for; infinite where it is open."""
        return self.tiers[-1].up_to

    def amount(self, quantity: float) -> float:
        """List price of `quantity` units; what lies above the last tier has no price and adds nothing."""
        rest = max(quantity - self.free, 0.0)
        amount = floor = 0.0
        for tier in self.tiers:
            amount += max(min(rest, tier.up_to) - floor, 0.0) * tier.price
            floor = tier.up_to
        return amount

    def billable(self, quantity: float) -> float:
        """The part of `quantity` that is charged."""
        return max(quantity - self.free, 0.0)

    def unlisted(self, quantity: float) -> float:
        """The part of `quantity` above the last tier, which the list leaves to a contract."""
        return max(self.billable(quantity) - self.listed_to, 0.0)

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
class Catalogue:
    """All prices of one provider in one region on one date. Names are unique within nodes, disks and meters.

    reserved_3_years: what a node costs a month when it is reserved.
    """

    name: str
    date: str
    currency: str
    nodes: Mapping[str, Price]
    disks: Mapping[str, Disk] = field(default_factory=dict)
    meters: Mapping[str, Price] = field(default_factory=dict)
    reserved_3_years: Mapping[str, float] = field(default_factory=dict)

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
        tiers=(Tier(price=usd_per_month),),
        currency="USD",
        region=listed.region if listed else "",
        basis="as given in the scenario",
        service=listed.service if listed else Service("self-hosted", "Compute", "Compute"),
        source=Source(title="given in the scenario", date="undated", verified=True),
        own=True,
    )


FOLDER = Path(__file__).parent / "prices"


class _Service(_Row):
    name: str
    category: str


class _Rate(_Row):
    """Either one price or tiers."""

    unit: str
    price: NotNegative | None = None
    tiers: tuple[Tier, ...] = ()
    free: NotNegative = 0.0

    @model_validator(mode="after")
    def _one_price_or_rising_tiers(self) -> _Rate:
        if (self.price is None) == (not self.tiers):
            raise ValueError("needs either `price` or `tiers`")
        ends = [tier.up_to for tier in self.tiers]
        if any(left >= right for left, right in pairwise(ends)):
            raise ValueError("has tiers whose `up_to` does not rise")
        return self


class _Meter(_Rate):
    service: str
    source: str
    basis: str = "list"


class _Disk(_Row):
    service: str
    source: str
    storage: _Rate
    iops: _Rate | None = None
    throughput: _Rate | None = None


class _Nodes(_Row):
    service: str
    basis: str
    unit: str
    source: str
    prices: Mapping[str, NotNegative]
    region: str = ""
    savings_plan: bool = False


class _Reserved(_Row):
    source: str
    prices: Mapping[str, NotNegative]


class _File(_Row):
    catalogue: str
    provider: str
    region: str
    currency: str
    date: str
    sources: Mapping[str, Source]
    services: Mapping[str, _Service]
    nodes: tuple[_Nodes, ...] = ()
    reserved_3_years_all_upfront: _Reserved | None = None
    disks: Mapping[str, _Disk] = Field(default_factory=dict)
    meters: Mapping[str, _Meter] = Field(default_factory=dict)


@cache
def load_catalogue(name: str) -> Catalogue:
    """A catalogue that ships with the package, by `name` or `name@date`, such as "aws-us-east-1@2026-07-20".

    Raises InputErrors for a name that does not ship, or a date that is not the one that ships: a bill must not
    quietly use other prices than those it was asked for.
    """
    wanted, _, date = name.partition("@")
    shipped = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if wanted not in shipped:
        message = f"is `{wanted}`, which is not a price catalogue that ships here"
        raise InputErrors([Problem("prices.catalogue", message, f"one of {', '.join(shipped)}")])
    path = FOLDER / f"{wanted}.yaml"
    catalogue = parse_catalogue(load_yaml(path.read_text(encoding="utf-8"), str(path)), str(path))
    if date and date != catalogue.date:
        message = f"asks for the prices of {date}; the catalogue that ships is of {catalogue.date}"
        raise InputErrors([Problem("prices.catalogue", message, f"write {catalogue}")])
    return catalogue


def parse_catalogue(data: Any, file: str = "") -> Catalogue:
    """The catalogue in `data`, plain lists and mappings as they come from YAML.

    Raises InputErrors with every key that is wrong, every unknown source or service, and every node listed twice.
    """
    try:
        rows = _File.model_validate(data)
    except ValidationError as error:
        raise InputErrors(
            [
                Problem(".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, "), file=file)
                for each in error.errors()
            ]
        ) from None
    problems = [Problem(path, message, file=file) for path, message in _dangling(rows)]
    if problems:
        raise InputErrors(problems)
    return _catalogue(rows)


def _dangling(rows: _File) -> Iterator[tuple[str, str]]:
    """Names that point nowhere, and nodes that stand twice."""
    users: list[tuple[str, _Nodes | _Disk | _Meter]] = [(f"nodes.{i}", row) for i, row in enumerate(rows.nodes)]
    users += [(f"disks.{name}", disk) for name, disk in rows.disks.items()]
    users += [(f"meters.{name}", meter) for name, meter in rows.meters.items()]
    for path, row in users:
        if row.source not in rows.sources:
            yield f"{path}.source", f"is `{row.source}`, which is not under `sources`"
        if row.service not in rows.services:
            yield f"{path}.service", f"is `{row.service}`, which is not under `services`"
    reserved = rows.reserved_3_years_all_upfront
    if reserved and reserved.source not in rows.sources:
        yield "reserved_3_years_all_upfront.source", f"is `{reserved.source}`, which is not under `sources`"
    names = [name for group in rows.nodes for name in group.prices]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"nodes.{name}", "has two prices"


def _catalogue(rows: _File) -> Catalogue:
    """The rows of a file as prices, each with everything that it inherits from its group."""
    reserved = rows.reserved_3_years_all_upfront
    return Catalogue(
        name=rows.catalogue,
        date=rows.date,
        currency=rows.currency,
        nodes={name: _node(rows, name, group) for group in rows.nodes for name in group.prices},
        disks={name: _disk(rows, name, row) for name, row in rows.disks.items()},
        meters={
            name: _price(rows, name, row, row.service, row.source, row.basis) for name, row in rows.meters.items()
        },
        reserved_3_years=reserved.prices if reserved else {},
    )


def _node(rows: _File, name: str, group: _Nodes) -> Price:
    rate = _Rate(unit=group.unit, price=group.prices[name])
    listed = _price(rows, name, rate, group.service, group.source, group.basis)
    return replace(listed, region=group.region or rows.region, savings_plan=group.savings_plan)


def _disk(rows: _File, name: str, row: _Disk) -> Disk:
    storage, iops, throughput = (
        _price(rows, f"{name}.{what}", rate, row.service, row.source, "list") if rate else None
        for what, rate in (("storage", row.storage), ("iops", row.iops), ("throughput", row.throughput))
    )
    assert storage is not None
    return Disk(storage, iops, throughput)


def _price(rows: _File, sku: str, rate: _Rate, service: str, source: str, basis: str) -> Price:
    sold = rows.services[service]
    return Price(
        sku=sku,
        unit=rate.unit,
        tiers=rate.tiers or (Tier(price=rate.price or 0.0),),
        currency=rows.currency,
        region=rows.region,
        basis=basis,
        service=Service(rows.provider, sold.name, sold.category),
        source=rows.sources[source],
        free=rate.free,
    )
