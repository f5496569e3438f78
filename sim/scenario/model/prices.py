"""What things cost the buyer: the catalogue, own prices, conditions. What is bought is told by each part's `node`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Name, Nodes
from sim.spec import Spec
from sim.units import Mistake, Ratio, UsdPerHour, UsdPerMonth


class SavingsPlan(Spec):
    """A commitment to a rate, taken to be fully used."""

    years: Literal[1, 3]
    """Term."""
    coverage: Ratio
    """Share of the eligible node-hours that it covers."""
    saving: Ratio | None = None
    """What it takes off the on-demand price; the catalogue's reservations where it is left out."""


class Prices(Spec):
    """Prices and conditions."""

    catalogue: str | None = None
    """Price list that node types are looked up in, such as aws-us-east-1."""
    nodes: dict[Name, UsdPerMonth] = Field(default_factory=dict)
    """Own prices of whole nodes, by the name that `node` refers to: `{pg-node: 1108.37 USD/month}`."""
    discount: Ratio = 0.0
    """Private discount on every list price."""
    savings_plan: SavingsPlan | None = None
    """Commitment for node-hours."""
    spot_saving: Ratio | None = None
    """What the spot market takes off the on-demand price on average."""
    downtime_usd_per_hour: UsdPerHour | None = None
    """What downtime costs the business; shown beside the bill, never in it."""


class Machines(Spec):
    """Machines that are rented beside those of workers, services and store: hosts, a bastion, monitoring."""

    node: str
    """Type in the price catalogue, or a name under `prices.nodes`."""
    count: Nodes = 1
    """How many."""
    spot: bool = False
    """Bought on the spot market."""
    kept_by: Name | None = None
    """Instead of a count: one for each node that this controller of the network keeps, for as long as it does."""

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if self.kept_by is not None and self.count != 1:
            raise Mistake("is how many `kept_by` tells", "leave it out", at=("count",))
        return self
