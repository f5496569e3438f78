"""Whether a scenario whose parts fit together can work at all, as far as the presets' numbers tell; and be drawn from.

What can be drawn from is told by the whole shape of a distribution alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel

from sim.draws.build import inverse_of
from sim.errors import Problem, dotted
from sim.lower.constants import Constants
from sim.lower.placement.packing import infeasible_packing
from sim.lower.stores.connections import infeasible_pools
from sim.lower.sums import mean_ns
from sim.lower.tables import database_fault_problems, full_disks
from sim.network import distributions
from sim.scenario.model.workflow_steps import own_activity, walk
from sim.scenario.model.workload import Activity
from sim.scenario.reading.document import parts_of
from sim.scenario.scenario import Scenario
from sim.units import format_duration_ns

_KINDS = tuple(get_args(member)[0] for member in get_args(get_args(distributions.Distribution)[0]))


def undrawable(scenario: BaseModel) -> Iterator[Problem]:
    """Distributions without a value to draw, each with its path in the file."""
    for path, distribution in parts_of(scenario, lambda part: isinstance(part, _KINDS)):
        try:
            inverse_of(distribution)
        except ValueError as error:
            yield Problem(dotted(path), f"is no distribution to draw from: {error}")


def infeasible(scenario: Scenario) -> list[Problem]:
    """What cannot work, each with its path in the file."""
    if scenario.network is not None:
        return []
    constants = Constants(scenario)
    if scenario.temporal is None:
        return [
            *full_disks(constants, scenario),
            *database_fault_problems(scenario),
            *infeasible_pools(constants, scenario),
        ]
    return [
        *_timeouts(scenario, constants),
        *_zones(scenario, constants),
        *_failovers(scenario),
        *infeasible_pools(constants, scenario),
        *infeasible_packing(scenario),
        *full_disks(constants, scenario),
        *database_fault_problems(scenario),
    ]


def _failovers(scenario: Scenario) -> Iterator[Problem]:
    """A region that is back before another one has taken over for it."""
    regions = scenario.regions
    if regions is None or regions.replication is None:
        return
    for name, fault in scenario.faults.items():
        if f"region.{regions.at_home}" in fault.each_target and fault.repair is not None:
            takes, back = mean_ns(regions.replication.failover), mean_ns(fault.repair)
            if takes >= back:
                yield Problem(
                    f"faults.{name}.repair",
                    f"is {format_duration_ns(round(back))} on average, but to take over for the region takes "
                    f"{format_duration_ns(round(takes))}: it is back before",
                    "a region that is lost is away for longer than `regions.replication.failover`",
                )


def _zones(scenario: Scenario, constants: Constants) -> Iterator[Problem]:
    """A round trip to another zone is not shorter than one within a zone."""
    if scenario.zones is None:
        return
    for part, own in (("temporal", scenario.temporal), *scenario.stores.items()):
        near_ns = constants.number(f"{part}.rtt", getattr(own, "rtt_ns", None))
        if near_ns > scenario.zones.rtt_ns:
            far, near = format_duration_ns(scenario.zones.rtt_ns), format_duration_ns(near_ns)
            yield Problem(
                "zones.rtt",
                f"is {far}, shorter than a round trip within a zone: `{part}.rtt` is {near}",
                f"give a longer one, or   {part}: {{rtt: {far}}}",
            )


def _timeouts(scenario: Scenario, constants: Constants) -> Iterator[Problem]:
    """An activity that takes longer than its timeout on average is tried for ever."""
    default_ns = constants.number("temporal.activity_start_to_close")
    task_ns = constants.number("temporal.workflow_task_timeout")
    for name, workflow in scenario.workflows.items():
        for below, step in walk(workflow.steps):
            found: list[tuple[tuple[str | int, ...], Activity]] = []
            own = own_activity(step)
            if own is not None:
                found.append(own)
                if isinstance(own[1].compensate, Activity):
                    found.append(((*own[0], "compensate"), own[1].compensate))
            for place, activity in found:
                own_ns = activity.start_to_close_ns
                limit_ns = own_ns or (None if activity.schedule_to_close_ns else default_ns)
                if activity.local:
                    pool = scenario.workers[workflow.task_queue]
                    limit_ns = pool.workflow_task_timeout_ns or task_ns
                mean = _attempt_ns(scenario, activity)
                if limit_ns is not None and mean > limit_ns:
                    path = dotted(("workflows", name, "steps", *below, *place))
                    takes = (
                        "has no mean"
                        if mean == float("inf")
                        else f"takes {format_duration_ns(round(mean))} on average"
                    )
                    limit = f"`start_to_close`{'' if own_ns else ' (by default)'} of {format_duration_ns(limit_ns)}"
                    hint = "give it a longer start_to_close"
                    if activity.local:
                        limit = f"{format_duration_ns(limit_ns)} that a workflow task may take"
                        hint = "leave out `local`"
                    yield Problem(path, f"{takes}, longer than the {limit}", hint)


def _attempt_ns(scenario: Scenario, activity: Activity) -> float:
    """Mean time of an attempt with nothing in its way."""
    part_ns = mean_ns(activity.service) + (mean_ns(activity.cpu) if activity.cpu is not None else 0.0)
    part_ns += sum(mean_ns(scenario.dependencies[name].latency) for name in activity.calls)
    return part_ns * (activity.chunks or 1)
