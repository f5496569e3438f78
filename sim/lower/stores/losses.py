"""What is away while something has failed: nodes that go and come back together."""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.steps import Distribution
from sim.network.faults import Target
from sim.scenario.model.effects import Effect


@dataclass(frozen=True, slots=True)
class Loss:
    """Nodes that fail together and come back together.

    effect: what happens to them; None for what the fault says.
    """

    targets: tuple[Target, ...]
    away: Distribution
    effect: Effect | None = None
