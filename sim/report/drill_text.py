"""A drill as plain text for a terminal: the table of its cases, what an episode costs, and two episodes as lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

from sim.figure import Figure
from sim.plan.drill import Case, DrillReport
from sim.plan.episode_cost import IN_IT, NOT_IN_IT
from sim.plan.finding import standstill_of
from sim.report.grid import WIDTH, fits, grid, paragraph
from sim.report.spark import folded, spark
from sim.report.text import monitors_grid, objectives_grid
from sim.report.wording import (
    LOSSES,
    as_factor,
    bracket,
    confidence_of,
    interval_of,
    not_back_of,
    plain,
    show,
    value_of,
)
from sim.stats.episode_picture import Line, Picture
from sim.units import format_count, format_duration_ns, format_duration_s

PHASES = {"detect": "detect", "restore": "restore", "drain": "drain", "latency_ok": "latency ok"}
"""The times of a recovery, with the heads of their columns."""
AGAINST = {
    **{name: PHASES[name] for name in ("restore", "drain", "latency_ok")},
    "lost": "lost",
    "redone": "redone",
    "not_in_order": "not in order",
}
"""What cases are compared by."""
MOST_BLOCKS = 4
"""So wide is a window at most."""
MOST_RATE = 3
"""The highest block of a throughput is so many times the most of the baseline run."""
ALWAYS = ("throughput", "latency p99", "backlog")
"""Lines that are shown beside those of the baseline run; of the others its extreme is told."""


def drill_text(report: DrillReport) -> str:
    """The drill: its cases, the distribution of the times, costs, pictures, warnings. Ends with a line break."""
    blocks = [
        _head(report),
        _cases(report),
        _differences(report),
        *(block for case in report.cases for block in _judged(case, len(report.cases) > 1)),
        _costs(report),
        *(_picture(case, label, one) for case in report.cases for label, one in pictures_of(case)),
        [line for warning in report.warnings for line in paragraph(f"WARNING {warning}", 8)],
        ["repeat with", f"  {report.command}"],
    ]
    texts = ["\n".join(map(plain, block)) for block in map(list, blocks) if block]
    return "\n\n".join(texts) + "\n"


def pictures_of(case: Case) -> list[tuple[str, Picture]]:
    """The median and the bad episode of a case, each with what it is; one where both are the same."""
    if case.median == case.bad:
        return [("the median and the bad episode", case.median)]
    return [("the median episode", case.median), ("a bad episode (p95)", case.bad)]


def time_of(figure: Figure) -> str:
    """A figure; of a time that did not come it is said that it never does, not that it is refused."""
    missing = figure.value is None and ("never came" in figure.note or "it came" in figure.note)
    return "never" if missing else value_of(figure)


def length_of(report: DrillReport) -> str:
    """How long episodes were followed, and how many longer than the window."""
    window, limit = format_duration_ns(report.window_ns), format_duration_ns(report.limit_ns)
    longer, cut = sum(case.longer for case in report.cases), sum(case.cut for case in report.cases)
    text = f"each followed for {window} from the beginning of the fault, longer while it is not over, {limit} at most"
    if longer:
        text += f"; {longer} took longer" + (f", {cut} were cut there" if cut else "")
    return f"{text}; times are told to {format_duration_ns(report.cases[0].episodes[0].window_ns)}"


def _head(report: DrillReport) -> Iterator[str]:
    count = len(report.cases[0].episodes)
    events = format_count(report.events)
    for found in report.standstills:
        yield from paragraph(f"{standstill_of(found)}.", 2)
    yield from paragraph(
        f"{report.name}: {report.fault}, {count} episodes beside runs without it on the same draws, seed "
        f"{report.seed}, {events} events; {length_of(report)}",
        2,
    )


def _cases(report: DrillReport) -> Iterator[str]:
    """Mean, p50 and p95 of the times, and means of the counts, each with its interval below it."""
    heads = (*PHASES.values(), "not back", "lost", "redone", "retries")
    rows: list[tuple[str, ...]] = [(report.fault.upper(), *heads)]
    notes: dict[str, list[str]] = {}
    for case in report.cases:
        one = case.recovery
        means = [one.detect_s, one.restore_s, one.drain_s, one.latency_ok_s, one.never_back]
        means += [one.lost, one.redone, as_factor(one.amplification)]
        rows.append((f" {case.name}", *[""] * len(heads)))
        rows += _with_intervals("mean", means)
        for level in ("p50", "p95"):
            rows += _with_intervals(level, [one.percentiles[name][level] for name in PHASES], len(heads))
        for head, figure in zip(heads, means, strict=True):
            if figure.note:
                notes.setdefault(figure.note, []).append(head)
        for head, phase in PHASES.items():
            note = one.percentiles[head]["p95"].note
            if note:
                notes.setdefault(note, []).append(f"p95 of {phase}")
    if fits(rows):
        yield from filter(None, grid(rows))
    else:
        yield from filter(None, grid([row[: len(PHASES) + 2] for row in rows]))
        counts = [(row[0], *row[len(PHASES) + 2 :]) for row in rows]
        yield from filter(None, grid([row for row in counts if any(row[1:]) or not row[0].startswith("  ")]))
    for note, of in notes.items():
        yield from paragraph(f"  {', '.join(dict.fromkeys(of))}: {note}", 4)
    for case in report.cases:
        yield from paragraph(f"  {case.name}: {not_back_of(case.recovery)}", 4)
        if case.recovery.losses:
            found = ", ".join(f"{head} {_whole(case.recovery.losses[name])}" for name, head in LOSSES.items())
            yield from paragraph(f"  lost for good {case.name}: {found}", 4)


def _differences(report: DrillReport) -> Iterator[str]:
    """What the other cases take beyond the first, pair by pair."""
    if len(report.cases) == 1:
        return
    rows: list[tuple[str, ...]] = [(f"BEYOND {report.cases[0].name}", *AGAINST.values())]
    notes: dict[str, None] = {}
    for case in report.cases[1:]:
        figures = [case.against_first[name] for name in AGAINST]
        rows.append((f" {case.name}", *[""] * len(AGAINST)))
        rows += _with_intervals("mean", figures)
        notes |= {f"{head}: {one.note}": None for head, one in zip(AGAINST.values(), figures, strict=True) if one.note}
    yield from filter(None, grid(rows))
    yield "  paired: each with the episode on the same draws"
    for note in notes:
        yield from paragraph(f"  {note}", 4)


def _judged(case: Case, is_one_of_many: bool) -> Iterator[list[str]]:
    """Objectives and monitors of a case, under its name where there are others."""
    for lines in (objectives_grid(case.objectives), list(monitors_grid(case.monitors))):
        if lines:
            yield [*([f"{case.name}:"] if is_one_of_many else []), *lines]


def _with_intervals(label: str, figures: Sequence[Figure], columns: int | None = None) -> Iterator[tuple[str, ...]]:
    """A row of values and one of their intervals, filled up to so many columns."""
    rest = [""] * ((columns or len(figures)) - len(figures))
    yield f"  {label}", *map(time_of, figures), *rest
    yield f"   {confidence_of(list(figures))}", *map(interval_of, figures), *rest


def _whole(figure: Figure) -> str:
    return f"{value_of(figure)} {interval_of(figure)}".rstrip()


def _costs(report: DrillReport) -> Iterator[str]:
    """What an episode costs on average, case by case."""
    for case in report.cases:
        cost = case.cost
        amounts: dict[str, tuple[Figure | None, Figure | None]] = {
            "extra node-hours": (cost.node_hours, cost.nodes),
            "extra traffic": (None, cost.traffic),
            "not in order": (cost.not_in_order, cost.downtime),
            "time of failed attempts": (cost.thrown_away, None),
            "in all": (None, cost.total),
        }
        level = confidence_of([cost.node_hours, cost.not_in_order, cost.thrown_away])
        rows: list[tuple[str, ...]] = [(f"COST OF AN EPISODE {case.name}", "mean", level, "USD", level)]
        for name, (amount, usd) in amounts.items():
            if amount is not None or usd is not None:
                rows.append((f" {name}", *_cell(amount), *_cell(usd)))
        yield from grid(rows)
    yield from paragraph(f"  In it: {IN_IT}. Not in it: {NOT_IN_IT}. A blank has no price.", 4)


def _cell(figure: Figure | None) -> tuple[str, str]:
    """An amount and its interval; money to the cent and without its unit, which stands in the head."""
    if figure is None:
        return "", ""
    if figure.unit != "USD" or figure.value is None:
        return value_of(figure), interval_of(figure)
    ends = [f"{end:,.2f}" for end in (figure.low, figure.high) if end is not None]
    return f"{figure.value:,.2f}", bracket(*ends) if len(ends) == 2 else ""


def _picture(case: Case, label: str, shown: Picture) -> Iterator[str]:
    """An episode as lines of blocks, those that every run has above the same of its baseline run; when the fault was
    there."""
    yield f"TIMELINE {case.name}: {label}, replication {shown.replication}"
    space = max(len(line.name) for line in shown.lines) + 1
    width = WIDTH - space - 36
    each = max(1, min(MOST_BLOCKS, width // len(shown.time_s)))
    columns = len(folded(shown.time_s, width))
    yield f" {'fault'.ljust(space)} {_presence(shown, columns, each)}"
    for line in shown.lines:
        fold = fmean if line.unit == "1/s" else max
        blocks, without = (spark(values, _ends(line), width, fold, each) for values in (line.values, line.baseline))
        extreme, of_baseline = _extreme(line, line.values), _extreme(line, line.baseline)
        if line.name in ALWAYS:
            yield f" {line.name.ljust(space)} {blocks.ljust(columns * each)}  {extreme}"
            yield f" {'  without'.ljust(space)} {without.ljust(columns * each)}  {of_baseline}"
        else:
            yield f" {line.name.ljust(space)} {blocks.ljust(columns * each)}  {extreme}, without {of_baseline}"
    begin, end = shown.time_s[0], shown.time_s[-1]
    yield f" from {format_duration_s(begin)} to {format_duration_s(end)} after the fault's beginning"


def _ends(line: Line) -> tuple[float, float]:
    """What the lowest and the highest block stand for; what moves by less than half of itself begins at its least."""
    known = [value for value in (*line.values, *line.baseline) if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if line.unit == "1/s":
        high = min(high, MOST_RATE * max(line.baseline, default=0.0))  # else a backlog's way out hides all else
    return (low, high) if line.at_ends and low > high / 2 else (0.0, high)


def _extreme(line: Line, values: Sequence[float]) -> str:
    """The least throughput, the most of anything else."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return "nothing"
    if line.unit == "1/s":
        return f"min {show(min(known), line.unit)}"
    low = _ends(line)[0]
    return f"max {show(max(known), line.unit)}" + (f", blocks from {show(low, line.unit)}" if low else "")


def _presence(shown: Picture, columns: int, each: int) -> str:
    """Where the fault is there, as a line."""
    step = shown.time_s[1] - shown.time_s[0] if len(shown.time_s) > 1 else 1.0

    def there(time: float) -> float:
        ends = ((begin, math.inf if end is None else end) for _, begin, end in shown.faults)
        return float(any(begin < time + step and time < max(end, begin + 1e-9) for begin, end in ends))

    marks = folded([there(time) for time in shown.time_s], columns)
    return "".join(each * ("▀" if mark else "·") for mark in marks)
