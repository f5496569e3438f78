"""Arguments that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="The scenario, a YAML file.", show_default=False)]
Sets = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one value, written as in the file: --set workers.orders.replicas=6. Repeatable.",
    ),
]
MitigationName = Annotated[
    str | None,
    typer.Option(
        "--mitigation", metavar="NAME", help="Apply this one of the scenario's `mitigations`.", show_default=False
    ),
]

Seed = Annotated[int | None, typer.Option("--seed", help="Seed of all random draws.")]
Engine = Annotated[str, typer.Option("--engine", help="fast, or reference: the same figures, slower.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write one HTML page, or Markdown into FILE.md.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")]
Processes = Annotated[int, typer.Option("--processes", help="Parallel runs; -1 takes all cores.")]
