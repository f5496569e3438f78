"""What verbs print: results to stdout, remarks to stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO


def say(text: str) -> None:
    """Print a result. A reader that has gone away, as `head` does, is no error: what is left goes nowhere.

    Raises OSError where what it is sent to takes no more, as a full disk.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _close(sys.stdout)
    except OSError as error:
        _close(sys.stdout)
        raise OSError(error.errno, error.strerror, "the output") from None


def say_json(value: Any) -> None:
    """Print a result as JSON. A figure that JSON has no number for is null already."""
    say(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def note(text: str, quiet: bool = False) -> None:
    """Print a remark, unless nobody wants it, or nobody takes it any more."""
    if quiet:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _close(sys.stderr)


def _close(stream: TextIO) -> None:
    """Send what is left nowhere: Python flushes once more at its end, and that cannot fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
