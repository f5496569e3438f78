"""The application and its verbs."""

from __future__ import annotations

import typer

from calibration.cli import study, validate

app = typer.Typer(
    help="Fit the model to measurements, and hold predictions against what was published, measured, or is known.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("study")(study.command)
app.add_typer(validate.app, name="validate")
