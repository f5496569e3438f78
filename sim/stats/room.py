"""How much more load a place takes before it is full, as it was measured; each kind of place tells what full is.

Room is what it could do over what it is asked for: servers and slots 1 / utilisation, a group commit the places in
back-to-back flushes over the commits, a polled queue its reads' places over the visits, a rate limit its rate over
the requests. Below 1 it is asked for more than it can do; who gives up and comes again has asked twice. It is linear:
whatever makes visits longer under more load, such as a wait for another place while this one is held, makes the true
room smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.figure import Figure
from sim.network import Network
from sim.network.facts import group_of, node_groups
from sim.network.places import Resource, Station, Used
from sim.results.columns import PlaceUse, Replication
from sim.stats.intervals import ratio_interval


def places_of(network: Network) -> Mapping[str, Resource | Station]:
    """Every resource and station by its name."""
    return {**network.resources, **network.stations}


def busy_of(use: PlaceUse, window_ns: int) -> float | None:
    """Share of units in use, of cores at work, or of the time that a round is under way; None where it has none."""
    if use.speed_area is not None:
        return use.speed_area / (use.units * window_ns) if use.units else None
    return use.busy_area / use.units_area if use.units_area else None


def fullness(network: Network, run: Replication) -> dict[str, float | None]:
    """By place, the share of what it can do that it did in the window of a run; None where nothing limits it."""
    groups, window_ns = node_groups(network), run.window_ns
    found = {}
    for name, place in places_of(network).items():
        use = run.places[name]
        used = Used(window_ns * 1e-9, use.served, busy_of(use, window_ns) or 0.0, use.batches or 0)
        found[name] = place.fullness(used, groups.get(group_of(network, name), 1))
    return found


def rooms(network: Network, replications: Sequence[Replication], confidence: float) -> Iterator[tuple[str, Figure]]:
    """`room.PLACE` of every place that something limits and that was asked for anything."""
    full = [fullness(network, run) for run in replications]
    for name in places_of(network):
        uses = [run.places[name] for run in replications]
        shares = [share for share in (one[name] for one in full) if share is not None]
        if len(shares) < len(uses):
            continue
        requested = [
            share * (use.requested / use.served if use.served else 1.0)
            for share, use in zip(shares, uses, strict=True)
        ]
        if any(requested):
            yield f"room.{name}", ratio_interval([1.0] * len(requested), requested, "x", confidence)
