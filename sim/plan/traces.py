"""Arrival times from files, for sources that replay them."""

from __future__ import annotations

from pathlib import Path

from sim.engine.run import Traces
from sim.errors import InputErrors, Problem
from sim.network import Network
from sim.network.sources import TraceArrivals
from sim.units import NANOSECONDS

MOST_PROBLEMS = 5
"""Of one file; a file of another kind is wrong in every line."""


def read_traces(network: Network, folder: Path) -> Traces:
    """Arrival times in ns of every replaying source; paths are relative to `folder`, the scenario's own.

    A file has a number of seconds in the first column of each line; a first line without a number is a heading.
    Raises InputErrors with everything that is wrong in the files.
    """
    traces: Traces = {}
    problems: list[Problem] = []
    for name, source in network.sources.items():
        if isinstance(source.arrivals, TraceArrivals):
            traces[name] = _read(folder / source.arrivals.trace, f"sources.{name}.arrivals.trace", problems)
    if problems:
        raise InputErrors(problems)
    return traces


def _read(path: Path, key: str, problems: list[Problem]) -> list[int]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        problems.append(
            Problem(key, f"`{path}` cannot be read: {reason}", "paths are relative to the scenario's folder")
        )
        return []
    times: list[int] = []
    wrong = len(problems)
    for number, text in enumerate(lines, 1):
        if len(problems) - wrong >= MOST_PROBLEMS:
            problems.append(Problem(key, "further lines were not looked at", "", str(path), number, 1))
            break
        cell = text.split(",")[0].strip()
        if not cell:
            continue
        try:
            time = round(float(cell) * NANOSECONDS["s"])
        except ValueError:
            if number > 1:
                problems.append(Problem(key, f"`{cell}` is not a number of seconds", "", str(path), number, 1))
            continue
        if time < 0 or (times and time < times[-1]):
            message = (
                f"{cell} comes after {times[-1] / 1e9:g}: times must not fall" if times else f"{cell} is negative"
            )
            problems.append(Problem(key, message, "sort the file by time", str(path), number, 1))
        times.append(time)
    if not times and len(problems) == wrong:
        problems.append(Problem(key, f"`{path}` holds no arrival time", "one number of seconds a line"))
    return times
