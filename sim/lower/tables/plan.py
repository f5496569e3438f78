"""A plan: what a query touches, whichever store it is asked of. How plans come about lives in `planner` and others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sim.lower.tables.pages import PAGE


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
