"""Blocks as one HTML page that needs no network and no other file.

The page is laid out in templates/page.html.j2. plotly.js is inlined from assets/: the bundle `basic` of npm's
plotly.js-basic-dist-min, at the version that plotly.py ships whole (a test keeps the two together), with its licence
beside it. The same content gives the same bytes.

Every string is escaped on its way into a page, and a content security policy lets run only the two scripts that this
file put there and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import plotly.io
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sim.figure import Figure
from sim.report import figures, wording
from sim.report.blocks import Badge, Cell, Chart, Content, Report, Table, sections_of


def page(report: Report) -> str:
    """The page as text: about 1.3 MB, of which 1.2 are plotly.js."""
    charts: list[DrawnChart] = []

    def place(series: Chart) -> DrawnChart:
        charts.append(_chart(f"chart-{len(charts) + 1}", series))
        return charts[-1]

    text: str = _template().render(
        report=report,
        sections=list(sections_of(report.blocks)),
        place=place,
        charts=charts,
        themes=_json(figures.THEMES),
        css=Markup(_asset("report.css")),
        licence=Markup(_asset("plotly-LICENSE.txt")),
        scripts=[Markup(script) for script in _scripts()],
        policy=_policy(),
    )
    return text


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart on the page: where it goes, what it says to those who cannot see it, and plotly's own description."""

    id: str
    label: str
    spec: Markup


def _chart(place: str, series: Chart) -> DrawnChart:
    description = json.loads(plotly.io.to_json(series.draw(), engine="json"))
    del description["layout"]["template"]  # the page gives it, by the reader's colour scheme
    return DrawnChart(place, series.label, _json(description))


def _json(value: Any) -> Markup:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _code(text: str) -> Markup:
    """Text whose parts between backticks are code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _column(table: Table, place: int, one: Content) -> str:
    """The class of a cell: numbers are set flush right, long texts small."""
    content = one.content if isinstance(one, Cell) else one
    if isinstance(content, Figure) or (isinstance(content, str | Badge) and place not in table.left):
        return "number"
    return "aside" if isinstance(content, str) and len(content) > 40 else ""


@cache
def _asset(name: str) -> str:
    return (files("sim.report") / "assets" / name).read_text(encoding="utf-8")


def _scripts() -> tuple[str, str]:
    return _asset("plotly-basic.min.js"), _asset("report.js")


@cache
def _policy() -> str:
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _scripts())
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "code": _code,
        "kind": lambda one: type(one).__name__,
        "value": wording.value_of,
        "interval": wording.interval_of,
        "wide": wording.wide_of,
    }
    environment.globals |= {"signs": wording.SIGNS, "verdict_words": wording.verdict_words, "column": _column}
    return environment.get_template("page.html.j2")
