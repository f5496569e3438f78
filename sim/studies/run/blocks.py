"""What a prediction says: verdicts, figures, recovery, where the time goes, monitors and the bill, as blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice

from sim.cost.bill import Bill
from sim.figure import Figure
from sim.report import tables
from sim.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Facts,
    Folded,
    Heading,
    InTerminal,
    Lines,
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
from sim.report.figures import latency_curves, timeline, where_the_time_goes
from sim.report.parts import (
    MEANING_OF_PHASES,
    PHASES,
    Elements,
    assumptions_section,
    finding_blocks,
    losses_table,
    monitor_blocks,
    named,
    named_states,
    objective_blocks,
    remedies_lines,
    remedy_said,
    repeat_section,
    set_and_watch,
    settable,
    today_of,
    turned_by,
    warning_blocks,
)
from sim.report.wording import (
    as_factor,
    calibration_of,
    confidence_of,
    findings_of,
    headline_of,
    interval_of,
    listed,
    not_back_of,
    period_of,
    readable,
    run_of,
    state_of,
    total_of,
    value_of,
)
from sim.stats.summary import Calibration, Recovery, Split, Summary, Timeline
from sim.studies.run.bill_blocks import bill_blocks
from sim.units import format_duration_s, format_ratio, format_usd

MOST_PLACES = 6
MOST_STATES = 6
MOST_WAITS = 12
MOST_NAMES = 12
"""Names of figures that share a reason; more are told by their families."""
MOST_SERIES = 5
"""Lines in one chart of a timeline; more cannot be told apart."""
KEPT = (
    "Properties that every execution must keep, checked on each one. Where no violation was seen, the last column "
    "tells how probable one could still be."
)
LATENCY = (
    "How long executions take that start in the measured window and succeed: the share of them on the axis below "
    "takes no longer than the line. The band is the interval at each percentile."
)
SPLIT = (
    "Each execution's latency is split exactly, without a remainder, into what it spent its time on: once over all "
    "executions, once over those around the p99 of latency. What the p99 waits for is what to change first."
)


def blocks(summary: Summary, bill: Bill | None) -> Report:
    """The report of a prediction."""
    metrics = {name: readable(name, figure) for name, figure in summary.metrics.items()}
    refused = {name: figure for name, figure in metrics.items() if figure.value is None}
    # Below the head of an overloaded run a table of what is refused tells nothing new.
    shown = {name: one for name, one in metrics.items() if name not in refused} if findings_of(summary) else metrics
    return Report(
        f"{summary.name}: predicted latency, recovery and cost",
        summary.name,
        (
            _verdicts(summary, bill),
            *_charts(summary),
            InTerminal(tuple(_short_tables(shown, summary.elements))),
            InTerminal(tuple(_refusals(refused))),
            *_recovery(summary.recovery),
            *_where_the_time_goes(tables.with_what_remains(named_states(summary.splits, summary.elements))),
            *_monitors(summary),
            *(() if bill is None else bill_blocks(bill)),
            OnPage((_metrics(metrics, summary.elements),)),
            assumptions_section(summary.assumptions, "prediction"),
            InTerminal(tuple(warning_blocks(summary.warnings))),
            repeat_section(summary.command, OnPage((_facts(summary),))),
        ),
        (
            f"Predicted latency, recovery and cost of `{summary.file}`",
            f"{run_of(summary)}; scenario `{summary.hash[:12]}`",
            *([] if summary.calibration is None else [f"calibration: {calibration_of(summary.calibration)}"]),
        ),
    )


def _verdicts(summary: Summary, bill: Bill | None) -> Section:
    said = {one.objective: remedy_said(one) for one in summary.remedies}
    calibration = [] if summary.calibration is None else list(_calibration(summary.calibration))
    explained = (
        "An objective is undecided while the interval holds its target. Drawn: the value with its interval against "
        "the target; the shaded side is where it has to be."
    )
    level = confidence_of([one.figure for one in summary.objectives])
    explained += f" Intervals have {level} confidence." if level else ""
    explained = " ".join([explained, *(f"{one.text}." for one in calibration[1:])])
    return Section(
        "verdicts",
        "Verdicts",
        "",
        (
            Together(
                (
                    InTerminal((Paragraph(f"{summary.name}: {run_of(summary)}"),)),
                    *finding_blocks(summary),
                    InTerminal((Paragraph(f"{headline_of(summary)}."), *calibration)),
                )
            ),
            OnPage((Heading(headline_of(summary), "h2"), Tiles(tuple(_tiles(summary, bill))))),
            *objective_blocks(summary.objectives, said),
            OnPage((Paragraph(explained, kind="explained"),) if summary.objectives else ()),
            InTerminal((Lines(tuple(remedies_lines(summary.remedies))),)),
            OnPage(tuple(warning_blocks(summary.warnings))),
        ),
    )


def _calibration(calibration: Calibration) -> Iterator[Paragraph]:
    """Where the prediction lies, and what the wider intervals hold."""
    yield Paragraph(f"calibration: {calibration_of(calibration)}")
    parts = ["the model error measured in validation"] * bool(calibration.discrepancy)
    parts += ["the uncertainty of the fitted parameters"] * bool(calibration.inputs)
    if parts:
        outside = "; outside the measured range the error may be larger" if calibration.place == "OUTSIDE" else ""
        yield Paragraph(
            f"`+ inputs` widens each interval by {' and '.join(parts)}; verdicts use the noise alone{outside}"
        )


def _tiles(summary: Summary, bill: Bill | None) -> Iterator[Tile]:
    judged = [(objective.metric, objective.figure) for objective in summary.objectives]
    for name, figure in (*judged, *summary.metrics.items()):
        if name.partition(".")[0] in tables.DURATIONS and name.endswith((".p99", ".p999", ".p95")):
            yield Tile(name, value_of(figure), interval_of(figure))
            break
    for one in summary.recovery[:2]:
        back = one.latency_ok_s
        small = [interval_of(back)] * (back.low is not None) + [not_back_of(one)]
        yield Tile(
            f"return to SLO after {one.fault}",
            value_of(back),
            "; ".join(small) if back.value is not None else back.note,
        )
    if bill is not None:
        total = total_of(bill)
        value = "refused" if total.value is None else format_usd(total.value)
        yield Tile(f"cost, {period_of(bill)}", value, interval_of(total))


# -- charts of a page -----------------------------------------------------------------------------------------------


def _charts(summary: Summary) -> Iterator[Block]:
    """Latency by percentile, and what is counted over the time of a run, for a page."""
    if summary.curves:
        label = f"Latency by percentile of {listed(list(summary.curves))}; the figures are in the table of latencies"
        latency = (
            Paragraph(LATENCY, kind="explained"),
            Chart(label, partial(latency_curves, summary.curves, summary.objectives)),
        )
        yield OnPage((Section("latency", "Latency", "Latency", latency),))
    drawn = [line for line in summary.timelines if line.series]
    until_s = max((time for line in drawn for series in line.series for time in series.time_s), default=0.0)
    if until_s <= 0:
        return
    drilled = any(line.fault is not None for line in summary.timelines)
    told = "Mean over the replications; the band holds the middle 90 % of them. "
    told += "Base runs and drills are drawn to the same scale; the fault is shaded. " if drilled else ""
    told += "Drag over a chart to look closer, double-click to go back."
    panels: list[Block] = [Paragraph(told, kind="explained")]
    for family in tables.families(drawn, MOST_SERIES):
        title = family.kind.replace("_", " ").capitalize()
        panels += [Heading(title), Beside(tuple(_timeline(line, family, until_s, title) for line in drawn))]
        if family.left_out:
            panels.append(Paragraph(f"{family.left_out} more stay lower and are not drawn.", kind="explained"))
    yield OnPage((Section("timelines", "Timelines", "Timelines", tuple(panels)),))


def _timeline(line: Timeline, family: tables.SeriesFamily, until_s: float, title: str) -> Chart:
    caption = "without a drill"
    if line.fault is not None:
        begin = f" at {format_duration_s(line.begin_s)}" if line.begin_s is not None else ""
        end = ""
        if line.begin_s is not None and line.end_s is not None and line.end_s > line.begin_s:
            end = f", for {format_duration_s(line.end_s - line.begin_s)}"
        caption = f"with {line.fault}{begin}{end}"
    return Chart(f"{title} over time, {caption}", partial(timeline, line, family, until_s), caption=caption)


# -- figures --------------------------------------------------------------------------------------------------------


def _short_tables(metrics: tables.Metrics, elements: Elements) -> Iterator[Block]:
    """The figures of a terminal: of places the first few, and no row that is refused as a whole."""
    full_first, longest = tables.places(metrics), tables.waits(metrics)
    for title, table, cohort in (
        ("LATENCY", tables.durations(metrics), "durations"),
        ("WORK", tables.started(metrics), "started"),
        ("WORK", tables.clocked(metrics), "clocked"),
        ("FULL FIRST", tables.top(named(full_first, elements), MOST_PLACES), "places"),
        ("LONGEST WAITS", tables.top(named(longest, elements), MOST_PLACES), "waits"),
    ):
        yield from _told(title, table, tables.COHORTS[cohort])
    lines = set_and_watch(islice(settable((full_first, longest), elements), MOST_PLACES))
    yield Lines(tuple(lines))
    yield from _told("COUNTS AND RATES", tables.others(metrics))


def _told(title: str, table: Table, about: str = "") -> Iterator[Block]:
    rows = tuple(
        row for row in table.rows if any(isinstance(one, Figure) and one.value is not None for one in row.cells)
    )
    if rows:
        below = (Lines((f"  {about}",)),) if about else ()
        yield Together((replace(table, title=title, rows=rows), *below))


def _refusals(refused: Mapping[str, Figure]) -> Iterator[Block]:
    """One line a reason, with the figures that it keeps back; a best guess stands beside its figure."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, figure in refused.items():
        guess, found, why = figure.note.partition("; ")
        guessed = bool(found) and guess.startswith("best guess")
        reasons[why if guessed else figure.note].append(f"{name} ({guess})" if guessed else name)
    lines: list[Block] = []
    for note, names in reasons.items():
        if len(names) > MOST_NAMES and not any("(" in name for name in names):
            names = [f"{family}.*" for family in dict.fromkeys(name.partition(".")[0] for name in names)]
        lines.append(Paragraph(f"REFUSED {', '.join(names)}: {note}", hang=8))
    yield Together(tuple(lines))


