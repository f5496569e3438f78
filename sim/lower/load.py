"""From a file to a scenario and its network, with every mistake at its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from sim.errors import InputErrors, Problem, dotted
from sim.lower.checks.feasible import infeasible, undrawable
from sim.lower.lower import lower
from sim.lower.lowered import Lowered
from sim.lower.setting import Element, elements_of
from sim.meant import meant
from sim.network.checks import problems as network_problems
from sim.network.checks.size import too_large
from sim.scenario.checks.fit import misfits
from sim.scenario.reading.document import Document, where
from sim.scenario.reading.edit import MITIGATIONS, edited, with_mitigation
from sim.scenario.reading.other_words import with_new_keys
from sim.scenario.reading.reader import parse, read
from sim.scenario.reading.validate import validate
from sim.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario as it was read, with what it becomes.

    hash: of everything that the scenario says, defaults included: the same for two files that mean the same.
    """

    document: Document
    scenario: Scenario
    lowered: Lowered
    hash: str

    @property
    def elements(self) -> dict[str, Element]:
        """Every resource and station of the network, with its setting and where that stands."""
        return elements_of(self.lowered.settings, self.document)

    @property
    def sets(self) -> tuple[str, ...]:
        """The assignments by hand that hold, as they were given: `workers.orders.replicas=4`."""
        given = self.document.assignments.values()
        return tuple(one.removeprefix("--set ") for one in given if isinstance(one, str))

    @property
    def mitigation(self) -> str | None:
        """The mitigation of the file whose settings it has; None where it has none."""
        given = self.document.assignments.values()
        return next((str(one[1]) for one in given if not isinstance(one, str)), None)

    def with_(self, *sets: str) -> Loaded:
        """The scenario with further assignments such as `workers.orders.replicas=4`, made after its own; this one
        stays as it is. The file is not read again, nor is any sum of times computed again that stays the same.

        Raises InputErrors where they do not fit.
        """
        document = edited(self.document, sets, Scenario)
        return _lowered(document, _checked(document))


def load(source: str | FilePath, sets: Sequence[str] = (), mitigation: str | None = None) -> Loaded:
    """The scenario in a file, or in a text of several lines, with assignments such as `workers.orders.replicas=4`, and
    with the settings of one of its mitigations.

    Raises InputErrors with everything that is wrong with it.
    """
    return loaded(document_of(source, sets), mitigation)


def document_of(source: str | FilePath, sets: Sequence[str] = ()) -> Document:
    """What a file or text says, with assignments. Raises InputErrors where it cannot be read or assigned to."""
    is_text = isinstance(source, str) and "\n" in source
    document = with_new_keys(parse(source, "scenario") if isinstance(source, str) and is_text else read(source))
    return edited(document, sets, Scenario) if sets else document


def loaded(document: Document, mitigation: str | None = None) -> Loaded:
    """The scenario in a document. Raises InputErrors with what is wrong with it."""
    scenario = _checked(document)
    wrong = [problem for name in scenario.mitigations for problem in _wrong_with_mitigation(document, scenario, name)]
    if wrong:
        raise InputErrors(in_order(document, wrong), AS_A_WHOLE)
    plain = _lowered(document, scenario)
    return plain if mitigation is None else mitigated(plain, mitigation)


def mitigated(loaded: Loaded, name: str) -> Loaded:
    """The scenario with the settings of one of its mitigations, as if the file said so and had no mitigations.

    Raises InputErrors where it has no mitigation of that name.
    """
    mitigations = loaded.scenario.mitigations
    if name not in mitigations:
        hint = meant(name, mitigations, f"mitigations there: {', '.join(mitigations) or 'none'}", "`")
        raise InputErrors([loaded.document.problem((MITIGATIONS,), f"has no `{name}`", hint, of="key")])
    document = with_mitigation(loaded.document, name, mitigations[name], Scenario)
    return _lowered(document, _checked(document))


def _checked(document: Document) -> Scenario:
    """The scenario in the document. Raises InputErrors with everything that is wrong with it."""
    scenario = validate(document, Scenario)
    for stage, check in enumerate(CHECKS, start=1):
        found = [placed(document, problem) for problem in check(scenario)]
        if found:
            raise InputErrors(in_order(document, found), stage)
    return scenario


CHECKS: tuple[Callable[[Scenario], Iterable[Problem]], ...] = (misfits, undrawable, infeasible)
"""What is asked of a scenario one after the other; each needs that those before have nothing to say."""
AS_A_WHOLE = len(CHECKS) + 1
"""The stage of what is asked of mitigations, of the lowered network, and of all that a scenario refers to."""


def _wrong_with_mitigation(document: Document, scenario: Scenario, name: str) -> list[Problem]:
    """What is wrong with a mitigation of a scenario that is sound without it, each at its place in the mitigation."""
    place = (MITIGATIONS, name)
    try:
        with_it = _checked(with_mitigation(document, name, scenario.mitigations[name], Scenario))
    except InputErrors as error:
        return [
            one
            if one.path.startswith(f"{dotted(place)}.")
            else document.problem(place, f"does not go with {one.path or 'the file'}: {one.message}", one.hint, "key")
            for one in error.problems
        ]
    if with_it == scenario.model_copy(update={MITIGATIONS: {}}) and not document.assignments:
        return [document.problem(place, "changes nothing: the file says so without it", "leave it out", "key")]
    return []


def _lowered(document: Document, scenario: Scenario) -> Loaded:
    lowered = lower(scenario)
    if scenario.network is None:
        large = [_in_scenario(scenario, lowered, problem) for problem in too_large(lowered.network)]
        if large:
            raise InputErrors([placed(document, problem) for problem in large], AS_A_WHOLE)
        wrong = network_problems(lowered.network)
        assert not wrong, "\n".join(map(str, wrong))
    return Loaded(document, scenario, lowered, _hash(scenario))


def _in_scenario(scenario: Scenario, lowered: Lowered, problem: Problem) -> Problem:
    """A problem with an element of the lowered network, where the user can change it: a workflow, else a setting."""
    name = problem.path.split(".")[1]
    if name in scenario.workflows:
        return replace(problem, path=f"workflows.{name}")
    setting = lowered.settings.get(name)
    path = "" if setting is None else setting.path
    return replace(problem, path=path, message=f"makes `{name}`, which {problem.message}")


def in_order(document: Document, found: Iterable[Problem]) -> list[Problem]:
    """Problems in the order of the file; those of assignments after them."""
    return sorted(found, key=lambda one: (one.file != document.file, one.line, one.column))


def placed(document: Document, problem: Problem) -> Problem:
    """The problem with the place in the file that its path leads to."""
    keys = tuple(int(key) if key.isdecimal() else key for key in problem.path.split("."))
    beside = f"; {problem.beside}: {where(document, problem.beside)}" if problem.beside else ""
    return document.problem(keys, problem.message, f"{problem.hint}{beside}")


def _hash(scenario: Scenario) -> str:
    written = json.dumps(scenario.model_dump(mode="json", by_alias=True), sort_keys=True)
    return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()
