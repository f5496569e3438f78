"""`sim schema`: the JSON Schema for editors, or every key at a path with its meaning."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.output import say


def command(
    path: Annotated[
        str, typer.Argument(help="A place such as `workers` or `workflows.NAME.steps`: describes every key there.")
    ] = "",
    text: Annotated[bool, typer.Option("--text", help="Describe the whole file instead of printing JSON.")] = False,
) -> None:
    """Print the JSON Schema of scenario files, or describe the keys at a path."""
    from sim.scenario.scenario import Scenario
    from sim.scenario.schema import describe, schema_text

    say((describe(Scenario, path) if path or text else schema_text(Scenario)).rstrip("\n"))
