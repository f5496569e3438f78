"""Everything that fails in a deployment: as faults of the network, and random ones as classes as well."""

from __future__ import annotations

from sim.lower.context import Context
from sim.lower.faults.classes import Lowering, class_of, network_classes
from sim.lower.lowered import FaultClass
from sim.network import Network
from sim.scenario.model.faults import DeploymentFault


class Failures:
    """Puts what fails in place. companions: as in `Lowered`. lowering: what each fault becomes."""

    def __init__(self, context: Context, lowering: Lowering) -> None:
        self.context = context
        self.lowering = lowering
        self.companions: dict[str, tuple[str, ...]] = {}
        self._classes: dict[str, FaultClass] = {}
        self._told: set[str] = set()

    def add(self, name: str, fault: DeploymentFault) -> set[str]:
        """Put a fault in place; gives the groups of nodes that it hits."""
        found = dict(self.lowering(name, fault))
        self.context.parts.faults.update(found)
        if not fault.is_random and len(found) > 1:
            self.companions[name] = tuple(found)[1:]
        if fault.is_random:
            self._told |= found.keys()
            known = self._classes[name] = class_of(self.context, name, fault, self.lowering)
            hits = [one for variant in known.variants for one in variant.faults.values()]
        else:
            hits = list(found.values())
        return {target.group for one in hits for target in one.targets}

    def classes(self, network: Network) -> dict[str, FaultClass]:
        """Every kind of fault that comes at random: those of the scenario, and others of the finished network, such as
        spot machines that are taken back."""
        return self._classes | network_classes(network, self._told)
