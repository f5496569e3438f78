"""`sim stability`: does a blip stay a blip?"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import File, Sets
from sim.cli.output import note, say
from sim.cli.progress import Progress
from sim.cli.start import settle
from sim.errors import InputErrors, Problem
from sim.units import parse_positive_duration_ns, parse_ratio

LOAD = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*(?:\.\.\s*(\d+\.?\d*|\.\d+)\s*)?")
DEFAULT_LOAD = "0.5..1.5"


def command(
    context: typer.Context,
    file: File,
    fault: Annotated[str, typer.Option("--fault", metavar="NAME", help="The trigger: a fault of the scenario.")],
    sets: Sets = [],  # noqa: B006 - typer copies it
    load: Annotated[
        str,
        typer.Option(
            "--load",
            metavar="FROM..TO",
            help="Factors on all load between which is searched; one factor: everything there, and no search.",
        ),
    ] = DEFAULT_LOAD,
    episodes: Annotated[int, typer.Option("-n", help="Episodes at the given load, and with each cure.")] = 10,
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            help="How long after the fault's end it may take to come back: '5 min'. Without it "
            "the scenario's run.drill_window.",
            show_default=False,
        ),
    ] = None,
    backlog: Annotated[
        int | None,
        typer.Option(
            "--backlog",
            help="Executions that the overloaded start begins with. Without it as many as the fault leaves.",
            show_default=False,
        ),
    ] = None,
    within: Annotated[float, typer.Option("--within", help="How far apart the ends of an interval may be.")] = 0.05,
    error: Annotated[str, typer.Option("--error", help="Probability that a search is wrong.")] = "5 %",
    sweep_cures: Annotated[bool, typer.Option("--sweep-cures", help="Search with each cure, too.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Everything random follows from it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write one HTML page.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Remove a trigger and watch: what comes back, from which load on it does not, and what cures it.

    At the given load: the share of episodes that come back, with each of the scenario's `cures`, too. At every load
    tried: where runs end up that begin empty and that begin with a backlog.
    """
    from sim.engine.run import compile_now, must_be_compiled
    from sim.lower.load import load as load_scenario
    from sim.plan.stability import foreseen, stability
    from sim.plan.study import StabilityOptions
    from sim.report.stability_document import document
    from sim.report.stability_text import stability_text

    loaded = load_scenario(file, sets)
    settle()
    problems: list[Problem] = []
    low, high = _loads(load, problems)
    for option, value, least in (("-n", episodes, 2), ("--backlog", backlog, 1), ("--seed", seed, 0)):
        if value is not None and value < least:
            problems.append(Problem(option, f"is {value}; at least {least} is expected"))
    if processes != -1 and processes < 1:
        problems.append(Problem("--processes", f"is {processes}; at least 1 is expected"))
    if not 0.001 <= within <= 1:
        problems.append(Problem("--within", f"is {within:g}; a part of the load from 0.001 to 1 is expected"))
    options = StabilityOptions(
        fault=fault,
        episodes=episodes,
        low=low,
        high=high,
        within=within,
        error=_error(error, problems),
        limit_ns=_limit(limit, problems),
        backlog=backlog,
        sweep_cures=sweep_cures,
        seed=seed,
        processes=processes,
    )
    if sweep_cures and low == high:
        problems.append(
            Problem("--sweep-cures", "searches, but --load names one load", f"write   --load {DEFAULT_LOAD}")
        )
    if report is not None and report.is_dir():
        problems.append(Problem("--report", f"`{report}` is a folder; a file is expected"))
    if problems:
        raise InputErrors(problems)
    if must_be_compiled("fast"):
        note("compiling the engine, once on this machine: about 20 s", quiet)
        compile_now()
    note(f"{foreseen(loaded, options)} runs, or up to twice as many where chance decides", quiet)
    with Progress(not quiet) as progress:
        found = stability(loaded, replace(options, progress=progress.tell))
    repeat = shlex.join(["sim", *context.find_root().obj])
    if as_json:
        say(json.dumps(document(found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        say(stability_text(found, repeat))
    if report is not None:
        from sim.report.stability_page import write_stability

        report.parent.mkdir(parents=True, exist_ok=True)
        write_stability(report, found, repeat)
        note(f"report: {report}", quiet)


def _loads(text: str, problems: list[Problem]) -> tuple[float, float]:
    """Both ends of `0.5..1.5`, or one load twice."""
    found = LOAD.fullmatch(text)
    low, high = (float(found[1]), float(found[2] or found[1])) if found else (0.0, 0.0)
    if found is None or not 0 < low <= high:
        problems.append(
            Problem(
                "--load", f"is `{text}`; rising factors of the load are expected", f"write   --load {DEFAULT_LOAD}"
            )
        )
        return 1.0, 1.0
    return low, high


def _error(text: str, problems: list[Problem]) -> float:
    try:
        error = parse_ratio(text)
    except ValueError as reason:
        problems.append(Problem("--error", str(reason)))
        return 0.05
    if not 0 < error < 0.5:
        problems.append(Problem("--error", f"is {text}; more than 0 and less than 50 % is expected"))
        return 0.05
    return error


def _limit(text: str | None, problems: list[Problem]) -> int | None:
    try:
        return None if text is None else parse_positive_duration_ns(text)
    except ValueError as reason:
        problems.append(Problem("--limit", str(reason)))
        return None
