"""The stores that a platform may have: the key in the file, and the model that tells the rest.

A store is listed here once. What of it may fail, what can be asked of it and how its product is called stand in its
model; how it becomes a network is listed in `sim.lower.stores.choose`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sim.scenario.model.stores.base import Capability, StoreCluster, StoreTarget
from sim.scenario.model.stores.cassandra import CassandraCluster
from sim.scenario.model.stores.mysql import MysqlCluster
from sim.scenario.model.stores.postgres import PostgresCluster
from sim.scenario.model.stores.sqlite import SqliteDatabase

STORES: Mapping[str, type[StoreCluster]] = {
    "postgres": PostgresCluster,
    "mysql": MysqlCluster,
    "cassandra": CassandraCluster,
    "sqlite": SqliteDatabase,
}
"""By key; a deployment has one."""

TARGETS: Mapping[str, StoreTarget] = {
    f"{key}.{target.name}": target for key, store in STORES.items() for target in store.targets
}
"""What of a store may fail, as a fault names it."""


def that_can(capability: Capability) -> list[str]:
    """Keys of the stores that can be asked for something."""
    return [key for key, store in STORES.items() if capability in store.can]


def only(capability: Capability) -> str:
    """The keys of these stores in a sentence: "`postgres`"."""
    return " and ".join(f"`{key}`" for key in that_can(capability))
