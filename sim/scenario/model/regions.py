"""Zones and regions: places that fail apart, what a way between them takes, what a region's store sends to another.

A zone is a place of one region. Regions, or sites, are so far apart that distance tells; with several masters each of
them takes writes and tells the others, and records are what they may all write.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Name
from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import ByteRate, Duration, Mistake


class Masters(Spec):
    """Regions whose stores all take writes, by logical replication: `{at: [cern, fermilab, bnl], clock_error: 1 ms}`.

    An execution belongs to one of them for its whole life. Every master applies what the others have written.
    """

    at: Annotated[tuple[Name, ...], Field(min_length=2)]
    """The regions."""
    weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2)] | None = None
    """How executions are shared among them, one number each; evenly where it is left out."""
    isolation: Literal["local", "serializable"] = "local"
    """local: a commit is answered where it was made and reaches the others later: two may change one row without
    having seen each other. serializable: it waits until every other master has it, so that none can."""
    clock_error_ns: Duration = 0
    """How far the clocks of two masters may be apart: the first one's is ahead of the last one's by all of it, the
    others lie evenly between. Where two write one row, the later time stamp wins."""


class Record(Spec):
    """Rows that executions change from any master: `{keys: 10000, skew: 0.8}`. An execution changes one of them."""

    keys: Annotated[int, Field(ge=1, le=1_000_000)]
    """How many rows."""
    skew: Annotated[float, Field(ge=0)] = 0.0
    """Zipf exponent of their popularity: 0 is even, 1 gives row i a share in proportion to 1/i."""


class Replication(Spec):
    """The store of the home region sends its log to another region, which can take over."""

    to: Name
    """The other region."""
    mode: Literal["asynchronous", "synchronous"] = "asynchronous"
    """Whether a commit waits until the other region has flushed it. Without, what is on its way is lost with the home
    region: of a drill F, `recovery.F.rpo` is how old the oldest of it was, `recovery.F.lost_writes` how many there
    were and `recovery.F.unreplicated` their events."""
    bandwidth_bytes_per_s: ByteRate | None = None
    """What the log may take of the line between the two; no limit where it is left out."""
    failover: Distribution
    """From the loss of the home region until the other one has taken over: detection, decision, promotion, and the way
    of clients and workers to it."""


class Regions(Spec):
    """The regions: `{names: [eu, us], rtt: 80 ms, home: eu}`."""

    names: Annotated[tuple[Name, ...], Field(min_length=2)]
    """Their names."""
    rtt_ns: Duration
    """Round trip between two regions, where `pairs` does not tell."""
    pairs: dict[Name, dict[Name, Duration]] = Field(default_factory=dict)
    """Round trips between certain two, in either order: `{eu: {us: 76 ms, asia: 180 ms}}`."""
    home: Name | None = None
    """Where the platform's services and the store's primary are; the first one where it is left out."""
    bandwidth_bytes_per_s: ByteRate | None = None
    """What one transfer of data between two regions gets; without it only the way takes time."""
    replication: Replication | None = None
    """How the store is copied to another region; without it the home region is the only one that has it."""

    masters: Masters | None = None
    """Several regions whose stores all take writes; the first of them is the home region."""

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise Mistake("has a name twice", "name each region apart", ("names",))
        if self.home is not None:
            self._known(self.home, ("home",))
        for one, others in self.pairs.items():
            self._known(one, ("pairs", one))
            for other in others:
                self._known(other, ("pairs", one, other))
                if other == one:
                    raise Mistake("is the way of a region to itself", "leave it out", ("pairs", one, other))
                if one in self.pairs.get(other, {}):
                    raise Mistake("is told a second time, the other way round", "keep one", ("pairs", one, other))
        if self.replication is not None:
            self._known(self.replication.to, ("replication", "to"))
            if self.replication.to == self.at_home:
                raise Mistake("is the home region itself", "name another one", ("replication", "to"))
        return self

    @model_validator(mode="after")
    def _masters_fit(self) -> Self:
        masters = self.masters
        if masters is None:
            return self
        for index, name in enumerate(masters.at):
            self._known(name, ("masters", "at", str(index)))
        if len(set(masters.at)) < len(masters.at):
            raise Mistake("has a name twice", "name each master once", ("masters", "at"))
        if masters.at[0] != self.at_home:
            raise Mistake(
                f"begins with {masters.at[0]}, but {self.at_home} is the home region",
                f"write home: {masters.at[0]}",
                ("masters", "at"),
            )
        if masters.weights is not None and len(masters.weights) != len(masters.at):
            raise Mistake(
                f"has {len(masters.weights)} numbers for {len(masters.at)} masters",
                "give one for each",
                ("masters", "weights"),
            )
        if self.replication is not None:
            raise Mistake(
                "stands beside `masters`, which all have a copy already", "keep one of them", ("replication",)
            )
        return self

    def _known(self, name: str, at: tuple[str, ...]) -> None:
        if name not in self.names:
            raise Mistake(f"is {name}, which is not one of the regions", f"known: {', '.join(self.names)}", at)

    @property
    def at_home(self) -> str:
        """The home region."""
        return self.names[0] if self.home is None else self.home

    def between_ns(self, one: str, other: str) -> int:
        """Round trip between two regions; 0 within one, where the platform's own round trips hold."""
        if one == other:
            return 0
        told = self.pairs.get(one, {}).get(other, self.pairs.get(other, {}).get(one))
        return self.rtt_ns if told is None else told


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
