"""Regions, or sites: places so far apart that distance tells, and what the store of one sends to another."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.distributions import Distribution
from sim.network.names import Name
from sim.scenario.model.masters import Masters
from sim.spec import Spec
from sim.units import ByteRate, Duration, Mistake


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
