"""The page of a prediction, as templates/report.html.j2 lays it out. Its frame is told in `frame`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sim.cost.bill import Bill
from sim.figure import Figure
from sim.files import write_text
from sim.report import figures, tables, wording
from sim.report.bounds import bound_of
from sim.report.elements import named, named_states, settable, today_of, turned_by
from sim.report.finding import findings_of, places_of
from sim.report.frame import Chart, add_chart, framed
from sim.report.remedy_text import remedy_said
from sim.stats.summary import Split, Summary, Timeline, Verdict
from sim.units import format_duration_s

MOST_SERIES = 5
"""Lines in one chart of a timeline; more cannot be told apart."""

MOST_WAITS = 12


def write_report(path: Path, summary: Summary, bill: Bill | None) -> None:
    """Writes the page of a prediction to `path`."""
    write_text(path, render(summary, bill))


def render(summary: Summary, bill: Bill | None) -> str:
    """The page as text."""
    charts: list[Chart] = []
    metrics = {name: wording.readable(name, figure) for name, figure in summary.metrics.items()}
    splits = tables.with_what_remains(named_states(summary.splits, summary.elements))
    context = {
        "summary": summary,
        "bill": bill,
        "objectives": [
            (objective, wording.readable(objective.metric, objective.figure), _strip(objective))
            for objective in summary.objectives
        ],
        "remedies": {one.objective: remedy_said(one) for one in summary.remedies},
        "latency": _latency_chart(summary, charts),
        "panels": _panels(summary, charts),
        "drilled": [line.fault for line in summary.timelines if line.fault is not None],
        "time": _time_chart(splits, charts),
        "states": figures.legend(splits),
        "parts": {name: tables.shares(split, figures.MOST_STATES) for name, split in splits.items()},
        "durations": tables.durations(metrics),
        "started": tables.started(metrics),
        "clocked": tables.clocked(metrics),
        "cohorts": tables.COHORTS,
        "places": named(tables.places(metrics), summary.elements),
        "waits": named(tables.waits(metrics), summary.elements),
        "settings": [(one, today_of(one), turned_by(one)) for one in settable(_of_places(metrics), summary.elements)],
        "most_waits": MOST_WAITS,
        "others": tables.others(metrics),
        "metrics": metrics,
        "nodes": () if bill is None else tables.node_rows(bill),
        "provenance": _flat(summary.provenance),
        "losses": wording.LOSSES,
        "headline_latency": _headline_latency(summary),
        "findings": findings_of(summary),
        "full_places": places_of(summary.overload),
    }
    return framed("report.html.j2", context, charts)


def _of_places(metrics: tables.Metrics) -> tuple[tables.Table, ...]:
    """The tables whose rows are resources and stations."""
    return tables.places(metrics), tables.waits(metrics)


@dataclass(frozen=True, slots=True)
class Panel:
    """Charts of one kind of series beside each other: the base runs, then each drill."""

    title: str
    note: str
    charts: tuple[tuple[str, Chart], ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """A figure drawn against its bound, as places in percent of the width. low, high: None at an open end."""

    value: float
    low: float | None
    high: float | None
    bound: float
    side: str


def _latency_chart(summary: Summary, charts: list[Chart]) -> Chart | None:
    if not summary.curves:
        return None
    names = wording.listed(list(summary.curves))
    label = f"Latency by percentile of {names}; the figures are in the table of latencies"
    return add_chart(charts, label, figures.latency_curves(summary.curves, summary.objectives))


def _time_chart(splits: Mapping[str, Split], charts: list[Chart]) -> Chart | None:
    if not splits:
        return None
    label = "Where the time goes, as shares by state; the figures are in the table below it"
    return add_chart(charts, label, figures.where_the_time_goes(splits))


def _panels(summary: Summary, charts: list[Chart]) -> list[Panel]:
    drawn = [line for line in summary.timelines if line.series]
    until_s = max((time for line in drawn for series in line.series for time in series.time_s), default=0.0)
    if until_s <= 0:
        return []
    panels = []
    for family in tables.families(drawn, MOST_SERIES):
        title = family.kind.replace("_", " ").capitalize()
        note = f"{family.left_out} more stay lower and are not drawn" if family.left_out else ""
        panels.append(
            Panel(
                title,
                note,
                tuple(
                    (
                        _caption(line),
                        add_chart(
                            charts,
                            f"{title} over time, {_caption(line)}",
                            figures.timeline(line, family, until_s),
                        ),
                    )
                    for line in drawn
                ),
            )
        )
    return panels


def _caption(line: Timeline) -> str:
    if line.fault is None:
        return "without a drill"
    begin = f" at {format_duration_s(line.begin_s)}" if line.begin_s is not None else ""
    end = ""
    if line.begin_s is not None and line.end_s is not None and line.end_s > line.begin_s:
        end = f", for {format_duration_s(line.end_s - line.begin_s)}"
    return f"with {line.fault}{begin}{end}"


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

    return Strip(
        place(figure.value),
        None if low is None else place(low),
        None if high is None else place(high),
        place(bound.value),
        bound.side,
    )


def _headline_latency(summary: Summary) -> tuple[str, Figure] | None:
    """The percentile that the summary at the top shows: of an objective if there is one, else the first p99."""
    judged = [(objective.metric, objective.figure) for objective in summary.objectives]
    for name, figure in (*judged, *summary.metrics.items()):
        if name.partition(".")[0] in tables.DURATIONS and name.endswith((".p99", ".p999", ".p95")):
            return name, figure
    return None


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name} ")
        elif name.endswith("_s") and isinstance(value, int | float):
            found[f"{prefix}{name.removesuffix('_s')} time"] = format_duration_s(value)
        else:
            found[f"{prefix}{name}"] = str(value)
    return found
