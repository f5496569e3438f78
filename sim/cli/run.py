"""`sim run`: the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.options import AsJson, Engine, File, MitigationName, Processes, Quiet, Report, Seed, Sets
from sim.cli.output import note
from sim.cli.settings import at_least, parsed
from sim.cli.study import Study
from sim.errors import Problem
from sim.units import parse_duration_ns, parse_positive_duration_ns, parse_ratio

if TYPE_CHECKING:
    from sim.lower.load import Loaded
    from sim.plan.drawn import Draws
    from sim.plan.predict import Prediction
    from sim.stats.summary import MonitorResult, Summary


def command(
    context: typer.Context,
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    mitigation: MitigationName = None,
    seed: Seed = None,
    replications: Annotated[int | None, typer.Option("--replications", help="Independent runs.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="More runs until figures are this precise: '5 %'.")
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
    out: Annotated[Path | None, typer.Option("--out", help="Write the columns into this folder.")] = None,
    columns: Annotated[
        str | None, typer.Option("--format", help="Of the columns: csv or parquet.", show_default="csv")
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
            help="Try what may meet a missed objective, in fewer runs: about the work of the prediction once more. "
            "Without either it is tried unless --json is given.",
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
    processes: Processes = -1,
) -> None:
    """Predict latency, recovery and cost; print figures, verdicts and the bill."""
    from sim.plan.predict import Options, predict
    from sim.plan.remedies import remedies
    from sim.report.frames import names_of

    study = Study(context, file, sets, mitigation, quiet)
    loaded, problems = study.loaded, study.problems
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
    if gate and not loaded.scenario.objectives and not _monitors(loaded):
        problems.append(
            Problem(
                "--gate",
                "has nothing to hold the run against: the scenario has neither objectives nor monitors",
                "add   objectives: [{metric: latency.WORKFLOW.p95, below: 1 s}]",
            )
        )
    if columns not in (None, "csv", "parquet"):
        problems.append(Problem("--format", f"is `{columns}`; csv or parquet are expected"))
    elif columns is not None and out is None:
        problems.append(Problem("--format", "is about the files of --out, which is not given", "add   --out FOLDER"))
    file_format: Literal["csv", "parquet"] = "parquet" if columns == "parquet" else "csv"
    reads = [inputs] if inputs is not None else []
    study.ready(engine, processes, report, out, names_of(file_format), reads)
    if inputs is not None:
        options = replace(options, draws=_draws(inputs, file, options.settings(loaded.scenario.run).seed))
    with study.progress() as progress:
        options = replace(options, progress=progress.tell)
        prediction = predict(loaded, options)
        tried = not as_json if fix is None else fix
        found = remedies(loaded, options, prediction, tried and not prediction.interrupted)
        prediction = replace(prediction, summary=replace(prediction.summary, remedies=found))
    study.show(prediction, as_json, _document, _text, _write)
    if out is not None:
        _write_columns(out, prediction, file_format)
        note(f"columns: {out}", quiet)
    if found and not tried and loaded.scenario.mitigations:
        ways = ", ".join(f"--mitigation {name}" for name in loaded.scenario.mitigations)
        note(f"what the file says may mitigate it: {ways}", quiet)
    study.end(prediction.interrupted, not gate or _passes(prediction.summary))


def _monitors(loaded: Loaded) -> bool:
    """Whether anything must hold in every execution."""
    return bool(loaded.lowered.network.monitors)


def _draws(fits: Path, scenario: Path, seed: int) -> Draws:
    """Draws of the parameters in a file of fits. Hardware is that of the host that they were fitted for, where it is
    one; of several nobody knows which this is, and they stay as the scenario has them."""
    from sim.calibrate.fits import read_fits

    found = read_fits(fits)
    hosts = {one.host for one in found.hardware.values()}
    host = str(next(iter(hosts))) if len(hosts) == 1 else ""
    return lambda count: [found.changes(values, scenario, host) for values in found.draws(count, seed)]


def _document(prediction: Prediction) -> dict[str, Any]:
    from sim.report.json_document import document

    found = document(prediction.summary, prediction.bill)
    _add_lives(found["monitors"], prediction.summary.monitors)
    return found


def _text(prediction: Prediction) -> str:
    from sim.report.text import prediction_text

    return prediction_text(prediction.summary, prediction.bill)


def _write(path: Path, prediction: Prediction) -> None:
    from sim.report.page import write_report

    write_report(path, prediction.summary, prediction.bill)


def _write_columns(out: Path, prediction: Prediction, file_format: Literal["csv", "parquet"]) -> None:
    """The columns of all runs as files in a folder."""
    from sim.report.frames import write_columns

    drills = {fault: [one.run for one in episodes] for fault, episodes in prediction.drills.items()}
    write_columns(out, prediction.replications, drills=drills, bill=prediction.bill, file_format=file_format)


def _add_lives(found: list[dict[str, Any]], monitors: Sequence[MonitorResult]) -> None:
    """Give each violated monitor of the document the first execution that broke it, and its life as lines of text."""
    for entry, monitor in zip(found, monitors, strict=True):
        if monitor.example is not None:
            replication, execution = monitor.example
            entry |= {"example": {"replication": replication, "execution": execution}, "trace": list(monitor.trace)}


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
