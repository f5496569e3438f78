"""Whether a prediction lies where its products were measured, and how much wider that makes its intervals.

Its features are the settings of each product that a measurement of it would have to match. Names and ranges of
what was measured stand in `presets/calibrated.yaml`.

INSIDE: every setting is within what was measured. EDGE: no number is more than half again beyond it, or a version
differs. OUTSIDE: anything else, such as a product or a kind of failure that nobody has measured.

A figure has two intervals. The first is the noise of the simulation: it shrinks with more runs, and verdicts are made
by it. `calibration` compares predictions with measurements. They differ by more than noise: by the error of the model
(discrepancy) and by the uncertainty of its parameters (inputs), both as standard deviations of the logarithm. In
quadrature with the noise they give the second interval, which no number of runs makes narrower; outside the calibrated
range it is a lower bound. `?` marks a verdict that it would change. Source: Kennedy &
O'Hagan, Journal of the Royal Statistical Society B 63 (2001).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.analytic.arrival_rates import mean_number
from sim.draws.build import inverse_of
from sim.engine.plan import Plan
from sim.engine.run import Planned
from sim.figure import Figure
from sim.lower.constants import Constants
from sim.lower.load import Loaded
from sim.lower.stores.choose import product_of
from sim.results.columns import SUCCEEDED, Replication
from sim.scenario.calibrated import Product, calibrated
from sim.scenario.model.objectives import Objective
from sim.scenario.model.stores.registry import STORES
from sim.scenario.model.workflow_steps import ActivityStep, FanOutStep, RepeatStep, WorkflowStep, inside, walk
from sim.scenario.presets import PRODUCTS
from sim.scenario.scenario import Scenario
from sim.stats.metrics import DONE, LATENCY_PERCENTILES, Cohort, measured_routines, metrics
from sim.stats.summary import Calibration, Place, Recovery, Verdict
from sim.stats.verdicts import verdict
from sim.units import format_quantity, parse_duration_ns, parse_rate_per_s

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
    workflows = scenario.workflows.values()
    activities = [one for workflow in workflows for one in workflow.activities]
    others = {
        "local activities": any(one.local for one in activities),
        "transactions of activities": any(one.transaction is not None for one in activities),
        "calls of dependencies": any(one.calls for one in activities),
        "rollouts of workflows": any(one.rollout is not None for one in workflows),
        "queries and updates": any(one.queries or one.updates_per_s for one in workflows),
        "workers that come and go": any(pool.comes_or_goes for pool in scenario.workers.values()),
    }
    used |= {what for what, is_used in others.items() if is_used}
    used |= {f"{fault.target.split('.')[0]} {fault.happens}" for _, fault in scenario.failing}
    yield from sorted(used)


EDGE = 1.5
"""Factor by which a number may be beyond what was measured and still be at its edge: an assumption."""

NAMES = {"rds": "RDS", "aurora": "Aurora", "dbos": "DBOS", "temporal": "Temporal"}
NAMES |= {key: one.product for key, one in STORES.items()}
"""Products as people write them."""

LEVELS = {"mean": "mean", "p50": "p50", "p90": "p95", "p95": "p95", "p99": "p99", "p999": "p99", "max": "p99"}
"""Level of a figure: that whose discrepancy it takes. A p99.9 and a maximum take that of the p99, which is the least
that they have."""
WAITS = ("schedule_to_start",)
LATENCIES = ("latency", "latency_compensated", "latency_failed", "span", "wait", "start")
"""Families of times. Spans and waits at places were not scored: they take the discrepancy of the whole latency."""


def calibration_of(used: Features, known: Mapping[str, Product] | None = None) -> Calibration:
    """Where a scenario that uses these products lies. known: what was measured, the file by default."""
    known = calibrated() if known is None else known
    if not used:
        return Calibration("NOTHING MEASURED", ("it uses no product that was measured: what it says is its own",), {})
    found = [finding for product, settings in used.items() for finding in _findings(product, settings, known)]
    place: Place = "INSIDE"
    if found:
        place = "OUTSIDE" if any(where == "outside" for where, _ in found) else "EDGE"
    worse = sorted(found, key=lambda finding: finding[0] != "outside")
    products = [known[name] for name in used if name in known]
    discrepancy = _largest(product.discrepancy for product in products)
    inputs = _largest(product.inputs for product in products)
    return Calibration(place, tuple(dict.fromkeys(reason for _, reason in worse)), discrepancy, inputs)


def _largest(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Of each group the largest: a product's store is measured with it, so that one knows of the other's error."""
    largest: dict[str, float] = {}
    for one in found:
        for group, value in one.items():
            largest[group] = max(value, largest.get(group, 0.0))
    return largest


