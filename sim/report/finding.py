"""Overload and deadlock at the head of a page and of a terminal: the sentence, and the places with their settings."""

from __future__ import annotations

from sim.plan.finding import overload_of, standstill_of
from sim.report.grid import WIDTH, paragraph
from sim.stats.overload import Overload, Place
from sim.stats.summary import Summary


def findings_of(summary: Summary) -> list[str]:
    """The sentences, each with its full stop."""
    found = [f"{standstill_of(one)}." for one in summary.standstills]
    if summary.overload is not None and summary.overload.overloaded:
        found.append(f"{overload_of(summary.overload)}.")
    return found


def places_of(overload: Overload | None) -> list[tuple[str, str, str, str]]:
    """The places of an overload, a row each: where it stands, its name with figures, its setting, where that is."""
    if overload is None:
        return []
    rows = [
        ("blocked" if index else "FULL", _full(one), one.setting, one.where) for index, one in enumerate(overload.full)
    ]
    return rows + [
        ("behind", f"{one.words or one.name}, {100 * one.utilisation:.0f} %", one.setting, one.where)
        for one in overload.behind
    ]


def finding_lines(summary: Summary) -> list[str]:
    """The head of a run that is overloaded or stands still; nothing for one that is neither."""
    lines = [line for sentence in findings_of(summary) for line in paragraph(sentence, 2)]
    if any(not one.during for one in summary.standstills):
        lines.append("  Acquire in the same order everywhere, release before acquiring more, or give patience.")
    for kind, told, setting, where in places_of(summary.overload):
        line = f" {kind:<7} {told}"
        knob = f"{setting}  {where.removeprefix(summary.file)}" if setting else ""
        whole = f"{line}  {knob}".rstrip()
        lines += [whole] if len(whole) <= WIDTH else [line, f"{'':<8} {knob}"]
    return lines


def _full(place: Place) -> str:
    return f"{place.words or place.name} ({100 * place.utilisation:.0f} % busy, {place.waiting:,.0f} wait)"
