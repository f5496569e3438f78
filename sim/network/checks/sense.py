"""Options of elements that would mean nothing, or something else than they seem to: said before a run."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.network.checks.words import dotted
from sim.network.distributions import Constant, FromAttribute
from sim.network.facts import group_of, node_groups
from sim.network.kinds import Path
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.sources import BurstArrivals, PoissonArrivals, RenewalArrivals, lets_nothing_in


def nonsense(network: Network) -> Iterator[Problem]:
    """Elements that are well formed and yet cannot be meant, each with its path in the network."""
    for check in (_stations, _sources, _faults, _controllers, _spans):
        yield from check(network)


def _is_0(time: object) -> bool:
    return isinstance(time, Constant) and time.constant_ns == 0


def _stations(network: Network) -> Iterator[Problem]:
    groups = node_groups(network)
    for name, station in network.stations.items():
        here = f"stations.{name}"
        if isinstance(station, TokenBucket) and station.rate_per_s == 0:
            yield Problem(f"{here}.rate", "is 0: nobody would ever get a token")
        if not isinstance(station, Server):
            continue
        if station.setup is not None:
            if groups.get(group_of(network, name), 1) > 1:
                yield Problem(f"{here}.setup", "needs a station of one node", "write nodes: 1")
            if station.when_full == "block":
                yield Problem(
                    f"{here}.when_full", "`block` and `setup` do not go together: all wait in line for a set-up"
                )
        if station.when_full == "block" and (station.keyed is not None or station.wait_at == "node"):
            yield Problem(
                f"{here}.when_full", "`block` needs one line for all nodes: neither `keyed` nor `wait_at: node`"
            )


def _sources(network: Network) -> Iterator[Problem]:
    is_silent = all(lets_nothing_in(source.arrivals) for source in network.sources.values())
    for name, source in network.sources.items():
        here, arrivals = f"sources.{name}.arrivals", source.arrivals
        if is_silent:
            key = "poisson" if isinstance(arrivals, PoissonArrivals) else "mmpp"
            yield Problem(f"{here}.{key}", "is 0: nothing would ever arrive", "give this source, or another, a rate")
        if isinstance(arrivals, RenewalArrivals) and _is_0(arrivals.renewal) and source.limit is None:
            yield Problem(f"{here}.renewal", "is 0 and there is no `limit`: all that ever come would come at once")
        number = arrivals.burst if isinstance(arrivals, BurstArrivals) else getattr(arrivals, "batch", None)
        if isinstance(number, FromAttribute):
            yield Problem(here, "an arrival has no attributes yet; how many come needs a number or {geometric: ..}")
        if source.during in network.faults and network.faults[source.during].each:
            yield Problem(
                f"sources.{name}.during",
                f"`{source.during}` has a clock for `each` node: it may be there several times",
            )


def _faults(network: Network) -> Iterator[Problem]:
    for name, fault in network.faults.items():
        if fault.mttf is not None and _is_0(fault.mttf) and _is_0(fault.duration):
            yield Problem(f"faults.{name}.mttf", "and `duration` are 0: it would come and go for ever at one instant")
        if fault.effect == "load" and all(source.during != name for source in network.sources.values()):
            yield Problem(
                f"faults.{name}.effect",
                "is `load`, and no source sends during it: nothing would happen",
                f"write sources: {{spike: {{routine: .., arrivals: .., during: {name}}}}}",
            )
        for index, target in enumerate(fault.targets):
            path: Path = ("faults", name, "targets", index, "group")
            standing = [s for s in network.stations if group_of(network, s) == target.group]
            for stayer, what in _stayers(network, target.group) if fault.notice_ns is not None else ():
                yield Problem(
                    dotted(path),
                    f"`{stayer}` stands on `{target.group}` and {what}; its nodes cannot leave before they crash",
                    f"leave `notice` out, or give `{stayer}` nodes of its own",
                )
            if fault.effect == "errors" and not standing:
                yield Problem(dotted(path), f"no station stands on `{target.group}`, so no service there could fail")
            for station in standing:
                place = network.stations[station]
                if fault.effect in ("slow", "pause") and isinstance(place, Server) and place.setup is not None:
                    yield Problem(
                        dotted(path),
                        f"station `{station}` has a `setup`; such a station can crash but not be {fault.effect}d",
                    )


def _stayers(network: Network, group: str) -> Iterator[tuple[str, str]]:
    """Places on a group that cannot do without a node of it which leaves, each with the reason."""
    for place, spec in [*network.resources.items(), *network.stations.items()]:
        if isinstance(spec, Delay | TokenBucket) or group_of(network, place) != group:
            continue
        what = (
            "serves in rounds"
            if isinstance(spec, GroupCommit | Polled)
            else "chooses its nodes by a key"
            if spec.keyed is not None
            else "has a `setup` of its own"
            if isinstance(spec, Server) and spec.setup is not None
            else ""
        )
        if what:
            yield place, what


def _controllers(network: Network) -> Iterator[Problem]:
    places = {**network.resources, **network.stations}
    taken: dict[str, str] = {}
    for name, controller in network.controllers.items():
        here = f"controllers.{name}"
        before = taken.setdefault(controller.nodes, name)
        if before != name:
            yield Problem(f"{here}.nodes", f"`{controller.nodes}` is already switched by `{before}`")
        if controller.nodes not in node_groups(network):
            continue
        for place in controller.of:
            if place in places and group_of(network, place) != controller.nodes:
                yield Problem(f"{here}.of", f"`{place}` does not stand on `{controller.nodes}`")
        for place, what in _stayers(network, controller.nodes):
            yield Problem(
                f"{here}.nodes",
                f"`{place}` stands on `{controller.nodes}` and {what}; it needs nodes that stay",
                f"give `{place}` nodes of its own",
            )


def _spans(network: Network) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for name, span in network.spans.items():
        metric = span.metric or f"span.{name}"
        if metric in taken:
            yield Problem(f"spans.{name}.metric", f"`{metric}` is already the metric of span `{taken[metric]}`")
        taken[metric] = name
