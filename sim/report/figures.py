"""The charts, as plotly figures: latency curve, timelines, where the time goes. Each also stands alone in a notebook.

What is drawn together is decided in `tables`; putting charts on a page is `page`'s work. Colours and dashes are the
same for a name in every chart of one prediction. All text in a figure is escaped, since plotly reads tags in it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from sim.report.bounds import bound_of
from sim.report.tables import Family, shares
from sim.report.wording import show, state_of
from sim.stats.summary import Curve, Split, Timeline, Verdict
from sim.units import DAY, HOUR, MINUTE, SECOND, format_duration_s, format_ratio

COLOURS: Final = ("#3b7dd8", "#d9730d", "#16957f", "#c4549a", "#8166d0", "#8c7a1f", "#7b8794", "#d0505a")
"""Each has a contrast of 3 : 1 or more on both backgrounds below (WCAG 2.2, 1.4.11)."""

DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
FAULT: Final = "#d0505a"
MOST_STATES: Final = 8
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
    figure = go.Figure()
    for index, (name, curve) in enumerate(curves.items()):
        points = [place for place, value in enumerate(curve.value_s) if curve.probability[place] < 1 and value > 0]
        x = [_nines(curve.probability[place]) for place in points]
        _add_line(
            figure,
            name,
            index,
            x,
            [curve.value_s[place] for place in points],
            [curve.low_s[place] for place in points],
            [curve.high_s[place] for place in points],
            hoverinfo="text",
            text=[
                f"{_safe(name)}: {format_ratio(curve.probability[place])} within {show(curve.value_s[place], 's')} "
                f"({show(curve.low_s[place], 's')} to {show(curve.high_s[place], 's')})"
                for place in points
            ],
        )
    marks = [mark for objective in objectives if (mark := _mark(objective, curves)) is not None]
    if marks:
        figure.add_scatter(
            x=[x for x, _, _ in marks],
            y=[y for _, y, _ in marks],
            text=[_safe(text) for _, _, text in marks],
            mode="markers+text",
            textposition="top center",
            textfont={"color": FAULT},
            marker={"symbol": "line-ew", "size": 26, "line": {"width": 3, "color": FAULT}},
            name="objective",
            hoverinfo="text",
        )
    deepest = max((_nines(p) for curve in curves.values() for p in curve.probability if p < 1), default=2.0)
    times = [t for curve in curves.values() for t in (*curve.low_s, *curve.high_s) if 0 < t < math.inf]
    times += [y for _, y, _ in marks]
    figure.update_layout(
        _layout(
            height=430,
            xaxis={
                "title": {"text": "share of executions that are at least as fast"},
                "tickvals": [_nines(level) for level in LEVELS],
                "ticktext": [format_ratio(level) for level in LEVELS],
                "range": [0, deepest * 1.02],
            },
            yaxis={"title": {"text": "latency"}, "type": "log", **_time_ticks(times)},
        )
    )
    return figure


def timeline(shown: Timeline, family: Family, order: Mapping[str, int], until_s: float) -> go.Figure:
    """The series of one kind over the time of a run, with bands; the fault, if any, is shaded and named.

    order: number of each name, which gives its colour and dash. until_s: end of the time axis.
    """
    unit, length_s = _time_unit(until_s)
    figure = go.Figure()
    for series in shown.series:
        if series.name in family.names:
            name = series.name.partition(".")[2] or series.name
            times = [_short(time / length_s, 6) for time in series.time_s]
            hover = f"{_safe(name)}: %{{y:,.4~g}} {_safe(series.unit)}<extra></extra>"
            index = order.get(series.name, 0)
            _add_line(figure, name, index, times, series.mean, series.low, series.high, hovertemplate=hover)
    figure.update_layout(
        _layout(
            height=270,
            xaxis={"title": {"text": f"{unit} since the start of the run"}, "range": [0, until_s / length_s]},
            yaxis={
                "title": {"text": _safe(family.unit)},
                "range": [0, 1.08 * family.peak if family.peak > 0 else 1],
            },
            showlegend=True,
        )
    )
    if shown.fault is not None and shown.begin_s is not None:
        begin = shown.begin_s / length_s
        end = until_s / length_s if shown.end_s is None else shown.end_s / length_s
        figure.add_vrect(x0=begin, x1=end, fillcolor=FAULT, opacity=0.16, line_width=0, layer="below")
        for x in (begin, end):
            figure.add_vline(x=x, line={"color": FAULT, "width": 1.5, "dash": "dot"})
        late = begin > 0.6 * until_s / length_s
        figure.add_annotation(
            x=begin,
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="right" if late else "left",
            text=f"▼ {_safe(shown.fault)}",
            showarrow=False,
            font={"color": FAULT, "size": 12},
        )
    return figure


def where_the_time_goes(splits: Mapping[str, Split]) -> go.Figure:
    """Two stacked bars for each workflow, the mean and the neighbourhood of the p99, each summing to 100 %."""
    figure = go.Figure()
    parts = {name: shares(split, MOST_STATES) for name, split in splits.items()}
    bars: list[tuple[str, str, float, dict[str, float]]] = []
    for name, found in parts.items():
        for label, seconds in (
            ("mean", {share.state: share.mean_s for share in found}),
            ("near p99", {share.state: share.tail_s for share in found}),
        ):
            bars.append((_safe(name), label, sum(seconds.values()), seconds))
    bars.reverse()  # plotly draws the first category at the bottom
    for index, state in enumerate(_states(splits)):
        colour, striped = _look(index)
        portions = [seconds.get(state, 0.0) / whole if whole > 0 else 0.0 for _, _, whole, seconds in bars]
        figure.add_bar(
            orientation="h",
            x=[_short(100 * portion) for portion in portions],
            y=[f"{name}<br>{label}, {format_duration_s(whole)}" for name, label, whole, _ in bars],
            name=_safe(state_of(state)),
            text=[f"{100 * portion:.0f} %" if portion >= 0.06 else "" for portion in portions],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="inside",
            textfont={"color": "#ffffff", "size": 12},
            hovertext=[
                f"{_safe(state_of(state))}: {format_duration_s(seconds.get(state, 0.0))}, {format_ratio(portion)}"
                for (_, _, _, seconds), portion in zip(bars, portions, strict=True)
            ],
            hoverinfo="text",
            marker={
                "color": colour,
                "line": {"width": 1, "color": "rgba(255,255,255,0.55)"},
                "pattern": {"shape": "/" if striped else ""},
            },
        )
    figure.update_layout(
        _layout(
            height=56 + 52 * len(bars),
            barmode="stack",
            bargap=0.3,
            xaxis={"range": [0, 100], "dtick": 20, "ticksuffix": " %", "title": {"text": "share of the time"}},
            margin={"l": 12, "r": 30, "t": 10, "b": 12},
            yaxis={"ticks": ""},
        )
    )
    # What does not fit into its piece of a bar is hidden rather than shrunk.
    figure.update_layout(hovermode="closest", showlegend=False, uniformtext={"minsize": 11, "mode": "hide"})
    return figure


def legend(splits: Mapping[str, Split]) -> list[tuple[str, str, bool]]:
    """The states in `where_the_time_goes`: name, colour, whether striped. Apart, since it may need many lines."""
    return [(state_of(state), *_look(index)) for index, state in enumerate(_states(splits))]


def _states(splits: Mapping[str, Split]) -> list[str]:
    parts = [share.state for split in splits.values() for share in shares(split, MOST_STATES)]
    return sorted(dict.fromkeys(parts), key=lambda state: state == "rest")


def _look(index: int) -> tuple[str, bool]:
    """Colour of a state; beyond the colours stripes tell the states apart."""
    return COLOURS[index % len(COLOURS)], index >= len(COLOURS)


def _add_line(
    figure: go.Figure,
    name: str,
    index: int,
    x: Sequence[float],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    **hover: Any,
) -> None:
    """A line with its band; the two are switched on and off together in the legend."""
    colour = COLOURS[index % len(COLOURS)]
    group = f"g{index}"
    band = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False, "legendgroup": group}
    figure.add_scatter(x=x, y=_drawn(low), **band)
    figure.add_scatter(x=x, y=_drawn(high), fill="tonexty", fillcolor=_faint(colour), **band)
    figure.add_scatter(
        x=x,
        y=_drawn(middle),
        mode="lines",
        line={"color": colour, "width": 2, "dash": DASHES[index % len(DASHES)]},
        name=_safe(name),
        legendgroup=group,
        **hover,
    )


def _layout(height: int, **rest: Any) -> dict[str, Any]:
    common: dict[str, Any] = {
        "template": THEMES["light"],
        "height": height,
        "margin": {"l": 12, "r": 14, "t": 26, "b": 12},
        "hovermode": "x",
        "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "xanchor": "left", "x": 0},
    }
    return common | rest


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


def _safe(text: str) -> str:
    return html.escape(text, quote=False)
