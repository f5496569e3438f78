"""`sim check`: validate, and a first estimate in closed form; no simulation."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.process import say, say_json, settle
from sim.cli.study import File, MitigationName, Sets


def command(
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    mitigation: MitigationName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Validate a scenario and estimate it in closed form, without simulation."""
    from sim.analytic.estimate import estimate
    from sim.cli.estimate_text import as_document, as_text
    from sim.report.documents import both, renamed
    from sim.studies.loading.inputs import check_inputs
    from sim.studies.loading.load import load
    from sim.studies.metrics.completions import completions_of

    loaded = load(file, sets, mitigation)
    settle()
    check_inputs(loaded)
    scenario = loaded.scenario
    first = estimate(loaded.lowered.network)
    computed = {**loaded.lowered.computed, **completions_of(scenario)}
    if as_json:
        found = as_document(scenario.name, first, computed, loaded.elements)
        say_json(found | both("mitigations", scenario.mitigations) | renamed("mitigations"))
    else:
        say(as_text(str(file), scenario.name, first, computed, scenario.mitigations, loaded.elements))
