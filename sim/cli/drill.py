"""`sim drill`: time to recover from a fault, and what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

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


def command(
    context: typer.Context,
    file: File,
    fault: Annotated[str, typer.Option("--fault", metavar="NAME", help="The fault: one of the scenario's.")],
    phases: Annotated[
        list[str],
        typer.Option(
            "--phase",
            help="Phase of the load's cycle at which it begins: :58 (minute 58), 10:58, '3 h', or any (drawn each "
            "time). Repeatable, to compare. Default: the fault's own time; drawn where it comes at random.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer copies it
    episodes: Annotated[int | None, typer.Option("-n", help="Episodes.", show_default="40")] = None,
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            help="Follow an episode that is not over for this long at most: '1 h'.",
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
    seed: Seed = None,
    engine: Engine = "fast",
    report: Report = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    processes: Processes = -1,
    max_events: MaxEvents = None,
    max_memory: MaxMemory = None,
) -> None:
    """Inject a fault many times and measure recovery: time to detect, restore, drain and return to SLO; work lost and
    repeated; cost of an episode; the course of a median and of a bad one."""
    from sim.studies.drill.blocks import blocks, document
    from sim.studies.drill.study import EPISODES, DrillOptions, drill
    from sim.units import parse_positive_duration_ns

    study = Study(context, file, sets, None, quiet)
    options = DrillOptions(
        fault=fault,
        phases=tuple(dict.fromkeys(phases)),
        episodes=at_least(2, "-n", episodes, study.problems) or EPISODES,
        seed=at_least(0, "--seed", seed, study.problems),
        limit_ns=parsed("--limit", limit, parse_positive_duration_ns, study.problems),
        mitigation=mitigation,
        processes=processes,
        engine=engine,
        max_events=most_events(max_events, study.problems),
        memory_bytes=most_memory(max_memory, study.problems),
        command=study.command,
    )
    if options.limit_ns is not None and options.limit_ns < study.loaded.scenario.run.drill_window_ns:
        study.problems.append(Problem("--limit", "is below run.drill_window, for which every episode is followed"))
    study.ready(engine, processes, report)
    found = study.run(drill, options)
    study.show(as_json, lambda: document(found), lambda: blocks(found))
    study.end(found.interrupted)
