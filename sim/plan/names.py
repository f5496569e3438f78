"""Name and unit of every figure that the runs of a scenario can have, before they run. `stats` computes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.lower.lowered import Lowered
from sim.network import Network
from sim.network.routines import CountStep
from sim.network.walk import walk
from sim.stats.metrics import LATENCY_PERCENTILES, WAIT_PERCENTILES

DURATION = ("mean", *LATENCY_PERCENTILES)
WAIT = ("mean", *WAIT_PERCENTILES)
PHASE = tuple(
    f"{phase}.{level}" for phase in ("detect", "restore", "drain", "latency_ok") for level in ("mean", "p50", "p95")
)


def metric_units(lowered: Lowered) -> Mapping[str, str]:
    """Every name that a figure of these runs can have, and that an objective may so be about, with its unit."""
    network = lowered.network
    parts = (_of_routines(network), _of_places(network), _of_spans(network), _of_drills(lowered))
    units = dict(named for part in parts for named in part)
    units |= {f"count.{operation}.per_execution": "" for operation in _operations(network)}
    for controller, spec in network.controllers.items():
        units |= {f"in_use.{place}.max": "" for place in spec.of}
        units |= {f"nodes.{controller}.mean": "", f"nodes.{controller}.max": "", f"node_starts.{controller}": "1/s"}
        units[f"saving.{controller}"] = "ratio"
    units |= {f"turned_away.{breaker}": "ratio" for breaker in network.breakers}
    units |= {f"openings.{breaker}": "1/s" for breaker in network.breakers}
    units |= {f"withheld.{budget}": "ratio" for budget in network.budgets}
    units |= {f"hit_rate.{cache}": "ratio" for cache in network.caches}
    units |= {f"sync_match_rate.{queue}": "ratio" for queue in lowered.task_queues}
    units |= {f"memory_gib_hours.{queue}.per_execution": "" for queue in lowered.memories}
    units |= dict.fromkeys(lowered.shares, "ratio")
    if lowered.flushes:
        units["count.flush.per_execution"] = ""
    units |= {name: one.unit for name, one in lowered.computed.items()}
    if lowered.machines or lowered.volumes:
        units["cost.total"] = "USD/month"
    return units


def service_levels(lowered: Lowered) -> tuple[str, ...]:
    """Every indicator that an error budget of this scenario can be about: of workflows that a source starts."""
    network = lowered.network
    routines = list(dict.fromkeys(source.routine for source in network.sources.values() if source.counted))
    timed = {span.metric for span in network.spans.values()}
    starts = [f"start.{routine}" for routine in routines if f"start.{routine}" in timed]
    return (*starts, *(f"{kind}.{routine}" for kind in ("outcome", "latency") for routine in routines))


def _of_routines(network: Network) -> Iterator[tuple[str, str]]:
    for routine in {source.routine: None for source in network.sources.values() if source.counted}:
        for family in ("latency", "latency_compensated", "latency_failed"):
            yield from ((f"{family}.{routine}.{level}", "s") for level in DURATION)
        yield from ((f"{family}.{routine}", "1/s") for family in ("throughput", "goodput"))
        yield from ((f"{family}.{routine}", "ratio") for family in ("availability", "retry_amplification"))
        yield from ((f"in_flight.{routine}.{level}", "") for level in ("mean", "max"))


def _of_places(network: Network) -> Iterator[tuple[str, str]]:
    for place in (*network.resources, *network.stations):
        for family in ("utilisation", "wait_probability", "rejected", "refused", "abandoned"):
            yield f"{family}.{place}", "ratio"
        yield from ((f"queue.{place}.{level}", "") for level in ("mean", "max"))
        yield from ((f"wait.{place}.{level}", "s") for level in WAIT)


def _of_spans(network: Network) -> Iterator[tuple[str, str]]:
    for name, span in network.spans.items():
        yield from ((f"{span.metric or f'span.{name}'}.{level}", "s") for level in DURATION)


def _of_drills(lowered: Lowered) -> Iterator[tuple[str, str]]:
    for name, fault in lowered.network.faults.items():
        if fault.is_drill and fault.at_ns is not None and name not in lowered.companion_of:
            yield from ((f"recovery.{name}.{phase}", "s") for phase in PHASE)
            yield from ((f"recovery.{name}.{number}", "") for number in ("lost", "redone", *lowered.in_drills))
            yield from ((f"recovery.{name}.{age}", "s") for age in lowered.ages_in_drills)
            yield from ((f"recovery.{name}.{number}", "ratio") for number in ("amplification", "never_back"))


def _operations(network: Network) -> Iterator[str]:
    for routine, steps in network.routines.items():
        for placed in walk(routine, steps):
            if isinstance(placed.step, CountStep):
                yield from placed.step.count
