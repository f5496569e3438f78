"""Published figures beside predictions as lines of text, for `python -m calibration validate figures`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from calibration.published.check import Row
from calibration.published.registry import Published, parameter_of
from calibration.published.rules import headline
from calibration.published.solve import Solved
from sim.figure import Figure
from sim.report.grid import grid, paragraph
from sim.report.wording import interval_of, plain, show, value_of, verdict_words

SIGNS = {"eq": "", "lt": "< ", "le": "<= ", "gt": "> ", "ge": ">= ", "between": ""}
UNITS = {"usd": "USD", "usd/month": "USD/month", "events/s": "1/s", "property": "", "behaviour": "", "mode": ""}

OWN_UNITS = {"s", "1/s", "USD", "USD/month"}
"""Units of predictions that a person reads as they are; a prediction in any other is meant in the publication's."""


def as_text(rows: Sequence[Row]) -> str:
    """What `validate figures` prints: the headline, a table, and of each row why it is as it is."""
    return "\n".join(plain(line) for line in _lines(rows))


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    counted = headline((row.verdict, row.published.same_as is not None) for row in rows)
    rest = [f"{count} {verdict}" for verdict, count in counted.others.items()]
    rest += [f"{counted.repeated} stated twice"] if counted.repeated else []
    said = f"{counted.met} of {counted.of} figures that could have come out otherwise are met"
    yield from paragraph(said + (f"; not counted: {', '.join(rest)}." if rest else "."), 0)
    yield ""
    table = [("FIGURE", "PUBLISHED", "PREDICTED", "95 % INTERVAL", "VERDICT")]
    for row in rows:
        figure = None if row.predicted is None else _in_unit(row.predicted, row.published)
        outcome, mark, _ = row.verdict.partition(" ?")
        verdict = verdict_words(outcome, bool(mark))
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


def solved_as_text(found: Sequence[tuple[Published, Solved]]) -> str:
    """What `validate figures --solve` prints: where each undetermined figure comes out, and what was tried."""
    return "\n".join(plain(line) for line in _solved_lines(found))


def _solved_lines(found: Sequence[tuple[Published, Solved]]) -> Iterator[str]:
    table = [("FIGURE", "PUBLISHED", "COMES OUT AT", "95 % INTERVAL", "PARAMETER", "")]
    for published, solved in found:
        parameter = parameter_of(published)
        one = solved.found
        if one is None:
            table.append((published.id, _claim(published), "-", "", parameter.name, "not found"))
            continue
        interval = f"[{parameter.show(one.low)}, {parameter.show(one.high)}]"
        table.append(
            (
                published.id,
                _claim(published),
                parameter.show(one.value),
                interval,
                parameter.name,
                parameter.plausibility(one),
            )
        )
    yield from grid(table, left=range(6))
    for published, solved in found:
        parameter = parameter_of(published)
        yield ""
        yield f"{published.id}"
        first, last = map(parameter.show, parameter.plausible)
        told = [
            ("why", solved.why),
            ("at", ", ".join(f"{place.path} of {place.run}" for place in parameter.at)),
            ("plausible", f"{first} to {last}: {parameter.reason}"),
            ("tried", "; ".join(f"{parameter.show(one.at)}: {_told(one.figure, published)}" for one in solved.tried)),
        ]
        for label, text in told:
            if text:
                yield from paragraph(f"  {label}: {text}", 4)


def _told(figure: Figure, published: Published) -> str:
    return value_of(_in_unit(figure, published))


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
