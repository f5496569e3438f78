"""`sim calibrate STUDY.yaml`: the study half of the verb; see `calibrate`."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from sim.cli.output import note, say
from sim.cli.progress import Progress
from sim.cli.settings import at_least, check_files, check_how, compile_engine
from sim.cli.start import settle
from sim.errors import InputErrors, Problem
from sim.files import write_text


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
    from sim.calibrate.calibrate import Options, calibrate, differences, differing_errors, given_files
    from sim.calibrate.fits import as_text as as_file
    from sim.calibrate.fits import read_fits
    from sim.calibrate.study import read_study
    from sim.cli.fits_text import as_text

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
    with Progress(not quiet) as progress:
        options = Options(
            evaluations=evaluations,
            leave_one_out=leave_one_out,
            processes=processes,
            command=command,
            say=lambda text: note(text, quiet),
            told=lambda done, total: progress.tell("runs", done, total),
        )
        if fits is None:
            made = calibrate(opened, options)
        else:
            cells = [cell for cell in dict.fromkeys(one.cell for one in fits.errors) if _is_asked(cell, only)]
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
    from sim.calibrate.fitted_presets import write_fitted
    from sim.calibrate.study import read_study

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


def _is_asked(cell: str, only: Sequence[str]) -> bool:
    """Whether a cell, HOST/NAME, is asked for by its whole name or by that without the host."""
    return any(fnmatchcase(cell, glob) or fnmatchcase(cell.partition("/")[2], glob) for glob in only)
