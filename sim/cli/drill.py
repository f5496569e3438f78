"""`sim drill`: how long until a fault is over, and what it takes with it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import File, Sets
from sim.cli.output import note, say
from sim.cli.progress import Progress
from sim.cli.settings import at_least, check_how, compile_engine, make_room, parsed
from sim.cli.start import settle
from sim.errors import InputErrors, Problem
from sim.units import parse_positive_duration_ns


def command(
    context: typer.Context,
    file: File,
    fault: Annotated[str, typer.Option("--fault", metavar="NAME", help="Which of the scenario's faults.")],
    phases: Annotated[
        list[str],
        typer.Option(
            "--phase",
            help="When in the load's cycle it begins: :58 (minute 58), 10:58, '3 h', or any (drawn each time). "
            "Repeatable, to compare. Without it the fault's own time; drawn where it comes at random.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer copies it
    episodes: Annotated[int | None, typer.Option("-n", help="Episodes.", show_default="40")] = None,
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            help="How long an episode that is not over is followed: '1 h'.",
            show_default="8 times run.drill_window",
        ),
    ] = None,
    mitigation: Annotated[
        str | None,
        typer.Option(
            "--mitigation", metavar="NAME", help="Compare with this one of its `mitigations`.", show_default=False
        ),
    ] = None,
    sets: Sets = [],  # noqa: B006 - typer copies it
    seed: Annotated[int | None, typer.Option("--seed", help="Everything random follows from it.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="fast, or reference: the same figures, slowly.")] = "fast",
    report: Annotated[Path | None, typer.Option("--report", help="Write one HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Inject a fault many times and measure recovery: time to detect, restore, drain and return to SLO; work lost and
    repeated; cost of an episode; the course of a median and of a bad one."""
    from sim.plan.drill import EPISODES, DrillOptions, drill
    from sim.plan.inputs import files_of
    from sim.plan.loading import load

    loaded = load(file, sets)
    settle()
    problems: list[Problem] = []
    options = DrillOptions(
        fault=fault,
        phases=tuple(dict.fromkeys(phases)),
        episodes=at_least(2, "-n", episodes, problems) or EPISODES,
        seed=at_least(0, "--seed", seed, problems),
        limit_ns=parsed("--limit", limit, parse_positive_duration_ns, problems),
        mitigation=mitigation,
        processes=processes,
        engine=engine,
        command=shlex.join(["sim", *context.find_root().obj]),
    )
    if options.limit_ns is not None and options.limit_ns < loaded.scenario.run.drill_window_ns:
        problems.append(Problem("--limit", "is below run.drill_window, for which every episode is followed"))
    check_how(engine, processes, problems)
    make_room(report, None, problems, files_of(loaded))
    if problems:
        raise InputErrors(problems)
    compile_engine(engine, quiet)
    with Progress(not quiet) as progress:
        found = drill(loaded, replace(options, progress=progress.tell))
    if as_json:
        from sim.report.drill_document import document

        say(json.dumps(document(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from sim.report.drill_text import drill_text

        say(drill_text(found))
    if report is not None:
        from sim.report.drill_page import write_drill

        write_drill(report, found)
        note(f"report: {report}", quiet)
    if found.interrupted:
        raise SystemExit(130)
