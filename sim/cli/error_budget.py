"""`sim error-budget`: the error budget, and which fault takes how much of it."""

from __future__ import annotations

from typing import Annotated

import typer

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
)


def command(
    context: typer.Context,
    file: File,
    sets: Sets = [],  # noqa: B006 - typer copies it
    mitigation: MitigationName = None,
    episodes: Annotated[int, typer.Option("-n", help="Episodes of each kind of fault, on average.")] = 40,
    seed: Seed = None,
    engine: Engine = "fast",
    as_json: AsJson = False,
    report: Report = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 unless every service level is met.")] = False,
    quiet: Quiet = False,
    processes: Processes = -1,
    max_events: MaxEvents = None,
    max_memory: MaxMemory = None,
) -> None:
    """Estimate how much of each error budget every fault class consumes.

    A fault that comes a few times a year is in no run. Each class is run by itself, beside a baseline run without it,
    and weighed by how often it comes.
    """
    from sim.studies.error_budget.blocks import blocks, document
    from sim.studies.error_budget.study import PILOT, ErrorBudgetOptions, error_budgets_of

    study = Study(context, file, sets, mitigation, quiet)
    options = ErrorBudgetOptions(
        episodes=at_least(PILOT, "-n", episodes, study.problems) or PILOT,
        seed=at_least(0, "--seed", seed, study.problems),
        processes=processes,
        engine=engine,
        max_events=most_events(max_events, study.problems),
        memory_bytes=most_memory(max_memory, study.problems),
        command=study.command,
    )
    study.ready(engine, processes, report)
    found = study.run(error_budgets_of, options)
    study.show(as_json, lambda: document(found), lambda: blocks(found))
    study.end(found.interrupted, not gate or all(one.verdict == "met" for one in found.error_budgets))
