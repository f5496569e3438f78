"""The intervals themselves: over 1,000 seeds a 95 % interval holds the truth in 92 to 98 % of cases, or is refused.

Method: output of four queues by Lindley's recursion, each run from its stationary state, with closed-form truth (see
`lindley`), through the very functions that a summary uses. The seeds are fixed. Were coverage exactly 95 %, the share
of 1,000 seeds would leave 92 to 98 % once in 70,000 cells (4.35 standard errors).

Whatever a cell is, at most 8 % of all its seeds may give an interval without the truth in it. A cell is

    given      at least 90 % of seeds give an interval; their coverage is 92 to 98 %
    refused    at most 10 % do: the sample cannot carry the figure, and the method sees it
    between    the figure is at the edge of what the sample carries. Runs that saw little congestion are then more
               often accepted, and more often wrong, so that only the 8 % is asserted: no rule that looks at the same
               data can do away with it
"""

from __future__ import annotations

import pytest
from measured_coverage import FAST, FULL, Cell, measure

WRONG_AT_MOST = 0.08
NEARLY_ALL, HARDLY_ANY = 0.9, 0.1

REFUSED = {
    ("M/M/1 at 0.95, 10 x 2,000", "p99"),
    ("M/M/1 at 0.95, 20 x 8,000", "p99"),
    ("bursts at 0.95, 20 x 16,000", "p99"),
    ("MMPP at 0.8, 20 x 16,000", "p99"),
    ("MMPP at 0.95, 20 x 16,000", "p99"),
    ("breakdowns at 0.95, 20 x 16,000", "p99"),
}
BETWEEN = {
    ("M/M/1 at 0.8, 10 x 2,000", "p99"),
    ("M/M/1 at 0.8, 20 x 2,000", "p99"),
    ("bursts at 0.5, 10 x 2,000", "p99"),
    ("bursts at 0.8, 20 x 8,000", "p99"),
    ("MMPP at 0.5, 20 x 16,000", "p99"),
}


def check(cell: Cell) -> None:
    for figure, result in measure(cell).items():
        found = f"{figure}: given {result.share_given:.1%}, covered {result.covered:.1%}, wrong {result.wrong:.1%}"
        assert result.wrong <= WRONG_AT_MOST, found
        if (str(cell), figure) in REFUSED:
            assert result.share_given <= HARDLY_ANY, found
        elif (str(cell), figure) not in BETWEEN:
            assert result.share_given >= NEARLY_ALL, found
            assert 0.92 <= result.covered <= 0.98, found


def test_every_cell_named_here_is_measured() -> None:
    assert {name for name, _ in REFUSED | BETWEEN} <= {str(cell) for cell in FAST + FULL}


@pytest.mark.parametrize("cell", FAST, ids=str)
def test_an_interval_covers_92_to_98_percent_or_is_refused(cell: Cell) -> None:
    check(cell)


@pytest.mark.long
@pytest.mark.parametrize("cell", FULL, ids=str)
def test_an_interval_covers_92_to_98_percent_or_is_refused_at_full_size(cell: Cell) -> None:
    check(cell)