def _findings(
    product: str, settings: Mapping[str, Setting], known: Mapping[str, Product]
) -> Iterator[tuple[str, str]]:
    """What is not as it was measured: (outside or edge, in words)."""
    name = NAMES.get(product, product)
    if product == CONSTANTS:
        for path in settings:
            yield "outside", f"{path} changed by the scenario"
        return
    if product not in known:
        yield "outside", f"{name} not measured"
        return
    for setting, value in settings.items():
        span = known[product].settings.get(setting)
        if span is None:
            if setting not in known[product].used:
                yield "outside", f"{setting} not measured"
        elif span.words:
            if str(value) not in span.words:
                yield span.others, f"{name} {setting} {value}, measured {' and '.join(span.words)}"
        elif span.low is not None and span.high is not None:
            number = _number(value, span.unit)
            if where := _beyond(number, span.low, span.high):
                measured = _range(*(format_quantity(end, span.unit) for end in (span.low, span.high)))
                yield where, f"{setting} {format_quantity(number, span.unit)}, measured {measured}"


def _number(value: Setting, unit: str) -> float:
    """A setting in the unit of its span; what stands in a file as `81 us` is read as there."""
    if unit == "s" and isinstance(value, str):
        return parse_duration_ns(value) * 1e-9
    return parse_rate_per_s(value) if unit == "1/s" and isinstance(value, str) else float(value)


def _beyond(value: float, low: float, high: float) -> str:
    if low <= value <= high * (1 + 1e-9):
        return ""
    return "edge" if low / EDGE <= value <= high * EDGE else "outside"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


# -- wider intervals ----------------------------------------------------------------------------------------------


def group_of(name: str) -> str | None:
    """The group of figures whose discrepancy a metric takes; None for one that has none.

    >>> group_of("latency.checkout.p90"), group_of("recovery.crash.latency_ok.mean"), group_of("cost.total")
    ('latency.p95', 'recovery', None)
    """
    family, _, rest = name.partition(".")
    level = LEVELS.get(rest.rpartition(".")[2])
    if family in DONE:
        return "throughput"
    if level is None or family not in (*WAITS, *LATENCIES, "recovery"):
        return None
    return "recovery" if family == "recovery" else f"{family if family in WAITS else 'latency'}.{level}"


def spread_of(name: str, calibration: Calibration) -> float | None:
    """Uncertainty of a metric beside noise, as the standard deviation of its logarithm; None where nobody has measured
    it. Inputs that were drawn for the metric itself go before those of its group."""
    group = group_of(name)
    if group is None:
        return None
    discrepancy = calibration.discrepancy.get(group)
    inputs = calibration.inputs.get(name, calibration.inputs.get(group))
    if discrepancy is None and inputs is None:
        return None
    return math.hypot(discrepancy or 0.0, inputs or 0.0)


def widened(name: str, figure: Figure, calibration: Calibration, normal: float | None = None) -> Figure:
    """The figure with its second interval, where the discrepancy of its group is known.

    On the logarithmic scale, each side in quadrature: the noise's reach to that side, and as many standard deviations
    of the discrepancy as the level asks for. normal: instead of those of the figure's own level.
    """
    from sim.draws.special import ndtri

    spread = spread_of(name, calibration)
    if spread is None or not figure.value or figure.value < 0 or figure.low is None or figure.high is None:
        return figure
    level = 0.95 if figure.confidence is None else figure.confidence
    reach = (float(ndtri((1 + level) / 2)) if normal is None else normal) * spread
    down = math.log(figure.value / figure.low) if figure.low > 0 else math.inf
    up = math.log(figure.high / figure.value) if math.isfinite(figure.high) else math.inf
    return replace(
        figure,
        wide_low=figure.value * math.exp(-math.hypot(down, reach)) if math.isfinite(down) else min(figure.low, 0.0),
        wide_high=figure.value * math.exp(math.hypot(up, reach)) if math.isfinite(up) else math.inf,
    )


