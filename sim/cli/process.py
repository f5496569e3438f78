"""What a command does with its process: how it starts and ends, without what costs time and serves nobody in a process
that soon ends, and what it prints: results to stdout, remarks to stderr.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from types import ModuleType
from typing import Any, TextIO

UNUSED = (("rich.markdown", "Markdown"), ("rich.traceback", "Traceback"))
"""Modules that Typer takes a class from, each for a way to print that `sim.cli.app` does without."""


def begin() -> None:
    """Before anything heavy is imported."""
    # What is made while modules are imported lives to the end, and is much: the collector would walk it again and
    # again, for an eighth of the time to the first result, and find nothing.
    gc.disable()
    # NumPy's linear algebra would start a thread for each core, for the few small matrices that there are.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # pydantic would read what every installed package says of itself, to find plugins for its models.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if os.environ["PYDANTIC_DISABLE_PLUGINS"] == "__all__":
        # Without plugins it would still load what reads them, and parsers of mail with it, for nothing.
        none = ModuleType("pydantic.plugin._loader")
        none.get_plugins = tuple  # type: ignore[attr-defined]
        sys.modules.setdefault(none.__name__, none)
    # Typer's help would load a parser of Markdown and coloured tracebacks, for a third of its time, and use neither.
    for module, name in UNUSED:
        empty = ModuleType(module)
        setattr(empty, name, type(name, (), {}))
        sys.modules.setdefault(module, empty)


def settle() -> None:
    """Before the work: what is there by now stays and is never looked at again; what the work leaves is collected."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def end() -> None:
    """Before the interpreter ends: it would look for circles in all that is left, which goes with the process."""
    gc.disable()
    gc.freeze()


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
