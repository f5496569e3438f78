"""Context of a lowering: what each part needs, and nothing that only some of them need."""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.scenario.model.platform import TemporalCluster
from sim.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Context:
    """The scenario that is lowered, the presets' numbers for it, and the network in the making."""

    scenario: Scenario
    constants: Constants
    parts: Parts

    @classmethod
    def of(cls, scenario: Scenario) -> Context:
        """The context of a scenario of which nothing has been lowered yet."""
        return cls(scenario, Constants(scenario), Parts())

    @property
    def temporal(self) -> TemporalCluster:
        """The Temporal cluster; only its parts ask for it."""
        assert self.scenario.temporal is not None, "checked: this is a deployment of Temporal"
        return self.scenario.temporal
