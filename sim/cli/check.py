"""`sim check`: validate, and a first estimate in closed form; no simulation."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sim.cli.options import File, Sets


def command(
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Validate a scenario and estimate it in closed form, without simulation."""
    from sim.analytic.estimate import estimate
    from sim.cli.estimate_text import as_document, as_text
    from sim.lower.load import load

    loaded = load(file, sets)
    first = estimate(loaded.lowered.network)
    if as_json:
        print(json.dumps(as_document(loaded.scenario.name, first), indent=2))
    else:
        print(as_text(str(file), loaded.scenario.name, first))
