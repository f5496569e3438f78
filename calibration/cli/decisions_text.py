"""Decisions as lines of text, for `validate decisions`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calibration.published.decisions import Decided
from sim.report.grid import grid
from sim.report.wording import plain
from sim.units import format_rate, format_usd


def as_text(decided: Sequence[Decided]) -> str:
    """Of each decision: what to choose up to which load, and what each deployment carries."""
    return "\n".join(plain(line) for one in decided for line in _lines(one)).rstrip("\n")


def _lines(decided: Decided) -> Iterator[str]:
    requested = decided.requested
    yield f"{decided.name}: the cheapest that keeps its objectives"
    start = format_rate(requested.least_per_s)
    for share in decided.shares:
        if share.until is None:
            yield f"  from {start} to {format_rate(requested.most_per_s)}   {share.name}"
        else:
            low, high = map(format_rate, share.until)
            yield f"  from {start} to {low}   {share.name}; no longer at {high}"
            start = high
    if not decided.shares:
        yield f"  none carries {start}"
    elif decided.shares[-1].until is not None:
        yield f"  beyond that none of them, up to {format_rate(requested.most_per_s)}"
    yield ""
    table = [("DEPLOYMENT", "A MONTH", "CARRIES", "NOT", "WHAT IS MISSED THERE")]
    for one in decided.carried:
        holds = "" if one.holds_per_s is None else format_rate(one.holds_per_s)
        fails = "" if one.fails_per_s is None else format_rate(one.fails_per_s)
        table.append((one.name, format_usd(one.usd_per_month), holds, fails, one.why))
    yield from grid(table, left=(0, 4))
    yield ""
