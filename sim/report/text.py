"""A prediction as plain text for a terminal, at most 100 columns wide, readable in a pipe and in a log.

Colour is left to the caller. Text that came from the scenario loses its control characters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

from sim.cost.bill import Bill
from sim.figure import Figure
from sim.report import tables
from sim.report.elements import named, named_states, set_and_watch, settable
from sim.report.finding import finding_lines, findings_of
from sim.report.grid import fits, grid, paragraph
from sim.report.remedy_text import remedies_text
from sim.report.tables import Table
from sim.report.wording import (
    LOSSES,
    REFUSED,
    as_factor,
    calibration_of,
    confidence_of,
    headline_of,
    interval_of,
    margin_of,
    not_back_of,
    period_of,
    plain,
    price_of,
    quantity_of,
    readable,
    run_of,
    state_of,
    total_of,
    unit_costs,
    value_of,
    verdict_words,
    wide_of,
)
from sim.stats.summary import Calibration, MonitorResult, Recovery, Split, Summary, Verdict
from sim.units import format_duration_s

MOST_PLACES = 6
MOST_STATES = 6
MOST_TRACE_LINES = 20
MOST_NAMES = 12
"""Names of figures that share a reason; more are told by their families."""


def prediction_text(summary: Summary, bill: Bill | None) -> str:
    """The prediction: verdicts, key figures, recovery, where the time goes, monitors, bill, warnings, and the command
    that repeats it. Ends with a line break."""
    metrics = {name: readable(name, figure) for name, figure in summary.metrics.items()}
    refused = {name: figure for name, figure in metrics.items() if figure.value is None}
    if findings_of(summary):  # then a table of what is refused tells nothing that the head does not
        metrics = {name: figure for name, figure in metrics.items() if name not in refused}
    elements = summary.elements
    full_first, longest = tables.places(metrics), tables.waits(metrics)
    blocks = [
        [
            *paragraph(f"{summary.name}: {run_of(summary)}", 2),
            *finding_lines(summary),
            f"{headline_of(summary)}.",
            *([] if summary.calibration is None else _calibration(summary.calibration)),
        ],
        objectives_grid(summary.objectives),
        remedies_text(summary.remedies),
        _table("LATENCY", tables.durations(metrics), "durations"),
        _table("WORK", tables.started(metrics), "started"),
        _table("WORK", tables.clocked(metrics), "clocked"),
        _table("FULL FIRST", named(full_first, elements).top(MOST_PLACES), "places"),
        _table("LONGEST WAITS", named(longest, elements).top(MOST_PLACES), "waits"),
        set_and_watch(islice(settable((full_first, longest), elements), MOST_PLACES)),
        _table("COUNTS AND RATES", tables.others(metrics)),
        _refusals(refused),
        _recovery(summary.recovery),
        _where_the_time_goes(tables.with_what_remains(named_states(summary.splits, elements))),
        monitors_grid(summary.monitors),
        [] if bill is None else [*_bill(bill), *_left_out(bill), *_nodes(bill)],
        [line for warning in summary.warnings for line in paragraph(f"WARNING {warning}", 8)],
        ["repeat with", f"  {summary.command}"],
    ]
    texts = ["\n".join(map(plain, block)) for block in map(list, blocks) if block]
    return "\n\n".join(texts) + "\n"


def _calibration(calibration: Calibration) -> list[str]:
    lines = paragraph(f"calibration: {calibration_of(calibration)}", 2)
    if calibration.discrepancy or calibration.inputs:
        outside = "; outside the measured range the error may be larger" if calibration.place == "OUTSIDE" else ""
        lines += paragraph(
            f"`+ inputs` widens each interval by {_beside(calibration)}; verdicts use the noise alone{outside}",
            2,
        )
    return lines


def _beside(calibration: Calibration) -> str:
    """What is in the wider intervals."""
    parts = ["the model error measured in validation"] if calibration.discrepancy else []
    parts += ["the uncertainty of the fitted parameters"] if calibration.inputs else []
    return " and ".join(parts)


def objectives_grid(objectives: tuple[Verdict, ...]) -> list[str]:
    """Objectives with their figures and verdicts, and what is to be known of the figures."""
    if not objectives:
        return []
    figures = [readable(objective.metric, objective.figure) for objective in objectives]
    level = confidence_of(figures)
    wide = any(wide_of(figure) is not None for figure in figures)
    heads = (f"{level} NOISE".strip(), f"{level} + INPUTS".strip()) if wide else (f"{level} INTERVAL".strip(),)
    rows: list[tuple[str, ...]] = [("OBJECTIVE", "TARGET", "VALUE", *heads, "VERDICT")]
    for objective, figure in zip(objectives, figures, strict=True):
        interval = interval_of(figure)
        if interval and not level and figure.confidence is not None:
            interval += f" ({confidence_of([figure])})"
        intervals = (interval, _wide_interval(figure)) if wide else (interval,)
        outcome = verdict_words(objective.verdict, objective.fragile)
        rows.append((objective.name, objective.target, value_of(figure), *intervals, outcome))
    lines = grid(rows, left=range(len(rows[0])))
    if any(objective.fragile for objective in objectives):
        lines += ["  ?: the wider interval would change this verdict"]
    for objective in objectives:
        if objective.figure.note:
            lines += paragraph(f"  {objective.name}: {objective.figure.note}", 4)
    return lines


def _table(title: str, table: Table, cohort: str = "") -> list[str]:
    """Figures and how far their intervals reach: beside them where there is room, else below; and whom they are about.
    Rows that are refused as a whole are left to the line that tells why."""
    table = Table(
        table.heads, tuple(row for row in table.rows if any(cell and cell.value is not None for cell in row.cells))
    )
    if not table.rows:
        return []
    return [*_grid(title, table), *([f"  {tables.COHORTS[cohort]}"] if cohort else [])]


def _grid(title: str, table: Table) -> list[str]:
    rows: list[tuple[str, ...]] = [(title, *table.heads)]
    if any(cell is not None and wide_of(cell) is not None for row in table.rows for cell in row.cells):
        for row in table.rows:
            rows.append((f" {row.name}", *map(_value, row.cells)))
            rows.append(("  noise", *map(_reach, row.cells)))
            rows.append(("  + inputs", *map(_wide_reach, row.cells)))
        return grid(rows)
    wide = rows + [
        (f" {row.name}", *(f"{_value(cell)} {_reach(cell)}".rstrip() for cell in row.cells)) for row in table.rows
    ]
    if fits(wide):
        return grid(wide)
    for row in table.rows:
        rows += [(f" {row.name}", *map(_value, row.cells)), ("", *map(_reach, row.cells))]
    return grid(rows)


def _value(figure: Figure | None) -> str:
    return "-" if figure is None else value_of(figure)


def _reach(figure: Figure | None) -> str:
    """The interval of a ratio, of anything else its reach as a share of the value."""
    if figure is None or figure.value is None:
        return ""
    return interval_of(figure) if figure.unit == "ratio" else margin_of(figure)


def _wide_reach(figure: Figure | None) -> str:
    wide = None if figure is None else wide_of(figure)
    return _reach(wide)


def _wide_interval(figure: Figure) -> str:
    wide = wide_of(figure)
    return "" if wide is None else interval_of(wide)


def _refusals(refused: Mapping[str, Figure]) -> list[str]:
    """One line a reason, with the figures that it keeps back; a best guess stands beside its figure."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, figure in refused.items():
        guess, found, why = figure.note.partition("; ")
        guessed = bool(found) and guess.startswith("best guess")
        reasons[why if guessed else figure.note].append(f"{name} ({guess})" if guessed else name)
    lines = []
    for note, names in reasons.items():
        if len(names) > MOST_NAMES and not any("(" in name for name in names):
            names = [f"{family}.*" for family in dict.fromkeys(name.partition(".")[0] for name in names)]
        lines += paragraph(f"REFUSED {', '.join(names)}: {note}", 8)
    return lines


