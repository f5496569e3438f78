"""The stores as networks: the product of each key in a scenario. `sim.scenario.model.stores.registry` is its twin."""

from __future__ import annotations

from collections.abc import Mapping

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.stores.base import Store
from sim.lower.stores.cassandra import CassandraStore
from sim.lower.stores.mysql import MysqlStore
from sim.lower.stores.postgres.store import PostgresStore
from sim.lower.stores.sqlite import SqliteStore
from sim.scenario.scenario import Scenario

PRODUCTS: Mapping[str, type[Store]] = {
    "postgres": PostgresStore,
    "mysql": MysqlStore,
    "cassandra": CassandraStore,
    "sqlite": SqliteStore,
}
"""By the key in the file."""


def product_of(scenario: Scenario) -> type[Store]:
    """The product that a deployment stores its state in."""
    return PRODUCTS[scenario.store_key]


def store_of(parts: Parts, constants: Constants, scenario: Scenario) -> Store:
    """The store of a deployment, put in place."""
    store = product_of(scenario)(parts, constants, scenario)
    store.foresee({target for fault in scenario.faults.values() for target in fault.each_target})
    return store