def _recovery(recoveries: tuple[Recovery, ...]) -> Iterator[Block]:
    if not recoveries:
        return
    heads = (*PHASES.values(), "lost", "redone", "attempts", "not back")
    rows, notes = [], []
    for one in recoveries:
        times = (one.detect_s, one.restore_s, one.drain_s, one.latency_ok_s)
        figures = (*times, one.lost, one.redone, as_factor(one.amplification), one.never_back)
        at = f"at {value_of(one.at_s)}, {one.episodes} episode{'s' if one.episodes != 1 else ''}"
        levels = [one.percentiles.get(phase, {}) for phase in PHASES]
        cells = [
            Cell(figure, tuple(f"{name} {value_of(level)}" for name, level in of.items() if level.value is not None))
            for figure, of in zip(times, levels, strict=True)
        ]
        rows.append(Row(one.fault, (*cells, *figures[len(cells) :]), f" {one.episodes} episodes", (at,)))
        if any("p95" in of for of in levels):
            p95 = (value_of(of["p95"]) if "p95" in of else "" for of in levels)
            rows.append(Row(" p95", (*p95, "", "", "", ""), None, terminal_only=True))
        notes.append(Paragraph(f"{one.fault}: {not_back_of(one)}", 2, 4, "remark"))
        notes += [
            Paragraph(f"{one.fault}, {head}: {figure.note}", 2, 4, "remark")
            for head, figure in zip(heads, figures, strict=True)
            if figure.note
        ]
    table = Table(heads, tuple(rows), "RECOVERY", "fault", intervals="reach")
    losses = losses_table(((one.fault, one) for one in recoveries), "fault")
    explained = f"In drills of its own, beside a baseline run on the same random draws. {MEANING_OF_PHASES}"
    page = OnPage((Paragraph(explained, kind="explained"),))
    yield Section("recovery", "Recovery", "Recovery", (page, Together((table, *notes, *losses))))


