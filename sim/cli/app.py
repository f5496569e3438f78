"""The application and its verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from sim import __version__
from sim.cli import calibrate, check, compare, compile, drill, error_budget, explain, init, run, schema, stability
from sim.cli.process import say

app = typer.Typer(
    help="Predict latency, recovery time and monthly cost of a durable-workflow platform from a YAML file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        say(f"sim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What holds for every verb."""


for _name, _command in (
    ("run", run.command),
    ("compare", compare.command),
    ("drill", drill.command),
    ("check", check.command),
    ("explain", explain.command),
    ("schema", schema.command),
    ("error-budget", error_budget.command),
    ("stability", stability.command),
    ("init", init.command),
    ("calibrate", calibrate.command),
    ("compile", compile.command),
):
    app.command(_name)(_command)
