"""Work that is under way when a run begins: executions inside their waits, as met at a random instant.

Their number is Poisson with mean rate x mean wait, what is left of each wait is its equilibrium residual life (Eick,
Massey and Whitt, "The physics of the M(t)/G/inf queue", Operations Research 41, 1993). They enter no figure.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.rates import rate_of
from sim.lower.steps import Branch, Option, Steps, constant, delay, set_to
from sim.lower.stores.base import HISTORY
from sim.lower.sums import mean_ns
from sim.lower.temporal.workflow import WorkflowRoutine
from sim.network.distributions import Constant, Distribution, Poisson, Residual, Uniform
from sim.network.sources import (
    BurstArrivals,
    Source,
)
from sim.scenario.model.workflow_steps import SleepStep, Wait, WaitStep

LEAST = 1e-3
"""Waits that hold fewer executions than this on average are left empty."""


def seed(routine: WorkflowRoutine) -> Iterator[str]:
    """Fill the waits and sleeps of a workflow; gives the names of the routines that carry these executions."""
    parts, constants, workflow = routine.parts, routine.constants, routine.workflow
    rate_per_s = rate_of(workflow.load)
    for index, step in enumerate(workflow.steps):
        if isinstance(step, WaitStep):
            held_ns, first_steps = _inside_wait(routine, step.wait)
            place = step.wait.signal
        elif isinstance(step, SleepStep):
            held_ns = mean_ns(step.sleep)
            first_steps = (routine.platform.timer(_left(step.sleep), under_way=True), *routine.fired())
            place = f"sleep-{index}"
        else:
            continue
        expected = rate_per_s * held_ns * 1e-9
        if expected < LEAST:
            continue
        name = f"{routine.name}-in-{place}"
        events = _events_behind(constants, index)
        parts.routines[name] = (set_to(HISTORY, events), *routine.under_way(index, first_steps))
        parts.sources[name] = Source(
            routine=name, arrivals=BurstArrivals(burst=Poisson(poisson=expected)), counted=False
        )
        yield name
    constants.record_assumption(
        f"work in progress of {routine.name} at the start",
        "inside its own waits and sleeps, not those of branches, items and children; activities and workflow tasks "
        "begin empty and fill within seconds",
        "equilibrium residual times: Eick, Massey and Whitt, Operations Research 41 (1993)",
    )


def _inside_wait(routine: WorkflowRoutine, wait: Wait) -> tuple[float, Steps]:
    """Mean time that an execution spends in the wait, and what those inside still have before them.

    One met at random waits in vain in proportion to the time that such waits take, not to their number. The timer
    does not cut the waits whose signal comes: those would have to outlast it.
    """
    signal_ns = mean_ns(wait.after)
    arriving = (delay(_left(wait.after), "service", f"wait-{wait.signal}"), *routine.signalled())
    if wait.timer_ns is None or wait.missing == 0:
        return signal_ns, arriving
    in_vain_ns = wait.missing * wait.timer_ns
    held_ns = in_vain_ns + (1 - wait.missing) * signal_ns
    expiring = (routine.platform.timer(_left(constant(wait.timer_ns)), under_way=True), *routine.expired(wait))
    branch = Branch(
        branch=(Option(probability=in_vain_ns / held_ns, steps=expiring), Option(steps=arriving)),
    )
    return held_ns, (branch,)


def _left(whole: Distribution) -> Distribution:
    """What is left of a time that is under way."""
    if isinstance(whole, Constant):
        return Uniform(uniform_ns=(0, whole.constant_ns))
    return Residual(residual=whole)


def _events_behind(constants: Constants, index: int) -> int:
    """Events in the history of an execution that stands inside step `index`, about 6 for each step behind it."""
    create = constants.transition("create").events
    task = constants.transition("workflow_task_started").events + constants.transition("activity_scheduled").events
    answer = constants.transition("activity_completed").events
    return create + task + index * (task + answer)
