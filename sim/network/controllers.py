"""What switches nodes on and off while a run goes on: by utilisation, by backlog, by the clock."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.network.counts import Name, NodesOrNone, Positive
from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import Duration, PositiveDuration


def _one_is_a_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Shift(Spec):
    """From this time on, so many nodes."""

    at_ns: Duration
    """Time since the start of the run (or of the period)."""
    nodes: NodesOrNone
    """How many."""


class Schedule(Spec):
    """How many nodes at which time."""

    points: Annotated[tuple[Shift, ...], Field(min_length=1)]
    """Points in rising time, the first at 0."""
    period_ns: PositiveDuration | None = None
    """Repeat after this time (a day); without it the last number stays."""

    @model_validator(mode="after")
    def _points_rise(self) -> Self:
        times = [point.at_ns for point in self.points]
        if times[0] != 0 or times != sorted(set(times)):
            raise ValueError("`points` must start at 0 and rise")
        if self.period_ns is not None and times[-1] >= self.period_ns:
            raise ValueError("the last point lies past the `period`")
        return self


class Controller(Spec):
    """Looks at a group of nodes every now and then, and switches nodes on and off. The group's count is the most."""

    nodes: Name
    """The group, or a resource or station that has nodes of its own."""
    of: Annotated[tuple[Name, ...], BeforeValidator(_one_is_a_list)] = ()
    """The resources or stations on these nodes whose use or line decides: the most that any of them wants. A
    `schedule` needs none."""
    minimum: NodesOrNone = 0
    """So many nodes are kept at least; 0 scales to zero."""
    initial: NodesOrNone | None = None
    """Nodes that are on at the start; the minimum by default."""
    interval_ns: PositiveDuration
    """Time from one look to the next."""
    utilisation: Annotated[float, Field(gt=0, le=1)] | None = None
    """As many nodes as bring the use since the last look to this share of the units (cores) of the nodes."""
    backlog: Positive | None = None
    """One node for so many that wait or are being served."""
    schedule: Schedule | None = None
    """So many nodes at such a time."""
    start_delay: Distribution | None = None
    """Time from switching a node on until it takes work; it is paid for from the beginning."""
    cool_down_ns: Duration = 0
    """Nodes are switched off only down to the most that was wanted within this time."""
    drain_limit_ns: Duration | None = None
    """A node that leaves is given this long to end its work, then that is interrupted as by a crash; without it, all
    the time that it takes."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if sum(target is not None for target in (self.utilisation, self.backlog, self.schedule)) != 1:
            raise ValueError("needs one of `utilisation`, `backlog`, `schedule`")
        if bool(self.of) == (self.schedule is not None):
            raise ValueError("`of` says whose utilisation or backlog it is; a `schedule` has none")
        if self.initial is not None and self.initial < self.minimum:
            raise ValueError(f"`initial` is {self.initial}, below the minimum of {self.minimum}")
        return self

    @property
    def on_at_start(self) -> int:
        """Nodes that are on when the run starts."""
        return self.minimum if self.initial is None else self.initial

    @property
    def looks_back(self) -> int:
        """Looks, the present one among them, within the cool-down."""
        return self.cool_down_ns // self.interval_ns + 1
