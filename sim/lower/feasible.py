"""Whether a scenario whose parts fit together can work at all, as far as the presets' numbers tell."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.lower.constants import Constants
from sim.lower.stores import infeasible_store
from sim.lower.sums import mean_ns
from sim.scenario.scenario import Scenario
from sim.scenario.workflow import ActivityStep, FanOutStep
from sim.scenario.workload import Activity
from sim.units import format_duration_ns


def infeasible(scenario: Scenario) -> list[Problem]:
    """What cannot work, each with its path in the file."""
    if scenario.network is not None:
        return []
    constants = Constants(scenario)
    return [*_timeouts(scenario, constants), *infeasible_store(constants, scenario)]


def _timeouts(scenario: Scenario, constants: Constants) -> Iterator[Problem]:
    """An activity that takes longer than its timeout on average is tried for ever."""
    default_ns = constants.number("temporal.activity_start_to_close")
    for name, workflow in scenario.workflows.items():
        for index, step in enumerate(workflow.steps):
            found: list[tuple[str, Activity]] = []
            if isinstance(step, ActivityStep):
                found.append(("activity", step.activity))
                if isinstance(step.activity.compensate, Activity):
                    found.append(("activity.compensate", step.activity.compensate))
            elif isinstance(step, FanOutStep):
                found.append(("fan_out.activity", step.fan_out.activity))
            for place, activity in found:
                own_ns = activity.start_to_close_ns
                limit_ns = own_ns or (None if activity.schedule_to_close_ns else default_ns)
                mean = mean_ns(activity.service)
                if limit_ns is not None and mean > limit_ns:
                    path = f"workflows.{name}.steps.{index}.{place}"
                    takes = (
                        "has no mean"
                        if mean == float("inf")
                        else f"takes {format_duration_ns(round(mean))} on average"
                    )
                    limit = f"`start_to_close`{'' if own_ns else ' (by default)'} of {format_duration_ns(limit_ns)}"
                    yield Problem(path, f"{takes}, longer than the {limit}", "give it a longer start_to_close")
