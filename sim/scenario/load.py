"""The load of a scenario times a factor: everything that starts work, in the same proportions and at the same times.

More load is more customers, not faster ones: rates and the numbers of bursts, clients and schedules grow, the times of
schedules, profiles and bursts stay. Arrival times from files are `repeated` by who reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sim.network.distributions import Distribution, Geometric, Number, Poisson, UniformCount
from sim.network.sources import (
    Arrivals,
    BurstArrivals,
    ClosedArrivals,
    ModulatedArrivals,
    PoissonArrivals,
    RenewalArrivals,
)
from sim.scenario.model.workflow import Workflow
from sim.scenario.scenario import Scenario
from sim.spec import Spec


def scaled(scenario: Scenario, factor: float) -> Scenario:
    """The scenario with `factor` times the load: sources of a network, workflows and their schedules, queries and
    updates, queries of tables, ingest. Whole numbers are rounded, see `inexact`."""
    assert 0 < factor < math.inf, factor
    if factor == 1:
        return scenario
    changes: dict[str, Any] = {
        "workflows": {name: _workflow(one, factor) for name, one in scenario.workflows.items()},
        "queries": {
            name: one.model_copy(update={"arrivals": arrivals_scaled(one.arrivals, factor)})
            for name, one in scenario.queries.items()
        },
        "ingest": {
            name: one.model_copy(update={"rows_per_s": one.rows_per_s * factor})
            for name, one in scenario.ingest.items()
        },
    }
    if scenario.network is not None:
        sources = {
            name: source.model_copy(update={"arrivals": arrivals_scaled(source.arrivals, factor)})
            for name, source in scenario.network.sources.items()
        }
        changes["network"] = scenario.network.model_copy(update={"sources": sources})
    return scenario.model_copy(update=changes)


def inexact(scenario: Scenario, factor: float) -> Iterator[str]:
    """What does not become exactly `factor` times as much, since there is no part of a client or schedule."""
    for name, arrivals in _loads(scenario):
        count = {BurstArrivals: "burst", ClosedArrivals: "closed"}.get(type(arrivals))
        number = getattr(arrivals, count) if count else None
        if isinstance(number, int) and _whole(number, factor) != number * factor:
            yield f"{name}: {_whole(number, factor)} instead of {number * factor:.4g}"


def arrivals_scaled(arrivals: Arrivals, factor: float) -> Arrivals:
    """The arrivals of `factor` times as many."""
    match arrivals:
        case PoissonArrivals():
            return arrivals.model_copy(update={"poisson_per_s": arrivals.poisson_per_s * factor})
        case RenewalArrivals():
            return arrivals.model_copy(update={"renewal": stretched(arrivals.renewal, 1 / factor)})
        case ModulatedArrivals():
            phases = tuple(
                phase.model_copy(update={"rate_per_s": phase.rate_per_s * factor}) for phase in arrivals.mmpp
            )
            return arrivals.model_copy(update={"mmpp": phases})
        case BurstArrivals():
            return arrivals.model_copy(update={"burst": _number(arrivals.burst, factor)})
        case ClosedArrivals():
            return arrivals.model_copy(update={"closed": _whole(arrivals.closed, factor)})
    return arrivals  # a file, whose times are repeated where it is read


def repeated(times_ns: list[int], factor: float) -> list[int]:
    """Arrival times of which each comes `factor` times on average, as evenly as whole numbers can.

    >>> repeated([1, 2, 3, 4], 1.5), repeated([1, 2, 3, 4], 0.5)
    ([1, 2, 2, 3, 4, 4], [2, 4])
    """
    found: list[int] = []
    for index, time_ns in enumerate(times_ns):
        found += [time_ns] * (math.floor((index + 1) * factor + 1e-9) - math.floor(index * factor + 1e-9))
    return found


def stretched(distribution: Distribution, factor: float) -> Distribution:
    """The distribution of `factor` times as long: all its times, which are those named so, and no shape or weight."""
    result: Distribution = _stretched(distribution, factor)
    return result


def _stretched(value: Any, factor: float) -> Any:
    if isinstance(value, Spec):
        changes = {}
        for name in type(value).model_fields:
            inner = getattr(value, name)
            changes[name] = _times(inner, factor) if name.endswith("_ns") else _stretched(inner, factor)
        return value.model_copy(update=changes)
    return tuple(_stretched(one, factor) for one in value) if isinstance(value, tuple) else value


def _times(value: Any, factor: float) -> Any:
    """A time in ns, several of them, or none."""
    if isinstance(value, tuple):
        return tuple(_times(one, factor) for one in value)
    return None if value is None else round(value * factor)


def _workflow(workflow: Workflow, factor: float) -> Workflow:
    changes: dict[str, Any] = {}
    if workflow.arrivals is not None:
        changes["arrivals"] = arrivals_scaled(workflow.arrivals, factor)
    if workflow.schedule is not None:
        changes["schedule"] = workflow.schedule.model_copy(update={"count": _whole(workflow.schedule.count, factor)})
    if workflow.queries is not None:
        rate = workflow.queries.rate_per_s * factor
        changes["queries"] = workflow.queries.model_copy(update={"rate_per_s": rate})
    if workflow.updates_per_s is not None:
        changes["updates_per_s"] = workflow.updates_per_s * factor
    return workflow.model_copy(update=changes)


def _loads(scenario: Scenario) -> Iterator[tuple[str, Arrivals]]:
    for name, workflow in scenario.workflows.items():
        if not workflow.is_child_only:
            yield name, workflow.load
    yield from ((name, one.arrivals) for name, one in scenario.queries.items())
    if scenario.network is not None:
        yield from ((name, source.arrivals) for name, source in scenario.network.sources.items())


def _number(number: Number, factor: float) -> Number:
    match number:
        case int():
            return _whole(number, factor) if number else 0
        case Geometric():
            return Geometric(geometric=max(1.0, number.geometric * factor))
        case Poisson():
            return Poisson(poisson=number.poisson * factor)
        case UniformCount():
            low, high = number.between
            return UniformCount(between=(round(low * factor), round(high * factor)))
    return number


def _whole(number: int, factor: float) -> int:
    """So many of them, at least one."""
    return max(1, round(number * factor))
