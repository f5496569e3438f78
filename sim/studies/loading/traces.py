"""Arrival times from files, for sources that replay them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from sim.engine.run import Traces
from sim.errors import InputErrors, Problem
from sim.files import Unreadable, read_text, reason_of
from sim.network import Network
from sim.network.sources import TRACE_MIB, TraceArrivals
from sim.units import NANOSECONDS

MOST_PROBLEMS = 5
"""Of one file; a file of another kind is wrong in every line."""

_MOST_NS = 1 << 62
"""Times that engines count with lie below."""


def read_traces(network: Network, folder: Path) -> Traces:
    """Arrival times in ns of every replaying source; paths are relative to `folder`, the scenario's own.

    A file has a number of seconds in the first column of each line; a first line without a number is a heading. It
    lies in `folder` or below, links resolved: whoever wrote the scenario may not be who runs it. What is in a file is
    never told, for the same reason.

    Raises InputErrors with everything that is wrong in the files.
    """
    traces: Traces = {}
    problems: list[Problem] = []
    for name, path in _files(network, folder):
        traces[name] = _read(path, folder, f"sources.{name}.arrivals.trace", problems)
    if problems:
        raise InputErrors(problems)
    return traces


def trace_files(network: Network, folder: Path) -> list[Path]:
    """The files that sources of the network replay."""
    return [path for _, path in _files(network, folder)]


def _files(network: Network, folder: Path) -> Iterator[tuple[str, Path]]:
    for name, source in network.sources.items():
        if isinstance(source.arrivals, TraceArrivals):
            yield name, folder / source.arrivals.trace


def _read(path: Path, folder: Path, key: str, problems: list[Problem]) -> list[int]:
    try:
        real = path.resolve()
        if not real.is_relative_to(folder.resolve()):
            raise Unreadable("lies outside of the scenario's folder")
        text = read_text(real, TRACE_MIB << 20, regular=True)
    except (OSError, ValueError, RuntimeError) as error:
        # ValueError: Unreadable, or a null byte in the path. RuntimeError: links that go round in a circle.
        what = f"cannot be read: {reason_of(error)}" if isinstance(error, OSError) else str(error)
        problems.append(
            Problem(key, f"`{path}` {what}", "paths are relative to the scenario's folder, and stay in it")
        )
        return []
    times: list[int] = []
    wrong = len(problems)
    begun = False
    for number, line in enumerate(io.StringIO(text), 1):
        if len(problems) - wrong >= MOST_PROBLEMS:
            problems.append(Problem(key, "further lines were not looked at", "", str(path), number, 1))
            break
        cell = line.partition(",")[0].strip().strip('"')
        if not cell:
            continue
        is_heading, begun = not begun, True
        time = _time(cell)
        if time is None:
            if not is_heading:
                problems.append(Problem(key, "begins with no number of seconds", "", str(path), number, 1))
            continue
        if time < 0 or (times and time < times[-1]):
            message = "is earlier than the time before it: times must not fall" if times else "is a negative time"
            problems.append(Problem(key, message, "sort the file by time", str(path), number, 1))
        times.append(time)
    if not times and len(problems) == wrong:
        problems.append(Problem(key, f"`{path}` holds no arrival time", "one number of seconds a line"))
    return times


def _time(cell: str) -> int | None:
    """A time in ns; None for what is no number of seconds that a run could reach."""
    try:
        seconds = float(cell)
    except ValueError:
        return None
    return round(seconds * NANOSECONDS["s"]) if abs(seconds) * NANOSECONDS["s"] < _MOST_NS else None
