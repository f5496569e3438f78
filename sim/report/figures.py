"""The charts, as plotly figures: latency curve, timelines, where the time goes. Each also stands alone in a notebook.

What is drawn together is decided in `tables`; putting charts on a page is `page`'s work. Colours and dashes are the
same for a name in every chart of one prediction. All text in a figure is escaped, since plotly reads tags in it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sim.report.tables import COLOURS, MOST_STATES, SeriesFamily, look, shares, states
from sim.report.wording import bound_of, show, state_of
from sim.stats.pictures import Line, Picture
from sim.stats.summary import Curve, Split, Timeline, Verdict
from sim.units import DAY, HOUR, MINUTE, SECOND, format_duration_s, format_ratio

if TYPE_CHECKING:
    import plotly.graph_objects as go

Trace = dict[str, Any]

DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
FAULT: Final = "#d0505a"
LEVELS: Final = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)


def _theme(ink: str, muted: str, line: str, ground: str) -> dict[str, Any]:
    axis = {
        "gridcolor": line,
        "linecolor": line,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": line,
        "tickfont": {"color": muted},
        "title": {"font": {"color": muted, "size": 12}, "standoff": 8},
        "automargin": True,
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": 12, "color": ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(COLOURS),
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"bgcolor": ground, "bordercolor": line, "font": {"family": FONT, "color": ink}},
            "annotationdefaults": {"font": {"color": ink, "size": 11}},
        }
    }


THEMES: Final[Mapping[str, dict[str, Any]]] = {
    "light": _theme(ink="#1b1f24", muted="#5b6570", line="#dfe3e8", ground="#ffffff"),
    "dark": _theme(ink="#e4e8ed", muted="#9aa5b1", line="#2d353f", ground="#14181d"),
}
"""Plotly templates; the page switches between them, a notebook gets the light one."""


def latency_curves(curves: Mapping[str, Curve], objectives: Sequence[Verdict] = ()) -> go.Figure:
    """Latency by percentile, with its band: time on a log axis, percentiles by how few executions are slower.

    objectives: those on a percentile of one of the curves are marked where they draw the line.
    """
    traces: list[Trace] = []
    for index, (name, curve) in enumerate(curves.items()):
        points = [place for place, value in enumerate(curve.value_s) if curve.probability[place] < 1 and value > 0]
        traces += _line(
            name,
            index,
            [_nines(curve.probability[place]) for place in points],
            [curve.value_s[place] for place in points],
            [curve.low_s[place] for place in points],
            [curve.high_s[place] for place in points],
            hoverinfo="text",
            text=[
                f"{safe(name)}: {format_ratio(curve.probability[place])} within {show(curve.value_s[place], 's')} "
                f"({show(curve.low_s[place], 's')} to {show(curve.high_s[place], 's')})"
                for place in points
            ],
        )
    marks = [mark for objective in objectives if (mark := _mark(objective, curves)) is not None]
    if marks:
        traces.append(
            {
                "type": "scatter",
                "x": [x for x, _, _ in marks],
                "y": [y for _, y, _ in marks],
                "text": [safe(text) for _, _, text in marks],
                "mode": "markers+text",
                "textposition": "top center",
                "textfont": {"color": FAULT},
                "marker": {"symbol": "line-ew", "size": 26, "line": {"width": 3, "color": FAULT}},
                "name": "objective",
                "hoverinfo": "text",
            }
        )
    deepest = max((_nines(p) for curve in curves.values() for p in curve.probability if p < 1), default=2.0)
    times = [t for curve in curves.values() for t in (*curve.low_s, *curve.high_s) if 0 < t < math.inf]
    times += [y for _, y, _ in marks]
    return made(
        traces,
        height=430,
        xaxis={
            "title": {"text": "share of executions that are at least as fast"},
            "tickvals": [_nines(level) for level in LEVELS],
            "ticktext": [format_ratio(level) for level in LEVELS],
            "range": [0, deepest * 1.02],
        },
        yaxis={"title": {"text": "latency"}, "type": "log", **_time_ticks(times)},
    )


def timeline(shown: Timeline, family: SeriesFamily, until_s: float) -> go.Figure:
    """The series of one kind over the time of a run, with bands; the fault, if any, is shaded and named.

    until_s: end of the time axis.
    """
    unit, length_s = _time_unit(until_s)
    traces: list[Trace] = []
    for series in shown.series:
        if series.name in family.names:
            name = series.name.partition(".")[2] or series.name
            times = [_short(time / length_s, 6) for time in series.time_s]
            hover = f"{safe(name)}: %{{y:,.4~g}} {safe(series.unit)}<extra></extra>"
            index = family.names.index(series.name)
            traces += _line(name, index, times, series.mean, series.low, series.high, hovertemplate=hover)
    end = until_s / length_s
    return made(
        traces,
        height=270,
        xaxis={"title": {"text": f"{unit} since the start of the run"}, "range": [0, end]},
        yaxis={"title": {"text": safe(family.unit)}, "range": [0, 1.08 * family.peak if family.peak > 0 else 1]},
        showlegend=True,
        **_fault(shown, end, length_s),
    )


def beside_baseline(shown: Picture, line: Line) -> go.Figure:
    """One quantity of an episode over the time since its fault began, and that of the run without it."""
    end_s = shown.time_s[-1] if shown.time_s else 0.0
    unit, length_s = _time_unit(end_s)
    step_s = shown.time_s[1] - shown.time_s[0] if line.at_ends and len(shown.time_s) > 1 else 0.0
    times = [_short((time + step_s) / length_s, 6) for time in shown.time_s]
    in_ms = line.unit == "s" and max((v for v in (*line.values, *line.baseline) if math.isfinite(v)), default=1.0) < 1
    named, factor = ("ms", 1e3) if in_ms else (line.unit, 1.0)
    common: Trace = {"type": "scatter", "mode": "lines", "x": times}
    hover = f"%{{y:,.4~g}} {safe(named)}<extra>%{{fullData.name}}</extra>"
    traces: list[Trace] = [
        {
            **common,
            "y": _drawn(value * factor for value in values),
            "name": name,
            "hovertemplate": hover,
            "line": {
                "color": COLOURS[colour],
                "width": width,
                "dash": dash,
                "shape": "linear" if line.at_ends else "hv",
            },
        }
        for name, values, colour, width, dash in (
            ("without the fault", line.baseline, 6, 1.5, "dot"),
            ("with it", line.values, 0, 2, "solid"),
        )
    ]
    shapes: list[dict[str, Any]] = []
    for _, begin_s, until_s in shown.faults:
        span = {"x0": begin_s / length_s, "x1": (end_s if until_s is None else min(until_s, end_s)) / length_s}
        upright = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, **span}
        shapes.append({**upright, "fillcolor": FAULT, "opacity": 0.16, "line": {"width": 0}, "layer": "below"})
    title = {"text": f"<b>{safe(line.name)}</b>", "font": {"size": 13}, "x": 0, "xanchor": "left", "yanchor": "top"}
    return made(
        traces,
        height=230,
        title={**title, "xref": "container", "yref": "container", "y": 0.98},
        xaxis={
            "title": {"text": f"{unit} since the fault began"},
            "range": [shown.time_s[0] / length_s, end_s / length_s] if shown.time_s else [0, 1],
        },
        yaxis={"title": {"text": safe(named)}, "rangemode": "tozero"},
        showlegend=True,
        shapes=shapes,
    )


def where_the_time_goes(splits: Mapping[str, Split]) -> go.Figure:
    """Two stacked bars for each workflow, the mean and the neighbourhood of the p99, each summing to 100 %."""
    bars: list[tuple[str, float, dict[str, float]]] = []
    for name, split in splits.items():
        found = shares(split, MOST_STATES)
        for label, seconds in (
            ("mean", {share.state: share.mean_s for share in found}),
            ("near p99", {share.state: share.tail_s for share in found}),
        ):
            whole = sum(seconds.values())
            bars.append((f"{safe(name)}<br>{label}, {format_duration_s(whole)}", whole, seconds))
    bars.reverse()  # plotly draws the first category at the bottom
    traces: list[Trace] = []
    for index, state in enumerate(states(splits)):
        colour, striped = look(index)
        name = safe(state_of(state))
        spent = [seconds.get(state, 0.0) for _, _, seconds in bars]
        portions = [part / whole if whole > 0 else 0.0 for part, (_, whole, _) in zip(spent, bars, strict=True)]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [_short(100 * portion) for portion in portions],
                "y": [label for label, _, _ in bars],
                "name": name,
                "text": [f"{100 * portion:.0f} %" if portion >= 0.06 else "" for portion in portions],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "textfont": {"color": "#ffffff", "size": 12},
                "hovertext": [
                    f"{name}: {format_duration_s(part)}, {format_ratio(portion)}"
                    for part, portion in zip(spent, portions, strict=True)
                ],
                "hoverinfo": "text",
                "marker": {
                    "color": colour,
                    "line": {"width": 1, "color": "rgba(255,255,255,0.55)"},
                    "pattern": {"shape": "/" if striped else ""},
                },
            }
        )
    return made(
        traces,
        height=56 + 52 * len(bars),
        barmode="stack",
        bargap=0.3,
        xaxis={"range": [0, 100], "dtick": 20, "ticksuffix": " %", "title": {"text": "share of the time"}},
        yaxis={"ticks": ""},
        margin={"l": 12, "r": 30, "t": 10, "b": 12},
        hovermode="closest",
        showlegend=False,
        # What does not fit into its piece of a bar is hidden rather than shrunk.
        uniformtext={"minsize": 11, "mode": "hide"},
    )


def _line(
    name: str,
    index: int,
    x: Sequence[float],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    **hover: Any,
) -> list[Trace]:
    """A line with its band; the two are switched on and off together in the legend."""
    colour = COLOURS[index % len(COLOURS)]
    both: Trace = {"type": "scatter", "mode": "lines", "x": x, "legendgroup": f"g{index}"}
    edge = {**both, "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    line = {"color": colour, "width": 2, "dash": DASHES[index % len(DASHES)]}
    return [
        {**edge, "y": _drawn(low)},
        {**edge, "y": _drawn(high), "fill": "tonexty", "fillcolor": _faint(colour)},
        {**both, "y": _drawn(middle), "line": line, "name": safe(name), **hover},
    ]


def _fault(shown: Timeline, end: float, length_s: float) -> dict[str, Any]:
    """Shade and name of the fault, which lasts to the end of the axis when it has no end of its own."""
    if shown.fault is None or shown.begin_s is None:
        return {}
    begin = shown.begin_s / length_s
    until = end if shown.end_s is None else shown.end_s / length_s
    upright = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1}
    edge = {**upright, "type": "line", "line": {"color": FAULT, "width": 1.5, "dash": "dot"}}
    shade = {"type": "rect", "fillcolor": FAULT, "opacity": 0.16, "line": {"width": 0}, "layer": "below"}
    name = {
        "text": f"▼ {safe(shown.fault)}",
        "x": begin,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "right" if begin > 0.6 * end else "left",
        "showarrow": False,
        "font": {"color": FAULT, "size": 12},
    }
    shapes = [{**upright, **shade, "x0": begin, "x1": until}, *({**edge, "x0": x, "x1": x} for x in (begin, until))]
    return {"shapes": shapes, "annotations": [name]}


def made(traces: list[Trace], height: int, **layout: Any) -> go.Figure:
    """A figure made at once: plotly takes many times as long to change one as to make it."""
    import plotly.graph_objects as go  # where a chart is drawn, since it takes half a second

    common: dict[str, Any] = {
        "template": THEMES["light"],
        "height": height,
        "margin": {"l": 12, "r": 14, "t": 26, "b": 12},
        "hovermode": "x",
        "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "xanchor": "left", "x": 0},
    }
    return go.Figure(data=traces, layout=common | layout)


def _mark(objective: Verdict, curves: Mapping[str, Curve]) -> tuple[float, float, str] | None:
    """Place and text of an objective on a percentile of one of the curves."""
    subject, _, level = objective.metric.rpartition(".")
    bound = bound_of(objective.target, "s")
    if subject not in curves or bound is None or bound.value <= 0 or not (level[:1] == "p" and level[1:].isdigit()):
        return None
    digits = level[1:]
    return _nines(float(f"0.{digits}")), bound.value, f"{objective.name} {objective.target}"


def _nines(probability: float) -> float:
    """Place of a percentile on the axis: 90 % is at 1, 99 % at 2, 99.9 % at 3."""
    return _short(-math.log10(1 - probability), 6)


def _time_ticks(times_s: Sequence[float]) -> dict[str, Any]:
    """Ticks of a log axis of durations at round ones: 1 ms, 10 ms, 100 ms, 1 s, 10 s, 1 min, 10 min, 1 h, 10 h, ..."""
    if not times_s:
        return {}
    low, high = min(times_s), max(times_s)
    steps = [10.0**power for power in range(-9, 2)] + [60, 600, 3600, 36000, 86400, 864000]
    if high / low < 30:  # a short axis needs more of them
        steps = sorted({step * factor for step in steps for factor in (1, 2, 3, 5)} - {50, 180, 300000})
    inside = [step for step in steps if low / 1.5 <= step <= high * 1.5]
    ends = [math.log10(low) - 0.08, math.log10(high) + 0.08]
    return {
        "tickvals": [_short(step) for step in inside],
        "ticktext": [format_duration_s(step) for step in inside],
        "range": [_short(end, 6) for end in ends],
    }


def _time_unit(until_s: float) -> tuple[str, float]:
    """The unit that a run of this length is read in, and its length in seconds."""
    for unit, length_ns in (("days", DAY), ("h", HOUR), ("min", MINUTE)):
        if until_s >= 3 * length_ns / SECOND:
            return unit, length_ns / SECOND
    return "s", 1.0


def _short(number: float, digits: int = 4) -> float:
    """The number to as many digits as a picture shows, which keeps the page small."""
    return float(f"{number:.{digits}g}")


def _drawn(values: Iterable[float]) -> list[float | None]:
    """Values of a line; what is not finite is a gap in it."""
    return [_short(value) if math.isfinite(value) else None for value in values]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.2)"


def safe(text: str) -> str:
    """Text in which plotly reads no tags."""
    return html.escape(text, quote=False)
