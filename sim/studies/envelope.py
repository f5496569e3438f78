"""Whether a prediction lies where its products were measured, and how much wider that makes its intervals.

INSIDE: every setting is within what was measured. EDGE: no number is more than half again beyond it, or a version
differs. OUTSIDE: anything else, such as a product or a kind of failure that nobody has measured.

A figure has two intervals. The first is the noise of the simulation: it shrinks with more runs, and verdicts are made
by it. Predictions were held against measurements (`calibration`), and were off by more than noise: by what the model
gets wrong (discrepancy) and by what is not known of its parameters (inputs), both as standard deviations of the
logarithm. In quadrature with the noise they give the second interval, which no number of runs makes narrower; outside
of what was measured it is the least that is not known. A verdict that it would turn is marked. Source: Kennedy &
O'Hagan, Journal of the Royal Statistical Society B 63 (2001).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sim.figure import Figure
from sim.scenario.calibrated import Product, Span, calibrated
from sim.scenario.model.objectives import Objective
from sim.scenario.model.stores.registry import STORES
from sim.stats.metrics import DONE
from sim.stats.summary import Calibration, Place, Recovery, Verdict
from sim.stats.verdicts import verdict
from sim.studies.features import CONSTANTS, Features, Setting
from sim.units import format_quantity, parse_duration_ns, parse_rate_per_s

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
        else:
            number = _number(value, span.unit)
            where = _beyond(number, span)
            if where:
                yield where, f"{setting} {format_quantity(number, span.unit)}, measured {_range(span)}"


def _number(value: Setting, unit: str) -> float:
    """A setting in the unit of its span; what stands in a file as `81 us` is read as there."""
    if unit == "s" and isinstance(value, str):
        return parse_duration_ns(value) * 1e-9
    return parse_rate_per_s(value) if unit == "1/s" and isinstance(value, str) else float(value)


def _beyond(value: float, span: Span) -> str:
    assert span.low is not None
    assert span.high is not None
    if span.low <= value <= span.high * (1 + 1e-9):
        return ""
    return "edge" if span.low / EDGE <= value <= span.high * EDGE else "outside"


def _range(span: Span) -> str:
    assert span.low is not None
    assert span.high is not None
    low, high = format_quantity(span.low, span.unit), format_quantity(span.high, span.unit)
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
    """What is not known of a metric beside noise, standard deviation of the logarithm; None where that was never
    measured. Inputs that were drawn for the metric itself go before those of its group."""
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
    from scipy.special import ndtri

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
