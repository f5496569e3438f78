"""The scaffold of a study: what every verb does that runs a scenario, from its file to the exit code.

Progress is on stderr: what runs, how many are done, how long it will still take.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer

from sim.cli.options import check_how, compile_engine, make_room
from sim.cli.process import note, say, say_json, settle
from sim.errors import InputErrors, Problem
from sim.files import write_text

if TYPE_CHECKING:
    from sim.lower.load import Loaded
    from sim.report.blocks import Report


class Progress:
    """A progress bar on a terminal; nothing where stderr is none, or when it is not wanted."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted and sys.stderr.isatty()
        self.bar: Any = None
        self.tasks: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        if self.wanted:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self.bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def update(self, what: str, done: float, total: int) -> None:
        """So many of so many are done; of the one under way, a share."""
        if self.bar is None:
            return
        if what not in self.tasks:
            self.tasks[what] = self.bar.add_task(what, total=total)
        self.bar.update(self.tasks[what], completed=done, total=total)


class Study:
    """One study of a scenario: load it, check the options, run, show what was found, end.

    problems: what is wrong with the options; the verb adds its own before `ready`. command: as it was typed.
    """

    def __init__(
        self, context: typer.Context, file: Path, sets: Sequence[str], mitigation: str | None, quiet: bool
    ) -> None:
        from sim.studies.loading.load import load

        self.loaded: Loaded = load(file, sets, mitigation)
        settle()
        self.problems: list[Problem] = []
        self.command = shlex.join(["sim", *context.find_root().obj])
        self.quiet = quiet
        self.report: Path | None = None
        self.engine = ""

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
        self.report, self.engine = report, engine

    def progress(self) -> Progress:
        """Progress on stderr, as a context, once the engine is compiled."""
        compile_engine(self.engine, self.quiet)
        return Progress(not self.quiet)

    def show(self, as_json: bool, document: Callable[[], Any], blocks: Callable[[], Report]) -> None:
        """Print what was found, as JSON or as text, and write it to the file of `--report` where that is given."""
        report = None if as_json and self.report is None else blocks()
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


def _as_file(path: Path, report: Report) -> str:
    """The text of a report's file: Markdown where its name ends so, else one HTML page."""
    if path.suffix.lower() == ".md":
        from sim.report.markdown import markdown

        return markdown(report)
    from sim.report.page import page

    return page(report)
