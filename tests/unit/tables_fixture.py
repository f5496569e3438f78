"""A small table of measurements, as it was measured in PostgreSQL 15.20, and a data store around it."""

from __future__ import annotations

from typing import Any

from sim.lower.load import Loaded, load
from sim.lower.tables.planner import Costs, Planner
from sim.lower.tables.shape import Shape, shape_of
from sim.scenario.model.tables import Query, Table

MEASURED = "abcefghijk"
"""Ten columns of floating-point measurements."""

DEFAULTS = Costs(1, 4, 0.01, 0.005, 0.0025, 524288)
"""PostgreSQL's defaults; effective_cache_size 4 GB."""

SMALL = """
name: small
databases:
  main: {kind: postgres, cpu: 4, memory: 16 GB, disk: {profile: gp3}, rtt: 0 ms, flush: 1 ms}
tables:
  m:
    database: main
    rows: 2M
    columns:
      t: {width: 8 B, distinct: 2000, span: 20000 s, correlation: 100 %, values: steps}
      d: {width: 4 B, distinct: 1000}
      a: {width: 8 B, values: measured}
      b: {width: 8 B, values: measured}
    indexes: {by_time: {columns: [t]}, by_device: {columns: [d, t]}}
queries:
  look: {table: m, arrivals: {burst: 1}, where: {d: {equal: 1}, t: {range: 1 h}}, reads: [a]}
constants: {storage: {parallel_workers: 0}}
run: {horizon: 60 s, warmup: none}
"""
"""Two million rows of 1000 devices that report every 10 s, all in memory."""


def small(*sets: str) -> Loaded:
    """The small data store with some values changed."""
    return load(SMALL, sets)


def measurements(rows: int = 2_000_000, indexes: dict[str, Any] | None = None, **more: Any) -> Shape:
    """1000 devices that report ten measurements every 10 s: appended in the order of time."""
    columns: dict[str, Any] = {
        "t": {
            "width": "8 B",
            "distinct": rows // 1000,
            "span": f"{rows // 100} s",
            "correlation": 1.0,
            "values": "steps",
        },
        "d": {"width": "4 B", "distinct": 1000},
    }
    columns |= {name: {"width": "8 B", "values": "measured"} for name in MEASURED}
    if indexes is None:
        indexes = {"by_time": {"columns": ["t"]}, "by_device": {"columns": ["d", "t"]}}
    table = {"database": "main", "rows": rows, "columns": columns, "indexes": indexes, **more}
    return shape_of("m", Table.model_validate(table), {}, 1.0)


def planner(shape: Shape, plans: tuple[str, ...] | None = None, **where: Any) -> Planner:
    """Plans of a query with these conditions, by PostgreSQL's defaults."""
    query = {"table": "m", "arrivals": "1/s", "where": where, **({"plans": plans} if plans else {})}
    return Planner(shape, Query.model_validate(query), DEFAULTS)
