"""What fails in a deployment, by what it hits: each kind of target has its own file."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.faults import faults_of
from sim.lower.node_faults import node_faults
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.place_faults import PlaceFaults
from sim.lower.rollouts import rolling_restart
from sim.lower.tables import database_fault
from sim.network.faults import Fault
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario


class FaultTargets:
    """Lowers the faults of a deployment whose parts are all in place."""

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario, store: Store | None = None) -> None:
        """store: the platform's; None where databases stand alone."""
        self.parts = parts
        self.constants = constants
        self.scenario = scenario
        self.store = store

    def of(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        """The faults of the network that one becomes; the first one bears its name."""
        parts, constants, scenario = self.parts, self.constants, self.scenario
        if fault.of_database:
            return {name: database_fault(parts, constants, scenario, fault)}
        assert self.store is not None, "checked: databases that stand alone fail alone"
        if fault.of_place:
            return PlaceFaults(parts, constants, scenario, self.store).of(name, fault)
        if fault.of_node:
            return node_faults(constants, scenario, self.store, name, fault)
        if fault.is_rolling:
            return rolling_restart(constants, scenario, self.store, name, fault)
        return faults_of(constants, scenario, self.store, name, fault)
