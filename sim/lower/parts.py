"""A network in the making."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sim.lower.placement.regions import Regional
from sim.lower.placement.zones import Zoning
from sim.lower.setting import Setting
from sim.lower.steps import Step, Steps, call
from sim.network import Network
from sim.network.controllers import Controller
from sim.network.faults import Fault
from sim.network.monitors import Monitor, Span
from sim.network.places import Cache, NodeGroup, Resource, Station
from sim.network.policies import Breaker, Budget, TimerQueue
from sim.network.sources import Source

TIMERS = "timers"
"""The timer queue of the one shard, where it is simulated."""


@dataclass(slots=True)
class Parts:
    """Elements by name, as a `Network` has them.

    resources, stations: to look at; they come in by `add_resource` and `add_station`, each with its setting.
    settings: of each of both.
    not_pods: groups of nodes that are no pods: a store's, rows of a table.
    zoning, regional: where things stand, which a network has no word for; None where everything is in one place.
    """

    nodes: dict[str, NodeGroup] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    _resources: dict[str, Resource] = field(default_factory=dict, init=False)
    _stations: dict[str, Station] = field(default_factory=dict, init=False)
    settings: dict[str, Setting] = field(default_factory=dict, init=False)
    caches: dict[str, Cache] = field(default_factory=dict)
    routines: dict[str, Steps] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    budgets: dict[str, Budget] = field(default_factory=dict)
    controllers: dict[str, Controller] = field(default_factory=dict)
    timers: dict[str, TimerQueue] = field(default_factory=dict)
    monitors: dict[str, Monitor] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    not_pods: set[str] = field(default_factory=set)
    zoning: Zoning | None = None
    regional: Regional | None = None

    @property
    def resources(self) -> Mapping[str, Resource]:
        """All that is held."""
        return self._resources

    @property
    def stations(self) -> Mapping[str, Station]:
        """All that serves."""
        return self._stations

    def add_resource(self, name: str, resource: Resource, setting: Setting) -> None:
        """Put a resource in place, or another one in its place."""
        self._resources[name] = resource
        self.settings[name] = setting

    def add_station(self, name: str, station: Station, setting: Setting) -> None:
        """Put a station in place, or another one in its place."""
        self._stations[name] = station
        self.settings[name] = setting

    def copy_place(self, name: str, copy: str, where: str, **changes: object) -> None:
        """Put a copy of a resource or a station in place, with some of its fields changed. where: it stands."""
        setting = self.settings[name]
        if name in self._resources:
            self.add_resource(copy, self._resources[name].model_copy(update=changes), setting.at(where))
        else:
            self.add_station(copy, self._stations[name].model_copy(update=changes), setting.at(where))

    def add_routine(self, name: str, steps: Steps) -> str:
        """Put a routine in place; gives its name, which bears a number where others have the same one."""
        full, number = name, 1
        while self.routines.get(full, steps) != steps:
            number += 1
            full = f"{name}-{number}"
        self.routines[full] = steps
        return full

    def call_of(self, name: str, steps: Callable[[], Iterable[Step]]) -> Step:
        """The call of a routine, which is made when it is asked for first: its name tells all that it depends on."""
        if name not in self.routines:
            self.routines[name] = tuple(steps())
        return call(name)

    def network(self) -> Network:
        """The network of these parts."""
        return Network(
            nodes=self.nodes,
            sources=self.sources,
            resources=self._resources,
            stations=self._stations,
            caches=self.caches,
            routines=self.routines,
            attributes=self.attributes,
            faults=self.faults,
            breakers=self.breakers,
            budgets=self.budgets,
            timers=self.timers,
            controllers=self.controllers,
            monitors=self.monitors,
            spans=self.spans,
        )
