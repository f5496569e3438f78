"""Error budgets as plain text for a terminal: one table for each service level."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sim.figure import Figure
from sim.plan.error_budget import ErrorBudgets
from sim.report.grid import grid, paragraph
from sim.report.wording import bracket, is_exact, listed, margin_of, plain, verdict_words
from sim.stats.error_budget import ErrorBudget, Row
from sim.units import format_count, format_ratio

HEADS = ("a year", "bad min each", "min a year", "of budget", "flips at")


def error_budgets_text(found: ErrorBudgets) -> str:
    """All error budgets; ends with a line break."""
    blocks = [
        [*paragraph(f"{found.name}: {origin_of(found)}", 2)],
        *(list(_error_budget(one)) for one in found.error_budgets),
        [line for warning in found.warnings for line in paragraph(f"WARNING {warning}", 8)],
        ["repeat with", f"  {found.command}"],
    ]
    return "\n\n".join("\n".join(map(plain, block)) for block in blocks if block) + "\n"


def origin_of(found: ErrorBudgets) -> str:
    """What the error budgets rest on: "120 episodes beside baseline runs, 0.9 M executions, seed 1"."""
    kinds = len(found.error_budgets[0].rows)
    return (
        f"{found.episodes} episodes of {kinds} kind{'s' if kinds > 1 else ''} of faults, each beside a baseline run "
        f"without; {format_count(found.executions)} executions, seed {found.seed}"
    )


def target_of(found: ErrorBudget) -> str:
    """What is asked: "at least 99.99 % good: 52.6 min of full outage a year"."""
    return f"at least {format_ratio(found.level.target)} good: {minutes(found.level.budget_min)} of full outage a year"


def verdict_of(found: ErrorBudget) -> str:
    """The verdict in a sentence, with what would turn it where it is open."""
    figure = found.availability
    assert figure.value is not None
    said = f"{share(figure.value)} good"
    if figure.low is not None and figure.high is not None:
        said += f", {bracket(share(figure.low), share(figure.high))} with noise and rates"
    if found.verdict != "undecided":
        return said
    said += f"; {format_ratio(found.chance_met)} likely" if found.in_all.low is not None else ""
    turning = deciding(found)
    if turning is None or turning.flip is None:
        return said
    return f"{said}; what is expected meets it if {turning.name} comes at most {number(turning.flip)} a year"


def deciding(found: ErrorBudget) -> Row | None:
    """The kind of fault whose minutes a year are the least certain."""
    known = [row for row in found.rows if row.flip is not None and row.with_rate.half_width is not None]
    return max(known, key=lambda row: row.with_rate.half_width or 0.0, default=None)


def _error_budget(found: ErrorBudget) -> Iterator[str]:
    said = f"{verdict_words(found.verdict)}: {verdict_of(found)}"
    yield from paragraph(f"{found.level.name}: {target_of(found)}. {said}", 2)
    rows: list[tuple[str, ...]] = [("ERROR BUDGET", *HEADS)]
    for row in (*found.rows, *found.pairs):
        rows.append((f" {row.name}", *cells_of(row)))
    rows.append((" without any fault", "", "", value_and_reach(found.calm), of_budget(found.calm, found), ""))
    rows.append((" expected", "", "", value_and_reach(found.expected), of_budget(found.expected, found), ""))
    yield from grid(rows)
    for line in (uncertainty_of(found), chances_of(found), *remarks_of(found)):
        yield from paragraph(f" {line}", 2)


def cells_of(row: Row) -> tuple[str, str, str, str, str]:
    """How often, minutes each, minutes a year, share of the budget, and the rate at which the verdict flips."""
    often = number(row.per_year.value or 0.0)
    if not is_exact(row.per_year) and row.per_year.low is not None and row.per_year.high is not None:
        often += f" [{number(row.per_year.low)}, {number(row.per_year.high)}]"
    flip = "never" if row.flip_least is None else f"> {number(row.flip_least)}/year"
    flip = flip if row.flip is None else f"{number(row.flip)}/year"
    return (
        often,
        value_and_reach(row.each_min),
        value_and_reach(row.year_min),
        format_ratio(row.share),
        flip if row.never_back is not None else "",
    )


def value_and_reach(figure: Figure) -> str:
    """Minutes with how far their interval reaches, or its upper end where nothing was seen."""
    assert figure.value is not None
    if figure.value == 0:
        return "0" if not figure.high else f"0, <= {number(figure.high)}"
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return number(figure.value)
    if max(figure.high - figure.value, figure.value - figure.low) > figure.value:
        return f"{number(figure.value)} {_ends(figure)}"
    return f"{number(figure.value)} {margin_of(figure)}"


def of_budget(figure: Figure, found: ErrorBudget) -> str:
    """Minutes a year as a share of the budget."""
    return format_ratio((figure.value or 0.0) / found.level.budget_min)


def uncertainty_of(found: ErrorBudget) -> str:
    """What is expected, with noise and rates apart and together."""
    value = found.in_all.value
    assert value is not None
    said = f"expected {minutes(value)} a year of {minutes(found.level.budget_min)}"
    parts = [
        f"{_ends(figure)} {why}"
        for figure, why in ((found.expected, "by noise"), (found.by_rates, "by the uncertainty of the rates"))
        if figure.low is not None and figure.low != figure.high
    ]
    if len(parts) > 1:
        parts.append(f"{_ends(found.in_all)} by both")
    return f"{said}: {'; '.join(parts)}" if parts else said


def _ends(figure: Figure) -> str:
    return bracket(number(figure.low or 0.0), number(figure.high or 0.0))


def chances_of(found: ErrorBudget) -> str:
    """The chance that what comes stays inside, by length of time."""
    told = (f"{name} within {minutes(one.allowed_min)}: {chance(one.chance)}" for name, one in found.inside.items())
    return f"chance that what comes stays inside: {'; '.join(told)}"


def chance(figure: Figure) -> str:
    """A chance with its interval."""
    return f"{percent(figure.value or 0.0)} {chance_ends(figure)}".rstrip()


def chance_ends(figure: Figure) -> str:
    """The interval of a chance; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = percent(figure.low), percent(figure.high)
    return "" if low == high else bracket(low, high)


