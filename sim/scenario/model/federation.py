"""One task queue that several worker pools serve, each at a site of its own."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.network.names import Name
from sim.spec import Spec
from sim.units import Bytes, Duration, Mistake, PositiveDuration


class Federation(Spec):
    """A queue of activities whose tasks belong to a site each, and run elsewhere where that has no slot in time."""

    pools: Annotated[tuple[Name, ...], Field(min_length=2)]
    """The pools that serve it, one for each site; they stand under `workers`."""
    shares: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Weights of the sites, in the order of the pools; in proportion to their slots where they are left out."""
    spill_after_ns: PositiveDuration
    """How long a task waits for a slot of a pool before it is offered to the next one: its own site's first."""
    rtt_ns: Duration = 0
    """Round trip between two sites, by which a task that runs elsewhere fetches what it works on."""
    payload_bytes: Bytes = 0
    """What such a task moves from its site."""

    @model_validator(mode="after")
    def _each_site_once(self) -> Self:
        if len(set(self.pools)) < len(self.pools):
            raise Mistake("names a pool twice", "leave one out", ("pools",))
        if self.shares is not None and len(self.shares) != len(self.pools):
            raise Mistake(
                f"has {len(self.shares)} weights for {len(self.pools)} pools", "give one for each", ("shares",)
            )
        return self
