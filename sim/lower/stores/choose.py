"""The store that a scenario has: the key that it stands under tells the product."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.stores.base import Store
from sim.lower.stores.cassandra import CassandraStore
from sim.lower.stores.postgres.store import PostgresStore
from sim.lower.stores.sqlite import SqliteStore
from sim.scenario.scenario import Scenario


def store_of(parts: Parts, constants: Constants, scenario: Scenario) -> Store:
    """The store of a deployment, put in place."""
    store = _made(parts, constants, scenario)
    store.foresee({target for fault in scenario.faults.values() for target in fault.each_target})
    return store


def _made(parts: Parts, constants: Constants, scenario: Scenario) -> Store:
    temporal = scenario.temporal
    assert temporal is not None
    if scenario.postgres is not None:
        return PostgresStore(parts, constants, temporal, scenario.postgres, scenario.pgbouncer)
    if scenario.cassandra is not None:
        return CassandraStore(parts, constants, temporal, scenario.cassandra)
    assert scenario.sqlite is not None, "checked: a deployment has a store"
    on_host = any("sqlite" in host.components for host in scenario.hosts.values())
    return SqliteStore(parts, constants, temporal, scenario.sqlite, on_host)
