"""What tables take on the disks of a node, and how much of it is in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.tables.columnar import Packed
from sim.lower.tables.pages import PAGE
from sim.lower.tables.shape import Shape, shape_of
from sim.lower.tables.wide_rows import WideRows
from sim.scenario.model.tables import Database, Ingest, Table

LARGEST_HEAP = 30 * 2**30
"""Bytes of the largest heap of a Cassandra node (service-capacity-modeling 0.3.212)."""


@dataclass(frozen=True, slots=True)
class Held:
    """One table on one node.

    plain: as rows; None when all of it is packed. packed: None when none is. wide: in Cassandra. Bytes are of this
    node. busy_bytes: what has to be in memory so that nothing that is used regularly is read from disk.
    """

    shape: Shape
    plain: Shape | None
    packed: Shape | None
    wide: WideRows | None
    heap_bytes: float
    index_bytes: float
    busy_bytes: float

    @property
    def bytes(self) -> float:
        """All of it."""
        return self.heap_bytes + self.index_bytes

    @property
    def packed_share(self) -> float:
        """Share of the rows that are packed."""
        return 0.0 if self.packed is None else self.packed.rows / self.shape.rows


def held(name: str, table: Table, database: Database, ingest: Mapping[str, Ingest], constants: Constants) -> Held:
    """The table of this name on a node of its database."""
    shape = shape_of(name, table, ingest, database.share)
    if database.is_ring:
        wide = WideRows(shape, constants, database.share)
        return Held(shape, None, None, wide, wide.bytes, 0.0, table.hot * wide.bytes)
    plain, packed = _split(shape)
    newer = float(plain.heap_pages * plain.parts * PAGE) if plain is not None else 0.0
    older = Packed(packed, constants).pages * packed.parts * PAGE if packed is not None else 0.0
    trees = {index: index_bytes(plain, index) for index in table.indexes} if plain is not None else {}
    share = plain.rows / shape.rows if plain is not None else 0.0
    busy = newer * min(table.hot / share, 1.0) if share else 0.0
    busy += older * max(table.hot - share, 0.0) / (1 - share) if share < 1 else 0.0
    for index, size in trees.items():
        assert plain is not None
        # Entries that come in no order go to all of the newest partition's tree.
        written = size / plain.parts if not plain.in_order(table.indexes[index]) and _is_written(name, ingest) else 0.0
        busy += max(min(table.hot / share, 1.0) * size, written)
    return Held(shape, plain, packed, None, newer + older, sum(trees.values()), busy)


def index_bytes(shape: Shape, index: str) -> float:
    """Bytes of an index over all partitions."""
    return float(shape.tree(shape.table.indexes[index]).pages * shape.parts * PAGE)


def _split(shape: Shape) -> tuple[Shape | None, Shape | None]:
    """The newer rows, which are plain, and the older ones, which are packed; in whole partitions."""
    packing, partition = shape.table.packed, shape.table.partition
    if packing is None:
        return shape, None
    if packing.after_ns is None or partition is None:
        return None, shape
    age = min(packing.after_ns / shape.span_ns(partition.by), 1.0)
    newer = min(math.ceil(age * shape.parts), shape.parts)
    if newer == shape.parts:
        return shape, None
    rows = shape.rows / shape.parts
    return (
        Shape(shape.table, rows * newer, newer, shape.deletes),
        Shape(shape.table, rows * (shape.parts - newer), shape.parts - newer, shape.deletes),
    )


def _is_written(name: str, ingest: Mapping[str, Ingest]) -> bool:
    return any(one.table == name for one in ingest.values())


def cache_bytes(database: Database, constants: Constants) -> float:
    """Memory of a node that holds pages."""
    if database.is_ring:
        heap = min(constants.ratio("storage.cassandra_heap") * database.memory_bytes, LARGEST_HEAP)
        return database.memory_bytes - heap
    return constants.ratio("storage.cache_share") * database.memory_bytes


def resident(cache: float, busy: float) -> float:
    """Share of what is used regularly that is in memory: any page of it is as likely as any other."""
    return min(cache / busy, 1.0) if busy > 0 else 1.0


def hit_share(share: float, touched: float, hot: float, newest: bool) -> float:
    """Share of page accesses that find their page in memory.

    share: of the hot part that is in memory; touched: share of the table that the query's pages lie in. The newest
    rows are hot; elsewhere the hot part is met by chance. What is not hot is on disk.
    """
    return share * (min(hot / touched, 1.0) if newest and touched > 0 else hot)
