"""`sim calibrate`: parameters fitted to measurements, and service times to logs, histories, metrics and traces."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.calibrate_log import calibrate_log
from sim.cli.calibrate_study import calibrate_study, write_presets
from sim.errors import InputErrors, Problem


def command(
    context: typer.Context,
    file: Annotated[
        list[Path], typer.Argument(help="A study (YAML), or what was observed: files or a folder.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="Study: where the fits go. Without it, ../fits/NAME.yaml.", show_default=False
        ),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option("--max-evaluations", help="Study: steps of each search at most, in place of its own."),
    ] = None,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Study: also predict each cell by a fit to the others.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Study: write nothing; say whether the fits are what the study gives.")
    ] = False,
    presets: Annotated[
        bool,
        typer.Option(
            "--presets", help="Study: fit nothing; write the committed fits into the presets that take them."
        ),
    ] = False,
    only: Annotated[
        list[str], typer.Option("--only", metavar="GLOB", help="With --check: the figures of these cells alone.")
    ] = [],  # noqa: B006 - typer copies it
    processes: Annotated[int, typer.Option("--processes", help="Study: runs at once; -1 takes all cores.")] = -1,
    kind: Annotated[
        list[str], typer.Option("--kind", metavar="GLOB", help="Log: what is fitted, in place of service times.")
    ] = [],  # noqa: B006 - typer copies it
    write: Annotated[
        Path | None, typer.Option("--write", help="Log: write the fits as YAML.", show_default=False)
    ] = None,
    scenario: Annotated[
        Path | None,
        typer.Option("--scenario", help="pgbench, Temporal: write a scenario, ready to run.", show_default=False),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", help="Temporal: the scenario whose platform is taken for it.", show_default=False),
    ] = None,
    cpu: Annotated[
        int | None, typer.Option("--cpu", min=1, help="pgbench, one client: cores that the work is shared by.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
) -> None:
    """Fit what was measured: a model's parameters to a study's cells, or service times to a log.

    STUDY.yaml: parameters by simulation; writes values, intervals and errors. With --check it exits with 1 when the
    committed fits are not what the study gives.

    Anything else is told by its content: logs of `pgbench -l`, Temporal workflow histories (`temporal workflow show
    --output json`), range queries of Prometheus, traces (OTLP, Jaeger), results of k6 (CSV, JSON) and locust (CSV).
    Prints what is in it, and for service times the distribution that fits, as a line of YAML.
    """
    words = shlex.join(["sim", *context.find_root().obj])
    of_study: dict[str, object] = {"--out": out, "--max-evaluations": evaluations, "--leave-one-out": leave_one_out}
    of_study |= {
        "--check": check,
        "--presets": presets,
        "--only": only,
        "--processes": None if processes == -1 else processes,
    }
    of_log: dict[str, object] = {
        "--kind": kind,
        "--write": write,
        "--scenario": scenario,
        "--like": like,
        "--cpu": cpu,
    }
    if len(file) == 1 and file[0].suffix in (".yaml", ".yml"):
        _refuse(of_log, "is for a log, and this is a study")
        if presets:
            _refuse(
                {key: one for key, one in of_study.items() if key != "--presets"}, "is for a fit, and none is made"
            )
            write_presets(file[0], quiet)
        else:
            calibrate_study(file[0], out, evaluations, leave_one_out, check, only, processes, quiet, words)
    else:
        _refuse(of_study, "is for a study, a YAML file")
        calibrate_log(file, kind, write, scenario, like, cpu, quiet, words)


def _refuse(options: dict[str, object], message: str) -> None:
    """No option is taken and then ignored."""
    given = [key for key, value in options.items() if value is not None and value is not False and value != []]
    if given:
        raise InputErrors([Problem(key, message, "leave it out") for key in given])
