"""The command line of the laboratory, `python -m calibration`: studies, and predictions beside what is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sim.cli import exit_code_of
from sim.cli.old_names import print_renamed_in_one_line
from sim.cli.process import begin, end

NAME = "python -m calibration"


def main(arguments: Sequence[str] | None = None, exit_after: bool = True) -> int:
    """Run the command line, and give the exit code where it does not exit. Codes are those of `sim`."""
    given = sys.argv[1:] if arguments is None else list(arguments)

    def call() -> None:
        from calibration.cli.app import app

        app(args=given, prog_name=NAME, obj=given)

    if exit_after:
        begin()
    print_renamed_in_one_line()
    code = exit_code_of(call, [*NAME.split(), *given])
    if exit_after:
        end()
        sys.exit(code)
    return code
