"""What a scenario rents: machines and volumes, for the bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from sim.lower.lowered import Computed, Machine, Volume
from sim.scenario.scenario import Scenario

GIB = 2**30


def machines(scenario: Scenario) -> Iterator[Machine]:
    """Every machine that is named, by what it is for."""
    for name, pool in scenario.workers.items():
        if pool.node is not None:
            machine = _machine(scenario, f"workers.{name}", pool.node, pool.most, pool.capacity == "spot")
            yield replace(machine, controller=name) if pool.comes_or_goes else machine
    for name, service in scenario.services.items():
        if service.node is not None:
            yield _machine(scenario, f"temporal.{name}", service.node, service.replicas)
    for name, store in scenario.stores.items():
        if store.node is not None:
            yield _machine(scenario, name, store.node, store.machines)
            for region in _copies(scenario):
                yield _machine(scenario, f"{name}.{region}", store.node, store.machines)
    if scenario.kubernetes is not None:
        yield _machine(scenario, "kubernetes", scenario.kubernetes.node, scenario.kubernetes.nodes)
    bouncer = scenario.pgbouncer
    if bouncer is not None and bouncer.node is not None:
        yield _machine(scenario, "pgbouncer", bouncer.node, bouncer.replicas)
    for name, rented in scenario.machines.items():
        machine = _machine(scenario, f"machines.{name}", rented.node, rented.count, rented.spot)
        yield replace(machine, controller=rented.kept_by)


def volumes(scenario: Scenario, computed: Mapping[str, Computed] | None = None) -> Iterator[Volume]:
    """Volumes that are not part of a machine's price. computed: tells what they hold where no size is given."""
    for name, store in scenario.stores.items():
        if store.disk is not None:
            disk, size_bytes = store.disk, store.disk.size_bytes
            gib = (computed or {})[f"storage.{name}"].value if size_bytes is None else size_bytes / GIB
            for resource in (name, *(f"{name}.{region}" for region in _copies(scenario))):
                yield Volume(resource, disk.type, gib, store.machines, disk.iops, disk.throughput_bytes_per_s / 1e6)


def _copies(scenario: Scenario) -> tuple[str, ...]:
    """Other regions that have a copy of the store, on as many nodes."""
    copying = None if scenario.regions is None else scenario.regions.replication
    return () if copying is None or not scenario.behaviours.region_replication else (copying.to,)


def _machine(scenario: Scenario, resource: str, node: str, count: int, spot: bool = False) -> Machine:
    return Machine(resource, node, count, scenario.prices.nodes.get(node), spot)
