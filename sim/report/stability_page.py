"""The page of a study of stability, as templates/stability.html.j2 lays it out. Its frame is told in `frame`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from sim.files import write_text
from sim.plan.study import Level, Stability, Starts
from sim.report import figures, stability_text
from sim.report.frame import Chart, add_chart, framed
from sim.stats.skewed import independent_share

LEAST = 0.01
"""What a logarithmic axis shows of nothing."""


def write_stability(path: Path, found: Stability, command: str) -> None:
    """Writes the page of a study to `path`. command: what repeats it."""
    write_text(path, render(found, command))


def render(found: Stability, command: str) -> str:
    """The page as text."""
    charts: list[Chart] = []
    drawn = None
    away = stability_text.away_by_load(found)
    share = None
    if len(away) > 1:
        label = "Share of the episodes that do not come back, against the load; counts are in the table of both starts"
        share = add_chart(charts, label, not_back(found))
    if found.starts:
        label = "Executions at work against the load, from both starts; the figures are in the table below"
        drawn = add_chart(charts, label, hysteresis(found))
    context = {
        "found": found,
        "command": command,
        "headline": stability_text.headline_of(found),
        "trigger": stability_text.trigger_of(found),
        "hysteresis": drawn,
        "share": share,
        "away": away,
        "outcomes": (found.as_it_is, *found.mitigations),
        "between": stability_text.between,
        "band_of": stability_text.band_of,
        "meaning_of": stability_text.meaning_of,
        "modes_of": stability_text.modes_of,
    }
    return framed("stability.html.j2", context, charts)


def hysteresis(found: Stability) -> go.Figure:
    """Executions at work at the end of runs from an empty start and from a backlog, by the factor of the load."""
    empty = _branch("from empty", 0, found.starts, [one.from_empty for one in found.starts])
    full = _branch("from a backlog", 1, found.starts, [one.from_backlog for one in found.starts])
    bands = []
    band = found.as_it_is.band
    if band is not None and not band.is_slow and band.permanent.above is not None and band.alone.below is not None:
        bands.append((band.permanent.above, band.alone.below))
    shade = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0}}
    look = {"fillcolor": figures.FAULT, "opacity": 0.12}
    shapes = [{**shade, **look, "x0": start, "x1": end} for start, end in bands if start < end]
    return go.Figure(
        data=[*empty, *full],
        layout={
            "template": figures.THEMES["light"],
            "height": 380,
            "margin": {"l": 12, "r": 14, "t": 26, "b": 12},
            "xaxis": {"title": {"text": "factor of the load"}},
            "yaxis": {"title": {"text": "executions at work"}, "type": "log", "range": _range(found.starts)},
            "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0},
            "shapes": shapes,
        },
    )


def not_back(found: Stability) -> go.Figure:
    """Share of the episodes that do not come back within the limit, with its interval, by the factor of the load."""
    tried = [one for _, one in sorted(stability_text.away_by_load(found).items())]
    shares = [independent_share(one.hits, one.n, 0.95) for one in tried]
    y = [100 * (one.value or 0.0) for one in shares]
    error = {
        "type": "data",
        "array": [100 * (one.high or 0.0) - value for one, value in zip(shares, y, strict=True)],
        "arrayminus": [value - 100 * (one.low or 0.0) for one, value in zip(shares, y, strict=True)],
    }
    return go.Figure(
        data=[
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [round(one.at, 6) for one in tried],
                "y": y,
                "error_y": error,
                "text": [f"{one.hits} of {one.n}" for one in tried],
                "line": {"color": figures.FAULT},
                "marker": {"size": 8},
            }
        ],
        layout={
            "template": figures.THEMES["light"],
            "height": 260,
            "margin": {"l": 12, "r": 14, "t": 26, "b": 12},
            "xaxis": {"title": {"text": "factor of the load"}},
            "yaxis": {"title": {"text": "episodes not back"}, "ticksuffix": " %", "range": [-4, 104]},
            "showlegend": False,
        },
    )


def _range(starts: Sequence[Starts]) -> list[float]:
    """Ends of the logarithmic axis: what is drawn, and room for intervals, some of which reach below nothing."""
    values = [max(level.at_work.value or 0.0, LEAST) for one in starts for level in (one.from_empty, one.from_backlog)]
    return [math.log10(min(values) / 2), math.log10(2 * max(values))]


def _branch(name: str, index: int, starts: Sequence[Starts], levels: Sequence[Level]) -> list[dict[str, Any]]:
    values = [max(level.at_work.value or 0.0, LEAST) for level in levels]
    above = [(level.at_work.high or value) - value for level, value in zip(levels, values, strict=True)]
    below = [
        value - max(LEAST if level.at_work.low is None else level.at_work.low, LEAST)
        for level, value in zip(levels, values, strict=True)
    ]
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": [round(one.factor, 6) for one in starts],
            "y": values,
            "error_y": {"type": "data", "array": above, "arrayminus": [max(part, 0.0) for part in below]},
            "line": {"color": figures.COLOURS[index], "dash": figures.DASHES[index]},
            "marker": {"symbol": "circle" if index == 0 else "x", "size": 8},
        }
    ]
