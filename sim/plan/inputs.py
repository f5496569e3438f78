"""What a scenario refers to outside of its own words, looked up before anything runs: trace files, prices, figures.

A run of minutes must not end with the news that a price was missing. Whether the words fit together is `scenario`'s
and `network`'s matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from sim.engine.run import Traces
from sim.errors import InputErrors, Problem
from sim.lower.load import Loaded
from sim.plan.billing import price_problems
from sim.plan.names import metric_names
from sim.plan.traces import read_traces


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
        raise InputErrors(placed(loaded, problems))
    return traces


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
    known = metric_names(loaded.lowered)
    for index, objective in enumerate(loaded.scenario.objectives):
        if objective.metric not in known:
            message = f"is {objective.metric}, which no run of this scenario has"
            yield Problem(f"objectives.{index}.metric", message, _hint(objective.metric, known))


def _hint(metric: str, known: Collection[str]) -> str:
    near = get_close_matches(metric, known, 1)
    if near:
        return f"did you mean {near[0]}?"
    families = sorted({name.partition(".")[0] for name in known})
    return f"its figures are of the families {', '.join(families)}"


def _in_scenario(loaded: Loaded, problem: Problem) -> Problem:
    """A problem with a source of the network, by the path of what the user wrote."""
    if loaded.scenario.network is not None:
        return replace(problem, path=f"network.{problem.path}")
    return replace(problem, path=problem.path.replace("sources.", "workflows.", 1))
