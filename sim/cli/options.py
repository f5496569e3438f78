"""Arguments that several verbs share, and what verbs do with them before they run.

They read quantities, make room for files and compile the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from sim.cli.process import note
from sim.errors import Problem
from sim.files import Writing, reason_of, same_file

File = Annotated[Path, typer.Argument(help="The scenario, a YAML file.", show_default=False)]
Sets = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change one value, written as in the file: --set workers.orders.replicas=6. Repeatable.",
    ),
]
MitigationName = Annotated[
    str | None,
    typer.Option(
        "--mitigation", metavar="NAME", help="Apply this one of the scenario's `mitigations`.", show_default=False
    ),
]

Seed = Annotated[int | None, typer.Option("--seed", help="Seed of all random draws.")]
Engine = Annotated[str, typer.Option("--engine", help="fast, or reference: the same figures, slower.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write one HTML page, or Markdown into FILE.md.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")]
Processes = Annotated[int, typer.Option("--processes", help="Parallel runs; -1 takes all cores.")]


T = TypeVar("T")


def at_least(least: int, name: str, value: int | None, problems: list[Problem]) -> int | None:
    """The option's value; a problem where it is too small."""
    if value is not None and value < least:
        problems.append(Problem(name, f"is {value}; at least {least} is expected"))
    return value


def parsed(name: str, text: str | None, parse: Callable[[str], T], problems: list[Problem]) -> T | None:
    """The option's value in units; what is wrong with it is added to `problems`."""
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        problems.append(Problem(name, str(error)))
        return None


def check_how(engine: str, processes: int, problems: list[Problem]) -> None:
    """What is wrong with `--engine` and `--processes`."""
    from sim.engine.run import ENGINES

    if processes != -1:
        at_least(1, "--processes", processes, problems)
    if engine not in ENGINES:
        problems.append(Problem("--engine", f"there is no engine `{engine}`", f"known: {', '.join(ENGINES)}"))


def make_room(
    report: Path | None,
    out: Path | None,
    problems: list[Problem],
    inputs: Sequence[Path] = (),
    columns: Sequence[str] = (),
) -> None:
    """Make the folders that will be written to, and try the files, so that nothing is found out only after the run.

    inputs: what is read; none of it is overwritten. columns: names of the files that go into `out`.
    """
    files = [("--report", report)] if report is not None else []
    if out is not None and _make_folder("--out", out, problems):
        files += [("--out", out / name) for name in columns]
    check_files(files, inputs, problems)


def check_files(files: Sequence[tuple[str, Path]], inputs: Sequence[Path], problems: list[Problem]) -> None:
    """What is wrong with files that are to be written, by the option that names each: it is one of those that are
    read, it is written twice, it cannot be written. Their folders are made."""
    for index, (option, path) in enumerate(files):
        if any(same_file(path, one) for one in inputs):
            message = f"`{path}` is read by this command and would be overwritten"
            problems.append(Problem(option, message, "give another name"))
        elif any(same_file(path, other) for _, other in files[:index]):
            problems.append(Problem(option, f"`{path}` would be written twice", "give each its own name"))
        elif path.is_dir():
            hint = f"write   {option} {path / 'NAME.html'}" if option == "--report" else ""
            problems.append(Problem(option, f"`{path}` is a folder; a file is expected", hint))
        elif _make_folder(option, path.parent, problems):
            try:
                with Writing() as writing:
                    writing.begin(path)
            except OSError as error:
                problems.append(Problem(option, f"`{path}` cannot be written: {reason_of(error)}"))


def _make_folder(option: str, folder: Path, problems: list[Problem]) -> bool:
    """Make a folder, unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problems.append(Problem(option, f"`{folder}` cannot be made a folder: {reason_of(error)}"))
        return False
    return True


def compile_engine(engine: str, quiet: bool) -> None:
    """Make the engine's machine code, where this machine has none yet, and say so: it takes a while."""
    from sim.engine.run import compile_now, must_be_compiled

    if must_be_compiled(engine):
        note("compiling the engine, once on this machine: about 20 s", quiet)
        began = time.perf_counter()
        compile_now()
        note(f"compiled in {time.perf_counter() - began:.0f} s", quiet)
