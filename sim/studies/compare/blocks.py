"""What a comparison says: each variant beside the first, and the settings that differ; as blocks and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from sim.report.blocks import Block, Lines, Paragraph, Report, Row, Section, Table, Together
from sim.report.documents import json_object
from sim.report.parts import finding_blocks
from sim.report.wording import findings_of, interval_of, readable, show, value_of
from sim.studies.compare.study import ChangedSetting, Difference, MetricRow, Variants

MOST_SETTINGS = 12


def blocks(found: Variants) -> Report:
    """The report of a comparison."""
    overloaded = (
        Together((Paragraph(name), *finding_blocks(summary)))
        for name, summary in zip(found.names, found.summaries, strict=True)
        if findings_of(summary)
    )
    variants = (
        Section(
            f"variant-{index + 1}",
            name,
            name,
            (Together(tuple(_table(found, index, name))), Together(tuple(_changed(found.settings[index], name)))),
        )
        for index, name in enumerate(found.names[1:])
    )
    return Report(
        f"{found.names[0]} beside {', '.join(found.names[1:])}",
        found.names[0],
        (*overloaded, *variants, Together(tuple(_footing(found)))),
        (f"Beside {', '.join(found.names[1:])}",),
    )


def _table(found: Variants, index: int, name: str) -> Iterator[Block]:
    rows, refused = [], []
    for row in found.rows:
        one = row.differences[index]
        figures = (row.figures[0], row.figures[index + 1])
        values = ("-" if figure is None else value_of(readable(row.metric, figure)) for figure in figures)
        rows.append(Row(row.metric, (*values, one.change, _difference(one))))
        if one.difference.value is None:
            refused.append(Paragraph(f"{row.metric}: {one.difference.note}", 2, 4, "remark"))
    heads = (found.names[0], name, "", f"difference, {found.confidence:.0%}")
    yield Table(heads, tuple(rows), subject="metric", left=(2, 3), split=3)
    yield from refused


def _difference(one: Difference) -> str:
    figure = one.difference
    if figure.value is None:
        return "not known"
    if figure.value == 0 == figure.low == figure.high:
        return "0"
    sign = "+" if figure.value > 0 else ""
    interval = interval_of(figure)
    return f"{sign}{show(figure.value, figure.unit)} {interval if interval != 'exact' else ''}".rstrip()


def _changed(settings: tuple[ChangedSetting, ...], name: str) -> Iterator[Block]:
    if not settings:
        yield Paragraph(f"changed in {name}: nothing that is simulated")
        return
    yield Paragraph(f"changed in {name}:")
    for one in settings[:MOST_SETTINGS]:
        before, after = ("nothing" if value is None else str(value) for value in (one.before, one.after))
        yield Paragraph(f"{one.path}  {before} -> {after}   {one.where}", 2, 4)
    if len(settings) > MOST_SETTINGS:
        yield Paragraph(f"... and {len(settings) - MOST_SETTINGS} more; --json lists them", 2)


def _footing(found: Variants) -> Iterator[Block]:
    every = [one for row in found.rows for one in row.differences]
    known = [one for one in every if one.change]
    differ = [one for one in known if one.change != "no difference seen"]
    worth = [one.worth for one in known if one.worth is not None]
    yield Paragraph(
        f"{found.replications} paired runs each, seed {found.seed}; {len(differ)} of {len(known)} differences "
        f"{'is' if len(differ) == 1 else 'are'} significant (Holm, {found.confidence:.0%} for all together).",
        hang=0,
    )
    if worth and statistics.median(worth) > 1:
        runs = round(statistics.median(worth) * found.replications)
        yield Paragraph(
            f"With draws of their own it would take some {runs:,} runs each (the median difference).", hang=0
        )
    yield from map(Paragraph, found.notes)
    if found.interrupted:
        yield Paragraph("INTERRUPTED: figures are of the runs that ended.")
    if found.command:
        yield Lines((f"repeat:  {found.command}",))


def document(found: Variants) -> dict[str, Any]:
    """The document that `sim compare --json` prints."""
    return json_object(
        {
            "comparison": {
                "variants": found.names,
                "replications": found.replications,
                "seed": found.seed,
                "confidence": found.confidence,
                "command": found.command,
                "interrupted": found.interrupted,
                "findings": dict(zip(found.names, map(findings_of, found.summaries), strict=True)),
                "notes": found.notes,
            },
            "settings": dict(zip(found.names[1:], found.settings, strict=True)),
            "metrics": {row.metric: _metric_json(found, row) for row in found.rows},
        }
    )


def _metric_json(found: Variants, row: MetricRow) -> dict[str, Any]:
    return {
        "figures": dict(zip(found.names, row.figures, strict=True)),
        "differences": dict(zip(found.names[1:], row.differences, strict=True)),
    }
