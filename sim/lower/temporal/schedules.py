"""Schedules as loops: each is a client that waits for its next tick, starts an execution and follows it to its end."""

from __future__ import annotations

from sim.lower.context import Context
from sim.lower.steps import DelayStep, Fork, ForkBody, Steps, constant, delay, mark
from sim.network.distributions import Uniform
from sim.network.monitors import Span
from sim.scenario.model.schedule import Schedule


def routine_of(name: str, schedule: Schedule | None) -> str:
    """Name of the routine that the source of a workflow runs: its own, or that of the schedule around it."""
    return name if schedule is None or schedule.overlap == "allow" else f"{name}-schedule"


def requested_of(name: str) -> str:
    """Mark: a client asks for an execution of a workflow."""
    return f"{name}-requested"


def ticks(context: Context, name: str, schedule: Schedule, execution: Steps) -> Steps:
    """What a schedule does with an execution: itself where executions may overlap, else one cycle of a loop.

    A cycle that leaves ticks out begins at the next multiple of the time between two; one that buffers them begins at
    that tick or at the end of the execution, whichever is later.
    """
    if schedule.overlap == "allow":
        return execution
    constants, ended = context.constants, f"{name}-ended"
    context.parts.spans[f"{name}-run"] = Span(start=requested_of(name), end=ended, metric=f"latency.{name}")
    jitter: Steps = ()
    if schedule.jitter_ns:
        jitter = (delay(Uniform(uniform_ns=(0, schedule.jitter_ns)), "timer", "jitter"),)
    run: Steps = (*jitter, *execution, mark(ended))
    constants.record_assumption(
        f"figures of {name}-schedule",
        f"are of whole cycles, the wait for the tick included; latency.{name} is from the request to the end of the "
        "executions that succeed",
    )
    if schedule.overlap == "skip":
        constants.record_assumption(
            f"a tick of {name} whose jitter is not over when the last execution ends", "is left out with its tick"
        )
        return (DelayStep(delay=constant(0), kind="timer", grid_ns=schedule.every_ns), *run)
    constants.record_assumption(f"ticks of {name} that come while an execution is open", "are kept as one")
    following: Steps = (DelayStep(delay=constant(1), kind="timer", grid_ns=schedule.every_ns),)
    return (Fork(name="until-the-next-tick", fork=ForkBody(branches=(run, following))),)
