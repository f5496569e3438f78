"""LRU caches of nodes; a node that crashes loses its cache."""

from __future__ import annotations

from collections import OrderedDict

from sim.engine.reference.groups import Hit, Resident
from sim.network.places import Cache


class LruCache(Resident):
    """One least-recently-used set of executions for each node of a group."""

    def __init__(self, name: str, spec: Cache, count: int) -> None:
        self.name = name
        self.capacity = spec.capacity
        self.nodes: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(count)]
        self.hits = 0
        self.misses = 0

    def look(self, node: int, execution: int) -> bool:
        """Whether the execution is remembered there; it is from now on, at the cost of the one unused longest."""
        entries = self.nodes[node]
        if execution in entries:
            entries.move_to_end(execution)
            self.hits += 1
            return True
        self.misses += 1
        entries[execution] = None
        if len(entries) > self.capacity:
            entries.popitem(last=False)
        return False

    def drop(self, execution: int) -> None:
        """The execution is closed: no node needs it any more."""
        for entries in self.nodes:
            entries.pop(execution, None)

    def node_down(self, node: int, hit: Hit) -> None:
        """Everything there is forgotten."""
        self.nodes[node].clear()
