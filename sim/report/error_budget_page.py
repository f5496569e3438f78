"""The page of error budgets, as templates/error_budget.html.j2 lays it out. Its frame is told in `frame`."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go

from sim.files import write_text
from sim.plan.error_budget import ErrorBudgets
from sim.report import error_budget_text, figures
from sim.report.frame import Chart, add_chart, framed
from sim.stats.error_budget import ErrorBudget


def write_error_budgets(path: Path, found: ErrorBudgets) -> None:
    """Writes the page of a scenario's error budgets to `path`."""
    write_text(path, render(found))


def render(found: ErrorBudgets) -> str:
    """The page as text."""
    charts: list[Chart] = []
    drawn = [
        add_chart(
            charts,
            f"Minutes a year by kind of fault for {one.level.name}; the figures are in the table below",
            budget_by_fault(one),
        )
        for one in found.error_budgets
    ]
    context = {
        "found": found,
        "origin": error_budget_text.origin_of(found),
        "error_budgets": list(zip(found.error_budgets, drawn, strict=True)),
        "words": error_budget_text,
    }
    return framed("error_budget.html.j2", context, charts)


def budget_by_fault(found: ErrorBudget) -> go.Figure:
    """Minutes of full outage a year by kind of fault, the greatest at the top, with noise and rate; the budget is a
    line."""
    rows = sorted((*found.rows, *found.pairs), key=lambda row: row.year_min.value or 0.0)
    values = [row.with_rate.value or 0.0 for row in rows]
    names = [row.name for row in rows]
    above = [(row.with_rate.high or 0.0) - value for row, value in zip(rows, values, strict=True)]
    below = [value - (row.with_rate.low or 0.0) for row, value in zip(rows, values, strict=True)]
    budget = found.level.budget_min
    hover = [
        f"{row.name}: {error_budget_text.minutes(value)} a year, {100 * row.share:.3g} % of the budget"
        for row, value in zip(rows, values, strict=True)
    ]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": [figures.safe(name) for name in names],
        "error_x": {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5},
        "marker": {"color": figures.COLOURS[0]},
        "hovertext": [figures.safe(text) for text in hover],
        "hoverinfo": "text",
    }
    line = {"type": "line", "yref": "paper", "x0": budget, "x1": budget, "y0": 0, "y1": 1}
    return go.Figure(
        data=[bars],
        layout={
            "template": figures.THEMES["light"],
            "height": 96 + 34 * len(rows),
            "margin": {"l": 12, "r": 24, "t": 26, "b": 12},
            "xaxis": {"title": {"text": "minutes of full outage a year"}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": ""}},
            "showlegend": False,
            "shapes": [{**line, "line": {"color": figures.FAULT, "width": 2, "dash": "dash"}}],
            "annotations": [
                {
                    "x": budget,
                    "y": 1,
                    "yref": "paper",
                    "yanchor": "bottom",
                    "text": f"budget {error_budget_text.minutes(budget)}",
                    "showarrow": False,
                }
            ],
        },
    )
