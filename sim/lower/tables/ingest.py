"""A batch of rows that is written: what it costs in cores, log and pages, now and in the background."""

from __future__ import annotations

import math

from sim.lower.constants import Constants
from sim.lower.steps import Fork, ForkBody, Steps, count
from sim.lower.sums import mean_ns
from sim.lower.tables.columnar import Packed
from sim.lower.tables.held import Held
from sim.lower.tables.pages import INDEX_TUPLE, PAGE, POINTER, aligned, packed_width, pages_of_scattered, rows_per_page
from sim.lower.tables.queries import replicas_requested
from sim.lower.tables.shape import Shape
from sim.lower.tables.site import Site
from sim.scenario.model.tables import Index, Ingest
from sim.units.tables import SECOND

LOG_OF_A_PAGE = 80
"""Bytes of log for each heap page that a COPY fills: one record for all of its rows."""


class Batch:
    """The work of one batch on a node of PostgreSQL or TimescaleDB.

    rate_per_s: rows written to this node. share: of what is used regularly that is in memory.
    """

    def __init__(self, site: Site, shape: Shape, ingest: Ingest, rate_per_s: float, share: float) -> None:
        self.site = site
        self.shape = shape
        self.rows = float(ingest.batch)
        self.by_row = ingest.method == "insert"
        constants = site.constants
        self.between = max(rate_per_s * constants.number("storage.checkpoint_timeout") / SECOND, self.rows)
        self.cpu_ns = self._cpu_ns(constants)
        self.log_bytes = self.rows * (shape.row_bytes + constants.number("storage.wal_per_row"))
        self.log_bytes += self.rows / rows_per_page(shape.row_bytes) * LOG_OF_A_PAGE
        self.reads = 0.0
        self.page_writes = 0.0
        self.data_bytes = self.rows / rows_per_page(shape.row_bytes) * PAGE
        for index in shape.table.indexes.values():
            self._add_index(constants, index, share)

    def _cpu_ns(self, constants: Constants) -> float:
        values = len(self.shape.columns) * constants.number("storage.cpu_copy_value")
        found = self.site.message_ns + self.rows * values
        if self.by_row:
            found += self.rows * self.site.message_ns
        for index in self.shape.table.indexes.values():
            in_order = self.shape.in_order(index)
            each = constants.number("storage.cpu_index_ordered" if in_order else "storage.cpu_index_scattered")
            found += self.rows * self.shape.kept_by(index) * each
        return found

    def _add_index(self, constants: Constants, index: Index, share: float) -> None:
        """Pages of an index: those of the newest partition, changed anywhere unless rows come in its order.

        The first change after a checkpoint writes the whole page to the log; the checkpoint writes it to its place.
        """
        shape = self.shape
        entries = self.rows * shape.kept_by(index)
        key = packed_width(shape.columns[name].width_bytes for name in index.columns)
        entry = aligned(INDEX_TUPLE + key)
        self.log_bytes += entries * (entry + constants.number("storage.wal_per_entry"))
        if shape.in_order(index):
            self.data_bytes += entries * (entry + POINTER)
            return
        leaves = float(shape.tree(index).leaves)
        between = self.between * shape.kept_by(index)
        changed = pages_of_scattered(between, leaves) / between * entries
        self.reads += (1 - share) * entries
        self.page_writes += changed
        self.log_bytes += changed * PAGE
        self.data_bytes += changed * PAGE

    def steps(self, packing: Steps) -> Steps:
        """The batch on one node, and what goes on after its commit. packing: of older rows, as many as come in."""
        site = self.site
        # A statement for each row takes a round trip each.
        trips = self.rows + 1 if self.by_row else 1.0
        now = site.on_a_node(
            *site.work(self.cpu_ns),
            *site.operate(self.reads),
            *site.move(self.log_bytes),
            *site.commit(),
            round_trips=trips,
        )
        later = site.aside(*site.write(self.page_writes), *site.move(self.data_bytes), *packing)
        counted = count(row_written=round(self.rows), commit=1, wal_byte=round(self.log_bytes))
        return (*now, counted, later)


def written(site: Site, held: Held, ingest: Ingest, share: float) -> Steps:
    """The steps of a batch. share: of what is used regularly that is in memory."""
    database = site.database
    if held.wide is not None:
        return _replicated(site, held, ingest)
    rate = ingest.rows_per_s if database.multi_master else ingest.rows_per_s / database.nodes
    shape = held.plain or held.shape
    batch = Batch(site, shape, ingest, rate, share)
    steps = batch.steps(_packing(site, held, batch.rows))
    if database.multi_master and database.nodes > 1:
        # Logical replication: every other node does the same work, and the one that writes does not wait for it.
        elsewhere = Fork(fork=ForkBody(items=database.nodes - 1, steps=batch.steps(()), join=0))
        return (*steps, elsewhere)
    return steps


def _packing(site: Site, held: Held, rows: float) -> Steps:
    """As many rows leave the plain chunks as come in: they are read, packed and written again."""
    if held.packed is None:
        return ()
    packed = Packed(held.packed, site.constants)
    plain_bytes = rows / rows_per_page(held.shape.row_bytes) * PAGE
    work = rows * len(held.shape.columns) * site.constants.number("storage.cpu_pack_value")
    return (*site.work(work), *site.move(plain_bytes + rows * packed.row_bytes))


def _replicated(site: Site, held: Held, ingest: Ingest) -> Steps:
    """Cassandra: every replica takes the batch; as many as have to answer are waited for."""
    assert held.wide is not None
    number, rows = site.constants.number, ingest.batch
    statements = math.ceil(rows / (ingest.statement or rows))
    cpu_ns = statements * mean_ns(site.constants.distribution("cassandra.cpu_per_write"))
    cpu_ns += (rows - statements) * number("storage.cassandra_cpu_row_written")
    size = rows * held.wide.row_bytes
    now = site.on_a_node(*site.work(cpu_ns), *site.move(size), round_trips=statements)
    # Memtable to SSTable, then again and again by compaction, each time read and written.
    rewritten = (1 + 2 * number("storage.cassandra_rewrites")) * size
    # A share of the cores is a share of all work, for good where writes go on for good.
    share = site.constants.ratio("cassandra.compaction")
    background = cpu_ns * share / (1 - share)
    fork = ForkBody(items=site.database.copies, steps=now, join=replicas_requested(site))
    later = [site.aside(*site.work(background), *site.move(rewritten)) for _ in range(site.database.copies)]
    return (Fork(fork=fork), count(row_written=rows), *later)
