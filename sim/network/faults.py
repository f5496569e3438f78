"""What fails, when, and what that does."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.network.distributions import Distribution
from sim.network.names import Name
from sim.spec import Spec
from sim.units import Duration, PositiveDuration, Ratio


def _bare_is_exponential(value: Any) -> Any:
    return {"exponential": value} if isinstance(value, str) else value


class Target(Spec):
    """Which nodes of which group (or of which resource's or station's own nodes)."""

    group: Name
    """A node group, or a resource or station that has nodes of its own."""
    nodes: Literal["all", "any"] | tuple[int, ...] = "all"
    """All of them together, any one of them (drawn for each episode), or the ones listed, counted from 0."""


class Fault(Spec):
    """Something that goes down and comes back: scripted at a time, or at random."""

    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    """What it hits, all at the same instant."""
    effect: Literal["crash", "pause", "slow", "errors"] = "crash"
    """crash: units and servers are gone and whoever runs there is interrupted; pause: work stands still and then
    goes on; slow: work goes at `speed`; errors: services end in failure with `probability`."""
    speed: Annotated[float, Field(gt=0, lt=1)] | None = None
    """With `effect: slow`: the factor on speed."""
    probability: Ratio | None = None
    """With `effect: errors`: share of services that fail."""
    at_ns: Duration | None = None
    """Scripted: when it starts."""
    duration: Distribution | None = None
    """How long until repaired; without it the fault stays."""
    mttf: Annotated[Distribution, BeforeValidator(_bare_is_exponential)] | None = None
    """Random: time from the start (or from repair) to the next fault; a bare time is the mean of an exponential."""
    each: bool = False
    """With `mttf`: every node of the targets fails by a clock of its own."""
    drill: bool | None = None
    """A drill enters no average and is compared with a twin without it; scripted faults are drills by default."""

    @property
    def is_drill(self) -> bool:
        """Whether it stays out of the averages."""
        return self.at_ns is not None if self.drill is None else self.drill

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.at_ns is None) == (self.mttf is None):
            raise ValueError("needs either `at` (scripted) or `mttf` (random)")
        if self.mttf is not None and self.duration is None:
            raise ValueError("a random fault needs a `duration`, the time to repair")
        if (self.effect == "slow") != (self.speed is not None):
            raise ValueError("`speed` goes with `effect: slow`, and that needs it")
        if (self.effect == "errors") != (self.probability is not None):
            raise ValueError("`probability` goes with `effect: errors`, and that needs it")
        if self.each and self.at_ns is not None:
            raise ValueError("`each` goes with `mttf`")
        return self


__all__ = ["Fault", "PositiveDuration", "Target"]
