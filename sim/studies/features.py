"""What of each product a scenario uses, and how: the settings that a measurement of the product would have to match.

Names and ranges of what was measured stand in `presets/calibrated.yaml`; the comparison is made in `envelope`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.analytic.arrival_rates import mean_number
from sim.draws.build import inverse_of
from sim.figure import Figure
from sim.lower.constants import Constants
from sim.lower.stores.choose import product_of
from sim.scenario.model.workflow_steps import ActivityStep, FanOutStep, RepeatStep, WorkflowStep, inside, walk
from sim.scenario.presets import PRODUCTS
from sim.scenario.scenario import Scenario

Setting = float | str
"""A number in seconds, 1/s, a share or a count; or a word."""
Features = Mapping[str, Mapping[str, Setting]]
"""By product and name."""

PARTS = ("pgbouncer", "kubernetes", "zones", "regions", "federations", "records", "databases")
"""Keys of a deployment that are products or arrangements of their own, used or not."""

CONSTANTS = "constants"
"""In place of a product: constants of presets that the scenario changes, by their paths."""

_STEPS = ("wait", "sleep", "parallel", "race", "fan_out", "child")


def features(scenario: Scenario, document: Any, figures: Mapping[str, Figure]) -> Features:
    """The products that a scenario uses with their settings; nothing where it uses none that could be measured.

    document: the file's data, for the paths of `stands_for`. figures: of the runs, for what only they tell.
    """
    if scenario.stands_for is not None:
        found: dict[str, Setting] = {}
        for name, where in scenario.stands_for.settings.items():
            value = _at(document, where) if not where.startswith("metric:") else _figure(figures, where[7:])
            if isinstance(value, int | float | str):
                found[name] = value
        return {scenario.stands_for.product: found}
    if scenario.network is not None:
        return {}
    by_product: dict[str, dict[str, Setting]] = {}
    if scenario.temporal is not None:
        by_product["temporal"] = dict(_temporal(scenario, figures))
    if scenario.dbos is not None:
        by_product["dbos"] = dict(_dbos(scenario, figures))
    store = product_of(scenario) if scenario.stores else None
    if store is not None:
        by_product[scenario.store_key] = dict(store.features(Constants(scenario), scenario))
    by_product |= {part: {} for part in PARTS if getattr(scenario, part)}
    if store is not None:
        by_product |= {part: {} for part in store.arrangements(scenario)}
    if changed := dict(_changed(scenario)):
        by_product[CONSTANTS] = changed
    return by_product


def _changed(scenario: Scenario) -> Iterator[tuple[str, Setting]]:
    """Constants that the scenario changes: what was measured was predicted with those of the presets."""
    for product in PRODUCTS:
        for name, value in getattr(scenario.constants, product).items():
            yield f"{CONSTANTS}.{product}.{name}", str(value)


def _at(data: Any, path: str) -> Any:
    """The value at a dotted path of the file; None where it is not written."""
    for key in path.split("."):
        if isinstance(data, list) and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        elif isinstance(data, dict):
            data = data.get(key)
        else:
            return None
    return data


def _figure(figures: Mapping[str, Figure], name: str) -> float | None:
    figure = figures.get(name)
    return None if figure is None else figure.value


def _temporal(scenario: Scenario, figures: Mapping[str, Figure]) -> Iterator[tuple[str, Setting]]:
    cluster = scenario.temporal
    assert cluster is not None
    constants = Constants(scenario)
    yield "server", scenario.presets.temporal
    yield "sdk", scenario.presets.sdk
    yield "store", scenario.store_key
    yield "shards", cluster.history_shards or constants.number("temporal.history_shards")
    services = [one for one in (cluster.frontend, cluster.history, cluster.matching) if one is not None]
    yield "pods of a service", max((service.replicas for service in services), default=1)
    yield from _work(scenario, figures)


def _dbos(scenario: Scenario, figures: Mapping[str, Figure]) -> Iterator[tuple[str, Setting]]:
    assert scenario.dbos is not None
    yield "version", scenario.presets.dbos
    polling_ns = scenario.dbos.polling_interval_ns or Constants(scenario).number("dbos.polling_interval")
    yield "polling interval", polling_ns * 1e-9
    yield from _work(scenario, figures)


def _work(scenario: Scenario, figures: Mapping[str, Figure]) -> Iterator[tuple[str, Setting]]:
    """What workflows and workers do, whatever carries them out."""
    workflows = scenario.workflows.values()
    yield "workers", sum(pool.most for pool in scenario.workers.values())
    slots = [pool.activity_slots for pool in scenario.workers.values() if pool.activity_slots is not None]
    if slots:
        yield "fewest activity slots", min(slots)
    yield "activities of a workflow", max((_activities(workflow.steps) for workflow in workflows), default=0)
    times = [inverse_of(one.service).mean() for workflow in workflows for one in workflow.activities]
    if times:
        yield "activity time", max(times)
    rates = [_figure(figures, f"offered.{name}") for name in scenario.workflows]
    if known := [rate for rate in rates if rate is not None]:
        yield "workflows", sum(known)
    busy = [figure.value for name, figure in figures.items() if name.startswith("utilisation.") and figure.value]
    if busy:
        yield "load of the busiest place", max(busy)
    for name in _done(scenario):
        yield name, "used"


def _activities(steps: Sequence[WorkflowStep]) -> float:
    """Activities that an execution runs, on average where their number varies."""
    count = 0.0
    for step in steps:
        inner = sum(_activities(body) for _, body in inside(step))
        if isinstance(step, RepeatStep):
            inner *= mean_number(step.repeat.times)
        elif isinstance(step, FanOutStep):
            inner = _activities(step.fan_out.each) * mean_number(step.fan_out.items)
        count += inner + isinstance(step, ActivityStep)
    return count


def _done(scenario: Scenario) -> Iterator[str]:
    """What is used or not: kinds of steps, of failures, of how workers come and go."""
    used = {
        kind
        for workflow in scenario.workflows.values()
        for _, step in walk(workflow.steps)
        for kind in _STEPS
        if hasattr(step, kind)
    }
    activities = [one for workflow in scenario.workflows.values() for one in workflow.activities]
    if any(one.local for one in activities):
        used.add("local activities")
    if any(one.transaction is not None for one in activities):
        used.add("transactions of activities")
    if any(one.calls for one in activities):
        used.add("calls of dependencies")
    if any(workflow.rollout is not None for workflow in scenario.workflows.values()):
        used.add("rollouts of workflows")
    if any(workflow.queries or workflow.updates_per_s for workflow in scenario.workflows.values()):
        used.add("queries and updates")
    if any(pool.comes_or_goes for pool in scenario.workers.values()):
        used.add("workers that come and go")
    for fault in (part for _, part in scenario.failing):
        used.add(f"{fault.target.split('.')[0]} {fault.happens}")
    yield from sorted(used)
