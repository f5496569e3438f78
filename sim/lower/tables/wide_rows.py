"""Cassandra: a partition is a wide row, its rows lie in the order of the clustering column, in several SSTables.

There is no aggregation over partitions: every row that fits is shipped to the client.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.lower.constants import Constants
from sim.lower.tables.planner import Plan
from sim.lower.tables.shape import Shape
from sim.scenario.model.tables import Column, Query

ROW_OVERHEAD = 6
"""Flags, two sizes and the time stamp of a row as a difference (Cassandra 3.0 storage format, `nb`)."""
CELL_OVERHEAD = 1
"""Flags of a cell."""


class WideRows:
    """A Cassandra table as one node holds it. share: of all rows that are on a node."""

    def __init__(self, shape: Shape, constants: Constants, share: float) -> None:
        key = shape.table.key
        assert key is not None
        self.shape = shape
        self.key = key
        self.rows = shape.rows / share
        self.sstables = constants.number("storage.cassandra_sstables")
        self.chunk = constants.number("storage.cassandra_chunk")
        self._match = constants.number("storage.lz4_match")
        self._text_ratio = constants.ratio("storage.lz4_text_ratio")
        self.buckets = 1
        if key.bucket_ns is not None:
            self.buckets = max(math.ceil(shape.span_ns(key.order) / key.bucket_ns), 1)
        keys = math.prod(self._distinct(name) for name in key.partition)
        self.partitions = max(min(keys * self.buckets, self.rows), 1.0)
        self.rows_each = self.rows / self.partitions

    def _distinct(self, name: str) -> float:
        given = self.shape.columns[name].distinct
        return float(given) if given is not None else self.rows

    @property
    def row_bytes(self) -> float:
        """Bytes of a row on disk, after LZ4: what was there before is a match, half of a time in steps is."""
        cells = [name for name in self.shape.columns if name not in self.key.partition]
        together = self.chunk / (ROW_OVERHEAD + sum(CELL_OVERHEAD + self._column(name).width_bytes for name in cells))
        return ROW_OVERHEAD + sum(CELL_OVERHEAD + self._packed(name, together) for name in cells)

    def _column(self, name: str) -> Column:
        return self.shape.columns[name]

    def _packed(self, name: str, together: float) -> float:
        """Bytes of a value in a chunk of so many rows."""
        column = self._column(name)
        width = float(column.width_bytes)
        match column.values:
            case "steps":
                return width / 2
            case "measured":
                return (1 - column.changes) * min(width, self._match) + column.changes * width
            case "text":
                return width / self._text_ratio
            case "few":
                first = min(self._distinct(name) / together, 1.0)
                return first * width + (1 - first) * min(width, self._match)

    @property
    def bytes(self) -> float:
        """Bytes on a node."""
        keys = sum(self.shape.columns[name].width_bytes for name in self.key.partition)
        return self.shape.rows * (self.row_bytes + keys / self.rows_each)

    def read(self, query: Query) -> tuple[Plan, float]:
        """What a read of one partition touches on a replica, and how many partitions the query reads.

        A query that does not say which partitions it means looks into all of them.
        """
        where = query.where
        shares = {name: self.shape.share(name, condition) for name, condition in where.items()}
        chosen = [name for name in self.key.partition if name in where and not where[name].is_range]
        partitions = math.prod(shares[name] if name in chosen else 1.0 for name in self.key.partition)
        partitions *= self.partitions / self.buckets
        in_range = shares.get(self.key.order, 1.0)
        buckets = min(in_range * self.buckets + (in_range < 1), float(self.buckets)) if self.buckets > 1 else 1.0
        inside = min(in_range * self.buckets / buckets, 1.0)
        rows = self.rows_each * inside
        plan = self._partition(rows, shares)
        return plan, max(partitions * buckets, 1.0)

    def _partition(self, rows: float, shares: Mapping[str, float]) -> Plan:
        # Rows of an SSTable's share; a slice begins anywhere in a chunk.
        filled = rows * self.row_bytes / self.sstables / self.chunk
        chunks = 1 + filled if rows < self.rows_each else math.ceil(filled)
        return Plan(
            name=f"partition by {', '.join(self.key.partition)}: {rows:,.0f} of {self.rows_each:,.0f} rows",
            parts=1.0,
            inner_pages=0.0,
            random_pages=float(self.sstables),
            sequential_pages=max(chunks - 1.0, 0.0) * self.sstables,
            rows=rows,
            values=0.0,
            region=min(shares.get(self.key.order, 1.0), 1.0),
            page_bytes=self.chunk,
        )
