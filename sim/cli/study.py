"""What verbs share: their arguments, what is done with these before anything runs, and the scaffold of a study.

That is what every verb does that runs a scenario, from its file to the exit code.

Progress is on stderr: what runs, how many are done, how long it will still take.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from sim.cli.process import note, say, say_json, settle
from sim.errors import InputErrors, Problem
from sim.files import Writing, reason_of, same_file, write_text

if TYPE_CHECKING:
    from sim.lower.load import Loaded
    from sim.report import blocks
    from sim.studies.base import Progress, RunOptions

    Options = TypeVar("Options", bound=RunOptions)

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
MaxEvents = Annotated[
    str | None,
    typer.Option(
        "--max-events", help="Stop a run that has more events: 20G. Default: run.max_events.", show_default=False
    ),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        "--max-memory", help="Stop a run that needs more memory: '8 GiB'. Default: run.memory.", show_default=False
    ),
]
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


def most_events(text: str | None, problems: list[Problem]) -> int | None:
    """The value of `--max-events`."""
    from sim.units import parse_positive_count

    return parsed("--max-events", text, parse_positive_count, problems)


def most_memory(text: str | None, problems: list[Problem]) -> int | None:
    """The value of `--max-memory`."""
    from sim.scenario.model.settings import LEAST_MEMORY_BYTES
    from sim.units import parse_bytes, write_bytes

    most = parsed("--max-memory", text, parse_bytes, problems)
    if most is not None and most < LEAST_MEMORY_BYTES:
        problems.append(Problem("--max-memory", f"is {text}; at least {write_bytes(LEAST_MEMORY_BYTES)} is expected"))
    return most


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
        remark = compile_now()
        note(f"compiled in {time.perf_counter() - began:.0f} s{'; ' if remark else ''}{remark}", quiet)


SHOWN_EVERY_S = 0.1
"""So often the bar is drawn again, at most."""


@contextmanager
def progress(wanted: bool) -> Iterator[Progress]:
    """What hears of progress: a bar on a terminal; nothing where stderr is none, or when it is not wanted."""
    if not wanted or not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[str, Any] = {}
    shown_s = 0.0
    # A thread that refreshes the bar would keep the engine from copying this process (see sim/engine/processes.py).
    with Bar(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:

        def update(what: str, done: float, total: int) -> None:
            """So many of so many are done; of the one under way, a share."""
            nonlocal shown_s
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)
            if time.monotonic() - shown_s > SHOWN_EVERY_S:
                bar.refresh()
                shown_s = time.monotonic()

        yield update


class Study:
    """One study of a scenario: load it, check the options, run, show what was found, end.

    problems: what is wrong with the options; the verb adds its own before `ready`. command: as it was typed.
    """

    def __init__(
        self, context: typer.Context, file: Path, sets: Sequence[str], mitigation: str | None, quiet: bool
    ) -> None:
        from sim.studies.loading.load import load

        self.loaded = load(file, sets, mitigation)
        settle()
        self.problems: list[Problem] = []
        self.command = shlex.join(["sim", *context.find_root().obj])
        self.quiet = quiet
        self.report: Path | None = None

    def ready(
        self,
        engine: str,
        processes: int,
        report: Path | None,
        out: Path | None = None,
        columns: Sequence[str] = (),
        reads: Sequence[Path] = (),
    ) -> None:
        """Check how it is to run and where to it is to write.

        out, columns: a folder and the files that go into it. reads: files beside the scenario's that are read. Raises
        InputErrors with everything that is wrong with the options.
        """
        from sim.studies.loading.inputs import files_of

        check_how(engine, processes, self.problems)
        make_room(report, out, self.problems, [*files_of(self.loaded), *reads], columns)
        if self.problems:
            raise InputErrors(self.problems)
        self.report = report

    def run(self, call: Callable[[Loaded, Options], T], options: Options) -> T:
        """What a study finds, with progress on stderr, once the engine is compiled."""
        compile_engine(options.engine, self.quiet)
        with progress(not self.quiet) as on_progress:
            return call(self.loaded, replace(options, progress=on_progress))

    def show(self, as_json: bool, document: Callable[[], Any], report_of: Callable[[], blocks.Report]) -> None:
        """Print what was found, as JSON or as text, and write it to the file of `--report` where that is given."""
        report = None if as_json and self.report is None else report_of()
        if as_json:
            say_json(document())
        elif report is not None:
            from sim.report.text import text

            say(text(report))
        if self.report is not None and report is not None:
            write_text(self.report, _as_file(self.report, report))
            note(f"report: {self.report}", self.quiet)

    def end(self, interrupted: bool, passes: bool = True) -> None:
        """Exit with 130 where it was interrupted, with 1 where it does not pass what `--gate` asks."""
        if interrupted:
            raise SystemExit(130)
        if not passes:
            raise SystemExit(1)


def _as_file(path: Path, report: blocks.Report) -> str:
    """The text of a report's file: Markdown where its name ends so, else one HTML page."""
    if path.suffix.lower() == ".md":
        from sim.report.markdown import markdown

        return markdown(report)
    from sim.report.page import page

    return page(report)
