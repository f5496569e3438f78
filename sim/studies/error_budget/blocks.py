"""What error budgets say, service level by service level: fault classes, chances; as blocks and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sim.figure import Figure
from sim.report.blocks import (
    Badge,
    Chart,
    InTerminal,
    OnPage,
    Paragraph,
    Report,
    Row,
    Section,
    Table,
    Tile,
    Tiles,
    Together,
)
from sim.report.documents import SCHEMA, both, json_object, renamed
from sim.report.interval_figures import bars_against_bound
from sim.report.parts import repeat_section, warning_blocks
from sim.report.wording import bracket, is_exact, listed, margin_of, number, percent, share, verdict_words
from sim.stats.error_budget import ErrorBudget
from sim.stats.error_budget import Row as BudgetRow
from sim.studies.error_budget.study import ErrorBudgets
from sim.units import format_count, format_duration_s, format_ratio

HEADS = ("a year", "bad min each", "min a year", "of budget", "flips at", "rate from")
EXPLAINED = (
    "Bad events of an episode beyond those of its baseline run on the same draws, until the two are one again, over "
    "the rate of events: minutes of full outage. A rate flips the verdict when what is expected, all else alike, is "
    "the budget. Intervals have {} confidence; the bars' are of noise and rate together. The chances are those of "
    "what comes, which is random even where all is known."
)


def blocks(found: ErrorBudgets) -> Report:
    """The report of a scenario's error budgets."""
    levels = (_level(index, one) for index, one in enumerate(found.error_budgets, 1))
    wall_s, engine = (str(found.provenance[key]) for key in ("wall_s", "engine"))
    took = f"Computed in {format_duration_s(float(wall_s))} by the {engine} engine."
    return Report(
        f"{found.name}: error budgets",
        found.name,
        (
            InTerminal((Paragraph(f"{found.name}: {origin_of(found)}"),)),
            *levels,
            *warning_blocks(found.warnings),
            repeat_section(found.command, OnPage((Paragraph(took, kind="explained"),))),
        ),
        (f"Error budgets of `{found.file}`; scenario `{found.hash[:12]}`", origin_of(found)),
    )


def origin_of(found: ErrorBudgets) -> str:
    """What the error budgets rest on: "120 episodes beside baseline runs, 0.9 M executions, seed 1"."""
    kinds = len(found.error_budgets[0].rows)
    return (
        f"{found.episodes} episodes of {kinds} kind{'s' if kinds > 1 else ''} of faults, each beside a baseline run "
        f"without; {format_count(found.executions)} executions, seed {found.seed}"
    )


def _level(index: int, found: ErrorBudget) -> Section:
    """The section of one service level."""
    target = (
        f"at least {format_ratio(found.level.target)} good: {minutes(found.level.budget_min)} of full outage a year"
    )
    said = verdict_of(found)
    level = format_ratio(found.in_all.confidence) if found.in_all.confidence else "no"
    remarks = [_uncertainty(found), _chances(found), *_rates(found), *_remarks(found)]
    return Section(
        f"level-{index}",
        found.level.name,
        found.level.name,
        (
            OnPage((Paragraph(f"{target}. {said}."), Tiles(tuple(_tiles(found))), _chart(found))),
            Together(
                (
                    InTerminal((Paragraph(f"{found.level.name}: {target}. {verdict_words(found.verdict)}: {said}"),)),
                    _table(found),
                    InTerminal(tuple(Paragraph(one, 1) for one in remarks)),
                )
            ),
            OnPage(tuple(Paragraph(f"{one}.", kind="explained") for one in (remarks[0], *_remarks(found)))),
            OnPage((Paragraph(EXPLAINED.format(level), kind="explained"),)),
        ),
        Badge(found.verdict),
    )


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
    # The fault class whose minutes a year are the least certain.
    known = [row for row in found.rows if row.flip is not None and row.with_rate.half_width is not None]
    turning = max(known, key=lambda row: row.with_rate.half_width or 0.0, default=None)
    if turning is None or turning.flip is None:
        return said
    return f"{said}; what is expected meets it if {turning.name} comes at most {number(turning.flip)} a year"


def _tiles(found: ErrorBudget) -> Iterator[Tile]:
    allowed = f"of {number(found.level.budget_min)} allowed"
    yield Tile("expected, minutes a year", number(found.in_all.value or 0.0), allowed)
    yield Tile("chance that the verdict is met", format_ratio(found.chance_met), "as far as noise and rates are known")
    for name, one in found.inside.items():
        small = f"within {minutes(one.allowed_min)} {_ends_of_chance(one.chance)}".rstrip()
        yield Tile(f"{name} stays inside", percent(one.chance.value or 0.0), small)


def _chart(found: ErrorBudget) -> Chart:
    rows = sorted((*found.rows, *found.pairs), key=lambda row: row.year_min.value or 0.0)
    hover = [f"{minutes(row.with_rate.value or 0.0)} a year, {100 * row.share:.3g} % of the budget" for row in rows]
    figures = {row.name: row.with_rate for row in rows}
    budget = found.level.budget_min
    bound, axis = f"budget {minutes(budget)}", "minutes of full outage a year"
    return Chart(
        f"Minutes a year by kind of fault for {found.level.name}; the figures are in the table below",
        partial(bars_against_bound, figures, hover, budget, bound, axis),
    )


