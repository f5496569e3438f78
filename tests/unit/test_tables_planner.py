"""The choice of a plan: costs and pages by hand and as PostgreSQL has them; what may never be otherwise.

Oracle: EXPLAIN (ANALYZE, BUFFERS) of PostgreSQL 15.20, 2026-11, on the table of `tables_fixture` with its defaults
and no parallel workers. Row estimates there come from a sample of 30,000 rows; where a cost is compared, the query is
worded so that both have the same number of rows, and a cost agrees to 1 in 1000 (1 % where numbers are scaled).
Pages are compared with those that it touched: 5 % where rows lie at random, since these came in a regular order.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_fixture import DEFAULTS, measurements, planner

from sim.lower.tables.planner import Plan, Planner

TABLE = measurements()


def plan_of(planner: Planner, start: str) -> Plan:
    return next(plan for plan in planner.plans() if plan.name.startswith(start))


def test_a_sequential_scan_costs_what_postgresql_says() -> None:
    # 30,770 pages x 1 + 2,000,000 x (0.01 + 0.0025): one comparison.
    found = plan_of(planner(TABLE, d={"equal": 1}), "sequential")
    assert found.cost == pytest.approx(55_769.99, rel=1e-4)
    assert (found.pages, found.rows) == (30_770, 2_000_000)


def test_an_index_scan_in_the_order_of_the_heap_costs_and_touches_what_postgresql_says() -> None:
    # 360,719 rows of 2,000,000 were expected: 3607.19 s of 20,000 s. Cost 14,059.81.
    found = planner(TABLE, t={"range": "3607.19 s"}).chosen()
    assert found.name == "index scan on by_time"
    assert found.cost == pytest.approx(14_059.81, rel=1e-3)
    # Touched for 360,000 rows: 5861 pages.
    assert planner(TABLE, t={"range": "3600 s"}).chosen().pages == pytest.approx(5861, rel=0.001)


def test_a_composite_index_takes_both_conditions_by_a_bitmap() -> None:
    found = planner(TABLE, d={"equal": 1}, t={"range": "3600 s"}).chosen()
    assert found.name == "bitmap scan on by_device"
    assert found.cost == pytest.approx(1328.38 * 360 / 358, rel=0.01)
    assert found.rows == pytest.approx(360)
    # 360 heap pages and 5 of the index, the device's rows being 1000 apart; at random it would be 349 + 4.4.
    assert found.pages == pytest.approx(365, rel=0.05)


def test_a_prefix_of_a_composite_index_is_enough_and_the_rest_of_it_is_not() -> None:
    found = planner(TABLE, d={"equal": 1})
    assert found.chosen().name == "bitmap scan on by_device"
    assert plan_of(found, "index").pages == pytest.approx(2011, rel=0.05)
    assert plan_of(found, "index").cost == pytest.approx(7763.09 * 2000 / 1986, rel=0.01)
    only_second = measurements(indexes={"by_device": {"columns": ["d", "t"]}})
    assert planner(only_second, t={"range": "1 h"}).chosen().name == "sequential scan"


def test_nothing_serves_a_column_without_an_index() -> None:
    assert planner(TABLE, b={"within": 0.0001}).chosen().name == "sequential scan"


def test_a_plan_that_is_switched_off_is_not_taken() -> None:
    where = {"d": {"equal": 1}, "t": {"range": "1 h"}}
    assert planner(TABLE, ("sequential",), **where).chosen().name == "sequential scan"
    assert planner(TABLE, ("index",), **where).chosen().name == "index scan on by_device"
    # With none left it is the sequential scan, as in PostgreSQL.
    assert planner(TABLE, ("index",), b={"within": 0.1}).chosen().name == "sequential scan"


def test_partitions_out_of_range_are_not_looked_at() -> None:
    # 20 partitions of 1000 s; 500 s begin anywhere: 0.5 + 1 of them on average, by hand.
    parts = measurements(indexes={}, partition={"by": "t", "parts": 20})
    found = planner(parts, t={"range": "500 s"}).chosen()
    assert found.parts == pytest.approx(1.5)
    assert found.pages == pytest.approx(1.5 * 1539)  # 100,000 rows at 65 a page
    assert planner(parts, d={"equal": 1}).chosen().pages == 20 * 1539


def test_a_partial_index_serves_only_who_asks_for_no_more_than_it_holds() -> None:
    indexes = {"running": {"columns": ["d"], "only": {"b": {"share": 0.01}}}}
    partial = measurements(indexes=indexes)
    assert planner(partial, d={"equal": 1}).chosen().name == "sequential scan"
    assert planner(partial, d={"equal": 1}, b={"share": 0.02}).chosen().name == "sequential scan"
    found = planner(partial, d={"equal": 1}, b={"share": 0.01}).chosen()
    assert "running" in found.name
    assert found.rows == pytest.approx(2_000_000 * 0.01 / 1000)
    whole = measurements(indexes={"running": {"columns": ["d"]}})
    index, full = partial.table.indexes["running"], whole.table.indexes["running"]
    assert partial.tree(index).pages < whole.tree(full).pages / 20


def test_rows_that_came_together_lie_together() -> None:
    # The hour's rows of all devices lie on 5539 pages, so those of 100 devices touch no more, and of the index 100
    # times 2 inner pages and a leaf, and 179 leaves that they fill. Without that order they lie anywhere on 30,770.
    where = {"d": {"equal": 100}, "t": {"range": "1 h"}}
    ordered = plan_of(planner(TABLE, **where), "bitmap scan on by_device")
    columns = {**TABLE.table.columns, "t": TABLE.table.columns["t"].model_copy(update={"correlation": 0.0})}
    loose = TABLE.table.model_copy(update={"columns": columns})
    scattered = plan_of(planner(type(TABLE)(loose, TABLE.rows, 1, False), **where), "bitmap scan on by_device")
    assert ordered.pages < 5539 + 300 + 179 + 2 < scattered.pages / 2


def test_parallel_workers_divide_the_cpu_of_the_planner() -> None:
    # 30,770 + 2,000,000 x 0.0125 / 2.4 + 1000: two workers, and the one asked with 0.4 of its time.
    query = planner(TABLE, d={"equal": 1}).query
    two = Planner(TABLE, query, replace(DEFAULTS, workers=2))
    found = plan_of(two, "sequential")
    assert (found.cost, found.workers) == (pytest.approx(30_770 + 25_000 / 2.4 + 1000), 2)
    # A bitmap of 2000 rows is shared by as many as its 8 leaves are worth: none.
    assert plan_of(two, "bitmap").workers == 0


@settings(max_examples=60)
@given(
    st.floats(1e-6, 0.5),
    st.floats(1.0, 2.0),
    st.sampled_from([("sequential",), ("index",), ("bitmap",)]),
    st.sampled_from([1, 7, 100]),
)
def test_a_condition_that_lets_more_through_touches_no_fewer_pages(
    share: float, factor: float, plans: tuple[str, ...], parts: int
) -> None:
    table = measurements(partition={"by": "t", "parts": parts})
    few, more = (planner(table, plans, t={"within": x}).chosen() for x in (share, factor * share))
    if few.name.partition(",")[0] == more.name.partition(",")[0]:
        assert more.pages >= few.pages * (1 - 1e-9)
        assert more.rows >= few.rows * (1 - 1e-9)


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(1, 400), st.floats(1e-5, 1.0))
def test_more_partitions_never_have_a_scan_touch_many_more_pages(few: int, more: int, share: float) -> None:
    few, more = min(few, more), max(few, more)
    of_few, of_more = (
        planner(measurements(indexes={}, partition={"by": "t", "parts": parts}), t={"within": share}).chosen()
        for parts in (few, more)
    )
    # What a partition's last page leaves empty is all that they may take more.
    assert of_more.pages <= of_few.pages + of_more.parts + 1


@settings(max_examples=60)
@given(st.integers(1, 1000), st.floats(1e-5, 1.0))
def test_one_more_condition_touches_no_more_pages_and_costs_little_more(values: int, share: float) -> None:
    one = planner(TABLE, ("sequential", "bitmap"), d={"equal": values})
    two = planner(TABLE, ("sequential", "bitmap"), d={"equal": values}, t={"within": share})
    by_one, by_two = (plan_of(found, "bitmap scan on by_device") for found in (one, two))
    assert by_two.pages <= by_one.pages * (1 + 1e-9)
    # Comparisons of more conditions cost the planner something even where they leave all rows.
    assert (two.chosen().cost or 0) <= (one.chosen().cost or 0) + 2_000_000 * 2 * 0.0025 * 2
