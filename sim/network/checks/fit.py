"""Whether the elements of a network fit together: names are unique and lead somewhere, numbers are within reach."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.network.checks.words import dotted, unknown
from sim.network.facts import group_of, node_groups
from sim.network.kinds import Path
from sim.network.network import Network
from sim.network.places import Polled
from sim.network.routines import Mark
from sim.network.walk import walk


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
                if attribute not in network.attributes:
                    yield unknown((kind, name, key), "an attribute", attribute, network.attributes)
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
        if source.routine not in network.routines:
            yield unknown(("sources", name, "routine"), "a routine", source.routine, network.routines)
        if source.stop_ns is not None and source.stop_ns <= source.start_ns:
            yield Problem(f"sources.{name}.stop", "is not after `start`")
        if source.during is not None and source.during not in network.faults:
            yield unknown(("sources", name, "during"), "a fault", source.during, network.faults)


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
            if place not in places:
                yield unknown((*path, "of"), "a resource or station", place, places)
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
            if policy.at is not None and policy.at not in network.resources:
                yield unknown((kind, name, "at"), "a resource", policy.at, network.resources)


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
                if mark not in made:
                    yield unknown(("monitors", name, key), "a mark that any routine makes", mark, made)
    for name, span in network.spans.items():
        for key in ("start", "end"):
            if key == "start" and span.after_crash is not None and span.after_crash not in node_groups(network):
                yield unknown(("spans", name, "after_crash"), "a node group", span.after_crash, node_groups(network))
            if getattr(span, key) not in made:
                yield unknown(("spans", name, key), "a mark that any routine makes", getattr(span, key), made)
