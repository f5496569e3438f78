"""PostgreSQL's choice among a sequential scan, index scans and bitmap scans, partitions pruned first.

Costs are PostgreSQL's own (costsize.c and selfuncs.c, PostgreSQL 16), so that the plan is the one that it would take,
which need not be the fastest on this hardware. Pages touched are counted apart from cost: the planner knows nothing of
rows that lie together because they came together, a page count has to.

Left out: index-only scans, joins, sorts, combinations of bitmaps; statistics are right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sim.lower.tables.pages import PAGE, Btree, pages_of_scattered
from sim.lower.tables.shape import Shape
from sim.scenario.model.tables import Condition, Index, Query


@dataclass(frozen=True, slots=True)
class Plan:
    """What one query does on one node; numbers are means.

    parts: partitions looked at. inner_pages: upper pages of an index, always in memory. random_pages: pages read one
    by one, each by an operation of its own unless it is in memory. sequential_pages: read ahead, many by one
    operation. rows: examined. values: columns of those rows that are aggregated. cpu_ns: what the store's own work
    needs beside that, such as unpacking. region: share of the table that these pages lie in. cost: in the planner's
    own currency; None where there is nothing to choose. workers: processes that share the work with the one that
    was asked.
    """

    name: str
    parts: float
    inner_pages: float
    random_pages: float
    sequential_pages: float
    rows: float
    values: float
    region: float
    cost: float | None = None
    cpu_ns: float = 0.0
    page_bytes: int = PAGE
    workers: int = 0

    @property
    def pages(self) -> float:
        """Pages touched, in memory or not."""
        return self.inner_pages + self.random_pages + self.sequential_pages

    def part(self, number: float) -> Plan:
        """One of so many equal parts of it."""
        return replace(
            self,
            inner_pages=self.inner_pages / number,
            random_pages=self.random_pages / number,
            sequential_pages=self.sequential_pages / number,
            rows=self.rows / number,
            values=self.values / number,
            cpu_ns=self.cpu_ns / number,
        )

    def __str__(self) -> str:
        cost = "" if self.cost is None else f", cost {self.cost:,.0f}"
        if self.workers:
            cost = f", {self.workers} parallel workers{cost}"
        return (
            f"{self.name}: {self.pages:,.0f} pages ({self.random_pages:,.0f} one by one), {self.rows:,.0f} rows{cost}"
        )


def together(first: Plan, second: Plan) -> Plan:
    """Two plans one after the other, for two parts of a table."""
    return replace(
        first,
        name=f"{first.name}; {second.name}",
        parts=first.parts + second.parts,
        inner_pages=first.inner_pages + second.inner_pages,
        random_pages=first.random_pages + second.random_pages,
        sequential_pages=first.sequential_pages + second.sequential_pages,
        rows=first.rows + second.rows,
        values=first.values + second.values,
        region=min(first.region + second.region, 1.0),
        cpu_ns=first.cpu_ns + second.cpu_ns,
        workers=max(first.workers, second.workers),
    )


def parallel_workers(pages: float, least: float, most: int) -> int:
    """Workers that PostgreSQL would start for a scan of so many pages: one, and one more for each factor of 3.

    Source: compute_parallel_worker in allpaths.c; least: min_parallel_table_scan_size in pages.

    >>> [parallel_workers(pages, 1024, 2) for pages in (1000, 1024, 3072, 10**6)]
    [0, 1, 2, 2]
    """
    found = 0
    while pages >= least and found < most:
        found += 1
        least *= 3
    return found


def cheapest(plans: Iterable[Plan]) -> Plan:
    """The plan of least cost, the first of equals."""
    return min(plans, key=lambda plan: plan.cost or 0.0)


@dataclass(frozen=True, slots=True)
class Costs:
    """PostgreSQL's cost constants, in units of a page read in sequence.

    cached_pages: its effective_cache_size. workers: max_parallel_workers_per_gather; parallel_setup: what they cost;
    table_pages, index_pages: min_parallel_table_scan_size and min_parallel_index_scan_size.
    """

    seq_page: float
    random_page: float
    cpu_tuple: float
    cpu_index_tuple: float
    cpu_operator: float
    cached_pages: float
    workers: int = 0
    parallel_setup: float = 1000.0
    table_pages: float = 1024.0
    index_pages: float = 64.0

    @property
    def page_of_descent(self) -> float:
        """CPU of looking into a page on the way down an index: 50 operators (selfuncs.c)."""
        return 50 * self.cpu_operator


@dataclass(frozen=True, slots=True)
class _Reach:
    """What an index makes of a query, in one partition.

    leaf_share: of the leaves that are read. descents: from the root. fetched: rows found by the index alone. region:
    share of the heap on which these can lie. operators: comparisons of an index entry, and of a row afterwards.
    """

    tree: Btree
    leaf_share: float
    descents: int
    fetched: float
    region: float
    ordered: float
    correlation: float
    operators: tuple[int, int]

    @property
    def leaves(self) -> float:
        """Leaves read: those that hold the entries, which begin anywhere on a leaf."""
        most = float(self.tree.leaves)
        return min(self.descents + self.leaf_share * most, most)


class Planner:
    """Plans of one query on one node. known: shares that conditions leave here, where that is not as in the whole."""

    def __init__(self, shape: Shape, query: Query, costs: Costs, known: Mapping[str, float] | None = None) -> None:
        self.shape = shape
        self.query = query
        self.costs = costs
        shares = {name: shape.share(name, condition) for name, condition in query.where.items()} | dict(known or {})
        self.parts, inside = pruned(shape, query.where, shares)
        self.shares = shares | inside
        self.rows = shape.rows / shape.parts
        self.operators = sum(2 if condition.is_range else 1 for condition in query.where.values())
        self.values = len(query.reads or shape.columns)

    def plans(self) -> tuple[Plan, ...]:
        """Every plan that may be chosen; the sequential scan where no other is possible."""
        found: list[Plan] = []
        for name, index in self.shape.table.indexes.items():
            reach = self._reach(index)
            if reach is None:
                continue
            if "index" in self.query.plans:
                found.append(self._index_scan(name, reach))
            if "bitmap" in self.query.plans:
                found.append(self._bitmap_scan(name, reach))
        if "sequential" in self.query.plans or not found:
            found.insert(0, self._sequential_scan())
        return tuple(found)

    def chosen(self) -> Plan:
        """The plan that costs least."""
        return cheapest(self.plans())

    def _sequential_scan(self) -> Plan:
        costs, pages = self.costs, float(self.shape.heap_pages)
        cpu = self.rows * (costs.cpu_tuple + self.operators * costs.cpu_operator)
        # Values are aggregated of the rows that fit; dead rows are looked at and left.
        rows = self.shape.stored_rows / self.shape.parts
        return self._plan("sequential scan", pages * costs.seq_page, cpu, sequential=pages, rows=rows)

    def _index_scan(self, name: str, reach: _Reach) -> Plan:
        costs, heap = self.costs, float(self.shape.heap_pages)
        most = pages_of_scattered(reach.fetched, heap, costs.cached_pages) * costs.random_page
        least = costs.random_page + max(math.ceil(reach.fetched / self.rows * heap) - 1, 0) * costs.seq_page
        disk, cpu = self._index_cost(reach)
        disk += most + reach.correlation**2 * (least - most)
        cpu += reach.fetched * (costs.cpu_tuple + reach.operators[1] * costs.cpu_operator)
        area = max(reach.region * heap, 1.0)
        touched = pages_of_scattered(reach.fetched, area, costs.cached_pages)
        in_sequence = touched * reach.ordered * math.sqrt(min(touched / area, 1.0))
        return self._plan(f"index scan on {name}", disk, cpu, reach, touched - in_sequence, in_sequence)

    def _bitmap_scan(self, name: str, reach: _Reach) -> Plan:
        costs, heap = self.costs, float(self.shape.heap_pages)
        pages = pages_of_scattered(reach.fetched, heap)
        each = costs.random_page
        if pages >= 2:
            each -= (costs.random_page - costs.seq_page) * math.sqrt(pages / heap)
        disk, cpu = self._index_cost(reach)
        disk += pages * each
        cpu += reach.fetched * (costs.cpu_tuple + (0.1 + self.operators) * costs.cpu_operator)
        area = max(reach.region * heap, 1.0)
        touched = pages_of_scattered(reach.fetched, area)
        in_sequence = touched * math.sqrt(min(touched / area, 1.0))
        return self._plan(f"bitmap scan on {name}", disk, cpu, reach, touched - in_sequence, in_sequence)

    def _index_cost(self, reach: _Reach) -> tuple[float, float]:
        """Cost of the index alone: of its pages, of its entries."""
        costs, tree = self.costs, reach.tree
        entries = reach.leaf_share * tree.rows
        way_down = math.ceil(math.log2(max(tree.rows, 2))) * costs.cpu_operator
        way_down += (tree.depth + 1) * costs.page_of_descent
        pages = max(math.ceil(reach.leaf_share * tree.pages), 1)
        each = costs.cpu_index_tuple + reach.operators[0] * costs.cpu_operator
        return pages * costs.random_page, entries * each + reach.descents * way_down

    def _plan(
        self,
        name: str,
        disk: float,
        cpu: float,
        reach: _Reach | None = None,
        random: float = 0.0,
        sequential: float = 0.0,
        rows: float | None = None,
    ) -> Plan:
        parts = self.parts
        cost, workers = self._shared(parts * disk, parts * cpu, parts * (random + sequential), reach)
        fitting = self.rows * math.prod(self.shares.values())
        pruned_name = name if parts == self.shape.parts else f"{name}, {parts:.3g} of {self.shape.parts} partitions"
        return Plan(
            name=pruned_name,
            parts=parts,
            inner_pages=parts * reach.descents * reach.tree.depth if reach else 0.0,
            random_pages=parts * (random + (reach.leaves if reach else 0.0)),
            sequential_pages=parts * sequential,
            rows=parts * (reach.fetched if reach and rows is None else rows or 0.0),
            values=parts * fitting * self.values,
            region=parts / self.shape.parts * (reach.region if reach else 1.0),
            cost=cost,
            workers=workers,
        )

    def _shared(self, disk: float, cpu: float, pages: float, reach: _Reach | None) -> tuple[float, int]:
        """Cost and parallel workers: none where they cost more than they save.

        The CPU is divided among them and the one asked, which is busy with them for 0.3 of its time each (costsize.c,
        get_parallel_divisor); an aggregate of one row passes between them.
        """
        costs = self.costs
        workers = parallel_workers(pages, costs.table_pages, costs.workers)
        if reach is not None:
            leaves = reach.leaf_share * reach.tree.leaves * self.parts
            workers = min(workers, parallel_workers(leaves, costs.index_pages, costs.workers))
        if not workers:
            return disk + cpu, 0
        divisor = workers + max(1 - 0.3 * workers, 0)
        shared = disk + cpu / divisor + costs.parallel_setup
        return (shared, workers) if shared < disk + cpu else (disk + cpu, 0)

    def _reach(self, index: Index) -> _Reach | None:
        """What the index makes of the query; None where it does not serve."""
        where, shares = self.query.where, dict(self.shares)
        for name, only in index.only.items():
            held = self.shape.share(name, only)
            if name not in where or self.shape.share(name, where[name]) > held:
                return None
            shares[name] = min(shares[name] / held, 1.0)
        if index.columns[0] not in where and not index.only:
            return None
        leaf_share, descents, correlated = 1.0, 1, self.shape.columns[index.columns[0]].correlation
        for name in index.columns:
            condition = where.get(name)
            if condition is None:
                break
            leaf_share *= shares[name]
            correlated = self.shape.columns[name].correlation
            if condition.is_range:
                break
            descents *= condition.equal or 1
        helpful = [name for name in where if name in index.columns or name in index.only]
        tree = self.shape.tree(index)
        alive = self.rows * self.shape.kept_by(index)
        first = self.shape.columns[index.columns[0]].correlation
        return _Reach(
            tree=tree,
            leaf_share=leaf_share,
            descents=descents,
            fetched=alive * math.prod(shares[name] for name in helpful),
            region=self._region(helpful),
            ordered=correlated**2,
            correlation=first if len(index.columns) == 1 else 0.75 * first,
            operators=(_operators(where, index.columns), _operators(where, set(where) - set(helpful))),
        )

    def _region(self, names: list[str]) -> float:
        """Share of a partition's heap on which rows that fit can lie: rows that came together lie together."""
        found = 1.0
        for name in names:
            order = self.shape.columns[name].correlation ** 2
            found = min(found, order * self.shares[name] + 1 - order)
        return found


def pruned(
    shape: Shape, where: Mapping[str, Condition], shares: Mapping[str, float]
) -> tuple[float, dict[str, float]]:
    """Partitions that have to be looked at, on average, and the share of their rows that the condition then leaves.

    A range begins anywhere in a partition, and so reaches into one more than it would fill.
    """
    partition = shape.table.partition
    condition = where.get(partition.by) if partition is not None else None
    if partition is None or condition is None:
        return float(shape.parts), {}
    share = shares[partition.by]
    if condition.is_range:
        touched = min(share * shape.parts + 1, float(shape.parts))
    else:
        touched = min(float(condition.equal or 1), float(shape.parts))
    return touched, {partition.by: min(share * shape.parts / touched, 1.0)}


def _operators(where: Mapping[str, Condition], names: Iterator[str] | tuple[str, ...] | set[str]) -> int:
    return sum(2 if where[name].is_range else 1 for name in names if name in where)
