"""From a file to a scenario and its network, with every mistake at its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from sim.errors import InputErrors, Problem
from sim.lower.drawable import undrawable
from sim.lower.feasible import infeasible
from sim.lower.lower import lower
from sim.lower.lowered import Lowered
from sim.network.check import problems as network_problems
from sim.scenario.check import problems as scenario_problems
from sim.scenario.document import Document, Path
from sim.scenario.edit import edited
from sim.scenario.reader import parse, read
from sim.scenario.scenario import Scenario
from sim.scenario.validate import validate


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario as it was read, with what it becomes.

    hash: of everything that the scenario says, defaults included: the same for two files that mean the same.
    """

    document: Document
    scenario: Scenario
    lowered: Lowered
    hash: str


def load(source: str | FilePath, sets: Sequence[str] = ()) -> Loaded:
    """The scenario in a file, or in a text of several lines, with assignments such as `workers.orders.replicas=4`.

    Raises InputErrors with everything that is wrong with it.
    """
    is_text = isinstance(source, str) and "\n" in source
    document = parse(source, "scenario") if isinstance(source, str) and is_text else read(source)
    if sets:
        document = edited(document, sets, Scenario)
    scenario = validate(document, Scenario)
    found = [_placed(document, problem) for problem in scenario_problems(scenario)]
    if scenario.network is not None:
        found += [_placed(document, problem, ("network",)) for problem in network_problems(scenario.network)]
    if not found:
        found = [_placed(document, problem) for problem in undrawable(scenario)]
    if not found:
        found = [_placed(document, problem) for problem in infeasible(scenario)]
    if found:
        raise InputErrors(sorted(found, key=lambda one: (one.file != document.file, one.line, one.column)))
    lowered = lower(scenario)
    if scenario.network is None:
        wrong = network_problems(lowered.network)
        assert not wrong, "\n".join(map(str, wrong))
    return Loaded(document, scenario, lowered, _hash(scenario))


def _placed(document: Document, problem: Problem, before: Path = ()) -> Problem:
    """The problem with the place in the file that its path leads to."""
    keys = (*before, *(int(key) if key.isdecimal() else key for key in problem.path.split(".")))
    return document.problem(keys, problem.message, problem.hint)


def _hash(scenario: Scenario) -> str:
    written = json.dumps(scenario.model_dump(mode="json", by_alias=True), sort_keys=True)
    return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()
