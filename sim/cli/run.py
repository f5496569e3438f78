"""`sim run`: the prediction."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.options import File, MitigationName, Sets
from sim.cli.output import note, say
from sim.cli.progress import Progress
from sim.cli.settings import at_least, check_how, compile_engine, make_room, parsed
from sim.cli.start import settle
from sim.errors import InputErrors, Problem
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
    seed: Annotated[int | None, typer.Option("--seed", help="Everything random follows from it.")] = None,
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
            help="Draw the fitted parameters of this file of `sim calibrate` for each run, for intervals `+ inputs`.",
        ),
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="fast, or reference: the same figures, slowly.")] = "fast",
    report: Annotated[Path | None, typer.Option("--report", help="Write one HTML page.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the columns into this folder.")] = None,
    columns: Annotated[
        str | None, typer.Option("--format", help="Of the columns: csv or parquet.", show_default="csv")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
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
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Predict latency, recovery and cost; print figures, verdicts and the bill."""
    from sim.plan.inputs import files_of
    from sim.plan.loading import load
    from sim.plan.predict import Options, predict
    from sim.plan.remedies import remedies
    from sim.report.frames import names_of

    loaded = load(file, sets, mitigation)
    settle()
    problems: list[Problem] = []
    options = Options(
        seed=at_least(0, "--seed", seed, problems),
        replications=at_least(2, "--replications", replications, problems),
        precision=parsed("--precision", precision, parse_ratio, problems),
        horizon_ns=parsed("--horizon", horizon, parse_positive_duration_ns, problems),
        warmup=parsed("--warmup", warmup, _warmup, problems),
        processes=processes,
        engine=engine,
        command=shlex.join(["sim", *context.find_root().obj]),
    )
    check_how(engine, processes, problems)
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
    read = [*files_of(loaded), *([inputs] if inputs is not None else [])]
    make_room(report, out, problems, read, names_of("parquet" if columns == "parquet" else "csv"))
    if problems:
        raise InputErrors(problems)
    if inputs is not None:
        options = replace(options, draws=_draws(inputs, file, options.settings(loaded.scenario.run).seed))
    compile_engine(engine, quiet)
    with Progress(not quiet) as progress:
        options = replace(options, progress=progress.tell)
        prediction = predict(loaded, options)
        tried = not as_json if fix is None else fix
        found = remedies(loaded, options, prediction, tried and not prediction.interrupted)
        prediction = replace(prediction, summary=replace(prediction.summary, remedies=found))
    _print(prediction, as_json)
    _write(prediction, report, out, "parquet" if columns == "parquet" else "csv", quiet)
    if found and not tried and loaded.scenario.mitigations:
        note(
            f"what the file says may mitigate it: {', '.join(f'--mitigation {name}' for name in loaded.scenario.mitigations)}",
            quiet,
        )
    if prediction.interrupted:
        raise SystemExit(130)
    if gate and not _passes(prediction.summary):
        raise SystemExit(1)


def _monitors(loaded: Loaded) -> bool:
    """Whether anything must hold in every execution."""
    return bool(loaded.lowered.network.monitors)


def _draws(fits: Path, scenario: Path, seed: int) -> Draws:
    """Draws of the parameters in a file of fits. Hardware is that of the host that they were fitted for, where it is
    one; of several nobody knows which this is, and they stay as the scenario has them."""
    from sim.calibrate.cases import Case
    from sim.calibrate.fits import read_fits

    found = read_fits(fits)
    hosts = {one.host for one in found.hardware.values()}
    host = str(next(iter(hosts))) if len(hosts) == 1 else ""
    case = Case("", "", scenario, (), 0)
    return lambda count: [found.changes(values, case, host) for values in found.draws(count, seed)]


def _print(prediction: Prediction, as_json: bool) -> None:
    """The prediction on the terminal."""
    if as_json:
        from sim.report.json_document import document

        found = document(prediction.summary, prediction.bill)
        _add_lives(found["monitors"], prediction.summary.monitors)
        say(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from sim.report.text import prediction_text

        say(prediction_text(prediction.summary, prediction.bill))


def _write(
    prediction: Prediction, report: Path | None, out: Path | None, columns: Literal["csv", "parquet"], quiet: bool
) -> None:
    """The page and the columns, where they are asked for."""
    if report is not None:
        from sim.report.page import write_report

        write_report(report, prediction.summary, prediction.bill)
        note(f"report: {report}", quiet)
    if out is not None:
        from sim.report.frames import write_columns

        drills = {fault: [one.run for one in episodes] for fault, episodes in prediction.drills.items()}
        write_columns(out, prediction.replications, drills=drills, bill=prediction.bill, file_format=columns)
        note(f"columns: {out}", quiet)


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
