"""Adapters, one module a measured system: which scenario a cell is, and how a run of it is read.

A module `calibration.systems.NAME` has two functions, `case` and `metrics`; see `System`. Where a product, a script
and a setting have to be known, it is there and nowhere else.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from calibration.systems.cases import Case
from calibration.systems.cells import Cell
from calibration.systems.readings import Reading
from sim.results.columns import Replication

SYSTEMS: dict[str, System] = {}
"""Adapters by the name of the system, those in use so far; one that is no module of this package may be put in."""


class System(Protocol):
    """What is particular to a measured system. A module with these functions is one."""

    def case(self, cell: Cell) -> Case:
        """The case that repeats a measured cell: the same load, settings, length, and the host's own constants."""

    def metrics(self, case: Case, run: Replication) -> Reading:
        """What the measurement would have read off this run, under the names that the cells have."""


def system(name: str) -> System:
    """The adapter of a system, such as "postgres". Raises ModuleNotFoundError where there is none."""
    if name not in SYSTEMS:
        SYSTEMS[name] = cast(System, import_module(f"{__name__}.{name}"))
    return SYSTEMS[name]
