"""`sim run`: the prediction."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast

import typer

from sim.cli.options import File, Sets
from sim.cli.progress import Progress
from sim.errors import InputErrors, Problem
from sim.units import parse_duration_ns, parse_positive_duration_ns, parse_ratio

T = TypeVar("T")


def command(
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Everything random follows from it.")] = None,
    replications: Annotated[int | None, typer.Option("--replications", min=2, help="Independent runs.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="More runs until figures are this precise: '5 %'.")
    ] = None,
    horizon: Annotated[str | None, typer.Option("--horizon", help="End of the measured window: '10 min'.")] = None,
    warmup: Annotated[str | None, typer.Option("--warmup", help="auto, off, or a time: '1 min'.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="Which engine runs; `reference` so far.")] = "reference",
    report: Annotated[Path | None, typer.Option("--report", help="Write one HTML page.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the columns into this folder.")] = None,
    columns: Annotated[str, typer.Option("--format", help="Of the columns: csv or parquet.")] = "csv",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 unless every objective is met.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Predict latency, recovery and cost; print figures, verdicts and the bill."""
    from sim.lower.load import load
    from sim.plan.predict import Options, predict

    loaded = load(file, sets)
    problems: list[Problem] = []
    options = Options(
        seed=seed,
        replications=replications,
        precision=_parsed("--precision", precision, parse_ratio, problems),
        horizon_ns=_parsed("--horizon", horizon, parse_positive_duration_ns, problems),
        warmup=_parsed("--warmup", warmup, _warmup, problems),
        processes=processes,
        command=shlex.join(["sim", *sys.argv[1:]]),
    )
    if engine != "reference":
        hint = "write --engine reference; the fast engine is still to come"
        problems.append(Problem("--engine", f"there is no engine `{engine}`", hint))
    if columns not in ("csv", "parquet"):
        problems.append(Problem("--format", f"is `{columns}`; csv or parquet are expected"))
    if problems:
        raise InputErrors(problems)
    with Progress(not quiet) as progress:
        prediction = predict(loaded, replace(options, progress=progress.tell))
    if as_json:
        from sim.report.json_document import document

        print(json.dumps(document(prediction.summary, prediction.bill), indent=2, ensure_ascii=False))
    else:
        from sim.report.text import prediction_text

        print(prediction_text(prediction.summary, prediction.bill))
    if report is not None:
        from sim.report.page import write_report

        write_report(report, prediction.summary, prediction.bill)
        _note(f"report: {report}", quiet)
    if out is not None:
        from sim.report.frames import write_columns

        file_format = cast("Literal['csv', 'parquet']", columns)
        write_columns(
            out, prediction.replications, drills=prediction.drills, bill=prediction.bill, file_format=file_format
        )
        _note(f"columns: {out}", quiet)
    if prediction.interrupted:
        raise SystemExit(130)
    if gate and any(verdict.verdict != "met" for verdict in prediction.summary.objectives):
        raise SystemExit(1)


def _warmup(text: str) -> str | int:
    return {"auto": "auto", "off": "none", "none": "none"}.get(text) or parse_duration_ns(text)


def _parsed(name: str, text: str | None, parse: Callable[[str], T], problems: list[Problem]) -> T | None:
    """The option's value in units; what is wrong with it is added to `problems`."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        problems.append(Problem(name, str(error)))
        return None


def _note(text: str, quiet: bool) -> None:
    if not quiet:
        print(text, file=sys.stderr)
