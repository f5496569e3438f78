"""`sim calibrate`: parameters fitted to measurements."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.calibrate_study import calibrate_study


def command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A study, a YAML file.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Where the fits go. Without it, ../fits/NAME.yaml.", show_default=False),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option("--max-evaluations", help="Steps of each search at most, in place of the study's own."),
    ] = None,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Also predict each cell by a fit to the others.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the fits are what the study gives.")
    ] = False,
    only: Annotated[
        list[str], typer.Option("--only", metavar="GLOB", help="With --check: the figures of these cells alone.")
    ] = [],  # noqa: B006 - typer copies it
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Fit a model's parameters to measured cells by simulation; write values, intervals and errors as YAML.

    With --check it exits with 1 when the committed fits are not what the study gives.
    """
    words = shlex.join(["sim", *context.find_root().obj])
    calibrate_study(file, out, evaluations, leave_one_out, check, only, processes, quiet, words)
