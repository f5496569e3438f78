"""How a scenario is run. What is asked of it is in `objectives`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from sim.spec import Spec
from sim.units import Bytes, Duration, PositiveCount, PositiveDuration, Ratio

LEAST_MEMORY_BYTES: Final = 64 << 20
"""Less holds no run worth its name."""


class RunSettings(Spec):
    """What is run, for how long and how often."""

    horizon_ns: PositiveDuration = 600_000_000_000
    """End of the window: executions that start between warm-up and horizon are measured."""
    warmup: Literal["auto", "none"] | Duration = "auto"
    """Start of the window: found from pilot runs (auto), the start of the run (none), or a time. Scripted, bursty and
    finite scenarios have none; periodic ones warm up in whole cycles."""
    cycle_ns: PositiveDuration | None = None
    """Length of the load's cycle (a day, a week): the window is then made of whole cycles."""
    start: Literal["empty", "in_progress"] = "empty"
    """Begin with nothing at work, or with long-lived work already under way as it would be met at a random instant."""
    follow_ns: Duration | None = None
    """How long sources go on after the horizon while the window's executions are followed to their close; the
    length of the window by default. Then sources stop and the rest is followed alone."""
    drain_ns: Duration = 30 * 86_400_000_000_000
    """How long the rest is followed alone, at most."""
    replications: Annotated[int, Field(ge=2, le=100_000)] = 10
    """Independent runs."""
    precision: Ratio | None = None
    """Go on with more replications until every figure with an objective is known to this relative half-width."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of the intervals."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Everything random follows from it."""
    finite: bool = False
    """The load comes to an end by itself: every execution counts, from an empty start."""
    runs_per_month: Annotated[float, Field(gt=0)] | None = None
    """A finite scenario's cost a month needs to know how often it is run."""
    memory_bytes: Annotated[Bytes, Field(ge=LEAST_MEMORY_BYTES)] = 4 << 30
    """Most memory of one run of the fast engine, of which there are as many at once as cores. What an execution leaves
    in the results takes some 50 bytes of it, one under way a hundred more; a run that needs more says so and stops."""
    max_events: PositiveCount = 5_000_000_000
    """Most events of one run of the fast engine, some ten minutes of one core; a run that has more, or is about to
    have ten times as many, says so and stops."""
    drill_window_ns: PositiveDuration = 300_000_000_000
    """How long after a scripted fault its recovery is looked for."""
    drills: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """How often each scripted fault is tried, each time beside a run without it; as often as `replications` by
    default."""
