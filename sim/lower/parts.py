"""A network in the making."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.lower.regions import Regional
from sim.lower.steps import Steps
from sim.lower.zones import Zoning
from sim.network import Network
from sim.network.controllers import Controller
from sim.network.faults import Fault
from sim.network.monitors import Monitor, Span
from sim.network.places import Cache, NodeGroup, Resource, Station
from sim.network.sources import Source


@dataclass(slots=True)
class Parts:
    """Elements by name, as a `Network` has them.

    not_pods: groups of nodes that are no pods: a store's, rows of a table.
    zoning, regional: where things stand, which a network has no word for; None where everything is in one place.
    """

    nodes: dict[str, NodeGroup] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    caches: dict[str, Cache] = field(default_factory=dict)
    routines: dict[str, Steps] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    controllers: dict[str, Controller] = field(default_factory=dict)
    monitors: dict[str, Monitor] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    not_pods: set[str] = field(default_factory=set)
    zoning: Zoning | None = None
    regional: Regional | None = None

    def add_routine(self, name: str, steps: Steps) -> str:
        """Put a routine in place; gives its name, which bears a number where others have the same one."""
        full, number = name, 1
        while self.routines.get(full, steps) != steps:
            number += 1
            full = f"{name}-{number}"
        self.routines[full] = steps
        return full

    def network(self) -> Network:
        """The network of these parts."""
        return Network(
            nodes=self.nodes,
            sources=self.sources,
            resources=self.resources,
            stations=self.stations,
            caches=self.caches,
            routines=self.routines,
            attributes=self.attributes,
            faults=self.faults,
            controllers=self.controllers,
            monitors=self.monitors,
            spans=self.spans,
        )
