"""What a scenario refers to outside of its own words, looked up before anything runs: trace files, prices, figures.

A run of minutes must not end with the news that a price was missing. Whether the words fit together is `scenario`'s
and `network`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sim.engine.run import Traces
from sim.errors import InputErrors, Problem
from sim.lower.load import AS_A_WHOLE, Loaded
from sim.meant import meant
from sim.network.monitors import Span
from sim.scenario.model.objectives import ServiceLevel
from sim.stats.metrics import LATENCY_PERCENTILES
from sim.stats.quantiles import MIN_SECTIONS
from sim.studies.billing import price_problems
from sim.studies.loading.traces import read_traces, trace_files
from sim.studies.metrics.families import families_of, metric_units, service_levels
from sim.units import parse_duration_ns, parse_ratio, parse_usd_per_month, show_value

_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")


def check_inputs(loaded: Loaded) -> Traces:
    """Arrival times of the sources that replay files, once all that the scenario refers to is there.

    Raises InputErrors with everything that is not, each at its place in the scenario's file.
    """
    traces: Traces = {}
    problems = [*price_problems(loaded), *_objectives(loaded)]
    try:
        traces = read_traces(loaded.lowered.network, Path(loaded.document.file).parent)
    except InputErrors as error:
        problems += [_in_scenario(loaded, problem) for problem in error.problems]
    if problems:
        raise InputErrors(placed(loaded, problems), AS_A_WHOLE)
    return traces


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
