"""What missed objectives come from and what meets them, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from sim.report.grid import paragraph
from sim.report.wording import show, value_of
from sim.stats.summary import Fix, Remedy

INDENT = 10


def remedies_lines(remedies: Sequence[Remedy]) -> list[str]:
    """Each missed objective with its cause and its fix; nothing where none is missed."""
    return [line for one in remedies for line in (f"MISSED    {one.objective}", *_lines(one))]


def _lines(remedy: Remedy) -> list[str]:
    """The lines about one missed objective: `cause` and `fix`, as far as there is something to say."""
    said = remedy_said(remedy).items()
    return [line for head, text in said for line in paragraph(f"  {head:<{INDENT - 2}}{text}", INDENT)]


def remedy_said(remedy: Remedy) -> dict[str, str]:
    """What is said of one missed objective, by `cause` and `fix`."""
    said = {}
    cause, fix = remedy.cause, remedy.fix
    if cause is not None:
        said["cause"] = _beside(cause.words, cause.path, cause.where)
    if fix is not None:
        said["fix"] = _beside(_what(fix), fix.where, _found(fix))
    elif remedy.tried or remedy.left:
        left = f"; {remedy.left} more were not tried: the runs allowed for it were spent" if remedy.left else ""
        said["fix"] = f"none found among {remedy.tried} tried{left}"
    return said


def _beside(*parts: str) -> str:
    return "   ".join(part for part in parts if part)


def _what(fix: Fix) -> str:
    return f"--mitigation {fix.name}" if fix.name else " ".join(f"--set '{one}'" for one in fix.sets)


def _found(fix: Fix) -> str:
    """What it costs and what it does: "free, 2.1 s in 5 runs"."""
    doubt = "" if fix.sure else ", which do not settle it"
    parts = [_cost(fix), f"{value_of(fix.figure)} in {fix.replications} runs{doubt}"]
    return ", ".join(part for part in parts if part)


def _cost(fix: Fix) -> str:
    """Its price: "free", "+48 USD/month", or that it is not known; empty where nothing has a price."""
    if fix.usd_per_month is None:
        return "price not known" if fix.has_bill else ""
    if fix.usd_per_month == 0:
        return "free"
    sign = "+" if fix.usd_per_month > 0 else "-"
    return f"{sign}{show(abs(fix.usd_per_month), 'USD/month')}"
