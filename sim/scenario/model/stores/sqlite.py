"""The store of Temporal's dev server: SQLite, one database and one connection that all operations share."""

from __future__ import annotations

from typing import Literal

from sim.scenario.model.stores.base import StoreCluster


class SqliteDatabase(StoreCluster):
    """A SQLite database inside the server's process. Whoever reads or writes has it to itself."""

    product = "SQLite"
    can = frozenset({"hosts"})

    nodes: Literal[1] = 1
    """Always one: there is no replication."""
    database: Literal["file", "memory"] = "file"
    """Where it lives: in a file, which each commit waits for, or in memory, lost with the process."""
