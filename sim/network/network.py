"""The network as a whole. Whether its parts fit together is checked in `sim.network.checks`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from sim.network.controllers import Controller
from sim.network.counts import Name, Value
from sim.network.faults import Fault
from sim.network.monitors import Monitor, Span
from sim.network.places import Cache, NodeGroup, Resource, Station
from sim.network.policies import Breaker, Budget, TimerQueue
from sim.network.routines import Steps
from sim.network.sources import Source
from sim.spec import Spec


class Network(Spec):
    """Sources, places and routines: everything that an engine needs to know."""

    nodes: dict[Name, NodeGroup] = Field(default_factory=dict)
    """Groups of places that fail one by one."""
    sources: dict[Name, Source]
    """Where executions come from."""
    resources: dict[Name, Resource] = Field(default_factory=dict)
    """What is held."""
    stations: dict[Name, Station] = Field(default_factory=dict)
    """What serves."""
    caches: dict[Name, Cache] = Field(default_factory=dict)
    """What nodes remember."""
    routines: dict[Name, Steps]
    """What executions do."""
    attributes: dict[Name, Value] = Field(default_factory=dict)
    """Numbers that each execution carries, with their values at its start."""
    faults: dict[Name, Fault] = Field(default_factory=dict)
    """What fails."""
    breakers: dict[Name, Breaker] = Field(default_factory=dict)
    """What turns tries away while they fail too often."""
    budgets: dict[Name, Budget] = Field(default_factory=dict)
    """What bounds further tries by a share of first ones."""
    timers: dict[Name, TimerQueue] = Field(default_factory=dict)
    """What holds timers, and may put them off."""
    controllers: dict[Name, Controller] = Field(default_factory=dict)
    """What switches nodes on and off."""
    monitors: dict[Name, Monitor] = Field(default_factory=dict)
    """What must hold in every execution."""
    spans: dict[Name, Span] = Field(default_factory=dict)
    """Times between marks that are reported."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> CoreSchema:
        # Whoever writes a network makes its parts one by one, and each would have its schema made with all that may
        # stand in it, at its first use: twice the time of making them all now, of those that are there already.
        for model in _models_below(Spec):
            if model is not cls and model.__module__.startswith("sim.network."):
                model.model_rebuild()
        return handler(source)


def _models_below(base: type[Spec]) -> Iterator[type[Spec]]:
    for model in base.__subclasses__():
        yield model
        yield from _models_below(model)
