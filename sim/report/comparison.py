"""Variants side by side, as plain text and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sim.plan.comparison import Difference, Row, Setting, Variants
from sim.report.finding import finding_lines, findings_of
from sim.report.grid import fits, grid, paragraph
from sim.report.json_document import figure_json
from sim.report.wording import interval_of, readable, show, value_of

MOST_SETTINGS = 12


def comparison_text(found: Variants) -> str:
    """Which variants are overloaded, one table for each beside the first, what changed. Ends with a line break."""
    blocks = []
    for name, summary in zip(found.names, found.summaries, strict=True):
        if findings_of(summary):
            blocks.append("\n".join([name, *finding_lines(summary)]))
    for index, name in enumerate(found.names[1:]):
        blocks.append("\n".join(_table(found, index, name)))
        blocks.append("\n".join(_changed(found.settings[index], name)))
    blocks.append("\n".join(_footing(found)))
    return "\n\n".join(blocks) + "\n"


def _table(found: Variants, index: int, name: str) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("", found.names[0], name, f"difference, {found.confidence:.0%}", "")]
    refused = []
    for row in found.rows:
        one = row.differences[index]
        figures = [row.figures[0], row.figures[index + 1]]
        values = ["-" if figure is None else value_of(readable(row.metric, figure)) for figure in figures]
        rows.append((row.metric, *values, _difference(one), one.change))
        if one.difference.value is None:
            refused.append(f"  {row.metric}: {one.difference.note}")
    if fits(rows):
        yield from grid(rows, (0, 3, 4))
    else:
        yield from grid([(*row[:3], row[4]) for row in rows], (0, 3))
        yield ""
        yield from grid([(row[0], row[3]) for row in rows], (0, 1))
    for line in refused:
        yield from paragraph(line, 4)


def _difference(one: Difference) -> str:
    figure = one.difference
    if figure.value is None:
        return "cannot be told"
    if figure.value == 0 == figure.low == figure.high:
        return "0"
    sign = "+" if figure.value > 0 else ""
    interval = interval_of(figure)
    return f"{sign}{show(figure.value, figure.unit)} {interval if interval != 'exact' else ''}".rstrip()


def _changed(settings: tuple[Setting, ...], name: str) -> Iterator[str]:
    if not settings:
        yield f"changed in {name}: nothing that is simulated"
        return
    yield f"changed in {name}:"
    for one in settings[:MOST_SETTINGS]:
        yield from paragraph(f"  {one.path}  {_value(one.before)} -> {_value(one.after)}   {one.where}", 4)
    if len(settings) > MOST_SETTINGS:
        yield f"  ... and {len(settings) - MOST_SETTINGS} more; --json lists them"


def _value(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _footing(found: Variants) -> Iterator[str]:
    every = [one for row in found.rows for one in row.differences]
    told = [one for one in every if one.change]
    differ = [one for one in told if one.change != "no difference seen"]
    worth = [one.worth for one in told if one.worth is not None]
    yield from paragraph(
        f"{found.replications} paired runs each, seed {found.seed}; of {len(told)} differences {len(differ)} "
        f"{'is' if len(differ) == 1 else 'are'} told from chance (Holm, {found.confidence:.0%} for all together)."
    )
    if worth and statistics.median(worth) > 1:
        runs = round(statistics.median(worth) * found.replications)
        yield from paragraph(f"With draws of their own it would take some {runs:,} runs each (the median difference).")
    for note in found.notes:
        yield from paragraph(note, 2)
    if found.interrupted:
        yield "INTERRUPTED: figures are of the runs that ended."
    if found.command:
        yield f"repeat:  {found.command}"


def comparison_document(found: Variants) -> dict[str, Any]:
    """The document that `sim compare --json` prints."""
    return {
        "comparison": {
            "variants": list(found.names),
            "replications": found.replications,
            "seed": found.seed,
            "confidence": found.confidence,
            "command": found.command,
            "interrupted": found.interrupted,
            "findings": {name: findings_of(one) for name, one in zip(found.names, found.summaries, strict=True)},
            "notes": list(found.notes),
        },
        "settings": {
            name: [asdict(one) for one in settings]
            for name, settings in zip(found.names[1:], found.settings, strict=True)
        },
        "metrics": {row.metric: _row(found, row) for row in found.rows},
    }


def _row(found: Variants, row: Row) -> dict[str, Any]:
    figures = zip(found.names, row.figures, strict=True)
    differences = zip(found.names[1:], row.differences, strict=True)
    return {
        "figures": {name: None if one is None else figure_json(one) for name, one in figures},
        "differences": {
            name: {"difference": figure_json(one.difference), "change": one.change, "worth": one.worth}
            for name, one in differences
        },
    }
