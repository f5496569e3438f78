"""How long activities in chunks take when their pods crash, in closed form: what checkpoints save, before a run."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim.analytic.availability import restarted_mean_s
from sim.lower.constants import Constants
from sim.lower.lowered import Computed
from sim.lower.sums import levels_s, mean_ns
from sim.scenario.model.workflow import Workflow
from sim.scenario.model.workflow_steps import own_activity, walk
from sim.scenario.model.workload import Activity
from sim.scenario.scenario import Scenario
from sim.units import format_duration_s
from sim.units.tables import SECOND

HEARTBEATS = 0.8
"""Time between two heartbeats over their timeout, as the SDKs throttle them (see `Heartbeat` of a network)."""


def completions_of(scenario: Scenario) -> dict[str, Computed]:
    """`completion.WORKFLOW.ACTIVITY`: the mean of its own time, with chunks done again after crashes of its pod."""
    if not scenario.workflows:
        return {}
    constants = Constants(scenario)
    return {
        f"completion.{name}.{activity.name}": found
        for name, workflow in scenario.workflows.items()
        for _, step in walk(workflow.steps)
        if (own := own_activity(step)) is not None
        for activity in [own[1]]
        if (found := _completion(scenario, constants, workflow, activity)) is not None
    }


def _completion(scenario: Scenario, constants: Constants, workflow: Workflow, activity: Activity) -> Computed | None:
    """None where it has no chunks, or no pod of its workers crashes at random, or a crash is noticed otherwise."""
    behaviours = scenario.behaviours
    if activity.chunks is None or activity.heartbeat_ns is None or not behaviours.heartbeat:
        return None
    crashes_per_s = sum(_crashes_per_s(scenario, activity.task_queue or workflow.task_queue))
    if not crashes_per_s:
        return None
    mttf_s = 1 / crashes_per_s
    survives = float(np.exp(-levels_s(activity.service) / mttf_s).mean())
    parts = activity.chunks
    if not behaviours.checkpoint:
        survives, parts = survives**parts, 1
    if not survives:
        return None  # it is never over
    policy = activity.retry or workflow.retry
    first_ns = None if policy is None else policy.initial_interval_ns
    back_off_s = (first_ns or constants.number("temporal.retry_initial_interval")) / SECOND
    timeout_s = activity.heartbeat_ns / SECOND
    interval_s = HEARTBEATS * timeout_s
    age_s = mttf_s - interval_s / math.expm1(interval_s / mttf_s)  # of the last heartbeat: an exponential cut to it
    away_s = timeout_s - age_s + back_off_s
    alone_s = activity.chunks * mean_ns(activity.service) / SECOND
    return Computed(
        parts * restarted_mean_s(survives, mttf_s, away_s),
        "s",
        f"its own time on average, {format_duration_s(alone_s)} without crashes; one every "
        f"{format_duration_s(mttf_s)}, the next try {format_duration_s(away_s)} later",
    )


def _crashes_per_s(scenario: Scenario, queue: str) -> Iterator[float]:
    """Rates at which one pod of a pool crashes at random, by fault."""
    for fault in scenario.faults.values():
        for _, part in fault.parts:
            if part.target != f"workers.{queue}" or part.happens != "crash" or part.mean_gap_ns is None:
                continue
            pods = 1 if part.mttf_ns is not None or part.nodes == "all" else scenario.workers[queue].replicas[1]
            yield SECOND / part.mean_gap_ns / pods
