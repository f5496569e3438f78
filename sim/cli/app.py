"""The application and its verbs."""

from __future__ import annotations

import typer

from sim.cli import calibrate, check, drill, explain, init, ledger, run, schema, stability, validate

app = typer.Typer(
    help="Predict latency, recovery time and monthly cost of a durable-workflow platform from a YAML file.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.command)
app.command("drill")(drill.command)
app.command("check")(check.command)
app.command("explain")(explain.command)
app.command("schema")(schema.command)
app.command("ledger")(ledger.command)
app.command("stability")(stability.command)
app.command("init")(init.command)
app.command("calibrate")(calibrate.command)
app.add_typer(validate.app, name="validate")
