"""The Temporal development server measured: each run of a cell has a server of its own."""

from __future__ import annotations

import asyncio
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import temporalio

from calibration.measure import temporal_kill, temporal_load
from calibration.measure.plan import Cell
from calibration.measure.temporal_cells import Kill, Load
from calibration.measure.temporal_server import PROGRAM

QUICK_S = 2.0
SEED_OF_LOAD, SEED_OF_KILL = 1000, 2000
"""Of repeat 0; each repeat has the next one."""


@contextmanager
def session(folder: Path, quick: bool) -> Iterator[TemporalSession]:
    """Nothing is shared between cells. quick: loads are shortened.

    Being told to end is an exit like any other, so that server and workers are ended too.
    """
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    yield TemporalSession(quick)
    signal.signal(signal.SIGTERM, before)


class TemporalSession:
    """Measures one cell after the other."""

    def __init__(self, quick: bool) -> None:
        self._quick = quick

    def measure(self, cell: Cell, settings: Any, repeat: int) -> dict[str, Any]:
        """The fields of the line of one repeat of a cell."""
        match settings:
            case Load():
                if self._quick:
                    settings = settings.model_copy(update={"secs": min(QUICK_S, settings.secs)})
                return asyncio.run(temporal_load.measure(settings, SEED_OF_LOAD + repeat))
            case Kill():
                return asyncio.run(temporal_kill.measure(settings, SEED_OF_KILL + repeat))
        raise TypeError(f"{cell.name} is no cell of Temporal")

    def meta(self) -> dict[str, Any]:
        """Versions, and which process does what."""
        said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
        return {
            "server": said.strip(),
            "sdk": temporalio.__version__,
            "python": platform.python_version(),
            "layout": "server, worker(s) and load generator are separate processes on the same CPUs",
        }
