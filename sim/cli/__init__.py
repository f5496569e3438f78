"""The command line: arguments to one library call to print. One file a verb."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sim import __version__
from sim.cli.old_names import moved, print_renamed_in_one_line, run_moved, with_new_names
from sim.cli.process import begin, end, note
from sim.errors import AuditFailed, SimError
from sim.files import OF_THE_MACHINE, reason_of

BAD_INPUT = 2
BROKEN_LAW = 3
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None, exit_after: bool = True) -> int:
    """Run the command line, and give the exit code where it does not exit.

    Exit codes: 0; 1 with --gate when an objective is missed or undecided, a monitor violated, or the system overloaded
    or in deadlock; 2 bad input, or a study that a deadlock leaves without meaning; 3 a failed audit or internal check;
    130 interrupted. A user's mistake is printed, never as a traceback.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not exit_after:
        return _run(given)
    begin()
    code = _run(given)
    end()
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    print_renamed_in_one_line()
    arguments = with_new_names(arguments)

    def call() -> None:
        elsewhere = moved(arguments)
        if elsewhere is not None:
            run_moved(elsewhere)
        from sim.cli.app import app

        app(args=arguments, prog_name="sim", obj=arguments)

    return exit_code_of(call, ["sim", *arguments])


def exit_code_of(call: Callable[[], None], command: Sequence[str]) -> int:
    """The exit code of a command line; what went wrong is printed. command: as it was typed."""
    try:
        call()
    except SimError as error:
        note(str(error))
        if isinstance(error, AuditFailed):
            note(f"\n{_verdict(error.findings)}")
        return error.exit_code
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else BROKEN_LAW
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if error.filename is None and error.errno not in OF_THE_MACHINE:
            return _internal(error, command)
        note(f"{error.filename or 'a file'}\n    cannot be written: {reason_of(error)}")
        return BAD_INPUT
    except Exception as error:  # a mistake of ours: never with the code of a missed objective
        return _internal(error, command)
    return 0


def _verdict(findings: Sequence[str]) -> str:
    """What to do about a failed audit: work that can never end is the scenario's doing, all else is ours."""
    if all("no event is left" in finding for finding in findings):
        return (
            "Something in this scenario goes and never comes back, so nothing is reported. Give the fault a\n"
            "`duration`, or those who wait for what it takes away `patience` or a timeout."
        )
    return "The run breaks one of its own laws, so nothing is reported. Please report this."


def _internal(error: Exception, command: Sequence[str]) -> int:
    """Three lines about a mistake of ours; the traceback goes into a file, which a report needs."""
    import traceback

    text = "".join(traceback.format_exception(error))
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error).partition("\n")[0]
    what = f"{type(error).__name__}{f': {said}' if said else ''} ({Path(last.filename).name}:{last.lineno})"
    note(f"internal error, so nothing is reported: {what}")
    try:
        note(f"traceback in {_kept(text, command)}")
    except OSError as full:  # then it is printed, so that it is not lost
        note(f"the traceback cannot be written into a file ({reason_of(full)}):\n{text.rstrip()}")
    note("the mistake is sim's, not yours: please report it with that file and the scenario")
    return BROKEN_LAW


def _kept(text: str, command: Sequence[str]) -> str:
    """Write a traceback into a file of its own, with what was called by which version; its name."""
    import platform
    import tempfile

    head = f"sim {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    called = shlex.join(command)
    with tempfile.NamedTemporaryFile(
        "w", prefix="sim-error-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(f"{head}{called}\n\n{text}")
    return file.name
