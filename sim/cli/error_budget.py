"""`sim error-budget`: the error budget, and which fault takes how much of it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import File, MitigationName, Sets
from sim.cli.output import note, say
from sim.cli.progress import Progress
from sim.cli.settings import at_least, check_how, compile_engine, make_room
from sim.cli.start import settle
from sim.errors import InputErrors, Problem


def command(
    context: typer.Context,
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    mitigation: MitigationName = None,
    episodes: Annotated[int, typer.Option("-n", help="Episodes of each kind of fault, on average.")] = 40,
    seed: Annotated[int | None, typer.Option("--seed", help="Everything random follows from it.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="fast, or reference: the same figures, slowly.")] = "fast",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write one HTML page.")] = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 unless every service level is met.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Add up what every kind of fault that comes at random takes of each service level's error budget.

    Faults that come a few times a year are seen in no run: each is run by itself, beside a baseline run without it,
    and weighed with how often it comes.
    """
    from sim.plan.error_budget import PILOT, Options, error_budgets_of
    from sim.plan.inputs import files_of
    from sim.plan.loading import load
    from sim.report.error_budget_document import document
    from sim.report.error_budget_text import error_budgets_text

    loaded = load(file, sets, mitigation)
    settle()
    problems: list[Problem] = []
    at_least(PILOT, "-n", episodes, problems)
    at_least(0, "--seed", seed, problems)
    check_how(engine, processes, problems)
    make_room(report, None, problems, files_of(loaded))
    if problems:
        raise InputErrors(problems)
    compile_engine(engine, quiet)
    repeat = shlex.join(["sim", *context.find_root().obj])
    with Progress(not quiet) as progress:
        options = Options(episodes, seed, processes, engine, progress=progress.tell, command=repeat)
        found = error_budgets_of(loaded, options)
    if as_json:
        say(json.dumps(document(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        say(error_budgets_text(found))
    if report is not None:
        from sim.report.error_budget_page import write_error_budgets

        write_error_budgets(report, found)
        note(f"report: {report}", quiet)
    if found.interrupted:
        raise SystemExit(130)
    if gate and any(one.verdict != "met" for one in found.error_budgets):
        raise SystemExit(1)