def _recovery(recoveries: tuple[Recovery, ...]) -> list[str]:
    if not recoveries:
        return []
    heads = ("detect", "restore", "drain", "latency ok", "lost", "redone", "attempts", "not back")
    rows: list[tuple[str, ...]] = [("RECOVERY", *heads)]
    notes = []
    for one in recoveries:
        phases = {
            "detect": one.detect_s,
            "restore": one.restore_s,
            "drain": one.drain_s,
            "latency_ok": one.latency_ok_s,
        }
        rest = (one.lost, one.redone, as_factor(one.amplification), one.never_back)
        rows.append((f" {one.fault}", *map(_value, (*phases.values(), *rest))))
        rows.append((f"  {one.episodes} episodes", *map(_reach, (*phases.values(), *rest))))
        if any(map(_wide_reach, phases.values())):
            rows.append(("  + inputs", *map(_wide_reach, phases.values()), "", "", "", ""))
        p95 = [one.percentiles.get(phase, {}).get("p95") for phase in phases]
        if any(figure is not None for figure in p95):
            rows.append(("  p95", *("" if figure is None else value_of(figure) for figure in p95), "", "", "", ""))
        notes += paragraph(f"  {one.fault}: {not_back_of(one)}", 4)
        notes += [
            line
            for head, figure in zip(heads, (*phases.values(), *rest), strict=True)
            if figure.note
            for line in paragraph(f"  {one.fault}, {head}: {figure.note}", 4)
        ]
    return [*grid(rows), *notes, *_losses(recoveries)]


