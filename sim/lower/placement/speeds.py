"""How fast the cores are that a component runs on: all CPU there takes as much longer or shorter.

CPU times of the presets are those of the host that they were fitted on. What runs on a faster or slower core takes
them divided by its speed: whatever visits the cores of a pod or of a store, an activity's own `cpu` included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.lower.constants import Constants
from sim.lower.placement.hosts import moved
from sim.lower.placement.packing import pods_on
from sim.lower.stores.choose import product_of
from sim.network.network import Network
from sim.network.places import Server
from sim.scenario.load import stretched
from sim.scenario.scenario import Scenario

SERVICES = ("frontend", "history", "matching")


def speeds_of(scenario: Scenario, constants: Constants, network: Network) -> dict[str, float]:
    """Of each station that stands for cores, how fast these are; cores of a host are told by the host."""
    usual = constants.ratio("temporal.cpu_speed")
    told = dict(_told(scenario, network))
    return {station: usual if own is None else own for station, own in told.items() if station in network.stations}


def _told(scenario: Scenario, network: Network) -> Iterator[tuple[str, float | None]]:
    """What the scenario says of each station's cores: the component itself, or else the node that its pod is on."""
    hosted = {component for host in scenario.hosts.values() for component in host.components}
    of_nodes = None if scenario.kubernetes is None else scenario.kubernetes.cpu_speed
    on_nodes = set() if of_nodes is None else {pod.group.removesuffix("-workers") for pod in pods_on(scenario)}
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
