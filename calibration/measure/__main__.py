"""Measure what the plan says: `python -m calibration.measure [postgres] [temporal] [dbos] [--only GLOB] [--quick]`.

Repeats are interleaved: repeat 0 of every cell, then repeat 1 and so on, so that a drift of the machine is seen as
noise between repeats and not as a difference between cells. All that listens does so on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from pydantic import ValidationError

from calibration.measure import machine, plan, quantiles, sheet
from calibration.measure.plan import Cell

MEASURED = Path(__file__).resolve().parent.parent / "measured"

SYSTEMS = ("postgres", "temporal", "dbos")
"""Each has a module SYSTEM_cells with `KINDS`, the class of the settings of each kind of cell, and `META`, the name of
the file that describes the measurement; and a module SYSTEM_session, with `session(folder, quick)`, a context manager
that makes a `Session`. folder: where the lines go. quick: runs may be as short as they can."""

FOREIGN = 0.15
"""CPU seconds per second that others may use during a run, the kernel's own threads too: they alone use up to 0.09."""
ATTEMPTS = 3


class Session(Protocol):
    """A system ready to be measured."""

    def measure(self, cell: Cell, settings: Any, repeat: int) -> dict[str, Any]:
        """The fields of one line, without `id` and `repeat`. settings: an object of the class in `KINDS`."""

    def meta(self) -> dict[str, Any]:
        """Versions and settings, for the file `META`."""


def cells_of(system: str) -> ModuleType:
    """The module of a system's kinds of cells; it needs nothing of the system."""
    return importlib.import_module(f"calibration.measure.{system}_cells")


def session_of(system: str, folder: Path, quick: bool) -> AbstractContextManager[Session]:
    """A session of a system, whose packages are imported only now. Raises RuntimeError if one is not installed."""
    try:
        module = importlib.import_module(f"calibration.measure.{system}_session")
    except ModuleNotFoundError as missing:
        raise RuntimeError(f"{missing.name} is not installed here; run it by   make measure") from missing
    session: AbstractContextManager[Session] = module.session(folder, quick)
    return session


def settings_of(cell: Cell) -> plan.Settings:
    """The checked settings of a cell. Raises KeyError for an unknown kind, ValidationError for wrong settings."""
    kinds: dict[str, type[plan.Settings]] = cells_of(cell.system).KINDS
    return kinds[cell.kind].model_validate(cell.settings)


def measure(
    cells: Sequence[Cell], settings: Mapping[str, plan.Settings], repeats: Sequence[int], folder: Path, quick: bool
) -> None:
    """Measure `cells`, `settings` by name, in each of `repeats`; each line is in its file as soon as it is there."""
    systems = dict.fromkeys(cell.system for cell in cells)
    attempts = 1 if quick else ATTEMPTS
    began_s = time.monotonic()
    with ExitStack() as stack:
        sessions = {system: stack.enter_context(session_of(system, folder, quick)) for system in systems}
        for system, session in sessions.items():
            about = {"machine": machine.description(), "probs": quantiles.PROBABILITIES} | session.meta()
            sheet.write(folder / cells_of(system).META, json.dumps(about, indent=1) + "\n")
        for repeat in repeats:
            for cell in cells:
                measured, disturbed = undisturbed(sessions[cell.system], cell, settings[cell.name], repeat, attempts)
                line = {"id": cell.id(repeat), "repeat": repeat} | measured
                sheet.put(folder / cell.file, line)
                again = f"   measured {disturbed + 1} times: others used the CPU" if disturbed else ""
                print(f"{time.monotonic() - began_s:6.1f} s  {line['id']}{again}", flush=True)


def undisturbed(
    session: Session, cell: Cell, settings: plan.Settings, repeat: int, attempts: int
) -> tuple[dict[str, Any], int]:
    """Measure, and again while others have used the CPU; the quietest line, and how many were disturbed."""
    lines: list[dict[str, Any]] = []
    while len(lines) < attempts:
        lines.append(session.measure(cell, settings, repeat))
        if _foreign(lines[-1]) <= FOREIGN:
            break
    return min(lines, key=_foreign), sum(_foreign(line) > FOREIGN for line in lines[:-1])


def _foreign(line: dict[str, Any]) -> float:
    return float(line.get("cpu_foreign_s", 0.0)) / float(line["cpu"]["wall"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m calibration.measure", description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help=f"of {', '.join(SYSTEMS)}; without: all")
    parser.add_argument("--only", default="*", metavar="GLOB", help="cells whose names match, like 'a1-*-c8'")
    parser.add_argument("--host", default="here", help="name of this machine: lines go to calibration/measured/HOST")
    parser.add_argument("--repeat", type=int, action="append", help="this repeat only (may be given again)")
    parser.add_argument("--quick", action="store_true", help="one short repeat, written to calibration/measured/quick")
    parser.add_argument("--list", action="store_true", help="name the cells and measure nothing")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.systems) - set(SYSTEMS):
        parser.error(f"{', '.join(sorted(unknown))}: no such system; there are {', '.join(SYSTEMS)}")
    try:
        planned = plan.read()
        cells = list(planned.cells(chosen.systems or SYSTEMS, chosen.only))
        settings = {cell.name: settings_of(cell) for cell in cells}
    except ValidationError as wrong:
        parser.error(f"{plan.PLAN}: {wrong}")
    if not cells:
        parser.error(f"no cell's name matches {chosen.only!r}; --list names them all")
    if chosen.list:
        for cell in cells:
            print(f"{cell.use:9}  {cell.file:26}  {cell.name}")
        return 0
    folder = MEASURED / ("quick" if chosen.quick else chosen.host)
    repeats = [0] if chosen.quick else chosen.repeat or list(range(planned.repeats))
    # Told to end, it leaves its `with` blocks, and so ends the servers that it has started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        measure(cells, settings, repeats, folder, chosen.quick)
    except (RuntimeError, TimeoutError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
