"""A store by itself, under single-row inserts: the ground that stores are compared on."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.stores import store_of
from sim.network import Network
from sim.network.sources import Arrivals, Source
from sim.scenario.scenario import Scenario

INSERT = "insert"
"""The routine, and the source that runs it."""


def inserts(scenario: Scenario, arrivals: Arrivals) -> Network:
    """The network of a deployment's store alone, into which rows are inserted one by one.

    There is neither Temporal nor a pool of connections in front of it, so beyond saturation the store is the limit.
    """
    parts = Parts()
    store = store_of(parts, Constants(scenario), scenario)
    parts.routines[INSERT] = tuple(store.inserting())
    parts.sources[INSERT] = Source(routine=INSERT, arrivals=arrivals)
    return parts.network()
