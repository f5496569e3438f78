"""Pages of heaps and B-trees: counted by hand, and as PostgreSQL has them.

Goal: what a table takes, and what a plan touches, is arithmetic on the layout of pages. Oracles: small cases by hand,
and `relpages` of PostgreSQL 15.20 on a table of 2,000,000 rows (timestamptz, int, ten float8; 1000 devices that report
every 10 s), read in 2026-11. Heaps and trees of single entries agree to the page; lists of equal keys are cut in ways
that depend on the order of work, for which 1 % is allowed, and splits of a growing tree, 5 % (its fill is a mean).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.lower.tables.pages import aligned, btree, heap_pages, packed_width, pages_of_scattered, rows_per_page

ROWS = 2_000_000


def test_a_row_takes_its_header_its_data_and_a_pointer() -> None:
    # 8192 - 24 = 8168 bytes of a page; 24 + 8 = 32 of a row with one bigint, and 4: 226 rows.
    assert rows_per_page(8) == 226
    # One byte more is padded to eight.
    assert rows_per_page(9) == (8192 - 24) // (40 + 4) == rows_per_page(16)


def test_numbers_stand_at_multiples_of_their_size() -> None:
    assert packed_width([8, 4]) == 12
    assert packed_width([4, 8]) == 16
    assert packed_width([4, 16, 8]) == 32  # a uuid stands anywhere, the bigint after it at 24
    assert packed_width([8, 4, *[8] * 10]) == 96


def test_a_heap_is_as_large_as_in_postgresql() -> None:
    assert rows_per_page(96) == 65
    assert heap_pages(ROWS, 96) == 30_770


def test_rows_longer_than_a_page_take_several() -> None:
    assert heap_pages(10, 16_000) == pytest.approx(10 * 16_024 / 8164, abs=1)


def test_a_composite_index_is_as_large_as_in_postgresql() -> None:
    # An entry: 8 and 4 + 8 (padded to 16) and 4: 28 bytes. A leaf: 8152 less 819, so 261. 7663 leaves; above them
    # 5694 / 28 = 203 to a page: 38, and the root; and the page that tells about the tree.
    found = btree(ROWS, (4, 8), 1, in_order=True)
    assert (found.leaves, found.inner, found.depth) == (7663, 39, 2)
    assert found.pages == 7_703


def test_equal_keys_are_kept_once() -> None:
    assert btree(ROWS, (8,), 1000, in_order=True).pages == pytest.approx(1_789, rel=0.01)
    assert btree(ROWS, (8,), 1000, in_order=True).pages < btree(ROWS, (8,), 1, in_order=True).pages / 2


def test_an_index_whose_entries_come_in_no_order_is_less_full() -> None:
    assert btree(ROWS, (4, 8), 1, in_order=False).pages == pytest.approx(10_296, rel=0.05)


def test_a_tree_of_one_leaf_has_nothing_above() -> None:
    found = btree(100, (8,), 1, in_order=True)
    assert (found.leaves, found.inner, found.depth, found.pages) == (1, 0, 0, 2)


def test_rows_anywhere_touch_a_page_each_while_they_are_few_and_all_pages_when_they_are_many() -> None:
    assert pages_of_scattered(1, 1000) == pytest.approx(1, rel=1e-3)
    assert pages_of_scattered(1_000_000, 1000) == 1000
    # 2 x 1000 x 1000 / (2000 + 1000)
    assert pages_of_scattered(1000, 1000) == pytest.approx(2000 / 3)
    assert pages_of_scattered(0, 1000) == 0


def test_pages_that_leave_memory_are_fetched_again() -> None:
    # b = 100 of T = 1000: up to 2 T b / (2 T - b) = 105.26 rows as before, then (T - b) / T = 0.9 a row.
    limit = 2 * 1000 * 100 / 1900
    assert pages_of_scattered(10_000, 1000, 100) == pytest.approx(100 + (10_000 - limit) * 0.9)


@given(st.floats(1, 1e9), st.floats(1, 10), st.floats(1, 1e7), st.floats(1, 1e7))
def test_more_rows_touch_no_fewer_pages(rows: float, factor: float, pages: float, cached: float) -> None:
    assert pages_of_scattered(factor * rows, pages, cached) >= pages_of_scattered(rows, pages, cached) * (1 - 1e-12)
    assert pages_of_scattered(rows, pages) <= min(rows, pages) * (1 + 1e-12)


@given(st.integers(1, 10**9), st.integers(1, 4000), st.integers(1, 64))
def test_wider_rows_and_keys_take_no_fewer_pages(rows: int, width: int, more: int) -> None:
    assert heap_pages(rows, width + more) >= heap_pages(rows, width)
    key = width % 200 + 1
    assert btree(rows, (key + more,), 1, True).pages >= btree(rows, (key,), 1, True).pages
    assert btree(rows, (key,), 1, False).pages >= btree(rows, (key,), 1, True).pages


@given(st.integers(0, 10**6))
def test_alignment_rounds_up_by_less_than_eight(size: int) -> None:
    assert aligned(size) % 8 == 0
    assert 0 <= aligned(size) - size < 8
