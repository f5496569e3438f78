"""`sim schema`: the JSON Schema for editors, every key at a path with its meaning, or every metric."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.process import say
from sim.errors import InputErrors, Problem

METRICS = "metrics"


def command(
    path: Annotated[
        str,
        typer.Argument(
            help="A place such as `workers` or `workflows.NAME.steps`: describes every key there. `metrics` lists "
            "what a run measures, and an objective may be about."
        ),
    ] = "",
    file: Annotated[
        Path | None, typer.Argument(help="With `metrics`: the scenario whose metrics are listed.", metavar="[FILE]")
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Describe the whole file instead of printing JSON.")] = False,
) -> None:
    """Print the JSON Schema of scenario files, describe the keys at a path, or list the metrics."""
    if path == METRICS:
        say(_metrics(file).rstrip("\n"))
        return
    if file is not None:
        raise InputErrors([Problem("FILE", f"is {file}, and goes with `metrics` only", f"sim schema metrics {file}")])
    from sim.scenario.reading.schema import describe, schema_text
    from sim.scenario.scenario import Scenario

    say((describe(Scenario, path) if path or text else schema_text(Scenario)).rstrip("\n"))


def _metrics(file: Path | None) -> str:
    """Every family of metrics, or the metrics of a scenario."""
    from sim.cli.metrics_text import families_text, names_text

    if file is None:
        return families_text()
    from sim.studies.loading.load import load

    return names_text(load(file).lowered)
