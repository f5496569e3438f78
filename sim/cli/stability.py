"""`sim stability`: whether a short fault leaves a lasting outage."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from sim.cli.process import note
from sim.cli.study import (
    AsJson,
    Engine,
    File,
    MaxEvents,
    MaxMemory,
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
            help="Factors of the load to search between; with one factor everything is done there, without a search.",
        ),
    ] = DEFAULT_LOAD,
    episodes: Annotated[int, typer.Option("-n", help="Episodes at the given load, and with each mitigation.")] = 10,
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            help="How long after the fault's end it may take to recover: '5 min'. Default: the "
            "scenario's run.drill_window.",
            show_default=False,
        ),
    ] = None,
    backlog: Annotated[
        int | None,
        typer.Option(
            "--backlog",
            help="Executions that the overloaded start begins with. Default: as many as the fault leaves.",
            show_default=False,
        ),
    ] = None,
    within: Annotated[
        float, typer.Option("--within", help="Widest interval of a search, as a factor of the load.")
    ] = 0.05,
    error: Annotated[str, typer.Option("--error", help="Probability that a search is wrong.")] = "5 %",
    sweep_mitigations: Annotated[
        bool, typer.Option("--sweep-mitigations", help="Search with each mitigation too.")
    ] = False,
    seed: Seed = None,
    engine: Engine = "fast",
    as_json: AsJson = False,
    report: Report = None,
    quiet: Quiet = False,
    processes: Processes = -1,
    max_events: MaxEvents = None,
    max_memory: MaxMemory = None,
) -> None:
    """Test whether a short fault leaves a lasting outage: what recovers, from which load on it does not, what helps.

    At the given load: the share of episodes that recover, also with each of the scenario's `mitigations`. At every
    load tried: where runs end up that begin empty and that begin with a backlog.
    """
    from sim.studies.stability.blocks import blocks, document
    from sim.studies.stability.records import StabilityOptions
    from sim.studies.stability.study import foreseen, stability
    from sim.units import parse_positive_duration_ns

    study = Study(context, file, sets, None, quiet)
    problems = study.problems
    low, high = parsed("--load", load, _loads, problems) or (1.0, 1.0)
    options = StabilityOptions(
        fault=fault,
        episodes=at_least(2, "-n", episodes, problems) or 2,
        low=low,
        high=high,
        within=within,
        error=parsed("--error", error, _error, problems) or 0.05,
        limit_ns=parsed("--limit", limit, parse_positive_duration_ns, problems),
        backlog=at_least(1, "--backlog", backlog, problems),
        sweep_mitigations=sweep_mitigations,
        seed=at_least(0, "--seed", seed, problems),
        processes=processes,
        engine=engine,
        max_events=most_events(max_events, study.problems),
        memory_bytes=most_memory(max_memory, study.problems),
    )
    if not 0.001 <= within <= 1:
        problems.append(Problem("--within", f"is {within:g}; a part of the load from 0.001 to 1 is expected"))
    if sweep_mitigations and not options.sweeps and not problems:
        message = "searches, but --load names one load"
        problems.append(Problem("--sweep-mitigations", message, f"write   --load {DEFAULT_LOAD}"))
    study.ready(engine, processes, report)
    note(f"{foreseen(study.loaded, options)} runs, or up to twice as many where chance decides", quiet)
    found = study.run(stability, options)
    study.show(as_json, lambda: document(found), lambda: blocks(found, study.command))


def _loads(text: str) -> tuple[float, float]:
    """Both ends of `0.5..1.5`, or one load twice."""
    found = LOAD.fullmatch(text)
    low, high = (float(found[1]), float(found[2] or found[1])) if found else (0.0, 0.0)
    if found is None or not 0 < low <= high:
        raise ValueError(f"is `{text}`; rising factors of the load are expected, such as {DEFAULT_LOAD}")
    return low, high


def _error(text: str) -> float:
    from sim.units import parse_ratio

    error = parse_ratio(text)
    if not 0 < error < 0.5:
        raise ValueError(f"is {text}; more than 0 and less than 50 % is expected")
    return error
