"""Whether the parts of a scenario fit together: every check that needs nothing but the scenario itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sim.errors import Problem
from sim.network.checks import problems as network_problems
from sim.scenario.checks.children import children_problems
from sim.scenario.checks.dbos import dbos_problems
from sim.scenario.checks.faults import fault_problems
from sim.scenario.checks.names import name_problems
from sim.scenario.checks.places import problems as places_problems
from sim.scenario.checks.tables import table_problems
from sim.scenario.scenario import Scenario


def misfits(scenario: Scenario) -> Iterator[Problem]:
    """Everything that does not fit, each with its path in the file."""
    yield from name_problems(scenario)
    if scenario.network is not None:
        yield from (replace(one, path=f"network.{one.path}") for one in network_problems(scenario.network))
        return
    yield from children_problems(scenario)
    if scenario.dbos is not None:
        yield from dbos_problems(scenario)
    yield from places_problems(scenario)
    yield from fault_problems(scenario)
    yield from table_problems(scenario)