def _where_the_time_goes(splits: Mapping[str, Split]) -> Iterator[Block]:
    if not splits:
        return
    lines: list[Block] = [Lines(("WHERE THE TIME GOES",))]
    rows = []
    for name, split in splits.items():
        for label, seconds in (("mean", split.mean_s), ("near p99", split.tail_s)):
            whole = sum(seconds.values())
            if whole > 0:
                largest = sorted(seconds, key=lambda state: -seconds[state])[:MOST_STATES]
                parts = [f"{state_of(state)} {100 * seconds[state] / whole:.0f} %" for state in largest]
                said = ", ".join(part for part in parts if not part.endswith(" 0 %"))
                lines.append(Paragraph(f"{name} {label} {format_duration_s(whole)}: {said}", 1, 4))
        rows += list(_share_rows(name, split))

    heads = ("state", "mean", "share", "near p99", "share")
    label = "Where the time goes, as shares by state; the figures are in the table below it"
    page = (
        Paragraph(SPLIT, kind="explained"),
        Chart(label, partial(where_the_time_goes, splits), legend=tuple(tables.legend(splits))),
        Folded("The figures", (Table(heads, tuple(rows), subject="workflow", left=(0,)),)),
    )
    yield Section(
        "time", "Where the time goes", "Where the time goes", (InTerminal((Together(tuple(lines)),)), OnPage(page))
    )


