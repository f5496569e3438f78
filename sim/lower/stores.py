"""The store that a scenario has: the key that it stands under tells the product."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.postgres import PostgresStore
from sim.scenario.scenario import Scenario


def store_of(parts: Parts, constants: Constants, scenario: Scenario) -> Store:
    """The store of a deployment, put in place."""
    assert scenario.temporal is not None
    assert scenario.postgres is not None, "a deployment has one of the stores"
    return PostgresStore(parts, constants, scenario.temporal, scenario.postgres)


def infeasible_store(constants: Constants, scenario: Scenario) -> Iterator[Problem]:
    """What cannot work in the deployment's store, as far as the presets' numbers tell."""
    assert scenario.temporal is not None
    if scenario.postgres is not None:
        yield from PostgresStore.infeasible(constants, scenario.temporal, scenario.postgres)
