"""Blocks that make up what a study says, for a terminal, an HTML page and a Markdown file alike.

A study builds them once, in its `blocks`; `text`, `page` and `markdown` write them. Data only: no layout, no colour.
In a text, what stands between two backticks is code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sim.figure import Figure
from sim.stats.verdicts import Outcome

Colour = tuple[str, str, bool]
"""An entry of a legend: name, colour, whether it is striped."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. In a terminal it starts `indent` columns in, and its further lines `hang`."""

    text: str
    indent: int = 0
    hang: int = 2
    kind: Literal["", "explained", "remark"] = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A title within a section of a page. tag: of HTML, `h2` for the answer that a page opens with."""

    text: str
    tag: Literal["h2", "h3"] = "h3"


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are shown as they are: a command, the life of an execution. title: a line above them."""

    lines: tuple[str, ...]
    title: str = ""
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Items:
    """A list under a title; one paragraph in a terminal."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Remarks that a reader must not miss, each with its kind in front of it. finding: goes before every figure."""

    kind: Literal["warning", "note", "finding"]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Badge:
    """A verdict, with a question mark where the wider interval would change it. words: in place of its own."""

    outcome: Outcome
    fragile: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """A figure drawn against its bound, as places in percent of the width. low, high: None at an open end."""

    value: float
    low: float | None
    high: float | None
    bound: float
    side: Literal["below", "above"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell with more than its content. words: in place of the figure's value. notes: small print, for which a
    terminal has no room."""

    content: str | Figure | Badge | None
    notes: tuple[str, ...] = ()
    words: str = ""


Content = str | Figure | Badge | Strip | Cell | None
"""What may stand in a cell; None where there is no such figure."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row under its name. reach: what the line of intervals below it is called in a terminal, None for no such
    line. notes: small print below the name. terminal_only: a page has it in the notes of other cells."""

    name: str
    cells: tuple[Content, ...]
    reach: str | None = ""
    notes: tuple[str, ...] = ()
    terminal_only: bool = False

    @property
    def is_head(self) -> bool:
        """Whether it only names the rows that follow."""
        return self.reach is None and not any(self.cells)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under common heads.

    title: the head of the first column in a terminal; subject: on a page, where `caption` stands above all.
    intervals: what a terminal shows of them: nothing, how far they reach as a share of the value, both ends below
    each row, or both ends in a column beside the value. left: columns, from 0 for the first of `heads`, that are set
    flush left in a terminal. drawn: columns that a terminal does not have. split: a terminal without room for all puts
    the columns from this one on below the others. foot: the sums.
    """

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    title: str = ""
    subject: str = ""
    caption: str = ""
    intervals: Literal["none", "reach", "below", "beside"] = "none"
    left: Sequence[int] = ()
    drawn: Sequence[int] = ()
    split: int = 0
    foot: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """What changes over time or along an axis. draw: makes the chart, of which `label` tells who cannot see it.
    lines: the same in characters. caption: above the chart."""

    label: str
    draw: Callable[[], Any]
    lines: tuple[str, ...] = ()
    caption: str = ""
    legend: tuple[Colour, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """Charts next to each other, as far as there is room."""

    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the figures that a page opens with."""

    name: str
    value: str
    small: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """The figures that a page opens with."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, such as where a run took place."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Blocks without an empty line between them in a terminal."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class InTerminal:
    """Blocks that only a terminal shows, as a page has them in more detail."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class OnPage:
    """Blocks that only pages and files show."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks that a page opens on request, and a terminal leaves out."""

    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a heading, with its place in the menu; in a terminal just its blocks. verdict: beside
    the heading."""

    id: str
    menu: str
    heading: str
    blocks: tuple[Block, ...]
    verdict: Badge | None = None


Block = (
    Paragraph
    | Heading
    | Lines
    | Items
    | Note
    | Table
    | Chart
    | Beside
    | Tiles
    | Facts
    | Together
    | InTerminal
    | OnPage
    | Folded
    | Section
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a study says. title: of the window; heading: above the page; origin: what it is of."""

    title: str
    heading: str
    blocks: tuple[Block, ...]
    origin: tuple[str, ...] = field(default=())


def sections_of(blocks: Sequence[Block]) -> Iterator[Section]:
    """The sections of a page, in the order of its menu."""
    for one in blocks:
        if isinstance(one, Section):
            yield one
        elif isinstance(one, OnPage):
            yield from sections_of(one.blocks)
