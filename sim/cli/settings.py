"""What verbs do with their options before they run: read quantities, make room for files, compile the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sim.cli.output import note
from sim.errors import Problem

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


def make_room(report: Path | None, out: Path | None, problems: list[Problem]) -> None:
    """Make the folders that will be written to, so that nothing is found out only after the run."""
    for option, folder in (("--report", report and report.parent), ("--out", out)):
        if folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            problems.append(Problem(option, f"`{folder}` cannot be made a folder: {reason}"))
    if report is not None and report.is_dir():
        hint = f"write   --report {report / 'NAME.html'}"
        problems.append(Problem("--report", f"`{report}` is a folder; a file is expected", hint))


def compile_engine(engine: str, quiet: bool) -> None:
    """Make the engine's machine code, where this machine has none yet, and say so: it takes a while."""
    from sim.engine.run import compile_now, must_be_compiled

    if must_be_compiled(engine):
        note("compiling the engine, once on this machine: about 20 s", quiet)
        began = time.perf_counter()
        compile_now()
        note(f"compiled in {time.perf_counter() - began:.0f} s", quiet)
