"""Blocks as plain text for a terminal, at most 100 columns wide, readable in a pipe and in a log.

Colour is left to the caller. Text that came from a scenario loses its control characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.figure import Figure
from sim.report.blocks import (
    Badge,
    Block,
    Cell,
    Chart,
    Content,
    InTerminal,
    Items,
    Lines,
    Note,
    Paragraph,
    Report,
    Row,
    Section,
    Strip,
    Table,
    Together,
)
from sim.report.grid import fits, grid, paragraph
from sim.report.wording import confidence_of, interval_of, margin_of, plain, value_of, verdict_words, wide_of

Cells = tuple[str, ...]


def text(report: Report) -> str:
    """The report; ends with a line break."""
    return "\n\n".join("\n".join(map(plain, lines)) for lines in _paragraphs(report.blocks)) + "\n"


def _paragraphs(blocks: Sequence[Block]) -> Iterator[list[str]]:
    """What stands between two empty lines."""
    for block in blocks:
        if isinstance(block, Section | InTerminal):
            yield from _paragraphs(block.blocks)
        elif lines := lines_of(block):
            yield lines


def lines_of(block: Block) -> list[str]:
    """A block as lines of text; none for one that only pages show."""
    match block:
        case Paragraph(said, indent, hang):
            return paragraph(" " * indent + said, hang)
        case Lines(lines, title, indent):
            return [*([title] if title else []), *(" " * indent + line for line in lines)]
        case Items(title, items):
            return paragraph(f"{title.upper()}: {'; '.join(items)}", 2) if items else []
        case Note(kind, texts):
            return [line for one in texts for line in paragraph(f"{kind.upper()} {one}", len(kind) + 1)]
        case Table():
            return _table(block)
        case Chart(lines=lines):
            return list(lines)
        case Together(blocks) | InTerminal(blocks):
            return [line for one in blocks for line in lines_of(one)]
        case _:
            return []


def _table(table: Table) -> list[str]:
    kept = [at for at in range(len(table.heads)) if at not in table.drawn]
    heads = [table.heads[at] for at in kept]
    rows = [Row(one.name, tuple(one.cells[at] for at in kept), one.reach) for one in (*table.rows, *table.foot)]
    if not rows:
        return []
    if table.intervals == "beside":
        return grid(_beside(table.title, heads, rows), range(99))
    found = [(table.title, *heads), *_with_reach(table, rows)]
    left = (0, *(at + 1 for at in table.left))
    if not table.split or fits(found):
        return list(filter(None, grid(found, left)))
    below = [(row[0], *row[table.split + 1 :]) for row in found]
    heads_of_rows = {f" {one.name}" for one in rows if one.is_head}
    below = [row for row in below if any(row[1:]) or row[0] in heads_of_rows]
    return [*filter(None, [*grid([row[: table.split + 1] for row in found], left), *grid(below, left)])]


def _with_reach(table: Table, rows: Sequence[Row]) -> Iterator[Cells]:
    """The rows with how far intervals reach: beside the values where there is room, else below them."""
    if table.intervals == "none":
        yield from ((f" {row.name}", *map(_words, row.cells)) for row in rows)
        return
    is_wide = any(wide_of(one) is not None for row in rows for one in _figures(row.cells))
    if table.intervals == "reach" and not is_wide and not any(row.reach for row in rows):
        close = [(f" {row.name}", *(f"{_words(one)} {_reach(one)}".rstrip() for one in row.cells)) for row in rows]
        if fits([(table.title, *table.heads), *close]):
            yield from close
            return
    reach = _interval if table.intervals == "below" else _reach
    for row in rows:
        yield (f" {row.name}", *map(_words, row.cells))
        if row.reach is None:
            continue
        yield (f" {row.reach or (' noise' if is_wide else '')}".rstrip(), *map(reach, row.cells))
        wide = [_reach(_wide(one)) for one in row.cells]
        if any(wide) or (is_wide and not row.reach):
            yield ("  + inputs", *wide)


def _beside(title: str, heads: Sequence[str], rows: Sequence[Row]) -> list[Cells]:
    """The rows with both ends of their intervals in columns of their own; heads in capitals."""
    figures = [one for row in rows for one in _figures(row.cells)]
    level, is_wide = confidence_of(figures), any(wide_of(one) is not None for one in figures)
    of_intervals = (f"{level} NOISE", f"{level} + INPUTS") if is_wide else (f"{level} INTERVAL",)
    columns = {at for row in rows for at, one in enumerate(row.cells) if _figures([one])}

    def ends(one: Content) -> Cells:
        interval = _interval(one)
        own = confidence_of(_figures([one]))
        interval += f" ({own})" if interval and own and not level else ""
        return (interval, _interval(_wide(one)))[: len(of_intervals)]

    above = ((head.upper(), *(map(str.strip, of_intervals) if at in columns else ())) for at, head in enumerate(heads))
    found: list[Cells] = [(title, *(part for cell in above for part in cell))]
    for row in rows:
        cells = ((_words(one), *(ends(one) if at in columns else ())) for at, one in enumerate(row.cells))
        found.append((row.name, *(part for cell in cells for part in cell)))
    return found


def _figures(cells: Sequence[Content]) -> list[Figure]:
    bare = (one.content if isinstance(one, Cell) else one for one in cells)
    return [one for one in bare if isinstance(one, Figure)]


def _words(one: Content) -> str:
    """A cell without its interval."""
    match one:
        case None:
            return "-"
        case str():
            return one
        case Figure():
            return value_of(one)
        case Badge(outcome, fragile, words):
            return words or verdict_words(outcome, fragile)
        case Cell(content, words=words):
            return words or _words(content)
        case Strip():
            return ""


def _interval(one: Content) -> str:
    return "".join(map(interval_of, _figures([one])))


def _reach(one: Content) -> str:
    """The interval of a ratio, of anything else its reach as a share of the value."""
    known = [figure for figure in _figures([one]) if figure.value is not None]
    return "".join(interval_of(figure) if figure.unit == "ratio" else margin_of(figure) for figure in known)


def _wide(one: Content) -> Content:
    """The figure with its wider interval."""
    return next((wide_of(figure) for figure in _figures([one])), None)
