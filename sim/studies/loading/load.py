"""A scenario from a file with every mistake at once, those of what it refers to included.

A file is checked in stages, of which each needs that those before have nothing to say:

0. `sim.scenario.reading`: it can be read, every key is known, every value is of its kind.
1. `sim.scenario.checks.fit`: its parts fit together; a `network:` of its own by `sim.network.checks`.
2. `sim.lower.checks.feasible`: every distribution can be drawn from.
3. `sim.lower.checks.feasible`: it can work at all, as far as means tell.
4. As a whole. `sim.lower.load`: each mitigation passes 1 to 3 as well; the network that it becomes is not too large.
   `sim.studies.loading.inputs`: prices, metrics of objectives and files of arrivals are there.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from sim.errors import InputErrors, Problem
from sim.lower.load import AS_A_WHOLE, Loaded, document_of, in_order, loaded
from sim.scenario.reading.document import Document
from sim.scenario.reading.other_words import RenamedWarning
from sim.studies.loading.inputs import check_inputs
from sim.studies.loading.mending import what_else

SOUND = AS_A_WHOLE + 1
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
    """The stage at which a document is turned down, and what is said there; `SOUND` and nothing where none does."""
    try:
        check_inputs(loaded(document))
    except InputErrors as error:
        return error.stage, error.problems
    return SOUND, ()
