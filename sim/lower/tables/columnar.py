"""TimescaleDB's compressed chunks: rows of a series become batches of arrays, a column each.

How many bytes a value takes follows from how it is encoded: even steps as differences of differences, measurements by
XOR with the one before (Gorilla), few different values by their place in a dictionary. Sources stand in the preset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from sim.lower.constants import Constants
from sim.lower.tables.pages import HEADER, PAGE, POINTER
from sim.lower.tables.planner import Plan
from sim.lower.tables.shape import Shape
from sim.scenario.model.tables import Column, Query

ARRAY_POINTER = 18
"""Bytes in a batch's row that point to an array kept out of line (a TOAST pointer)."""
BATCH_FACTS = 24
"""Bytes of a batch's count, sequence number, least and greatest time."""


class Packed:
    """The packed part of a table on one node."""

    def __init__(self, shape: Shape, constants: Constants) -> None:
        packing = shape.table.packed
        assert packing is not None
        self.shape = shape
        self.packing = packing
        self.most = constants.number("storage.batch_rows")
        self._step_bits = constants.ratio("storage.step_bits")
        self._change_bits = constants.ratio("storage.change_bits")
        self._text_ratio = constants.ratio("storage.lz4_text_ratio")
        self._unpack_ns = constants.number("storage.cpu_unpack_value")
        self.series = shape.distinct(packing.segment_by) if packing.segment_by is not None else 1.0
        rows = shape.rows / shape.parts
        self.batches_each = max(math.ceil(rows / self.series / self.most), 1)
        self.batches = min(self.series * self.batches_each, rows)
        self.rows_each = rows / self.batches

    def value_bytes(self, name: str) -> float:
        """Bytes of a value of this column, its share of what is stored once for each batch included."""
        column = self.shape.columns[name]
        if name == self.packing.segment_by:
            return column.width_bytes / self.rows_each
        return min(self._encoded(column, self.shape.distinct(name)), float(column.width_bytes))

    def _encoded(self, column: Column, distinct: float) -> float:
        first = column.width_bytes / self.rows_each
        match column.values:
            case "steps":
                return first + self._step_bits / 8
            case "measured":
                return first + (1 + column.changes * (self._change_bits - 1)) / 8
            case "text":
                return column.width_bytes / self._text_ratio
            case "few":
                here = min(distinct, self.rows_each)
                return here * column.width_bytes / self.rows_each + math.ceil(math.log2(max(here, 2))) / 8

    @property
    def row_bytes(self) -> float:
        """Bytes of a row, with its share of the batch's own row."""
        arrays = len(self.shape.columns) - (self.packing.segment_by is not None)
        own = HEADER + POINTER + BATCH_FACTS + ARRAY_POINTER * arrays
        return own / self.rows_each + sum(map(self.value_bytes, self.shape.columns))

    @property
    def pages(self) -> float:
        """Pages of a chunk."""
        return math.ceil(self.row_bytes * self.shape.rows / self.shape.parts / PAGE)

    def scan(self, query: Query, shares: Mapping[str, float], parts: float) -> Plan:
        """The scan of so many chunks: series by an index, batches by their least and greatest time, columns needed."""
        segment, order = self.packing.segment_by, self.packing.order_by
        series = max(self.series * shares.get(segment, 1.0), 1.0) if segment is not None else 1.0
        in_order = shares.get(order, 1.0)
        batches_each = min(in_order * self.batches_each + (in_order < 1), float(self.batches_each))
        batches = min(series * batches_each, self.batches)
        needed = self._needed(query)
        read = sum(self.value_bytes(name) for name in needed if name != segment) * self.rows_each
        pages = min(batches * (HEADER + POINTER + BATCH_FACTS + read) / PAGE + 1, max(self.pages, 1.0))
        whole = series == self.series and batches_each == self.batches_each
        runs = 1.0 if whole else min(series, pages)
        rows = batches * self.rows_each
        fitting = self.shape.rows / self.shape.parts * math.prod(shares.values())
        depth = max(math.ceil(math.log(max(self.batches / 200, 1), 200)), 1) if segment is not None else 0
        name = f"packed chunks, {parts:.3g} of {self.shape.parts}"
        return Plan(
            name=f"{name}, index on {segment}" if segment in shares else name,
            parts=parts,
            inner_pages=parts * (runs if segment in shares else 1.0) * depth,
            random_pages=parts * runs,
            sequential_pages=parts * max(pages - runs, 0.0),
            rows=parts * rows,
            values=parts * fitting * len(query.reads or self.shape.columns),
            region=parts / self.shape.parts,
            cpu_ns=parts * rows * len(needed) * self._unpack_ns,
        )

    def _needed(self, query: Query) -> Collection[str]:
        """Columns that have to be unpacked."""
        requested = {*(query.reads or self.shape.columns), *query.where}
        return requested - {self.packing.segment_by}
