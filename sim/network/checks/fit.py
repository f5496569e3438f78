"""Whether elements of a network fit together: names lead somewhere, numbers are in reach, options mean something."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.network.checks.words import unknown, unless_known
from sim.network.distributions import Constant, FromAttribute
from sim.network.facts import group_of, node_groups
from sim.network.kinds import walk
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import Mark
from sim.network.sources import BurstArrivals, PoissonArrivals, RenewalArrivals, lets_nothing_in


def misfits(network: Network) -> Iterator[Problem]:
    """Elements that do not fit, each with its path in the network."""
    for check in (_names, _places, _sources, _faults, _controllers, _monitors, _policies):
        yield from check(network)


def _names(network: Network) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for kind in ("nodes", "resources", "stations"):
        for name in getattr(network, kind):
            if name in taken:
                yield Problem(
                    f"{kind}.{name}",
                    f"`{name}` is already the name of one of the {taken[name]}",
                    "rename one of them",
                )
            taken[name] = kind


def _places(network: Network) -> Iterator[Problem]:
    for kind in ("resources", "stations", "caches"):
        for name, place in getattr(network, kind).items():
            nodes = getattr(place, "nodes", None)
            if isinstance(nodes, str) and nodes not in network.nodes:
                yield unknown((kind, name, "nodes"), "a node group", nodes, network.nodes)
            for key, attribute in getattr(place, "attributes", {}).items():
                yield from unless_known((kind, name, key), "an attribute", attribute, network.attributes)
    groups = node_groups(network)
    for name, station in network.stations.items():
        if isinstance(station, Polled) and station.keyed is None and groups.get(group_of(network, name), 1) > 1:
            yield Problem(
                f"stations.{name}.keyed",
                "several queues need a key that chooses one",
                "write keyed: {by: execution}",
            )


def _sources(network: Network) -> Iterator[Problem]:
    if not network.sources:
        yield Problem("sources", "is empty: nothing would ever happen", "write sources: {jobs: {routine: job, ...}}")
    for name, source in network.sources.items():
        yield from unless_known(("sources", name, "routine"), "a routine", source.routine, network.routines)
        if source.stop_ns is not None and source.stop_ns <= source.start_ns:
            yield Problem(f"sources.{name}.stop", "is not after `start`")
        yield from unless_known(("sources", name, "during"), "a fault", source.during, network.faults)


def _faults(network: Network) -> Iterator[Problem]:
    groups = node_groups(network)
    for name, fault in network.faults.items():
        for index, target in enumerate(fault.targets):
            path: Path = ("faults", name, "targets", index)
            if target.group not in groups:
                yield unknown((*path, "group"), "a node group, resource or station with nodes", target.group, groups)
            elif isinstance(target.nodes, tuple):
                size = groups[target.group]
                for node in target.nodes:
                    if not 0 <= node < size:
                        yield Problem(
                            dotted((*path, "nodes")),
                            f"there is no node {node}: the {size} are 0 to {size - 1}",
                        )


def _controllers(network: Network) -> Iterator[Problem]:
    groups = node_groups(network)
    places = network.resources.keys() | network.stations.keys()
    for name, controller in network.controllers.items():
        path: Path = ("controllers", name)
        if controller.nodes not in groups:
            what = "a node group, resource or station with nodes"
            yield unknown((*path, "nodes"), what, controller.nodes, groups)
            continue
        for place in controller.of:
            yield from unless_known((*path, "of"), "a resource or station", place, places)
        points = controller.schedule.points if controller.schedule is not None else ()
        numbers = {
            "minimum": controller.minimum,
            "initial": controller.initial or 0,
            **{f"schedule.points.{index}.nodes": point.nodes for index, point in enumerate(points)},
        }
        for key, number in numbers.items():
            if number > groups[controller.nodes]:
                size = groups[controller.nodes]
                yield Problem(dotted((*path, key)), f"is {number}, but `{controller.nodes}` has {size} nodes")


def _policies(network: Network) -> Iterator[Problem]:
    for kind in ("breakers", "budgets"):
        for name, policy in getattr(network, kind).items():
            yield from unless_known((kind, name, "at"), "a resource", policy.at, network.resources)


def _monitors(network: Network) -> Iterator[Problem]:
    made = {
        placed.step.mark.name
        for routine, steps in network.routines.items()
        for placed in walk(routine, steps)
        if isinstance(placed.step, Mark)
    }
    for name, monitor in network.monitors.items():
        for key in ("when", "eventually", "never_both", "at_most_once", "conserve"):
            value = getattr(monitor, key)
            for mark in [value] if isinstance(value, str) else value or ():
                yield from unless_known(("monitors", name, key), "a mark that any routine makes", mark, made)
    for name, span in network.spans.items():
        yield from unless_known(("spans", name, "after_crash"), "a node group", span.after_crash, node_groups(network))
        for key in ("start", "end"):
            yield from unless_known(("spans", name, key), "a mark that any routine makes", getattr(span, key), made)


def nonsense(network: Network) -> Iterator[Problem]:
    """Elements that are well formed and yet cannot be meant, each with its path in the network."""
    for check in (_station_options, _source_options, _fault_options, _controller_options, _span_options):
        yield from check(network)


def _is_0(time: object) -> bool:
    return isinstance(time, Constant) and time.constant_ns == 0


def _station_options(network: Network) -> Iterator[Problem]:
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


def _source_options(network: Network) -> Iterator[Problem]:
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


def _fault_options(network: Network) -> Iterator[Problem]:
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


def _controller_options(network: Network) -> Iterator[Problem]:
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


def _span_options(network: Network) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for name, span in network.spans.items():
        metric = span.metric or f"span.{name}"
        if metric in taken:
            yield Problem(f"spans.{name}.metric", f"`{metric}` is already the metric of span `{taken[metric]}`")
        taken[metric] = name