def percent(value: float) -> str:
    """A chance in whole percents; near none and all it says so."""
    if value < 0.005:
        return "0 %" if value == 0 else "< 0.5 %"
    return f"{100 * value:.0f} %" if value <= 0.995 or value == 1 else "> 99.5 %"


def remarks_of(found: ErrorBudget, rates: bool = True) -> Iterator[str]:
    """What the reader has to know: whose rates these are, what never comes back, what is not in it. rates: with the
    evidence of those that somebody is named for."""
    for row in found.rows if rates else ():
        words = "; ".join(part for part in (row.evidence, row.source or "") if part)
        if words:
            yield f"rate of {row.name}: {words}"
    nobody = [row for row in found.rows if row.source is None]
    if nobody:
        told = (f"{row.name} ({cells_of(row)[0]} a year; flips at {cells_of(row)[4]})" for row in nobody)
        yield f"ASSUMPTION: nobody is named who says how often these come: {', '.join(told)}"
    for row in found.rows:
        never = row.never_back
        if never is not None and never.value:
            often = number(never.value * (row.per_year.value or 0.0))
            yield (
                f"NOT IN THE MINUTES: {format_ratio(never.value)} of {never.n} episodes of {row.name} never came back "
                f"by themselves: {often} a year that last until somebody acts"
            )
    if found.left_out_min:
        yield f"faults at once that were not run add at most {minutes(found.left_out_min)} a year"
    if found.not_in_it:
        yield f"not in it: {listed(list(found.not_in_it))}"


def minutes(value: float) -> str:
    """Minutes, to three digits."""
    return f"{number(value)} min"


def number(value: float) -> str:
    """A number to three digits: "52.6", "4,380", "0.0012"."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float) -> str:
    """A share near 1 with two digits of what is missing: "99.9912 %"."""
    missing = 1 - value
    if missing <= 0:
        return "100 %"
    digits = max(0, 1 - math.floor(math.log10(missing * 100)))
    return f"{100 * value:.{min(digits, 10)}f} %"
