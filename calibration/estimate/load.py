"""A deployment under any load, for runs that ask for its steady state: no faults, and the peak of every profile."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sim.analytic.arrival_rates import rate_and_peak
from sim.lower.load import Loaded
from sim.lower.lower import lower
from sim.network import Network
from sim.network.places import GroupCommit, Polled, Resource, Server, Station, TokenBucket
from sim.network.sources import BurstArrivals, ClosedArrivals, PoissonArrivals, Source
from sim.scenario.load import arrivals_scaled, scaled

Kind = Literal["open", "bursts", "closed"]

DOUBLED = 2.0
"""A factor under which whole numbers stay exact: what is scaled by it may be compared with what is lowered anew."""


def steady(network: Network) -> Network:
    """The network without faults, each of its sources at its peak for ever.

    A profile becomes its greatest factor, a burst that is spread by jitter the rate within the jitter; a source that
    stops goes on. Bursts at one instant stay: they have no rate.
    """
    sources = {name: _at_peak(source) for name, source in network.sources.items() if source.during is None}
    return network.model_copy(update={"faults": {}, "sources": sources})


def _at_peak(source: Source) -> Source:
    if not source.counted:  # work in progress at the start
        return source
    arrivals = source.arrivals
    if isinstance(arrivals, PoissonArrivals) and arrivals.profile is not None:
        most = max(point.factor for point in arrivals.profile.points)
        changes = {"poisson_per_s": arrivals.poisson_per_s * most, "profile": None}
        source = source.model_copy(update={"arrivals": arrivals.model_copy(update=changes)})
    elif isinstance(arrivals, BurstArrivals) and arrivals.every_ns is not None and arrivals.jitter_ns:
        rate_per_s = (rate_and_peak(source)[0] or 0.0) * arrivals.every_ns / min(arrivals.jitter_ns, arrivals.every_ns)
        source = source.model_copy(update={"arrivals": PoissonArrivals(poisson_per_s=rate_per_s)})
    return source.model_copy(update={"stop_ns": None, "limit": None})


def times_as_much(network: Network, factor: float) -> Network:
    """The network with `factor` times the load at each of its sources."""
    sources = {
        name: source.model_copy(update={"arrivals": arrivals_scaled(source.arrivals, factor)})
        for name, source in network.sources.items()
    }
    return network.model_copy(update={"sources": sources})


def doubled(network: Network, places: tuple[str, ...]) -> Network:
    """The network with twice the units at these places: slots, servers, cores, rate, or places in a batch."""
    resources = {name: _doubled_resource(one) if name in places else one for name, one in network.resources.items()}
    stations = {name: _doubled_station(one) if name in places else one for name, one in network.stations.items()}
    return network.model_copy(update={"resources": resources, "stations": stations})


def _doubled_resource(place: Resource) -> Resource:
    opened = None if place.open is None else place.open * 2
    return place.model_copy(update={"units": place.units * 2, "open": opened})


def _doubled_station(place: Station) -> Station:
    match place:
        case Server():
            servers = None if place.servers is None else place.servers * 2
            return place.model_copy(
                update={"servers": servers, "cores": None if place.cores is None else place.cores * 2}
            )
        case GroupCommit():
            limit = None if place.batch_limit is None else place.batch_limit * 2
            return place.model_copy(update={"batch_limit": limit})
        case Polled():
            return place.model_copy(update={"interval_ns": max(place.interval_ns // 2, 1)})
        case TokenBucket():
            return place.model_copy(update={"rate_per_s": place.rate_per_s * 2})
    return place


@dataclass
class System:
    """A deployment that may be had under any load."""

    loaded: Loaded
    _lowered: dict[float, Network] = field(default_factory=dict)

    def at(self, factor: float) -> Network:
        """The steady network with `factor` times the load."""
        if factor == 1:
            return self.base
        if self.scales:
            return times_as_much(self.base, factor)
        if factor not in self._lowered:
            self._lowered[factor] = steady(lower(scaled(self.loaded.scenario, factor)).network)
        return self._lowered[factor]

    @cached_property
    def base(self) -> Network:
        """The steady network at the load as it is."""
        return steady(self.loaded.lowered.network)

    @cached_property
    def scales(self) -> bool:
        """Whether its sources alone depend on the load; else each load is lowered anew."""
        again = steady(lower(scaled(self.loaded.scenario, DOUBLED)).network)
        return again == times_as_much(self.base, DOUBLED)

    @cached_property
    def kind(self) -> Kind:
        """How its work comes: by clients in a loop alone, with bursts, or at rates."""
        counted = [one.arrivals for one in self.loaded.lowered.network.sources.values() if one.counted]
        if all(isinstance(one, ClosedArrivals) for one in counted):
            return "closed"
        return "bursts" if any(isinstance(one, BurstArrivals) for one in counted) else "open"

    @cached_property
    def has_instants(self) -> bool:
        """Whether some of its work comes at one instant, so that it has no rate to be overloaded by."""
        return any(one.counted and isinstance(one.arrivals, BurstArrivals) for one in self.base.sources.values())

    @cached_property
    def rate_per_s(self) -> float:
        """Executions a second that sources let in at the load as it is, those of clients in a loop apart."""
        counted = [one for one in self.base.sources.values() if one.counted]
        rates = [rate_and_peak(one)[0] for one in counted if not isinstance(one.arrivals, ClosedArrivals)]
        return sum(rate or 0.0 for rate in rates)

    @property
    def starts_in_progress(self) -> bool:
        """Whether a run begins with long work under way."""
        return self.loaded.scenario.run.start == "in_progress"
