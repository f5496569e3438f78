"""Blocks as Markdown with GitHub's tables, for a wiki, an issue or a change request. Charts are left to pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sim.report.blocks import (
    Badge,
    Beside,
    Block,
    Cell,
    Chart,
    Content,
    Facts,
    Folded,
    Heading,
    Items,
    Lines,
    Note,
    OnPage,
    Paragraph,
    Report,
    Row,
    Section,
    Strip,
    Table,
    Tiles,
    Together,
)
from sim.report.wording import SIGNS, interval_of, plain, value_of, verdict_words, wide_of

_MARKS = re.compile(r"([\\*#<>|\[\]~]|(?<!\w)_|_(?!\w))")
_CODE = re.compile("(`[^`]+`)")


def markdown(report: Report) -> str:
    """The report; ends with a line break."""
    head = [f"# {_text(report.heading)}", *map(_text, report.origin)]
    return "\n\n".join([*head, *_blocks(report.blocks)]) + "\n"


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        yield from filter(None, _block(block))


def _block(block: Block) -> Iterator[str]:
    match block:
        case Section(blocks=blocks) if _is_drawn(blocks):
            return
        case Section(heading=heading, blocks=blocks, verdict=verdict):
            yield " ".join([f"## {_text(heading)}", *([_cell(verdict)] if verdict else [])]) if heading else ""
            yield from _blocks(blocks)
        case Together(blocks) | OnPage(blocks):
            yield from _blocks(blocks)
        case Folded(summary, blocks):
            yield from (f"<details><summary>{_text(summary)}</summary>", *_blocks(blocks), "</details>")
        case Heading(text, tag):
            yield f"{'##' if tag == 'h2' else '###'} {_text(text)}"
        case Paragraph(text):
            yield _text(text)
        case Lines(lines):
            yield _verbatim(lines)
        case Items(title, items):
            yield "\n".join([f"### {_text(title)}\n", *(f"- {_text(one)}" for one in items)]) if items else ""
        case Note(kind, texts):
            yield "\n>\n".join(f"> **{kind.upper()}** {_text(one)}" for one in texts)
        case Table():
            yield _table(block)
        case Chart(lines=lines):
            yield _verbatim(lines)
        case Beside(charts):
            yield from _blocks(charts)
        case Tiles(tiles):
            yield "\n".join(
                f"- {_text(one.name)}: **{_text(one.value)}** {_text(one.small)}".rstrip() for one in tiles
            )
        case Facts(facts):
            yield "\n".join(f"- {_text(name)}: {_text(value)}" for name, value in facts)


def _is_drawn(blocks: Sequence[Block]) -> bool:
    """Whether charts are all that there is, beside what is said of them."""
    charts = any(isinstance(one, Beside | Chart) for one in blocks)
    return charts and all(isinstance(one, Beside | Chart | Paragraph | Heading) for one in blocks)


def _table(table: Table) -> str:
    """A table under its caption; columns that are drawn are left out."""
    rows = [row for row in (*table.rows, *table.foot) if not row.terminal_only]
    if not rows:
        return ""
    worded = {at for row in rows for at, one in enumerate(row.cells) if isinstance(one, str)}
    kept = [at for at in range(len(table.heads)) if at not in table.drawn or at in worded]
    heads = [_text(table.subject), *(_text(table.heads[at]) for at in kept)]
    rule = ["---", *(":--" if at in table.left else "--:" for at in kept)]
    lines = [heads, rule, *([_name(row), *(_cell(row.cells[at]) for at in kept)] for row in rows)]
    caption = [f"**{_text(table.caption)}**\n"] if table.caption else []
    return "\n".join([*caption, *(f"| {' | '.join(cells)} |" for cells in lines)])


def _name(row: Row) -> str:
    name = f"**{_text(row.name)}**" if row.is_head else _text(row.name)
    return "<br>".join([name, *map(_text, row.notes)])


def _cell(one: Content) -> str:
    match one:
        case None:
            return "–"
        case str():
            return _text(one)
        case Badge(outcome, fragile, words):
            return f"{SIGNS[outcome]} {words or verdict_words(outcome, fragile)}"
        case Strip():
            return ""
        case Cell(content, notes, words):
            return "<br>".join([_text(words) if words else _cell(content), *map(_text, notes)])
    wide = wide_of(one)
    known = [value_of(one), interval_of(one), "" if wide is None else f"+ inputs {interval_of(wide)}"]
    return "<br>".join(_text(text) for text in (*known, one.note if one.value is None else "") if text)


def _verbatim(lines: Sequence[str]) -> str:
    return "\n".join(["```", *map(plain, lines), "```"]) if lines else ""


def _text(text: str) -> str:
    """Text in which nothing is a mark, apart from code between backticks."""
    parts = _CODE.split(plain(" ".join(text.split())))
    return "".join(part if part[:1] == "`" else _MARKS.sub(r"\\\1", part) for part in parts)