def _table(found: ErrorBudget) -> Table:
    rows = []
    for row in found.rows:
        source = "; ".join(one for one in (row.evidence, row.source or "assumption: nobody is named") if one)
        never = row.never_back
        gone: tuple[str, ...] = ()
        if never is not None and never.value:
            gone = (f"{format_ratio(never.value)} of {never.n} episodes never came back: not in the minutes",)
        rows.append(Row(row.name, (*cells_of(row), source), notes=gone))
    rows += [Row(row.name, (*cells_of(row), "what the second does more because of the first")) for row in found.pairs]
    calm, all_of_it = (
        _sum("without any fault", found.calm, found, "the baseline runs"),
        _sum("expected", found.expected, found),
    )
    return Table(HEADS, (*rows, calm), "ERROR BUDGET", "kind of fault", left=(5,), drawn=(5,), foot=(all_of_it,))


def _sum(name: str, figure: Figure, found: ErrorBudget, source: str = "") -> Row:
    of_budget = format_ratio((figure.value or 0.0) / found.level.budget_min)
    return Row(name, ("", "", value_and_reach(figure), of_budget, "", source))


def cells_of(row: BudgetRow) -> tuple[str, str, str, str, str]:
    """How often, minutes each, minutes a year, share of the budget, and the rate at which the verdict flips."""
    often = number(row.per_year.value or 0.0)
    if not is_exact(row.per_year) and row.per_year.low is not None and row.per_year.high is not None:
        often += f" [{number(row.per_year.low)}, {number(row.per_year.high)}]"
    flip = "never" if row.flip_least is None else f"> {number(row.flip_least)}/year"
    flip = flip if row.flip is None else f"{number(row.flip)}/year"
    each, year = value_and_reach(row.each_min), value_and_reach(row.year_min)
    return often, each, year, format_ratio(row.share), flip if row.never_back is not None else ""


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


def _uncertainty(found: ErrorBudget) -> str:
    """What is expected, with noise and rates apart and together."""
    said = f"expected {minutes(found.in_all.value or 0.0)} a year of {minutes(found.level.budget_min)}"
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


def _chances(found: ErrorBudget) -> str:
    """The chance that what comes stays inside, by length of time."""
    told = (
        f"{name} within {minutes(one.allowed_min)}: "
        f"{percent(one.chance.value or 0.0)} {_ends_of_chance(one.chance)}".rstrip()
        for name, one in found.inside.items()
    )
    return f"chance that what comes stays inside: {'; '.join(told)}"


def _ends_of_chance(figure: Figure) -> str:
    """The interval of a chance; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = percent(figure.low), percent(figure.high)
    return "" if low == high else bracket(low, high)


def _rates(found: ErrorBudget) -> Iterator[str]:
    """The evidence of each rate that somebody is named for."""
    for row in found.rows:
        words = "; ".join(part for part in (row.evidence, row.source or "") if part)
        if words:
            yield f"rate of {row.name}: {words}"


def _remarks(found: ErrorBudget) -> Iterator[str]:
    """What the reader has to know: whose rates these are, what never comes back, what is not in it."""
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


# -- JSON -----------------------------------------------------------------------------------------------------------


def document(found: ErrorBudgets) -> dict[str, Any]:
    """The JSON document, ready for `json.dumps(..., allow_nan=False)`. `provenance` is no part of an equality."""
    return json_object(
        {
            "schema": SCHEMA,
            **renamed("error_budgets"),
            "scenario": {"name": found.name, "file": found.file, "hash": found.hash},
            "run": {
                "seed": found.seed,
                "episodes": found.episodes,
                "executions": found.executions,
                "events": found.events,
            },
            "provenance": found.provenance,
            **both("error_budgets", list(map(_error_budget_json, found.error_budgets))),
            "warnings": found.warnings,
        }
    )


def _error_budget_json(found: ErrorBudget) -> dict[str, Any]:
    return {
        "name": found.level.name,
        "target": found.level.target,
        "window_s": found.level.window_s,
        "budget_min_per_year": found.level.budget_min,
        "events_per_min": found.events_per_min,
        "verdict": found.verdict,
        "chance_met": found.chance_met,
        "availability": found.availability,
        "rows": _rows_json(found.rows),
        "pairs": _rows_json(found.pairs),
        "without_faults": found.calm,
        "expected": {"noise": found.expected, "rates": found.by_rates, "noise_and_rates": found.in_all},
        "stays_inside": found.inside,
        "left_out_min_per_year": found.left_out_min,
        "not_in_it": found.not_in_it,
    }


def _rows_json(rows: Sequence[BudgetRow]) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "per_year": row.per_year,
            "bad_min_each": row.each_min,
            "min_per_year": row.year_min,
            "min_per_year_with_rate": row.with_rate,
            "share_of_budget": row.share,
            "flips_at_per_year": row.flip,
            "flips_above_per_year": row.flip_least,
            "evidence": row.evidence,
            "source": row.source,
            "is_assumption": row.source is None,
            "never_back": row.never_back,
            "variance_saved_by_known_length": row.gain,
        }
        for row in rows
    ]
