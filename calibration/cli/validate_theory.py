"""`validate theory`: closed forms beside the engine."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.process import say, say_json, settle
from sim.cli.study import at_least, check_how, compile_engine, progress
from sim.errors import InputErrors, Problem


def command(
    only: Annotated[
        list[str], typer.Option("--only", metavar="GLOB", help="Cases by name, 'M/M/*'. Repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    replications: Annotated[int, typer.Option("-r", "--replications", help="Independent runs of each case.")] = 128,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as one JSON list and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
    processes: Annotated[int, typer.Option("--processes", help="Runs at once; -1 takes all cores.")] = -1,
) -> None:
    """Hold the engine against closed forms and Markov chains: theory, simulated, distance, verdict; half a minute.

    Exits with 1 when a row differs.
    """
    from fnmatch import fnmatchcase

    from calibration.theory.table import theory_rows, theory_text

    problems: list[Problem] = []
    at_least(2, "--replications", replications, problems)
    check_how("fast", processes, problems)
    if problems:
        raise InputErrors(problems)
    settle()
    compile_engine("fast", quiet)
    with progress(not quiet) as hears:
        rows = theory_rows(
            lambda name: not only or any(fnmatchcase(name, one) for one in only),
            replications,
            processes,
            hears,
        )
    if not rows:
        from calibration.theory.table import CASES

        known = ", ".join(case.name for case in CASES)
        raise InputErrors([Problem("--only", f"no case is named {' or '.join(only)}", f"cases are {known}")])
    if as_json:
        say_json([row.to_json() for row in rows])
    else:
        say(theory_text(rows))
    if not all(row.agrees for row in rows):
        raise SystemExit(1)
