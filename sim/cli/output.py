"""What verbs print: results to stdout, remarks to stderr."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Print a result. A reader that has gone away, as `head` does, is no error: what is left goes nowhere."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Python flushes stdout once more at its end; pointed at nothing, that cannot fail again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def note(text: str, quiet: bool = False) -> None:
    """Print a remark, unless nobody wants it."""
    if not quiet:
        print(text, file=sys.stderr)
