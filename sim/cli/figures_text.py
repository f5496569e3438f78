"""Published figures beside predictions as lines of text, for `sim validate figures`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sim.figure import Figure
from sim.plan.published.check import Row
from sim.plan.published.registry import Published
from sim.plan.published.rules import headline
from sim.report.grid import grid, paragraph
from sim.report.wording import interval_of, plain, show, value_of

SIGNS = {"eq": "", "lt": "< ", "le": "<= ", "gt": "> ", "ge": ">= ", "between": ""}
UNITS = {"usd": "USD", "usd/month": "USD/month", "events/s": "1/s", "property": "", "behaviour": "", "mode": ""}

OWN_UNITS = {"s", "1/s", "USD", "USD/month"}
"""Units of predictions that a person reads as they are; a prediction in any other is meant in the publication's."""


def as_text(rows: Sequence[Row]) -> str:
    """What `sim validate figures` prints: the headline, a table, and of each row why it is as it is."""
    return "\n".join(plain(line) for line in _lines(rows))


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    met, of = headline([row.verdict for row in rows])
    others = Counter(row.verdict for row in rows if row.verdict not in ("met", "missed"))
    rest = ", ".join(f"{count} {verdict}" for verdict, count in others.items())
    yield f"{met} of {of} predicted figures are met" + (f"; {rest}." if rest else ".")
    yield ""
    table = [("FIGURE", "PUBLISHED", "PREDICTED", "95 % INTERVAL", "VERDICT")]
    for row in rows:
        figure = None if row.predicted is None else _in_unit(row.predicted, row.published)
        verdict = row.verdict.upper() if row.verdict in ("missed", "not used") else row.verdict
        value = "" if figure is None else figure.note if _is_word(row) else value_of(figure)
        table.append(
            (row.published.id, _claim(row.published), value, "" if figure is None else interval_of(figure), verdict)
        )
    yield from grid(table, left=range(5))
    for row in rows:
        if row.verdict in ("used", "not modelled yet"):
            continue
        yield ""
        yield f"{row.published.id}: {row.verdict}" + (f", by {row.scenario}" if row.scenario else "")
        for label, text in (
            ("why", row.judged.reason),
            ("rests on", row.mechanism),
            ("derivation", row.published.derivation),
            ("note", "" if row.predicted is None or row.judged.reason else row.predicted.note),
        ):
            if text:
                yield from paragraph(f"  {label}: {text}", 4)


def _is_word(row: Row) -> bool:
    return isinstance(row.published.value, str)


def _claim(published: Published) -> str:
    if isinstance(published.value, str):
        return published.value
    if published.unit in ("property", "behaviour"):
        return "holds"
    low, high = (show(end, _unit(published)) for end in published.ends)
    return f"{low} to {high}" if published.relation == "between" else f"{SIGNS[published.relation]}{low}"


def _unit(published: Published) -> str:
    """The unit that a person reads; a factor above 1 is no share."""
    if published.unit == "ratio" and published.ends[1] > 1:
        return "x"
    return UNITS.get(published.unit, published.unit)


def _in_unit(figure: Figure, published: Published) -> Figure:
    """The figure in the unit of the publication, where it brings none of its own."""
    if figure.unit not in OWN_UNITS | {_unit(published)} and published.unit not in ("property", "mode"):
        return replace(figure, unit=_unit(published))
    return figure
