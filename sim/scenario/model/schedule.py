"""Schedules: workflows that are started by the clock; and the versions of a workflow during a rollout."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import MOST_AT_ONCE, Name
from sim.network.sources import Arrivals, BurstArrivals, ClosedArrivals
from sim.spec import Spec
from sim.units import Duration, Mistake, PositiveDuration


class Schedule(Spec):
    """Many schedules of one kind that all tick at the same times: `{every: 1 h, count: 20000, jitter: 5 min}`."""

    every_ns: PositiveDuration
    """Time from tick to tick; the first is at the start of the run."""
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 1
    """How many schedules."""
    jitter_ns: Duration = 0
    """Each starts up to this much after the tick, uniformly, anew each time."""
    overlap: Literal["skip", "buffer", "allow"] = "skip"
    """When the last execution of a schedule is still open at its tick: leave the tick out (skip), start one as soon as
    that has closed (buffer), or start it all the same (allow)."""
    catchup_window_ns: PositiveDuration | None = None
    """A start that the platform cannot take within this time of its tick is left out; without it there is no limit."""

    @model_validator(mode="after")
    def _jitter_fits(self) -> Self:
        if self.jitter_ns >= self.every_ns:
            raise Mistake("is not below `every`: a start would come after the next tick", at=("jitter",))
        return self

    @property
    def arrivals(self) -> Arrivals:
        """The load that it is: bursts where executions may overlap, else a loop for each schedule."""
        if self.overlap == "allow":
            return BurstArrivals(burst=self.count, every_ns=self.every_ns, jitter_ns=self.jitter_ns)
        return ClosedArrivals(closed=self.count)


class Rollout(Spec):
    """A new version of a workflow: executions that start from a time on run on workers of their own."""

    at_ns: PositiveDuration
    """When the new version gets the new executions."""
    task_queue: Name
    """Workers of the new version. Executions that are under way end on the old ones."""
