"""How many pages rows take: heap pages and B-trees of PostgreSQL, by the layout of its pages.

Sources: PostgreSQL 16 documentation, 73.6 (page layout) and 67.4 (B-tree implementation); nbtree.h (fill factors, the
size of a posting list). Page counts agree with PostgreSQL 15.20 (tests/unit/test_tables_pages.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

PAGE = 8192
HEADER = 24
"""Bytes of a page's header, and of a tuple's with its padding."""
POINTER = 4
"""Bytes of the line pointer to an item."""
BTREE_USABLE = PAGE - HEADER - 16
"""What a B-tree page holds beside its header and special space."""
LEAF_RESERVED = PAGE // 10
"""Kept free in leaves that are filled in order: fill factor 90."""
INNER_RESERVED = 3 * PAGE / 10
"""Kept free in inner pages: fill factor 70."""
SCATTERED_FILL = math.log(2)
"""Fill of leaves that split under scattered insertions: ln 2 (Yao, Acta Informatica 9, 1978)."""
INDEX_TUPLE = 8
ROW_POINTER = 6
LONGEST_POSTING = 812
"""Bytes of the longest list of equal keys that deduplication makes."""


def aligned(size: int, to: int = 8) -> int:
    """The size rounded up to a multiple."""
    return -(-size // to) * to


def packed_width(widths: Iterable[int]) -> int:
    """Bytes of values one after the other, numbers at multiples of their size as a C struct has them."""
    offset = 0
    for width in widths:
        offset = aligned(offset, width if width in (2, 4, 8) else 1) + width
    return offset


def rows_per_page(row_bytes: int) -> int:
    """Rows of so many bytes of data that fit into a heap page, at least 1 (longer ones are kept out of line).

    >>> rows_per_page(96)
    65
    """
    return max((PAGE - HEADER) // (aligned(HEADER + row_bytes) + POINTER), 1)


def heap_pages(rows: float, row_bytes: int) -> int:
    """Pages of a heap that was appended to; a row longer than a page takes several.

    >>> heap_pages(2_000_000, 96)
    30770
    """
    room = PAGE - HEADER - POINTER
    own = aligned(HEADER + row_bytes)
    return math.ceil(rows * own / room) if own > room else math.ceil(rows / rows_per_page(row_bytes))


@dataclass(frozen=True, slots=True)
class Btree:
    """A B-tree. depth: inner pages from the root down to a leaf."""

    rows: float
    leaves: int
    inner: int
    depth: int

    @property
    def pages(self) -> int:
        """All of them, with the page that tells about the tree."""
        return self.leaves + self.inner + 1


def btree(rows: float, key_widths: Iterable[int], equal_rows: float, in_order: bool) -> Btree:
    """The B-tree over so many rows.

    equal_rows: rows with one and the same key; from 2 on they share a key (deduplication, PostgreSQL 13 and later).
    in_order: filled in the order of its key, or built after the rows were there.

    >>> btree(2_000_000, (4, 8), 1, True).pages, btree(2_000_000, (4, 8), 1, True).depth
    (7703, 2)
    """
    key = packed_width(key_widths)
    room = BTREE_USABLE - LEAF_RESERVED if in_order else BTREE_USABLE * SCATTERED_FILL
    single = aligned(INDEX_TUPLE + key) + POINTER
    if equal_rows < 2:
        each, lost = float(single), 0.0
        rows_per_leaf = float(max(int(room // single), 1))
    else:
        each, lost = _shared(key, equal_rows)
        rows_per_leaf = max((room - lost) / each, 1.0)
    leaves = max(math.ceil(rows / rows_per_leaf), 1)
    fanout = max(int((BTREE_USABLE - INNER_RESERVED) // single), 2)
    inner = depth = 0
    level = leaves
    while level > 1:
        level = math.ceil(level / fanout)
        inner += level
        depth += 1
    return Btree(rows, leaves, inner, depth)


def _shared(key: int, equal_rows: float) -> tuple[float, float]:
    """Bytes of each row where rows share a key, and what is lost on a page since lists are not cut to fit."""
    most = (LONGEST_POSTING - POINTER - aligned(INDEX_TUPLE + key)) // ROW_POINTER
    full, rest = divmod(equal_rows, most)
    longest = aligned(aligned(INDEX_TUPLE + key) + ROW_POINTER * min(most, math.ceil(equal_rows))) + POINTER
    size = full * longest
    if rest:
        size += aligned(aligned(INDEX_TUPLE + key) + math.ceil(ROW_POINTER * rest)) + POINTER
    return size / equal_rows, longest / 2


def pages_of_scattered(rows: float, pages: float, cached: float = math.inf) -> float:
    """Pages fetched for rows that lie anywhere on so many pages, of which `cached` stay in memory meanwhile.

    Source: Mackert and Lohman, Index scans using a finite LRU buffer, ACM TODS 14 (1989), as in PostgreSQL's
    costsize.c: fetched again what has left memory.

    >>> round(pages_of_scattered(360, 5539))
    349
    """
    if rows <= 0 or pages <= 0:
        return 0.0
    pages = max(pages, 1.0)
    once = 2 * pages * rows / (2 * pages + rows)
    if pages <= cached:
        return min(once, pages)
    cached = max(cached, 1.0)
    limit = 2 * pages * cached / (2 * pages - cached)
    return once if rows <= limit else cached + (rows - limit) * (pages - cached) / pages
