"""What a scenario refers to outside of its own words, looked up before anything runs: trace files, prices, figures.

A run of minutes must not end with the news that a price was missing. Whether the words fit together is `scenario`'s
and `network`'s matter.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sim.engine.run import Traces
from sim.errors import InputErrors, Problem
from sim.files import Unreadable, read_text, reason_of
from sim.lower.load import AS_A_WHOLE, Loaded
from sim.meant import meant
from sim.network import Network
from sim.network.monitors import Span
from sim.network.sources import TRACE_MIB, TraceArrivals
from sim.scenario.model.objectives import ServiceLevel
from sim.stats.metrics import LATENCY_PERCENTILES
from sim.stats.quantiles import MIN_SECTIONS
from sim.studies.metrics.families import families_of, metric_units, service_levels
from sim.units import NANOSECONDS, parse_duration_ns, parse_ratio, parse_usd_per_month, show_value

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


_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")


def check_inputs(loaded: Loaded) -> Traces:
    """Arrival times of the sources that replay files, once all that the scenario refers to is there.

    Raises InputErrors with everything that is not, each at its place in the scenario's file.
    """
    traces: Traces = {}
    problems = [*_prices(loaded), *_objectives(loaded)]
    try:
        traces = read_traces(loaded.lowered.network, Path(loaded.document.file).parent)
    except InputErrors as error:
        problems += [_in_scenario(loaded, problem) for problem in error.problems]
    if problems:
        raise InputErrors(placed(loaded, problems), AS_A_WHOLE)
    return traces


def _prices(loaded: Loaded) -> list[Problem]:
    """What the scenario has and no price is known for."""
    if not loaded.lowered.machines and not loaded.lowered.volumes:
        return []
    from sim.studies.billing import price_problems  # it loads the catalogue's models, which few small scenarios need

    return price_problems(loaded)


def files_of(loaded: Loaded) -> list[Path]:
    """Files that a run of the scenario reads: its own, and those of arrivals that are replayed."""
    own = Path(loaded.document.file)
    return [own, *trace_files(loaded.lowered.network, own.parent)]


def placed(loaded: Loaded, problems: Sequence[Problem]) -> list[Problem]:
    """The problems with their places in the file, in its order; one that has a place of its own keeps it."""
    document = loaded.document
    found = []
    for one in problems:
        keys = tuple(int(key) if key.isdecimal() else key for key in one.path.split("."))
        is_option = one.path.startswith("--")
        found.append(one if one.file or is_option else document.problem(keys, one.message, one.hint))
    return sorted(found, key=lambda one: (one.file != document.file, one.line, one.column))


def _objectives(loaded: Loaded) -> Iterator[Problem]:
    units = metric_units(loaded.lowered)
    for index, objective in enumerate(loaded.scenario.objectives):
        if isinstance(objective, ServiceLevel):
            known = service_levels(loaded.lowered)
            if objective.sli not in known:
                hint = meant(objective.sli, known, f"there are {', '.join(known)}")
                yield Problem(
                    f"objectives.{index}.sli", f"is {objective.sli}, which no run of this scenario has", hint
                )
            continue
        metric = objective.metric
        if metric not in units:
            message = f"is {metric}, which no run of this scenario has"
            hint = meant(metric, units, f"`sim schema metrics {loaded.document.file}` lists them")
            yield Problem(f"objectives.{index}.metric", message, hint)
            continue
        run = loaded.scenario.run
        if run.precision is None and run.replications < MIN_SECTIONS and _is_percentile(loaded, metric):
            yield Problem(
                f"objectives.{index}.metric",
                f"is {metric}, a percentile, which {run.replications} replications can never carry: "
                f"{MIN_SECTIONS} are needed",
                f"write   run: {{replications: {max(MIN_SECTIONS, 10)}}}   or a bound on the mean",
            )
        side = "below" if objective.below is not None else "above"
        written = loaded.document.data["objectives"][index][side]
        wanted = _bound_missed(written, metric, units[metric])
        if wanted:
            what = f"is {show_value(written)}, but {metric} is {wanted[0]}"
            yield Problem(f"objectives.{index}.{side}", what, f"write   {side}: {wanted[1]}")


def _is_percentile(loaded: Loaded, metric: str) -> bool:
    """Whether a metric is a percentile over base runs; those of recoveries are over drills."""
    family, _, level = metric.rpartition(".")
    of_crashes = {one.metric or f"span.{name}" for name, one in _spans(loaded) if one.after_crash}
    return level in LATENCY_PERCENTILES and not metric.startswith("recovery.") and family not in of_crashes


def _spans(loaded: Loaded) -> Iterable[tuple[str, Span]]:
    return loaded.lowered.network.spans.items()


def _bound_missed(written: object, metric: str, unit: str) -> tuple[str, str] | None:
    """What the metric is and how a bound on it may look, where the bound is one on something else."""
    is_number = isinstance(written, int | float)
    match unit:
        case "s" if not _is(written, parse_duration_ns):
            return "a time", f"{_digits(written)} s (or ms, min, h)" if _digits(written) else "250 ms"
        case "ratio" if not is_number and not _is(written, parse_ratio):
            return "a ratio", f"{_digits(written) or 99.9} %"
        case "ratio" if is_number and float(str(written)) > 1 and families_of(metric)[0].is_share:
            return "a share of at most 1", f"{written} %"
        case "USD/month" if not _is(written, parse_usd_per_month):
            return "an amount of money in a month", f"{_digits(written) or 6000} USD/month"
        case "1/s" if not is_number:
            return "a number of executions a second", _digits(written) or "50"
        case "" if not is_number:
            return "a plain number", _digits(written) or "10"
    return None


def _digits(written: object) -> str:
    """The number in a bound, "" where there is none: "5000" of "$5,000"."""
    found = _NUMBER.search(str(written))
    return found[0].replace(",", "") if found else ""


def _is(written: object, parse: Callable[[str], object]) -> bool:
    """Whether a value is a text that `parse` takes."""
    if not isinstance(written, str):
        return False
    try:
        parse(written)
    except ValueError:
        return False
    return True


def _in_scenario(loaded: Loaded, problem: Problem) -> Problem:
    """A problem with a source of the network, by the path of what the user wrote."""
    if loaded.scenario.network is not None:
        return replace(problem, path=f"network.{problem.path}")
    source = problem.path.split(".")[1]
    section = "queries" if source in loaded.scenario.queries else "workflows"
    return replace(problem, path=problem.path.replace("sources.", f"{section}.", 1))
