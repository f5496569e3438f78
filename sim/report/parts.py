"""Blocks that several studies have in common: findings, objectives, monitors, losses, assumptions, the command; what
missed objectives come from and what meets them, resources and stations as people call them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sim.figure import Figure
from sim.lower.lowered import Assumption
from sim.lower.setting import Element
from sim.report.blocks import (
    Badge,
    Block,
    Cell,
    Heading,
    InTerminal,
    Lines,
    Note,
    OnPage,
    Paragraph,
    Row,
    Section,
    Strip,
    Table,
    Together,
)
from sim.report.grid import WIDTH, paragraph
from sim.report.wording import LOSSES, REFUSED, bound_of, findings_of, readable, show, value_of
from sim.units import format_count

if TYPE_CHECKING:
    from sim.stats.overload import Overload, Place
    from sim.stats.summary import Fix, MonitorResult, Recovery, Remedy, Split, Summary, Verdict

PHASES = {"detect": "to detect", "restore": "to restore", "drain": "to drain", "latency_ok": "to SLO"}
"""The times of a recovery, with the heads of their columns."""
MEANING_OF_PHASES = (
    "Times from the beginning of the fault: until a timer, retry or breaker reacts; until the completion rate is "
    "restored; until the backlog is drained; until the p99 is within its objective again."
)
MOST_TRACE_LINES = 20
APART = "   "
"""Between words, setting and place of a cause or a fix, in a terminal; pages, which join blanks, have a semicolon."""
INDENT = 10
"""Columns before what is said of a missed objective."""
TURNS = "the wider interval would change this verdict"


def finding_blocks(summary: Summary) -> Iterator[Block]:
    """What goes before every figure: deadlocks, overload and the places that are full; nothing where there is none."""
    found, places = findings_of(summary), _places_of(summary.overload)
    if not found:
        return
    lines = [line for sentence in found for line in paragraph(sentence, 2)]
    if any(not one.during for one in summary.standstills):
        lines.append("  Acquire in the same order everywhere, release before acquiring more, or give patience.")
    for kind, told, setting, where in places:
        line = f" {kind:<7} {told}"
        knob = f"{setting}  {where.removeprefix(summary.file)}" if setting else ""
        whole = f"{line}  {knob}".rstrip()
        lines += [whole] if len(whole) <= WIDTH else [line, f"{'':<8} {knob}"]
    yield InTerminal((Lines(tuple(lines)),))
    rows = tuple(Row(kind, (told, f"`{setting}`" if setting else "", where)) for kind, told, setting, where in places)
    table = Table(("place", "setting", "where"), rows, subject="state", caption="Full places")
    yield OnPage((Note("finding", tuple(found)), *((table,) if rows else ())))


def _places_of(overload: Overload | None) -> list[tuple[str, str, str, str]]:
    """The places of an overload: where it stands, its name with figures, its setting, where that is."""
    if overload is None:
        return []
    full = [
        ("blocked" if index else "FULL", _full(one), one.setting, one.where) for index, one in enumerate(overload.full)
    ]
    return full + [
        ("behind", f"{one.words or one.name}, {100 * one.utilisation:.0f} %", one.setting, one.where)
        for one in overload.behind
    ]


def _full(place: Place) -> str:
    return f"{place.words or place.name} ({100 * place.utilisation:.0f} % busy, {place.waiting:,.0f} wait)"


def objective_blocks(
    objectives: Sequence[Verdict], remedies: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Block]:
    """Objectives with their figures and verdicts, and notes on the figures. remedies: of an objective, what is said of
    it under which head."""
    if not objectives:
        return
    rows = []
    for one in objectives:
        figure = readable(one.metric, one.figure)
        said = [f"{head}: {text.replace(APART, '; ')}" for head, text in (remedies or {}).get(one.name, {}).items()]
        names = [one.metric] * (one.metric != one.name)
        notes = [figure.note] * (bool(figure.note) and figure.value is not None)
        why = (TURNS,) if one.fragile else ()
        cells = (one.target, figure, Cell(Badge(one.verdict, one.fragile), why), _strip(one))
        rows.append(Row(one.name, cells, notes=(*names, *notes, *said)))
    table = Table(
        ("target", "value", "verdict", "against the target"),
        tuple(rows),
        title="OBJECTIVE",
        subject="objective",
        intervals="beside",
        left=(2,),
        drawn=(3,),
    )
    remarks = [Paragraph(f"?: {TURNS}", 2)] * any(one.fragile for one in objectives)
    remarks += [Paragraph(f"{one.name}: {one.figure.note}", 2, 4) for one in objectives if one.figure.note]
    yield Together((table, InTerminal(tuple(remarks))))


def _strip(objective: Verdict) -> Strip | None:
    """Value, interval and bound on one line; None where one of them is missing."""
    figure = objective.figure
    bound = bound_of(objective.target, figure.unit)
    if bound is None or figure.value is None:
        return None
    low = figure.low if figure.low is not None and figure.low > float("-inf") else None
    high = figure.high if figure.high is not None and figure.high < float("inf") else None
    places = [bound.value, figure.value, *(end for end in (low, high) if end is not None)]
    start, end = min(places), max(places)
    if not 0 < end - start < float("inf"):
        return None

    def place(number: float) -> float:
        return round(12 + 76 * (number - start) / (end - start), 2)

    left, right = (None if one is None else place(one) for one in (low, high))
    return Strip(place(figure.value), left, right, place(bound.value), bound.side)


def monitor_blocks(monitors: Sequence[MonitorResult]) -> Iterator[Block]:
    """Monitors with how often they were kept, and the life of the first execution that broke each."""
    if not monitors:
        return
    rows = []
    for one in monitors:
        bound = value_of(one.upper_bound)
        if one.violated == 0 and bound != REFUSED:
            bound = f"<= {bound}"
        counts = (f"{count:,}" for count in (one.antecedents, one.checked, one.undecided))
        violated = Badge("missed", words=f"{one.violated:,}") if one.violated else "0"
        cell = Cell(bound, (one.upper_bound.note,) if one.upper_bound.note else ())
        rows.append(Row(one.name, (*counts, violated, cell)))
    heads = ("came up", "kept", "undecided", "violated", "probability of a violation")
    broken = [(one, *one.example) for one in monitors if one.example is not None]
    lives = (line for found in broken for line in _life_lines(*found))
    yield Together((Table(heads, tuple(rows), "MONITOR", "property"), InTerminal((Lines(tuple(lives)),))))
    for one, replication, execution in broken:
        heading = f"{one.name}: the life of a violator, execution {execution} of replication {replication}"
        yield OnPage((Heading(heading), *((Lines(one.trace),) if one.trace else ())))


def _life_lines(one: MonitorResult, replication: int, execution: int) -> Iterator[str]:
    yield f" {one.name} is violated first by execution {execution} of replication {replication}"
    for line in one.trace[:MOST_TRACE_LINES]:
        yield from paragraph(f"  {line}", 12)
    if len(one.trace) > MOST_TRACE_LINES:
        yield f"  ... {len(one.trace) - MOST_TRACE_LINES} more lines: see `sim explain --execution`"


def losses_table(recoveries: Iterable[tuple[str, Recovery]], subject: str) -> Iterator[Block]:
    """What each fault took for good, by its name, where it can take anything."""
    rows = [Row(name, tuple(one.losses[key] for key in LOSSES)) for name, one in recoveries if one.losses]
    if rows:
        heads = tuple(LOSSES.values())
        caption = "Lost for good: what was acknowledged and the place that takes over does not have"
        yield Table(heads, tuple(rows), "LOST FOR GOOD", subject, caption, "reach")


def figures_by_note(figures: Iterable[tuple[str, Figure]]) -> dict[str, list[str]]:
    """The notes of figures, each with the names that it is about."""
    found: dict[str, list[str]] = {}
    for name, figure in figures:
        if figure.note and name not in found.setdefault(figure.note, []):
            found[figure.note].append(name)
    return found


def warning_blocks(warnings: Sequence[str]) -> Iterator[Block]:
    """The warnings, if there are any."""
    if warnings:
        yield Note("warning", tuple(warnings))


def assumptions_section(assumptions: Sequence[Assumption], what: str) -> Block:
    """What the scenario leaves open and was assumed, in a section of the page. what: rests on it."""
    rows = tuple(Row(one.what, (one.value, one.source or "assumed, no source")) for one in assumptions)
    blocks: tuple[Block, ...] = (Table(("value", "source"), rows, subject="what"),)
    if not assumptions:
        blocks = (Paragraph(f"The {what} rests on the scenario's own values alone."),)
    return OnPage((Section("assumptions", "Assumptions", "Assumptions", blocks),))


def repeat_section(command: str, *more: Block) -> Section:
    """The command that gives the same again."""
    return Section("repeat", "Repeat", "Repeat it", (Lines((command,), "repeat with", 2), *more))


def remedies_lines(remedies: Sequence[Remedy]) -> list[str]:
    """Each missed objective with its cause and its fix; nothing where none is missed."""
    return [line for one in remedies for line in (f"MISSED    {one.objective}", *_remedy_lines(one))]


def _remedy_lines(remedy: Remedy) -> list[str]:
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
        said["fix"] = _beside(_way_of(fix), fix.where, _found(fix))
    elif remedy.tried or remedy.left:
        left = f"; {remedy.left} more were not tried: the runs allowed for it were spent" if remedy.left else ""
        said["fix"] = f"none found among {remedy.tried} tried{left}"
    return said


def _beside(*parts: str) -> str:
    return APART.join(part for part in parts if part)


def _way_of(fix: Fix) -> str:
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


# -- resources and stations as people call them, with what a user can set and watch of each -----------------------

Elements = Mapping[str, Element]


def named(table: Table, elements: Elements) -> Table:
    """The table with elements under their words, and without those that are bookkeeping of the model."""
    rows = [row for row in table.rows if row.name not in elements or not elements[row.name].setting.is_inner]
    return replace(table, rows=tuple(replace(row, name=words_of(row.name, elements)) for row in rows))


def words_of(name: str, elements: Elements) -> str:
    """What people call an element; its name where nothing else is known of it."""
    return elements[name].setting.words if name in elements else name


def named_states(splits: Mapping[str, Split], elements: Elements) -> dict[str, Split]:
    """The splits with their states at elements under the words of these; those of the same words are one."""
    return {
        name: replace(
            split, mean_s=_named_states(split.mean_s, elements), tail_s=_named_states(split.tail_s, elements)
        )
        for name, split in splits.items()
    }


def _named_states(seconds: Mapping[str, float], elements: Elements) -> dict[str, float]:
    found: dict[str, float] = {}
    for state, part in seconds.items():
        kind, dot, place = state.partition(".")
        name = state if kind == "child" else f"{kind}{dot}{words_of(place, elements)}"
        found[name] = found.get(name, 0.0) + part
    return found


def settable(tables: Iterable[Table], elements: Elements) -> Iterator[Element]:
    """The elements in the rows of tables, by name, that a user can change; of those with the same key the first."""
    seen = set()
    for name in dict.fromkeys(row.name for table in tables for row in table.rows):
        if name in elements and not elements[name].setting.is_inner and elements[name].setting.path not in seen:
            seen.add(elements[name].setting.path)
            yield elements[name]


def set_and_watch(elements: Iterable[Element]) -> list[str]:
    """For each of them its key, where it stands, the product's knob, and below it what to watch."""
    lines = []
    for one in elements:
        setting = one.setting
        parts = [f"{setting.path}{today_of(one)}", one.where.short, turned_by(one)]
        lines += paragraph(f" {setting.words}: {'   '.join(part for part in parts if part)}", 4)
        if setting.watch:
            lines += paragraph(f"    watch  {setting.watch}", 11)
    return ["SET AND WATCH", *lines] if lines else []


def today_of(one: Element) -> str:
    """What it is set to, as it follows the key: " = 20"."""
    value = one.setting.value
    return "" if value is None else f" = {format_count(value)}{one.setting.unit}"


def turned_by(one: Element) -> str:
    """The product's knob, and what it takes to turn it: "maxConns (restart)"."""
    setting = one.setting
    return f"{setting.knob} ({setting.change})" if setting.knob and setting.change else setting.knob


def elements_json(elements: Elements) -> dict[str, Any]:
    """Each element by its name: words, `setting` (the key, null for bookkeeping of the model), its place in the file,
    the product's knob, what it takes to change it, its value `today` as `--set` takes it, and what to `watch`."""
    return {name: _element_json(one) for name, one in elements.items()}


def _element_json(one: Element) -> dict[str, Any]:
    setting = one.setting
    if setting.is_inner:
        return {"words": setting.words, "setting": None}
    return {
        "words": setting.words,
        "setting": setting.path,
        "where": str(one.where),
        "line": one.where.line or None,
        "today": f"{setting.value:g}{setting.unit}" if setting.value is not None and setting.unit else setting.value,
        "knob": setting.knob,
        "change": setting.change,
        "watch": setting.watch,
    }
