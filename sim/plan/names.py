"""The names of all figures that the runs of a scenario can have, known before they run. `stats` computes them."""

from __future__ import annotations

from collections.abc import Iterator

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


def metric_names(lowered: Lowered) -> frozenset[str]:
    """Every name that a figure of these runs can have, and so every metric that an objective may be about."""
    network = lowered.network
    names = {*_of_routines(network), *_of_places(network), *_of_spans(network), *_of_drills(network)}
    names |= {f"count.{operation}.per_execution" for operation in _operations(network)}
    names |= {f"hit_rate.{cache}" for cache in network.caches}
    names |= {f"sync_match_rate.{queue}" for queue in lowered.task_queues}
    if lowered.flushes:
        names.add("count.flush.per_execution")
    if lowered.machines or lowered.volumes:
        names.add("cost.total")
    return frozenset(names)


def _of_routines(network: Network) -> Iterator[str]:
    for routine in {source.routine for source in network.sources.values() if source.counted}:
        for family in ("latency", "latency_compensated", "latency_failed"):
            yield from (f"{family}.{routine}.{level}" for level in DURATION)
        for family in ("throughput", "goodput", "availability", "retry_amplification"):
            yield f"{family}.{routine}"
        yield from (f"in_flight.{routine}.{level}" for level in ("mean", "max"))


def _of_places(network: Network) -> Iterator[str]:
    for place in (*network.resources, *network.stations):
        for family in ("utilisation", "wait_probability", "rejected", "refused", "abandoned"):
            yield f"{family}.{place}"
        yield from (f"queue.{place}.{level}" for level in ("mean", "max"))
        yield from (f"wait.{place}.{level}" for level in WAIT)


def _of_spans(network: Network) -> Iterator[str]:
    for name, span in network.spans.items():
        yield from (f"{span.metric or f'span.{name}'}.{level}" for level in DURATION)


def _of_drills(network: Network) -> Iterator[str]:
    for name, fault in network.faults.items():
        if fault.is_drill and fault.at_ns is not None:
            yield from (f"recovery.{name}.{phase}" for phase in PHASE)
            for number in ("lost", "redone", "amplification", "never_back"):
                yield f"recovery.{name}.{number}"


def _operations(network: Network) -> Iterator[str]:
    for routine, steps in network.routines.items():
        for placed in walk(routine, steps):
            if isinstance(placed.step, CountStep):
                yield from placed.step.count
