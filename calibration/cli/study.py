"""`study`: parameters of a model fitted to measured cells."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.process import note, say, settle
from sim.cli.study import Processes, Quiet, at_least, check_files, check_how, compile_engine, progress
from sim.errors import InputErrors, Problem
from sim.files import write_text


def command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Where the fits go. Without it, ../fits/NAME.yaml.", show_default=False),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option("--max-evaluations", help="Steps of each search at most, in place of the study's own."),
    ] = None,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Also predict each cell by a fit to the others.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say whether the fits are what the study gives.")
    ] = False,
    presets: Annotated[
        bool, typer.Option("--presets", help="Fit nothing; write the committed fits into the presets that take them.")
    ] = False,
    only: Annotated[
        list[str], typer.Option("--only", metavar="GLOB", help="With --check: the figures of these cells alone.")
    ] = [],  # noqa: B006 - typer copies it
    processes: Processes = -1,
    quiet: Quiet = False,
) -> None:
    """Fit a model's parameters to the cells of a study; write values, intervals and errors.

    With --check it exits with 1 when the committed fits are not what the study gives.
    """
    if presets:
        of_a_fit: dict[str, object] = {
            "--out": out,
            "--max-evaluations": evaluations,
            "--leave-one-out": leave_one_out,
            "--check": check,
            "--only": only,
            "--processes": None if processes == -1 else processes,
        }
        given = [key for key, value in of_a_fit.items() if value is not None and value is not False and value != []]
        if given:
            raise InputErrors([Problem(key, "is for a fit, and none is made", "leave it out") for key in given])
        write_presets(file, quiet)
        return
    words = shlex.join(["python", "-m", "calibration", *context.find_root().obj])
    calibrate_study(file, out, evaluations, leave_one_out, check, only, processes, quiet, words)


def calibrate_study(
    path: Path,
    out: Path | None,
    evaluations: int | None,
    leave_one_out: bool,
    check: bool,
    only: Sequence[str],
    processes: int,
    quiet: bool,
    command: str,
) -> None:
    """Make the fits of the study in a file, or hold the committed ones against it. Exits with 1 where they differ."""
    from calibration.cli.fits_text import as_text
    from calibration.fitting.calibrate import Options, calibrate, differences, differing_errors, given_files
    from calibration.fitting.fits_file import as_text as as_file
    from calibration.fitting.study import read_study
    from sim.calibrate.fits import read_fits

    problems: list[Problem] = []
    at_least(1, "--max-evaluations", evaluations, problems)
    check_how("fast", processes, problems)
    if only and not check:
        problems.append(Problem("--only", "is for --check", "the study's `cells` say what is fitted"))
    if problems:
        raise InputErrors(problems)
    opened = read_study(path)
    file = out or fits_of(path, opened.study.name)
    fits = read_fits(file) if check else None
    if not check:
        check_files([("--out", file)], [path, *opened.data, *given_files(opened)], problems)
    if problems:
        raise InputErrors(problems)
    settle()
    compile_engine("fast", quiet)
    with progress(not quiet) as hears:
        options = Options(
            evaluations=evaluations,
            leave_one_out=leave_one_out,
            processes=processes,
            command=command,
            say=lambda text: note(text, quiet),
            on_progress=lambda done, total: hears("runs", done, total),
        )
        if fits is None:
            made = calibrate(opened, options)
        else:
            cells = [cell for cell in dict.fromkeys(one.cell for one in fits.errors) if _is_requested(cell, only)]
            found = differing_errors(opened, fits, cells, options) if only else differences(opened, fits, options)
            differing = list(found)
    if fits is not None:
        for text in differing:
            say(f"{file}: {text}")
        if differing:
            raise SystemExit(1)
        say(f"{file} is what {path} gives{f', of {len(cells)} cells' if only else ''}")
        return
    write_text(file, as_file(made))
    say(as_text(made))
    note(f"fits: {file}", quiet)
    if out is None:
        write_presets(path, quiet)


def write_presets(study: Path, quiet: bool) -> None:
    """Write the committed fits of a study into the presets, where these take values from them."""
    from calibration.fitting.fitted_presets import write_fitted
    from calibration.fitting.study import read_study

    name = read_study(study).study.name
    file = fits_of(study, name)
    # The project is the folder that both `calibration/studies` and the presets are in.
    root = study.resolve().parents[2] if len(study.resolve().parents) > 2 else study.resolve().parent
    if not (root / "sim" / "scenario" / "presets").is_dir():
        return
    written = write_fitted(root, name, file)
    if written is not None:
        note(f"presets: {written}", quiet)


def fits_of(study: Path, name: str) -> Path:
    """Where the fits of a study are: in the folder `fits` beside its own, if that is `studies`; else beside it."""
    if study.resolve().parent.name == "studies":
        return study.parent.parent / "fits" / f"{name}.yaml"
    return study.parent / f"{name}-fits.yaml"


def _is_requested(cell: str, only: Sequence[str]) -> bool:
    """Whether a cell, HOST/NAME, is asked for by its whole name or by that without the host."""
    return any(fnmatchcase(cell, glob) or fnmatchcase(cell.partition("/")[2], glob) for glob in only)
