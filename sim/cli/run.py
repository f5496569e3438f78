"""`sim run`: the prediction."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sim.cli.process import note
from sim.cli.study import (
    AsJson,
    Engine,
    File,
    MaxEvents,
    MaxMemory,
    MitigationName,
    Processes,
    Quiet,
    Report,
    Seed,
    Sets,
    Study,
    at_least,
    most_events,
    most_memory,
    parsed,
)
from sim.errors import Problem

if TYPE_CHECKING:
    from sim.studies.envelope import Draws


def command(
    context: typer.Context,
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    mitigation: MitigationName = None,
    seed: Seed = None,
    replications: Annotated[int | None, typer.Option("--replications", help="Independent runs.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="Run more replications until figures are this precise: '5 %'.")
    ] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", help="End of the measured window: '10 min'.")] = None,
    warmup: Annotated[str | None, typer.Option("--warmup", help="auto, off, or a time: '1 min'.")] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--inputs",
            metavar="FITS",
            help="Draw the fitted parameters of this file of fits for each run, for intervals `+ inputs`.",
        ),
    ] = None,
    engine: Engine = "fast",
    report: Report = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the raw columns into this folder.")] = None,
    columns: Annotated[
        str | None, typer.Option("--format", help="Format of the columns: csv or parquet.", show_default="csv")
    ] = None,
    as_json: AsJson = False,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="Exit with 1 unless every objective is met, no monitor violated, nothing overloaded or in deadlock.",
        ),
    ] = False,
    fix: Annotated[
        bool | None,
        typer.Option(
            "--fix/--no-fix",
            help="Search for a change that meets a missed objective; takes about as long as the prediction. "
            "Default: search unless --json is given.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
    processes: Processes = -1,
    max_events: MaxEvents = None,
    max_memory: MaxMemory = None,
) -> None:
    """Predict latency, recovery and cost; print figures, verdicts and the bill."""
    from sim.report.frames import names_of, write_columns
    from sim.studies.run.blocks import blocks
    from sim.studies.run.document import document
    from sim.studies.run.remedies import predict_and_mend
    from sim.studies.run.study import Options
    from sim.units import parse_positive_duration_ns, parse_ratio

    study = Study(context, file, sets, mitigation, quiet)
    problems = study.problems
    options = Options(
        seed=at_least(0, "--seed", seed, problems),
        replications=at_least(2, "--replications", replications, problems),
        precision=parsed("--precision", precision, parse_ratio, problems),
        horizon_ns=parsed("--horizon", horizon, parse_positive_duration_ns, problems),
        warmup=parsed("--warmup", warmup, _warmup, problems),
        processes=processes,
        engine=engine,
        max_events=most_events(max_events, problems),
        memory_bytes=most_memory(max_memory, problems),
        command=study.command,
        rows=out is not None,
    )
    if gate and not (study.loaded.scenario.objectives or study.loaded.lowered.network.monitors):
        message = "has nothing to hold the run against: the scenario has neither objectives nor monitors"
        hint = "add   objectives: [{metric: latency.WORKFLOW.p95, below: 1 s}]"
        problems.append(Problem("--gate", message, hint))
    if columns not in (None, "csv", "parquet"):
        problems.append(Problem("--format", f"is `{columns}`; csv or parquet are expected"))
    elif columns is not None and out is None:
        problems.append(Problem("--format", "is about the files of --out, which is not given", "add   --out FOLDER"))
    file_format: Literal["csv", "parquet"] = "parquet" if columns == "parquet" else "csv"
    study.ready(engine, processes, report, out, names_of(file_format), [inputs] if inputs is not None else [])
    if inputs is not None:
        options = replace(options, draws=_draws(inputs, file, options.settings(study.loaded.scenario.run).seed))
    try_fixes = not as_json if fix is None else fix
    prediction = study.run(partial(predict_and_mend, try_fixes=try_fixes), options)
    summary, bill = prediction.summary, prediction.bill
    study.show(as_json, lambda: document(summary, bill), lambda: blocks(summary, bill))
    if out is not None:
        drills = {fault: [one.run for one in episodes] for fault, episodes in prediction.drills.items()}
        write_columns(out, prediction.replications, drills=drills, bill=bill, file_format=file_format)
        note(f"columns: {out}", quiet)
    mitigations = study.loaded.scenario.mitigations
    if summary.remedies and not try_fixes and mitigations:
        ways = ", ".join(f"--mitigation {name}" for name in mitigations)
        note(f"what the file says may mitigate it: {ways}", quiet)
    study.end(prediction.interrupted, not gate or prediction.passes)


def _draws(fits: Path, scenario: Path, seed: int) -> Draws:
    """Draws of the parameters in a file of fits. Hardware is drawn where all fits are of one host; with several
    hosts it stays as the scenario has it."""
    from sim.calibrate.fits import changes, read_fits

    found = read_fits(fits)
    hosts = {one.host for one in found.hardware.values()}
    host = str(next(iter(hosts))) if len(hosts) == 1 else ""
    return lambda count: [changes(found.parameters, values, scenario, host) for values in found.draws(count, seed)]


def _warmup(text: str) -> str | int:
    from sim.units import parse_duration_ns

    return {"auto": "auto", "off": "none", "none": "none"}.get(text) or parse_duration_ns(text)
