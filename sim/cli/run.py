"""`sim run`: the prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sim.cli.options import (
    AsJson,
    Engine,
    File,
    MitigationName,
    Processes,
    Quiet,
    Report,
    Seed,
    Sets,
    at_least,
    parsed,
)
from sim.cli.process import note
from sim.cli.study import Study
from sim.errors import Problem
from sim.units import parse_duration_ns, parse_positive_duration_ns, parse_ratio

if TYPE_CHECKING:
    from sim.lower.load import Loaded
    from sim.stats.summary import Summary
    from sim.studies.run.drawn import Draws
    from sim.studies.run.study import Options, Prediction


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
) -> None:
    """Predict latency, recovery and cost; print figures, verdicts and the bill."""
    from sim.report.frames import names_of
    from sim.studies.run.blocks import blocks
    from sim.studies.run.document import document
    from sim.studies.run.study import Options

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
        command=study.command,
    )
    if gate:
        problems += _problems_of_gate(study.loaded)
    problems += _problems_of_format(columns, out)
    file_format: Literal["csv", "parquet"] = "parquet" if columns == "parquet" else "csv"
    study.ready(engine, processes, report, out, names_of(file_format), [inputs] if inputs is not None else [])
    if inputs is not None:
        options = replace(options, draws=_draws(inputs, file, options.settings(study.loaded.scenario.run).seed))
    tries = not as_json if fix is None else fix
    prediction = _predict(study, options, tries)
    summary, bill = prediction.summary, prediction.bill
    study.show(as_json, lambda: document(summary, bill), lambda: blocks(summary, bill))
    if out is not None:
        _write_columns(out, prediction, file_format)
        note(f"columns: {out}", quiet)
    mitigations = study.loaded.scenario.mitigations
    if summary.remedies and not tries and mitigations:
        ways = ", ".join(f"--mitigation {name}" for name in mitigations)
        note(f"what the file says may mitigate it: {ways}", quiet)
    study.end(prediction.interrupted, not gate or _passes(summary))


def _predict(study: Study, options: Options, tries: bool) -> Prediction:
    """The prediction, with the cause of each missed objective and, if so wanted, the fix that runs find."""
    from sim.studies.run.remedies import remedies
    from sim.studies.run.study import predict

    with study.progress() as progress:
        options = replace(options, progress=progress.update)
        prediction = predict(study.loaded, options)
        found = remedies(study.loaded, options, prediction, tries and not prediction.interrupted)
    return replace(prediction, summary=replace(prediction.summary, remedies=found))


def _problems_of_gate(loaded: Loaded) -> list[Problem]:
    """A gate without anything that could fail."""
    if loaded.scenario.objectives or loaded.lowered.network.monitors:
        return []
    message = "has nothing to hold the run against: the scenario has neither objectives nor monitors"
    return [Problem("--gate", message, "add   objectives: [{metric: latency.WORKFLOW.p95, below: 1 s}]")]


def _problems_of_format(columns: str | None, out: Path | None) -> list[Problem]:
    """A format that there is not, or one of files that are not written."""
    if columns not in (None, "csv", "parquet"):
        return [Problem("--format", f"is `{columns}`; csv or parquet are expected")]
    if columns is not None and out is None:
        return [Problem("--format", "is about the files of --out, which is not given", "add   --out FOLDER")]
    return []


def _draws(fits: Path, scenario: Path, seed: int) -> Draws:
    """Draws of the parameters in a file of fits. Hardware is drawn where all fits are of one host; with several
    hosts it stays as the scenario has it."""
    from sim.calibrate.fits import read_fits

    found = read_fits(fits)
    hosts = {one.host for one in found.hardware.values()}
    host = str(next(iter(hosts))) if len(hosts) == 1 else ""
    return lambda count: [found.changes(values, scenario, host) for values in found.draws(count, seed)]


def _write_columns(out: Path, prediction: Prediction, file_format: Literal["csv", "parquet"]) -> None:
    """The columns of all runs as files in a folder."""
    from sim.report.frames import write_columns

    drills = {fault: [one.run for one in episodes] for fault, episodes in prediction.drills.items()}
    write_columns(out, prediction.replications, drills=drills, bill=prediction.bill, file_format=file_format)


def _passes(summary: Summary) -> bool:
    """Whether it is neither overloaded nor stands still, every objective is met, and no execution has broken what must
    hold in all."""
    if summary.standstills or (summary.overload is not None and summary.overload.overloaded):
        return False
    return all(one.verdict == "met" for one in summary.objectives) and not any(
        monitor.violated for monitor in summary.monitors
    )


def _warmup(text: str) -> str | int:
    return {"auto": "auto", "off": "none", "none": "none"}.get(text) or parse_duration_ns(text)