def _losses(recoveries: tuple[Recovery, ...]) -> Iterator[str]:
    """What each fault took for good, where it can take anything."""
    rows: list[tuple[str, ...]] = [("LOST FOR GOOD", *LOSSES.values())]
    for one in recoveries:
        if one.losses:
            figures = [one.losses[name] for name in LOSSES]
            rows.append((f" {one.fault}", *map(value_of, figures)))
            margins = tuple(map(margin_of, figures))
            rows += [("", *margins)] if any(margins) else []
    if len(rows) > 1:
        yield from grid(rows)


def _where_the_time_goes(splits: Mapping[str, Split]) -> Iterator[str]:
    if splits:
        yield "WHERE THE TIME GOES"
    for name, split in splits.items():
        for label, seconds in (("mean", split.mean_s), ("near p99", split.tail_s)):
            whole = sum(seconds.values())
            if whole <= 0:
                continue
            largest = sorted(seconds, key=lambda state: -seconds[state])[:MOST_STATES]
            parts = [f"{state_of(state)} {100 * seconds[state] / whole:.0f} %" for state in largest]
            shown = [part for part in parts if not part.endswith(" 0 %")]
            yield from paragraph(f" {name} {label} {format_duration_s(whole)}: {', '.join(shown)}", 4)


def monitors_grid(monitors: tuple[MonitorResult, ...]) -> Iterator[str]:
    """Monitors with how often they were kept, and the life of what broke one."""
    if not monitors:
        return
    rows: list[tuple[str, ...]] = [
        ("MONITOR", "came up", "kept", "undecided", "VIOLATED", "probability of a violation")
    ]
    for one in monitors:
        bound = value_of(one.upper_bound)
        if one.violated == 0 and bound != REFUSED:
            bound = f"<= {bound}"
        counts = (one.antecedents, one.checked, one.undecided, one.violated)
        rows.append((f" {one.name}", *(f"{count:,}" for count in counts), bound))
    yield from grid(rows)
    for one in monitors:
        if one.example is not None:
            replication, execution = one.example
            yield f" {one.name} is violated first by execution {execution} of replication {replication}"
            for line in one.trace[:MOST_TRACE_LINES]:
                yield from paragraph(f"  {line}", 12)
            if len(one.trace) > MOST_TRACE_LINES:
                yield f"  ... {len(one.trace) - MOST_TRACE_LINES} more lines: see `sim explain --execution`"


def _bill(bill: Bill) -> Iterator[str]:
    """The items, with their sources numbered and listed below."""
    sources = list(dict.fromkeys(f"{item.source}, {item.price.source.date}" for item in bill.items))
    rows = [("BILL", "quantity", "unit price", period_of(bill), "price from")]
    for item in bill.items:
        amount = REFUSED if item.cost.value is None else f"{item.cost.value:,.2f}"
        number = sources.index(f"{item.source}, {item.price.source.date}") + 1
        unit_price = f"{price_of(item.unit_price)}/{item.price.unit}"
        rows.append((f" {item.item}", quantity_of(item), unit_price, amount, f"[{number}]"))
    total = total_of(bill)
    rows.append((" total", "", "", REFUSED if total.value is None else f"{total.value:,.2f}", ""))
    yield from grid(rows)
    interval = interval_of(total)
    if interval not in ("", "exact"):
        yield f" total within {interval}"
    for figure in dict.fromkeys((total, bill.total_per_month)):
        if figure.note:
            yield from paragraph(f" {figure.note}", 2)
    for what, figure in unit_costs(bill).items():
        yield from paragraph(f" {what}: {value_of(figure)} {margin_of(figure)}", 2)
    if bill.downtime_per_year is not None:
        downtime = f"{value_of(bill.downtime_per_year)} {margin_of(bill.downtime_per_year)}"
        yield from paragraph(f" downtime, a cost to the business beside the bill: {downtime}", 2)
    for number, source in enumerate(sources, 1):
        yield from paragraph(f" [{number}] {source}", 5)


def _left_out(bill: Bill) -> list[str]:
    return paragraph(f"NOT PRICED: {'; '.join(bill.not_priced)}", 2) if bill.not_priced else []


def _nodes(bill: Bill) -> list[str]:
    found = tables.node_rows(bill)
    if not found:
        return []
    rows = [("THE NODE AND TODAY'S EQUIVALENTS", "USD/month", "3 nodes", "30 nodes", "difference")]
    for row in found:
        difference = "" if row is found[0] else f"{row.difference_usd_per_month:+,.2f}"
        counts = (f"{row.nodes_3_usd_per_month:,.0f}", f"{row.nodes_30_usd_per_month:,.0f}")
        rows.append((f" {row.node.name}", f"{row.node.usd_per_month:,.2f}", *counts, difference))
    return ["", *grid(rows)]