def _share_rows(name: str, split: Split) -> Iterator[Row]:
    found = tables.shares(split, tables.MOST_STATES)
    wholes = sum(one.mean_s for one in found), sum(one.tail_s for one in found)
    for one in found:
        cells = [state_of(one.state)]
        for part, whole in zip((one.mean_s, one.tail_s), wholes, strict=True):
            cells += [format_duration_s(part), format_ratio(part / whole if whole else 0)]
        yield Row(name, tuple(cells))


def _monitors(summary: Summary) -> Iterator[Block]:
    if summary.monitors:
        page = OnPage((Paragraph(KEPT, kind="explained"),))
        yield Section("monitors", "Monitors", "Monitors", (page, *monitor_blocks(summary.monitors)))


def _metrics(metrics: Mapping[str, Figure], elements: Elements) -> Section:
    """All figures, for a page."""
    full_first, longest = tables.places(metrics), tables.waits(metrics)
    level = confidence_of(list(metrics.values()))
    explained = f"Each value with its interval{f' ({level} confidence)' if level else ''}. "
    explained += "What the runs cannot carry is refused, and the note says what would do."
    cohorts = tables.COHORTS
    order = "Resources and stations, what is full first at the top"
    every: list[Block] = [
        replace(table, caption=caption, subject=subject)
        for table, caption, subject in (
            (tables.durations(metrics), f"Latency: {cohorts['durations']}", "of"),
            (tables.started(metrics), f"Work: {cohorts['started']}", "workflow"),
            (tables.clocked(metrics), f"Work {cohorts['clocked']}", "workflow"),
            (named(full_first, elements), f"{order}: {cohorts['places']}", "resource or station"),
            (tables.top(named(longest, elements), MOST_WAITS), f"Waits, the longest first: {cohorts['waits']}", "at"),
        )
    ]
    if rows := tuple(_set_rows((full_first, longest), elements)):
        watch = Table(("set", "where", "of the product", "watch"), rows, subject="resource or station")
        every.append(Folded("What to set and what to watch, the busiest first", (watch,)))
    every.append(replace(tables.others(metrics), caption="Counts and rates", subject="metric"))
    heads = ("value", "interval", "confidence", "n", "note")
    all_rows = tuple(Row(f"`{name}`", _cells_of(figure)) for name, figure in metrics.items())
    by_name = Table(heads, all_rows, subject="metric", left=(4,))
    every.append(Folded(f"All {len(metrics)} metrics by name", (by_name,)))
    return Section("metrics", "Metrics", "Metrics", (Paragraph(explained, kind="explained"), *every))


def _cells_of(figure: Figure) -> tuple[str, ...]:
    level = format_ratio(figure.confidence) if figure.confidence else ""
    return value_of(figure), interval_of(figure), level, str(figure.n), figure.note


def _set_rows(shown: Iterable[Table], elements: Elements) -> Iterator[Row]:
    for one in settable(shown, elements):
        watch = f"`{one.setting.watch}`" if one.setting.watch else ""
        yield Row(one.setting.words, (f"`{one.setting.path}{today_of(one)}`", str(one.where), turned_by(one), watch))


def _facts(summary: Summary) -> Facts:
    scenario = f"{summary.file}, hash `{summary.hash}`"
    return Facts((("scenario", scenario), ("run", run_of(summary)), *_flat(summary.provenance)))


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name} ")
        elif name.endswith("_s") and isinstance(value, int | float):
            yield f"{prefix}{name.removesuffix('_s')} time", format_duration_s(value)
        else:
            yield f"{prefix}{name}", str(value)
