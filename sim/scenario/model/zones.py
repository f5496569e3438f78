"""Zones: places of one region that fail apart, and between which a round trip takes longer and bytes cost money."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.names import Name
from sim.spec import Spec
from sim.units import Duration, Mistake


class Zones(Spec):
    """The zones of the region: `{names: [a, b, c], spread: even, rtt: 0.7 ms, primary: a}`."""

    names: Annotated[tuple[Name, ...], Field(min_length=2)]
    """Their names."""
    spread: Literal["even", "primary"] = "even"
    """Where the pods of services and workers stand: in all zones in turn, or all in the zone of the primary. Standbys
    of the store stand in the zones after the primary's, in turn."""
    rtt_ns: Duration
    """Round trip between two zones. Within a zone `temporal.rtt` and the store's `rtt` hold."""
    primary: Name | None = None
    """Zone of the store's primary; the first one where it is left out."""

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise Mistake("has a name twice", "name each zone apart", ("names",))
        if self.primary is not None and self.primary not in self.names:
            raise Mistake(
                f"is {self.primary}, which is not one of the zones", f"known: {', '.join(self.names)}", ("primary",)
            )
        return self

    @property
    def of_primary(self) -> int:
        """Index of the primary's zone."""
        return 0 if self.primary is None else self.names.index(self.primary)

    def of_pod(self, pod: int) -> int:
        """Index of the zone that a pod of a service or a pool stands in, pods counted from 0."""
        return pod % len(self.names) if self.spread == "even" else self.of_primary

    def of_standby(self, standby: int) -> int:
        """Index of the zone of a standby of the store, counted from 0."""
        return (self.of_primary + 1 + standby) % len(self.names)

    def standbys_left(self, zone: int, standbys: int) -> int:
        """How many of so many standbys are left when a zone is lost."""
        return sum(self.of_standby(standby) != zone for standby in range(standbys))
