"""A scenario from a file with every mistake at once, those of what it refers to included."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from sim.errors import InputErrors, Problem
from sim.lower.load import CHECKS, Loaded, document_of, in_order, loaded, placed
from sim.plan.inputs import check_inputs
from sim.plan.mending import what_else
from sim.scenario.reading.document import Document
from sim.scenario.reading.old_names import RenamedWarning
from sim.scenario.reading.validate import validate
from sim.scenario.scenario import Scenario

SOUND = len(CHECKS) + 3
"""The stage that nothing turns down."""


def load(
    source: str | Path, sets: Sequence[str] = (), mitigation: str | None = None, *, cure: str | None = None
) -> Loaded:
    """As `sim.lower.load.load`; where something is wrong, whatever else is wrong is told with it: bounds, metrics and
    prices too, which are looked at otherwise when a scenario is sound.

    cure: the old name of `mitigation`. Raises InputErrors.
    """
    if cure is not None:
        warnings.warn("load: `cure` is now called `mitigation`", RenamedWarning, stacklevel=2)
        mitigation = cure
    document = document_of(source, sets)
    try:
        return loaded(document, mitigation)
    except InputErrors as error:
        more = what_else(document, diagnosis)
        told = dict.fromkeys([*error.problems, *more])
        raise InputErrors(in_order(document, told) if more else error.problems) from None


def diagnosis(document: Document) -> tuple[int, Sequence[Problem]]:
    """The stage at which a document is turned down, and what is said there."""
    try:
        scenario = validate(document, Scenario)
    except InputErrors as error:
        return 0, error.problems
    for stage, check in enumerate(CHECKS, start=1):
        found = [placed(document, one) for one in check(scenario)]
        if found:
            return stage, found
    try:
        check_inputs(loaded(document))
    except InputErrors as error:
        return SOUND - 1, error.problems
    return SOUND, ()
