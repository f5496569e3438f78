"""Columns and paragraphs of plain text that fit a width. What stands in them is the business of `text`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

WIDTH = 100
GAP = "  "
_BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=%|(?:ns|us|ms|s|min|h|days?|USD|KiB|MiB|GiB|TiB)\b)")


def grid(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,), width: int = WIDTH) -> list[str]:
    """Rows as lines, the first of them the heads. Columns in `left` start at one place, the others end at one.

    A first cell too long for the `width` has a line of its own, wrapped if it must be, and the row's other cells
    stand on the next.

    >>> grid([("PLACE", "queue"), ("db", "1.9"), ("workers", "12")])
    ['PLACE    queue', 'db         1.9', 'workers     12']
    """
    widths = space_of(rows)
    rest = width - sum(widths[1:]) - len(GAP) * (len(widths) - 1)
    widths[0] = min(widths[0], max(rest, len(rows[0][0])))
    lines = []
    for row in rows:
        first = row[0]
        if len(first) > widths[0]:
            lines += paragraph(first, 2, width)
            first = ""
        cells = zip([first, *row[1:]], widths, strict=True)
        placed = [cell.ljust(space) if at in left else cell.rjust(space) for at, (cell, space) in enumerate(cells)]
        lines.append(GAP.join(placed).rstrip())
    return lines


def space_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """Width of each column."""
    return [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]


def fits(rows: Sequence[Sequence[str]], width: int = WIDTH) -> bool:
    """Whether the rows need no more than the width."""
    return sum(space_of(rows)) + len(GAP) * (len(rows[0]) - 1) <= width


def paragraph(text: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """The text wrapped; leading spaces stay, further lines are indented by `indent`; a number keeps its unit."""
    lead = " " * (len(text) - len(text.lstrip()))
    tied = _BEFORE_A_UNIT.sub("\N{NO-BREAK SPACE}", text.strip())
    lines = textwrap.wrap(tied, width, initial_indent=lead, subsequent_indent=" " * indent, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
