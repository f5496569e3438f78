"""The frame of every page: one HTML file that needs no network and no other file.

Pages are laid out in templates/, on base.html.j2; their charts come from `figures`. plotly.js is inlined from assets/:
the bundle `basic` of npm's plotly.js-basic-dist-min, at the version that plotly.py ships whole (a test keeps the two
together), with its licence beside it. The same content gives the same bytes.

Every string is escaped on its way into a page, and a content security policy lets run only the two scripts that this
file put there and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import plotly.graph_objects as go
import plotly.io
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sim.report import figures, wording
from sim.units import format_duration_s, format_ratio, format_usd


def framed(template: str, context: Mapping[str, Any], charts: Sequence[Chart]) -> str:
    """A page of a template as text: about 1.3 MB, of which 1.2 are plotly.js. charts: all that it draws."""
    frame = {
        "charts": charts,
        "themes": _json(figures.THEMES),
        "css": Markup(_asset("report.css")),
        "licence": Markup(_asset("plotly-LICENSE.txt")),
        "scripts": [Markup(script) for script in _scripts()],
        "policy": _policy(),
    }
    return _environment().get_template(template).render({**context, **frame})


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart on the page: where it goes, what it says to those who cannot see it, and plotly's own description."""

    id: str
    label: str
    spec: Markup


def add_chart(charts: list[Chart], label: str, figure: go.Figure) -> Chart:
    """A figure as one of the charts of a page."""
    description = json.loads(plotly.io.to_json(figure, engine="json"))
    del description["layout"]["template"]  # the page gives it, by the reader's colour scheme
    chart = Chart(f"chart-{len(charts) + 1}", label, _json(description))
    charts.append(chart)
    return chart


def _json(value: Any) -> Markup:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


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
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "value": wording.value_of,
        "interval": wording.interval_of,
        "state": wording.state_of,
        "duration": format_duration_s,
        "share": format_ratio,
        "usd": format_usd,
        "price": wording.price_of,
    }
    environment.globals |= {
        "signs": wording.SIGNS,
        "run_of": wording.run_of,
        "headline_of": wording.headline_of,
        "total_of": wording.total_of,
        "period_of": wording.period_of,
        "confidence_of": wording.confidence_of,
        "show": wording.show,
        "quantity_of": wording.quantity_of,
        "unit_costs": wording.unit_costs,
        "as_factor": wording.as_factor,
        "wide_of": wording.wide_of,
        "not_back_of": wording.not_back_of,
        "verdict_words": wording.verdict_words,
        "calibration_of": wording.calibration_of,
    }
    return environment
