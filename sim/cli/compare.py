"""`sim compare`: variants of a scenario on the same draws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.study import (
    AsJson,
    Engine,
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
)
from sim.errors import InputErrors, Problem


def command(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE [FILE]...", help="Scenarios; each is compared with the first."),
    ],
    sets: Sets = [],  # noqa: B006 - typer copies it
    name: Annotated[str, typer.Option("--name", help="Name of the variant with --set.")] = "",
    mitigations: Annotated[
        list[str],
        typer.Option(
            "--mitigation",
            metavar="NAME",
            help="Add a variant with this one of the first file's `mitigations`. Repeatable.",
        ),
    ] = [],  # noqa: B006 - typer copies it
    metrics: Annotated[
        list[str], typer.Option("--metric", metavar="NAME", help="Compare this metric too. Repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    seed: Seed = None,
    replications: Annotated[int | None, typer.Option("--replications", help="Paired runs of each variant.")] = None,
    engine: Engine = "fast",
    report: Report = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    processes: Processes = -1,
    max_events: MaxEvents = None,
    max_memory: MaxMemory = None,
) -> None:
    """Compare variants on the same draws: what changed, what it does, and whether that is significant.

    Variants are further files, the first file with all of --set, and the first file with each --mitigation.
    """
    from sim.studies.compare.blocks import blocks, document
    from sim.studies.compare.study import compare_variants
    from sim.studies.loading.load import load
    from sim.studies.run.study import Options

    study = Study(context, files[0], [], None, quiet)
    variants = {files[0].stem: study.loaded}
    for called, file, own, mitigation in _requested(study, files, sets, name, mitigations):
        if called in variants:
            called = f"{called} ({file if mitigation is None and not own else 'variant'})"
        variants[called] = load(file, own, mitigation)
    options = Options(
        seed=at_least(0, "--seed", seed, study.problems),
        replications=at_least(2, "--replications", replications, study.problems),
        processes=processes,
        engine=engine,
        max_events=most_events(max_events, study.problems),
        memory_bytes=most_memory(max_memory, study.problems),
        command=study.command,
    )
    study.ready(engine, processes, report, reads=files[1:])
    found = study.run(lambda _, options: compare_variants(variants, metrics, options), options)
    study.show(as_json, lambda: document(found), lambda: blocks(found))
    study.end(found.interrupted)


def _requested(
    study: Study, files: list[Path], sets: list[str], name: str, mitigations: list[str]
) -> list[tuple[str, Path, list[str], str | None]]:
    """Every variant beside the first file as it stands: its name, file, assignments and mitigation. Raises InputErrors
    where there is none."""
    requested: list[tuple[str, Path, list[str], str | None]] = [(one.stem, one, [], None) for one in files[1:]]
    if sets:
        requested.append((name or ", ".join(sets), files[0], sets, None))
    elif name:
        study.problems.append(Problem("--name", "names the variant of --set, which is not given"))
    requested += [(one, files[0], [], one) for one in mitigations]
    if not requested:
        hint = "add a second file, --set PATH=VALUE or --mitigation NAME"
        raise InputErrors([Problem("FILE", f"{files[0]} alone has nothing to be compared with", hint)])
    return requested
