"""`sim compile`: the engine's machine code for this processor, made now and not by the first run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.process import say
from sim.errors import InputErrors, Problem


def command(
    portable: Annotated[
        Path | None,
        typer.Option(
            help="Write machine code for any x86-64-v3 processor into this folder instead, as `make wheel` does.",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Compile the engine for this processor, which the first run would do otherwise: some twenty seconds, once."""
    from sim.draws.jit import COMPILED, make_native, make_portable
    from sim.draws.object_files import LEVEL, has_level_system, native_file, remark

    if not COMPILED:
        say("nothing is compiled: NUMBA_DISABLE_JIT is set")
        return
    began = time.perf_counter()
    if portable is not None:
        if not has_level_system():
            raise InputErrors([Problem("--portable", f"is for Linux on {LEVEL}, which this machine is not")])
        make_portable(portable)
        say(f"compiled for any {LEVEL} in {time.perf_counter() - began:.0f} s; written to {portable}")
        return
    is_new, place = make_native(), native_file("kernel")
    when = f"in {time.perf_counter() - began:.0f} s" if is_new else "already"
    say(f"compiled for this processor {when}; {remark('kernel') or f'kept in {place and place.parent}'}")
