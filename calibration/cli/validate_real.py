"""`validate postgres|temporal|dbos`: predictions beside measurements of the real thing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.process import note, say, say_json, settle
from sim.cli.study import AsJson, Processes, at_least, check_how, compile_engine, progress
from sim.errors import InputErrors, Problem

MEASURED = Path("calibration") / "measured"


def verb(system: str, product: str) -> Callable[..., None]:
    """The command of one system."""

    def command(
        data: Annotated[
            list[Path],
            typer.Option(
                "--data",
                metavar="FILE",
                help="Measurements in the format of calibration/measured, scored as held out, instead of the "
                "project's own. Repeatable.",
            ),
        ] = [],  # noqa: B006 - typer copies it
        host: Annotated[
            str,
            typer.Option(
                "--host",
                help="Machine that --data was measured on: by default the name of its folder, where that is one of "
                "calibration/measured, else epyc. Without --data, only what was measured on this one.",
            ),
        ] = "",
        only: Annotated[str, typer.Option("--only", metavar="GLOB", help="Cells by name, 'a1-*-c8'.")] = "*",
        replications: Annotated[int, typer.Option("-r", "--replications", help="Runs of each cell.")] = 12,
        as_json: AsJson = False,
        write: Annotated[
            bool,
            typer.Option(
                "--write",
                help="Write the scores to calibration/scores.json, which a test holds, and into pages.",
            ),
        ] = False,
        write_envelope: Annotated[
            bool,
            typer.Option(
                "--write-envelope", help="Write what was measured, and how far predictions were off, for `sim run`."
            ),
        ] = False,
        quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
        processes: Processes = -1,
    ) -> None:
        problems: list[Problem] = []
        at_least(2, "--replications", replications, problems)
        check_how("fast", processes, problems)
        if (write or write_envelope) and (data or host or only != "*"):
            given = "--data" if data else "--host" if host else "--only"
            problems.append(Problem(given, "takes a part, and --write is about all cells", "leave one of the two out"))
        root = project(problems)
        if problems:
            raise InputErrors(problems)
        settle()
        compile_engine("fast", quiet)
        from calibration.scores.document import document, write_scores
        from calibration.scores.envelope import write_calibrated
        from calibration.scores.real import score_system
        from calibration.scores.tables import scores_text
        from calibration.scores.validation_page import rewrite

        with progress(not quiet) as hears:
            scored = score_system(system, root, data, host, only, replications, processes, hears)
            inputs = scored.inputs(root, replications, processes, hears) if write_envelope else {}
        if as_json:
            say_json(document(scored))
        else:
            say(scores_text(scored.scores, scored.tables, scored.left_out))
        if write:
            note(f"written: {write_scores(root, scored)}", quiet)
            for page in rewrite(root):
                note(f"written: the tables of {page}", quiet)
        if write_envelope:
            note(f"written: {write_calibrated(root, scored, inputs)}", quiet)

    command.__doc__ = f"""Hold predictions of {product} against measurements, calibrated and held-out cells apart.

    Errors per metric and range of load beside the noise of the measurement, of whole tables of quantiles, the coverage
    of prediction intervals, and the worst cells with the command that repeats each.
    """
    return command


def project(problems: list[Problem]) -> Path:
    """The folder of the project that the current folder is in."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / MEASURED).is_dir():
            return folder
    problems.append(Problem("", f"there is no {MEASURED} in {here} or above it", "call it inside of the project"))
    return here
