"""The store that a scenario has: the key that it stands under tells the product."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.lower.cassandra import CassandraStore
from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.postgres import PostgresStore
from sim.lower.sqlite import SqliteStore
from sim.scenario.scenario import Scenario

PRODUCTS: dict[str, type[Store]] = {"postgres": PostgresStore, "cassandra": CassandraStore, "sqlite": SqliteStore}


def store_of(parts: Parts, constants: Constants, scenario: Scenario) -> Store:
    """The store of a deployment, put in place."""
    assert scenario.temporal is not None
    ((product, cluster),) = scenario.stores.items()
    return PRODUCTS[product](parts, constants, scenario.temporal, cluster)


def infeasible_store(constants: Constants, scenario: Scenario) -> Iterator[Problem]:
    """What cannot work in the deployment's store, as far as the presets' numbers tell."""
    assert scenario.temporal is not None
    for product, cluster in scenario.stores.items():
        yield from PRODUCTS[product].infeasible(constants, scenario.temporal, cluster)