def judged_widely(objective: Objective, judged: Verdict, calibration: Calibration) -> Verdict:
    """The verdict with the wider interval of its figure: it stays as it is, and is fragile where that interval is not
    of the same opinion. An undecided one is not marked: noise alone leaves it open."""
    figure = widened(judged.metric, judged.figure, calibration)
    bound = objective.below if objective.below is not None else objective.above
    if figure.wide_low is None or bound is None or judged.verdict == "undecided":
        return replace(judged, figure=figure)
    wide = replace(figure, low=figure.wide_low, high=figure.wide_high)
    outcome = verdict(wide, bound, "below" if objective.below is not None else "above")
    return replace(judged, figure=figure, fragile=outcome != judged.verdict)


def widened_recovery(recovery: Recovery, calibration: Calibration) -> Recovery:
    """The times of a recovery with their second intervals."""

    def wide(figure: Figure) -> Figure:
        return widened("recovery.any.mean", figure, calibration)

    return replace(
        recovery,
        detect_s=wide(recovery.detect_s),
        restore_s=wide(recovery.restore_s),
        drain_s=wide(recovery.drain_s),
        latency_ok_s=wide(recovery.latency_ok_s),
        percentiles={
            phase: {level: wide(figure) for level, figure in levels.items()}
            for phase, levels in recovery.percentiles.items()
        },
    )


# -- uncertainty that fitted parameters bring into one scenario ----------------------------------------------------
#
# Its runs are made again with parameters drawn anew for each. Run r is made twice on the same random numbers, with the
# scenario's own parameters and with those of draw r. By how much a figure moves from the one to the other, as the
# standard deviation of the logarithm of the ratio over the runs, is its input uncertainty; the little noise that
# common random numbers leave is in it. Unlike the interval of a mean it does not shrink with the number of runs.

Draws = Callable[[int], Sequence[Sequence[str]]]
"""Gives changes as for `--set`, a list for each of so many replications."""


def drawn_runs(loaded: Loaded, draws: Sequence[Sequence[str]], plans: Sequence[Plan]) -> list[Planned]:
    """The runs with drawn parameters. Raises InputErrors where the scenario has no such parameter."""
    return [(loaded.with_(*changes).lowered.network, plan) for changes, plan in zip(draws, plans, strict=True)]


def input_spread(base: Sequence[Replication], drawn: Sequence[Replication]) -> dict[str, float]:
    """By metric, the standard deviation of the logarithm of drawn over base, of runs paired in order."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for plain, moved in zip(base, drawn, strict=False):
        before, after = _values(plain), _values(moved)
        for name, value in before.items():
            other = after.get(name, 0.0)
            if value > 0 and other > 0:
                ratios[name].append(math.log(other / value))
    return {name: float(np.std(found, ddof=1)) for name, found in ratios.items() if len(found) >= 2}


def _values(run: Replication) -> Mapping[str, float]:
    """The figures of one run that have an input uncertainty: times and rates."""
    found = {name: figure.value for name, figure in metrics([run], {}, 0.95).items() if group_of(name) is not None}
    values = {name: value for name, value in found.items() if value is not None}
    times = {f"{name}": span.histogram for name, span in run.spans.items()}
    for routine in measured_routines([run]):
        times[f"latency.{routine}"] = Cohort([run], routine).durations(SUCCEEDED)[0].histogram
    for name, histogram in times.items():
        if histogram.count:
            values |= {f"{name}.{level}": histogram.quantile(p) * 1e-9 for level, p in LATENCY_PERCENTILES.items()}
    return values
