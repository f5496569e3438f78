"""The cores that components run on: how fast they are, and those of one host that several share.

CPU times of the presets are those of the host that they were fitted on. What runs on a faster or slower core takes
them divided by its speed: whatever visits the cores of a pod or of a store, an activity's own `cpu` included.

The stations of components that share a host become one. A pod's share of the cores, or a limit that it is run with, is
not kept apart: whoever has work gets as much as anybody else who has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from sim.lower.constants import Constants
from sim.lower.names import queue_of
from sim.lower.placement.packing import pods_on
from sim.lower.setting import Setting, gauge, of
from sim.lower.steps import Step, Steps, use
from sim.lower.stores.choose import product_of
from sim.network.network import Network
from sim.network.places import Contention, Server
from sim.network.routines import Mark, UseBody
from sim.scenario.load import stretched
from sim.scenario.model.hosts import LOAD, Host
from sim.scenario.model.platform import SERVICES
from sim.scenario.scenario import Scenario
from sim.units import InUnitInt


def speeds_of(scenario: Scenario, constants: Constants, network: Network) -> dict[str, float]:
    """Of each station that stands for cores, how fast these are; cores of a host are told by the host."""
    usual = constants.ratio("temporal.cpu_speed")
    told = dict(_told(scenario, network))
    return {station: usual if own is None else own for station, own in told.items() if station in network.stations}


def _told(scenario: Scenario, network: Network) -> Iterator[tuple[str, float | None]]:
    """What the scenario says of each station's cores: the component itself, or else the node that its pod is on."""
    hosted = {component for host in scenario.hosts.values() for component in host.components}
    of_nodes = None if scenario.kubernetes is None else scenario.kubernetes.cpu_speed
    on_nodes = set() if of_nodes is None else {queue_of(pod.group) for pod in pods_on(scenario)}
    components = {f"temporal.{name}": getattr(scenario.temporal, name) for name in SERVICES}
    components |= {f"workers.{queue}": pool for queue, pool in scenario.workers.items()}
    components["pgbouncer"] = scenario.pgbouncer
    for component, pods in components.items():
        name = component.rpartition(".")[2]
        if pods is not None and component not in hosted:
            own = pods.cpu_speed
            yield f"{name}-cpu", of_nodes if own is None and name in on_nodes else own
    for key, store in scenario.stores.items():
        if key not in hosted:
            yield from ((station, store.speed) for station in product_of(scenario).cores_among(network.stations))


def at_speeds(network: Network, speeds: Mapping[str, float]) -> Network:
    """The network in which work at these stations takes its time divided by their speed."""
    slower = {station: 1 / speed for station, speed in speeds.items() if speed != 1}
    if not slower:
        return network
    stations = dict(network.stations)
    for name, factor in slower.items():
        station = stations[name]
        assert isinstance(station, Server), f"{name} stands for no cores"
        if station.service is not None:
            stations[name] = station.model_copy(update={"service": stretched(station.service, factor)})
    routines = {name: moved(steps, {}, slower) for name, steps in network.routines.items()}
    return network.model_copy(update={"stations": stations, "routines": routines})


def on_hosts(network: Network, hosts: Mapping[str, Host], constants: Constants) -> Network:
    """The network in which the CPU of components is that of their host."""
    if not hosts:
        return network
    place = {
        station_of(component): f"host-{name}"
        for name, host in hosts.items()
        for component in host.components
        if component != LOAD
    }
    lost = [name for name in place if isinstance(one := network.stations[name], Server) and one.contention is not None]
    if lost:
        constants.record_assumption("what backends cost each other", "is left out on a host that others share")
    stations = {name: station for name, station in network.stations.items() if name not in place}
    stations |= {f"host-{name}": _cores(host) for name, host in hosts.items()}
    slower = {f"host-{name}": 1 / host.speed for name, host in hosts.items()}
    routines = {name: moved(steps, place, slower) for name, steps in network.routines.items()}
    for name, host in hosts.items():
        if host.start_cpu_ns is not None:
            start = use(f"host-{name}", round(host.start_cpu_ns / host.speed))
            for routine in {source.routine: None for source in network.sources.values() if source.counted}:
                routines[routine] = _after_marks(routines[routine], start)
    return network.model_copy(update={"stations": stations, "routines": routines})


def host_settings(hosts: Mapping[str, Host]) -> dict[str, Setting]:
    """The setting of the cores of each host."""
    return {
        f"host-{name}": Setting(
            of(name, "cores"), f"hosts.{name}.cpu", "a larger machine", gauge("node_load1"), "restart", host.cpu_cores
        )
        for name, host in hosts.items()
    }


def _after_marks(steps: Steps, step: Step) -> Steps:
    """A step put behind the marks that a routine begins with: the client's work is part of the start it asks for."""
    marks = next((index for index, one in enumerate(steps) if not isinstance(one, Mark)), len(steps))
    return (*steps[:marks], step, *steps[marks:])


def _cores(host: Host) -> Server:
    slow = Contention(contention=host.contention) if host.contention else None
    if host.in_turn:
        return Server(servers=int(host.cpu_cores), contention=slow)
    return Server(cores=host.cpu_cores, contention=slow)


def station_of(component: str) -> str:
    """The station that stands for the cores of a component."""
    return f"{component.rpartition('.')[2]}-cpu"


def moved(part: Any, place: Mapping[str, str], slower: Mapping[str, float]) -> Any:
    """Steps, or a part of them, in which visits to stations are visits to others, and work takes longer at some.

    place: by station, the one that takes its place. slower: by station as it is then, how many times as long.
    """
    if isinstance(part, tuple):
        return tuple(moved(one, place, slower) for one in part)
    if isinstance(part, UseBody):
        host = place.get(part.station)
        factor = slower.get(host or part.station, 1.0)
        if host is None and factor == 1:
            return part
        changes: dict[str, Any] = {} if host is None else {"station": host, "at": None}
        if factor != 1:
            changes["demand"] = None if part.demand is None else stretched(part.demand, factor)
            changes["per"] = {name: InUnitInt(round(each * factor)) for name, each in part.per.items()}
        return part.model_copy(update=changes)
    if isinstance(part, BaseModel):
        changed = {name: moved(getattr(part, name), place, slower) for name in type(part).model_fields}
        return part.model_copy(update=changed)
    return part
