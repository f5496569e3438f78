"""Name and unit of every figure that the runs of a scenario can have, before they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sim.lower.lowered import Lowered
from sim.studies.metrics.families import FAMILIES, OWN_SPAN, MetricFamily


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a scenario, with what is known of its family."""

    name: str
    family: MetricFamily


def metrics_of(lowered: Lowered) -> Iterator[Metric]:
    """Every metric that these runs can have, and that an objective may so be about, by family."""
    for family in (*FAMILIES, OWN_SPAN):
        yield from (Metric(name, family) for name in family.names(lowered))


def metric_units(lowered: Lowered) -> Mapping[str, str]:
    """Every metric by name, with its unit."""
    return {one.name: one.family.unit for one in metrics_of(lowered)}
