"""The command line: arguments to one library call to print. One file a verb."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, exit_after: bool = True) -> None:
    """Run the command line; a user's mistake is printed, never a traceback.

    Exit codes: 0; 1 with --gate when an objective is missed or undecided; 2 bad input; 3 a failed audit or internal
    check; 130 interrupted.
    """
    from sim.cli.app import app
    from sim.errors import SimError

    code = 0
    try:
        app(args=None if arguments is None else list(arguments), prog_name="sim")
    except SimError as error:
        print(error, file=sys.stderr)
        if error.exit_code == 3:
            print("\nThe run breaks one of its own laws, so nothing is reported. Please report this.", file=sys.stderr)
        code = error.exit_code
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    if exit_after:
        sys.exit(code)
