"""What a drill says: times of recovery, what an episode costs, a median and a bad episode; as blocks and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from sim.figure import Figure
from sim.report.blocks import (
    Beside,
    Block,
    Cell,
    Chart,
    Content,
    Heading,
    InTerminal,
    Lines,
    Note,
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
from sim.report.documents import (
    SCHEMA,
    both,
    deadlock_json,
    json_object,
    monitor_json,
    objective_json,
    recovery_json,
    renamed,
)
from sim.report.figures import beside_baseline
from sim.report.grid import WIDTH
from sim.report.parts import (
    MEANING_OF_PHASES,
    PHASES,
    assumptions_section,
    figures_by_note,
    losses_table,
    monitor_blocks,
    objective_blocks,
    repeat_section,
    warning_blocks,
)
from sim.report.wording import (
    as_factor,
    bracket,
    confidence_of,
    deadlock_sentence,
    interval_of,
    not_back_of,
    show,
    value_of,
)
from sim.stats.episodes import Episode
from sim.stats.pictures import Line, Picture
from sim.studies.drill.study import IN_IT, NOT_IN_IT, DrillCase, DrillReport, EpisodeCost
from sim.units import format_count, format_duration_ns, format_duration_s

COUNTS = ("not back", "lost", "redone", "retries")
AGAINST = {
    **{name: PHASES[name] for name in ("restore", "drain", "latency_ok")},
    "lost": "lost",
    "redone": "redone",
    "not_in_order": "not in order",
}
"""What cases are compared by."""
TOLERANCES = (
    "Restored: 95 % of the baseline run's rate. Drained: the baseline run's backlog, to 5 %. Without an objective the "
    "p99 has to be within 1.1 times the baseline run's. Each has to stay so, but for what the baseline run itself "
    "might show."
)


def blocks(report: DrillReport) -> Report:
    """The report of a drill."""
    cases = report.cases
    count, findings = len(cases[0].episodes), [f"{deadlock_sentence(one)}." for one in report.standstills]
    head = Paragraph(
        f"{report.name}: {report.fault}, {count} episodes beside runs without it on the same draws, seed "
        f"{report.seed}, {format_count(report.events)} events; {_length(report)}"
    )
    losses = tuple(losses_table(((one.name, one.recovery) for one in cases), "episodes"))
    recovery: tuple[Block, ...] = (
        InTerminal((Together((*map(Paragraph, findings), head)),)),
        OnPage(((Note("finding", tuple(findings)),) if findings else ()) + (Tiles(tuple(map(_tile, cases))),)),
        OnPage((Paragraph(f"{MEANING_OF_PHASES} {TOLERANCES}", kind="explained"), *warning_blocks(report.warnings))),
        Together((_times(report), *_remarks(cases), *losses)),
        *_differences(cases),
        *(block for case in cases for block in _judged(case, len(cases) > 1)),
    )
    pictures = tuple(block for case in cases for block in _pictures(case))
    return Report(
        f"{report.name}: drill of {report.fault}",
        f"{report.name}: {report.fault}",
        (
            Section("recovery", "Recovery", "Time to recover, and what it takes", recovery),
            Section("cost", "Cost", "Cost of an episode", (Together(tuple(_costs(cases))),)),
            Section("episodes", "Episodes", "A median episode, and a bad one", pictures),
            InTerminal(tuple(warning_blocks(report.warnings))),
            assumptions_section(report.assumptions, "drill"),
            repeat_section(report.command),
        ),
        (
            f"Drill of `{report.file}`: {count} episodes beside runs without the fault on the same draws, "
            f"{_length(report)}",
            f"seed {report.seed}; scenario `{report.hash[:12]}`",
        ),
    )


def _length(report: DrillReport) -> str:
    """How long episodes were followed, and how many longer than the window."""
    window, limit = format_duration_ns(report.window_ns), format_duration_ns(report.limit_ns)
    longer, cut = sum(case.longer for case in report.cases), sum(case.cut for case in report.cases)
    text = f"each followed for {window} from the beginning of the fault, longer while it is not over, {limit} at most"
    if longer:
        text += f"; {longer} took longer" + (f", {cut} were cut there" if cut else "")
    return f"{text}; times have a resolution of {format_duration_ns(report.cases[0].episodes[0].window_ns)}"


def _tile(case: DrillCase) -> Tile:
    bad = case.recovery.percentiles["latency_ok"]["p95"]
    interval = [interval_of(bad)] if bad.value is not None else []
    return Tile(
        f"return to SLO, p95, {case.name}", _time_words(bad), "; ".join([*interval, not_back_of(case.recovery)])
    )


# -- times and counts -----------------------------------------------------------------------------------------------


def _time_words(figure: Figure) -> str:
    """A time in words: one that did not come never does, which is no refusal."""
    missing = figure.value is None and ("never came" in figure.note or "it came" in figure.note)
    return "never" if missing else value_of(figure)


def _row(name: str, figures: Sequence[Figure], columns: int = 0) -> Row:
    """Times and counts with their intervals below, filled up to so many columns."""
    cells: list[Content] = [Cell(one, words=_time_words(one)) for one in figures]
    return Row(f" {name}", (*cells, *[""] * (columns - len(cells))), f"  {confidence_of(list(figures))}")


def _means(case: DrillCase) -> list[Figure]:
    one = case.recovery
    times = [one.detect_s, one.restore_s, one.drain_s, one.latency_ok_s]
    return [*times, one.never_back, one.lost, one.redone, as_factor(one.amplification)]


def _times(report: DrillReport) -> Table:
    """Mean, p50 and p95 of the times, and means of the counts, case by case."""
    heads = (*PHASES.values(), *COUNTS)
    rows = []
    for case in report.cases:
        percentiles = case.recovery.percentiles
        rows += [Row(case.name, ("",) * len(heads), None), _row("mean", _means(case))]
        rows += [_row(level, [percentiles[name][level] for name in PHASES], len(heads)) for level in ("p50", "p95")]
    return Table(heads, tuple(rows), report.fault.upper(), "episodes", intervals="below", split=len(PHASES) + 1)


def _remarks(cases: Sequence[DrillCase]) -> Iterator[Paragraph]:
    """What is to be known of the figures, and how many episodes did not recover."""
    noted = [one for case in cases for one in zip((*PHASES.values(), *COUNTS), _means(case), strict=True)]
    noted += [
        (f"p95 {head}", case.recovery.percentiles[name]["p95"]) for case in cases for name, head in PHASES.items()
    ]
    for note, of in figures_by_note(noted).items():
        yield Paragraph(f"{', '.join(of)}: {note}", 2, 4, "remark")
    for case in cases:
        yield Paragraph(f"{case.name}: {not_back_of(case.recovery)}", 2, 4, "remark")


def _differences(cases: Sequence[DrillCase]) -> Iterator[Block]:
    """What the other cases take beyond the first, pair by pair."""
    if len(cases) == 1:
        return
    rows, noted = [], []
    for case in cases[1:]:
        figures = [case.against_first[name] for name in AGAINST]
        rows += [Row(case.name, ("",) * len(AGAINST), None), _row("mean", figures)]
        noted += list(zip(AGAINST.values(), figures, strict=True))
    notes = [f"{', '.join(of)}: {note}" for note, of in figures_by_note(noted).items()]
    caption = f"Beyond {cases[0].name}"
    table = Table(tuple(AGAINST.values()), tuple(rows), f"BEYOND {cases[0].name}", "episodes", caption, "below")
    remarks = ("paired: each with the episode on the same draws", *notes)
    yield Together((table, *(Paragraph(one, 2, 4, "remark") for one in remarks)))


def _judged(case: DrillCase, is_one_of_many: bool) -> Iterator[Block]:
    """Objectives and monitors of a case, under its name where there are others."""
    for found in (tuple(objective_blocks(case.objectives)), tuple(monitor_blocks(case.monitors))):
        if found:
            names = (InTerminal((Paragraph(f"{case.name}:"),)), OnPage((Heading(case.name),)))
            yield Together((*(names if is_one_of_many else ()), *found))


# -- costs ----------------------------------------------------------------------------------------------------------


def _costs(cases: Sequence[DrillCase]) -> Iterator[Block]:
    """What an episode costs on average, case by case."""
    for case in cases:
        cost = case.cost
        amounts: dict[str, tuple[Figure | None, Figure | None]] = {
            "extra node-hours": (cost.node_hours, cost.nodes),
            "extra traffic": (None, cost.traffic),
            "not in order": (cost.not_in_order, cost.downtime),
            "time of failed attempts": (cost.thrown_away, None),
            "in all": (None, cost.total),
        }
        level = confidence_of([cost.node_hours, cost.not_in_order, cost.thrown_away])
        rows = (
            Row(name, (*_amount(amount), *_amount(usd)))
            for name, (amount, usd) in amounts.items()
            if amount is not None or usd is not None
        )
        heads = ("mean", level, "USD", level)
        yield Table(heads, tuple(rows), f"COST OF AN EPISODE {case.name}", "of an episode", case.name)
    yield Paragraph(f"In it: {IN_IT}. Not in it: {NOT_IN_IT}. A blank has no price.", 2, 4, "remark")


def _amount(figure: Figure | None) -> tuple[str, str]:
    """An amount and its interval; money to the cent and without its unit, which stands in the head."""
    if figure is None:
        return "", ""
    if figure.unit != "USD" or figure.value is None:
        return value_of(figure), interval_of(figure)
    ends = [f"{end:,.2f}" for end in (figure.low, figure.high) if end is not None]
    return f"{figure.value:,.2f}", bracket(*ends) if len(ends) == 2 else ""


# -- episodes -------------------------------------------------------------------------------------------------------


def _pictures(case: DrillCase) -> Iterator[Block]:
    """The median and the bad episode of a case; one where both are the same."""
    shown = {"the median episode": case.median, "a bad episode (p95)": case.bad}
    if case.median == case.bad:
        shown = {"the median and the bad episode": case.median}
    for label, picture in shown.items():
        title = f"{label[0].upper()}{label[1:]}, replication {picture.replication}, {case.name}"
        charts = tuple(
            Chart(f"{line.name} over time, {case.name}, {label}", partial(beside_baseline, picture, line))
            for line in picture.lines
        )
        lines = (f"TIMELINE {case.name}: {label}, replication {picture.replication}", *picture_lines(picture))
        yield InTerminal((Lines(lines),))
        yield OnPage((Heading(title), Beside(charts)))


# -- an episode as lines of characters, beside its baseline run: higher blocks are higher values ------------------

BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = " "


Fold = Callable[[Sequence[float]], float]
"""Makes one value of several."""


def spark(values: Sequence[float], ends: tuple[float, float], width: int, fold: Fold = max, each: int = 1) -> str:
    """Values between two ends as blocks, at most `width` of them and each `each` wide; more values are folded.

    What is not a number, and what nothing is known of, is a blank.

    >>> spark([0, 1, 2, 4, float("nan"), 8], (0, 8), 6)
    '▁▂▃▅ █'
    >>> spark([0, 8, 0, 8], (0, 8), 2)
    '██'
    """
    return "".join(each * _block(value, *ends) for value in folded(values, width, fold))


def folded(values: Sequence[float], width: int, fold: Fold = max) -> list[float]:
    """At most `width` values, each made of as many of the given ones."""
    each = -(-len(values) // width)
    parts = (values[at : at + each] for at in range(0, len(values), each or 1))
    known = ([value for value in part if not math.isnan(value)] for part in parts)
    return [fold(part) if part else math.nan for part in known]


def _block(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return NOTHING
    share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]


MOST_BLOCKS = 4
"""So wide is a window at most."""
MOST_RATE = 3
"""The highest block of a throughput is so many times the most of the baseline run."""
ALWAYS = ("throughput", "latency p99", "backlog")
"""Lines that are shown beside those of the baseline run; of the others its extreme is told."""


def picture_lines(shown: Picture) -> Iterator[str]:
    """An episode as lines of blocks, those that every run has above the same of its baseline run; when the fault was
    there."""
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


# -- JSON -----------------------------------------------------------------------------------------------------------


def document(report: DrillReport) -> dict[str, Any]:
    """The JSON document of a drill, ready for `json.dumps(..., allow_nan=False)`."""
    return json_object(
        {
            "schema": SCHEMA,
            **renamed("mitigation"),
            "scenario": {"name": report.name, "file": report.file, "hash": report.hash},
            "run": {
                "seed": report.seed,
                "events": report.events,
                "window_s": report.window_ns / 1e9,
                "limit_s": report.limit_ns / 1e9,
            },
            "fault": report.fault,
            "deadlocks": list(map(deadlock_json, report.standstills)),
            "cases": list(map(_case_json, report.cases)),
            "warnings": report.warnings,
        }
    )


def _case_json(case: DrillCase) -> dict[str, Any]:
    return {
        "when": case.when,
        **both("mitigation", case.mitigation or None),
        "recovery": recovery_json(case.recovery),
        "cost": _cost_json(case.cost),
        "against_first": case.against_first,
        "longer": case.longer,
        "cut": case.cut,
        "objectives": list(map(objective_json, case.objectives)),
        "monitors": list(map(monitor_json, case.monitors)),
        "median": case.median.replication,
        "bad": case.bad.replication,
        "episodes": list(map(_episode_json, case.episodes)),
    }


def _cost_json(cost: EpisodeCost) -> dict[str, Any]:
    return {
        "node_hours": cost.node_hours,
        "thrown_away_s": cost.thrown_away,
        "not_in_order_s": cost.not_in_order,
        "nodes": cost.nodes,
        "traffic": cost.traffic,
        "downtime": cost.downtime,
        "total": cost.total,
        "in_it": IN_IT,
        "not_in_it": NOT_IN_IT,
    }


def _episode_json(episode: Episode) -> dict[str, Any]:
    times = episode.times()
    since_ns = {
        "detect_s": times.detect_ns,
        "restore_s": times.restore_ns,
        "drain_s": times.drain_ns,
        "latency_ok_s": times.latency_ok_ns,
        "recoupled_s": None if episode.recoupled_ns is None else episode.recoupled_ns - episode.begin_ns,
    }
    return {
        "replication": episode.run.index,
        "begin_s": episode.begin_ns / 1e9,
        "followed_s": (episode.run.horizon_ns - episode.begin_ns) / 1e9,
        **{name: None if ns is None else ns / 1e9 for name, ns in since_ns.items()},
        "lost": episode.lost,
        "redone": episode.redone,
        "amplification": episode.amplification,
        "still_open": episode.still_open,
    }
