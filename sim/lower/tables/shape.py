"""A table in numbers: rows of a node, partitions, the share of them that a condition lets through."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sim.lower.tables.pages import Btree, btree, heap_pages, packed_width
from sim.scenario.model.tables import Column, Condition, Index, Ingest, Table
from sim.units.tables import SECOND

DEAD_SHARE = 0.2
"""Deleted rows that wait for vacuum, of the rows alive: PostgreSQL's autovacuum_vacuum_scale_factor, by default."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as one node holds it.

    rows: alive, of this node. parts: partitions, 1 without any. deletes: rows leave one by one and not by partition.
    """

    table: Table
    rows: float
    parts: int
    deletes: bool

    @property
    def columns(self) -> Mapping[str, Column]:
        """Its columns by name."""
        return self.table.columns

    @property
    def row_bytes(self) -> int:
        """Bytes of a row's data."""
        return packed_width(column.width_bytes for column in self.columns.values())

    @property
    def stored_rows(self) -> float:
        """Rows that take space: those that were deleted and wait for vacuum, too."""
        return self.rows * (1 + DEAD_SHARE) if self.deletes else self.rows

    @property
    def heap_pages(self) -> int:
        """Heap pages of one partition."""
        return max(heap_pages(self.stored_rows / self.parts, self.row_bytes), 1)

    def distinct(self, name: str) -> float:
        """Different values of a column."""
        given = self.columns[name].distinct
        return self.rows if given is None else min(float(given), self.rows)

    def span_ns(self, name: str) -> int:
        """Time between the oldest and the newest value of a column; that it is told was checked before."""
        span = self.columns[name].span_ns or self.table.kept_ns
        assert span is not None, name
        return span

    def share(self, name: str, condition: Condition) -> float:
        """Share of the rows that a condition on a column lets through."""
        if condition.equal is not None:
            return min(condition.equal / self.distinct(name), 1.0)
        if condition.range_ns is not None:
            return min(condition.range_ns / self.span_ns(name), 1.0)
        given = condition.share if condition.share is not None else condition.within
        assert given is not None
        return given

    def kept_by(self, index: Index) -> float:
        """Share of the rows that an index holds."""
        return math.prod(self.share(name, condition) for name, condition in index.only.items())

    def in_order(self, index: Index) -> bool:
        """Whether rows come in the order of the index, so that it is filled page by page."""
        return self.columns[index.columns[0]].correlation == 1.0

    def tree(self, index: Index, rows: float | None = None) -> Btree:
        """The B-tree of an index over one partition, or over so many rows."""
        held = (self.stored_rows / self.parts if rows is None else rows) * self.kept_by(index)
        keys = math.prod(self.distinct(name) for name in index.columns) / self.parts
        widths = [self.columns[name].width_bytes for name in index.columns]
        return btree(max(held, 1.0), widths, held / max(min(keys, held), 1.0), self.in_order(index))


def parts_of(table: Table, span_ns: int | None) -> int:
    """Partitions of a table."""
    partition = table.partition
    if partition is None:
        return 1
    if partition.parts is not None:
        return partition.parts
    assert partition.every_ns is not None
    assert span_ns is not None
    return max(math.ceil(span_ns / partition.every_ns), 1)


def rows_of(table: Table, written_per_s: float) -> float:
    """Rows in all: as told, or what is written in the time that is kept."""
    if table.rows is not None:
        return float(table.rows)
    assert table.kept_ns is not None
    return written_per_s * table.kept_ns / SECOND


def shape_of(name: str, table: Table, ingest: Mapping[str, Ingest], share: float) -> Shape:
    """The table of this name as a node with this share of the rows holds it."""
    written = sum(one.rows_per_s for one in ingest.values() if one.table == name)
    by = table.partition.by if table.partition is not None else None
    span = (table.columns[by].span_ns if by is not None else None) or table.kept_ns
    dropped = by is not None and table.columns[by].correlation == 1.0
    deletes = table.kept_ns is not None and written > 0 and not dropped
    return Shape(table, max(rows_of(table, written) * share, 1.0), parts_of(table, span), deletes)
