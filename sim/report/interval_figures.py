"""Charts of figures with their intervals: bars against a bound, and figures by the factor of the load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sim.figure import Figure
from sim.report.figures import DASHES, FAULT, Trace, made, safe
from sim.report.tables import COLOURS

if TYPE_CHECKING:
    import plotly.graph_objects as go

LEAST: Final = 0.01
"""What a logarithmic axis shows of nothing."""


def bars_against_bound(
    figures: Mapping[str, Figure], hover: Sequence[str], bound: float, bound_name: str, axis: str
) -> go.Figure:
    """A bar for each figure with its interval, the last at the top; the bound is a line. hover: what each bar says."""
    values = [one.value or 0.0 for one in figures.values()]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": [safe(name) for name in figures],
        "error_x": _error(list(figures.values()), values) | {"thickness": 1.5},
        "marker": {"color": COLOURS[0]},
        "hovertext": [safe(f"{name}: {said}") for name, said in zip(figures, hover, strict=True)],
        "hoverinfo": "text",
    }
    line = {"type": "line", "yref": "paper", "x0": bound, "x1": bound, "y0": 0, "y1": 1}
    name = {"x": bound, "y": 1, "yref": "paper", "yanchor": "bottom", "text": bound_name, "showarrow": False}
    return made(
        [bars],
        height=96 + 34 * len(figures),
        margin={"l": 12, "r": 24, "t": 26, "b": 12},
        hovermode="closest",
        xaxis={"title": {"text": axis}, "rangemode": "tozero"},
        yaxis={"title": {"text": ""}},
        showlegend=False,
        shapes=[{**line, "line": {"color": FAULT, "width": 2, "dash": "dash"}}],
        annotations=[name],
    )


def share_by_load(shares: Mapping[float, tuple[Figure, str]], axis: str) -> go.Figure:
    """A share with its interval, by the factor of the load; each with what it says under the pointer."""
    figures = [figure for figure, _ in shares.values()]
    values = [100 * (one.value or 0.0) for one in figures]
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [round(at, 6) for at in shares],
        "y": values,
        "error_y": _error([one.scaled(100, "%") for one in figures], values),
        "text": [said for _, said in shares.values()],
        "line": {"color": FAULT},
        "marker": {"size": 8},
    }
    return made(
        [line],
        height=260,
        hovermode="closest",
        xaxis={"title": {"text": "factor of the load"}},
        yaxis={"title": {"text": axis}, "ticksuffix": " %", "range": [-4, 104]},
        showlegend=False,
    )


def branches_by_load(
    branches: Mapping[str, Sequence[Figure]], loads: Sequence[float], shaded: tuple[float, float] | None, axis: str
) -> go.Figure:
    """Figures by the factor of the load, a line for each branch, on a logarithmic scale. shaded: a range of loads."""
    traces: list[Trace] = []
    for index, (name, figures) in enumerate(branches.items()):
        values = [max(one.value or 0.0, LEAST) for one in figures]
        error = _error(
            [replace(one, low=max(one.low if one.low is not None else LEAST, LEAST)) for one in figures], values
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": [round(one, 6) for one in loads],
                "y": values,
                "error_y": error | {"arrayminus": [max(part, 0.0) for part in error["arrayminus"]]},
                "line": {"color": COLOURS[index], "dash": DASHES[index]},
                "marker": {"symbol": "circle" if index == 0 else "x", "size": 8},
            }
        )
    drawn = [value for trace in traces for value in trace["y"]]
    # Room for intervals, some of which reach below nothing.
    ends = [math.log10(min(drawn) / 2), math.log10(2 * max(drawn))]
    shade = {"type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0}}
    shapes = [{**shade, "fillcolor": FAULT, "opacity": 0.12, "x0": shaded[0], "x1": shaded[1]}] if shaded else []
    return made(
        traces,
        height=380,
        hovermode="closest",
        xaxis={"title": {"text": "factor of the load"}},
        yaxis={"title": {"text": axis}, "type": "log", "range": ends},
        shapes=shapes,
    )


def _error(figures: Sequence[Figure], values: Sequence[float]) -> dict[str, Any]:
    """Bars from values to the ends of their intervals; none where there is no end."""
    above = [0.0 if one.high is None else one.high - value for one, value in zip(figures, values, strict=True)]
    below = [0.0 if one.low is None else value - one.low for one, value in zip(figures, values, strict=True)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
