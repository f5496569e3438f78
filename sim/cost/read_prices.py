"""Reads a price catalogue from YAML. The prices that ship are in prices/; what they mean is in `catalogue`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sim.cost.catalogue import Catalogue, Disk, Price, Reservation, Service, Source, Tier
from sim.errors import InputErrors, Problem
from sim.scenario.reading.reader import load_yaml

FOLDER = Path(__file__).parent / "prices"

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Source(_Row):
    title: str
    date: str
    verified: bool


class _Service(_Row):
    name: str
    category: str


class _Tier(_Row):
    price: NotNegative
    up_to: Annotated[float, Field(gt=0)] = math.inf


class _Rate(_Row):
    """Either one price or tiers."""

    unit: str
    price: NotNegative | None = None
    tiers: tuple[_Tier, ...] = ()
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
    sources: Mapping[str, _Source]
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
    return _Builder(rows).catalogue()


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


class _Builder:
    """Turns the rows of a file into prices, each with everything it inherits from its group."""

    def __init__(self, rows: _File) -> None:
        self.rows = rows
        self.sources = {key: Source(row.title, row.date, row.verified) for key, row in rows.sources.items()}
        self.services = {key: Service(rows.provider, row.name, row.category) for key, row in rows.services.items()}

    def catalogue(self) -> Catalogue:
        rows = self.rows
        reserved = rows.reserved_3_years_all_upfront
        return Catalogue(
            name=rows.catalogue,
            date=rows.date,
            currency=rows.currency,
            nodes={name: self.node(name, group) for group in rows.nodes for name in group.prices},
            disks={name: self.disk(name, row) for name, row in rows.disks.items()},
            meters={
                name: self.price(name, row, row.service, row.source, row.basis) for name, row in rows.meters.items()
            },
            reserved_3_years={
                name: Reservation(price, self.sources[reserved.source]) for name, price in reserved.prices.items()
            }
            if reserved
            else {},
        )

    def node(self, name: str, group: _Nodes) -> Price:
        return Price(
            sku=name,
            unit=group.unit,
            tiers=(Tier(math.inf, group.prices[name]),),
            currency=self.rows.currency,
            region=group.region or self.rows.region,
            basis=group.basis,
            service=self.services[group.service],
            source=self.sources[group.source],
            savings_plan=group.savings_plan,
        )

    def disk(self, name: str, row: _Disk) -> Disk:
        def part(what: str, rate: _Rate | None) -> Price | None:
            return self.price(f"{name}.{what}", rate, row.service, row.source, "list") if rate else None

        storage = part("storage", row.storage)
        assert storage is not None
        return Disk(storage, part("iops", row.iops), part("throughput", row.throughput))

    def price(self, sku: str, rate: _Rate, service: str, source: str, basis: str) -> Price:
        tiers = rate.tiers or (_Tier(price=rate.price or 0.0),)
        return Price(
            sku=sku,
            unit=rate.unit,
            tiers=tuple(Tier(tier.up_to, tier.price) for tier in tiers),
            currency=self.rows.currency,
            region=self.rows.region,
            basis=basis,
            service=self.services[service],
            source=self.sources[source],
            free=rate.free,
        )
