"""What fails in a deployment, by what it hits: zones, regions and load here, the others in files of their own.

Everything that stands in a zone or region that is lost or cut off is so at one instant. What comes back at different
times becomes several faults of the network: pods come back with their zone, a lost primary is replaced by a standby
elsewhere. A drill sets all of them off together; random ones have clocks of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.lower.context import Context
from sim.lower.faults.pods import as_fault, faults_of, node_faults, rolling_restart
from sim.lower.names import pods_of, queue_of
from sim.lower.placement.packing import away_on, nodes_in
from sim.lower.placement.regions import LINE, REPLAY, UNSHIPPED
from sim.lower.rates import rate_of
from sim.lower.steps import Distribution, constant
from sim.lower.stores.base import OWNERS, Loss, Store
from sim.lower.sums import sum_of
from sim.lower.tables import database_fault
from sim.lower.temporal.dependencies import place_of
from sim.lower.temporal.ownership import shards_away
from sim.network.faults import Fault, Target
from sim.network.faults import Target as NodeTarget
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.regions import Replication, Zones
from sim.scenario.scenario import Scenario


class Standing:
    """The parts of a deployment by the places that they stand in."""

    def __init__(self, store: Store) -> None:
        assert store.primary, "checked: places need a primary"
        self.store = store
        self.parts, self.constants, self.scenario = store.parts, store.constants, store.scenario
        self.primary = store.primary
        self.whole_primary = NodeTarget(group=store.primary)

    @property
    def zones(self) -> Zones:
        """The zones; a fault of one is told only where there are any."""
        assert self.scenario.zones is not None
        return self.scenario.zones

    @property
    def copying(self) -> Replication | None:
        """How the store is copied to another region, if it is."""
        return None if self.parts.regional is None else self.parts.regional.copying

    @property
    def home(self) -> str:
        """The region of the services and of the store."""
        return "" if self.scenario.regions is None else self.scenario.regions.at_home

    def pods(self, region: str) -> dict[str, tuple[int, ...]]:
        """The pods of each group that stand in a region; what is no pool of workers stands at home."""
        found = {}
        for group, nodes in self.parts.nodes.items():
            if group in (self.primary, OWNERS) or group in self.parts.not_pods:
                continue
            where = self._where(group) or (self.home,) * nodes.count
            found[group] = tuple(pod for pod, there in enumerate(where) if there == region)
        return found

    def in_zone(self, zone: int, group: str, there: tuple[int, ...]) -> tuple[int, ...]:
        """Which of a group's nodes at home stand in a zone: each standby of the store is a group of its own."""
        standby = self.store.standby_of(group)
        if standby is not None:
            return there if self.zones.of_standby(standby) == zone else ()
        return tuple(pod for index, pod in enumerate(there) if self.zones.of_pod(index) == zone)

    def _where(self, group: str) -> tuple[str, ...] | None:
        pool = self.scenario.workers.get(queue_of(group))
        regional = self.parts.regional
        if pool is None or regional is None:
            return None
        by_site = pool.regions is not None and self.parts.nodes[group].count == len(pool.regions)
        return pool.regions if by_site else regional.of_pods(pool)

    def back(self, pods: tuple[NodeTarget, ...], repair: Distribution) -> Distribution:
        """When pods are back: after the repair, and the time that the slowest of them takes to start."""
        delays = [
            pool.start_delay_ns
            for queue, pool in self.scenario.workers.items()
            if any(target.group == pods_of(queue) for target in pods)
        ]
        self.constants.record_assumption(
            "pods of a lost place", "come back together, after the longest start_delay of their pools"
        )
        return sum_of(repair, constant(max(delays))) if any(delays) else repair


class RegionFaults(Standing):
    """What the loss of a region does, and what its partition."""

    def losses(self, region: str, fault: DeploymentFault) -> Iterator[Loss]:
        """What is away when a region is lost."""
        pods = tuple(NodeTarget(group=group, nodes=there) for group, there in self.pods(region).items() if there)
        if region == self.home and OWNERS in self.parts.nodes:
            pods = (*pods, NodeTarget(group=OWNERS))
        copying = self.copying
        repair = fault.lasts
        own_store = self._master(region)
        if region != self.home and own_store is not None:
            yield Loss((*pods, own_store), self.back(pods, repair))
            self.constants.record_assumption(
                "executions whose master is lost", "wait for it; no other one takes them over"
            )
        elif region != self.home:
            if pods:
                yield Loss(pods, self.back(pods, repair))
            if copying is not None and copying.to == region:
                yield Loss(self._ways(), repair, "pause")
        elif copying is None:
            yield Loss((*pods, self.whole_primary), self.back(pods, repair))
            self.constants.record_assumption("a lost home region without a copy", "its disks come back as they were")
        else:
            self.constants.record_assumption(
                "after the home region is lost",
                "services, workers and store of the other region are as many, and as near to each other, from the end "
                "of the failover on; nothing goes back; events that were lost are counted, their work is not undone",
            )
            self.constants.record_assumption(
                "what is on the wire when the home region is lost",
                "is lost: in truth what had left it arrives, so that the recovery point is up to half of a round trip "
                "younger",
            )
            held = (NodeTarget(group=UNSHIPPED),) if UNSHIPPED in self.parts.resources else ()
            yield Loss((*pods, self.whole_primary, *held), copying.failover)

    def cut_off(self, region: str, fault: DeploymentFault) -> Loss:
        """A partition: pods there neither fetch tasks nor bring results, the log does not get through."""
        self.constants.record_assumption("pods that are cut off", "stand still, as far as the platform can tell")
        pods = tuple(NodeTarget(group=group, nodes=there) for group, there in self.pods(region).items() if there)
        copying = self.copying
        if self._master(region) is not None:
            ways = self._appliers(region)
        else:
            ways = self._ways(replay=False) if copying is not None and copying.to == region else ()
        return Loss((*pods, *ways), fault.lasts, "pause")

    def _master(self, region: str) -> NodeTarget | None:
        """The store of a region that is a master."""
        many = None if self.parts.regional is None else self.parts.regional.many
        if many is None or region not in many.at:
            return None
        return NodeTarget(group=many.named(self.primary, many.at.index(region)))

    def _appliers(self, region: str) -> tuple[NodeTarget, ...]:
        """What stands still when a master and the others cannot reach each other."""
        assert self.parts.regional is not None
        many = self.parts.regional.many
        assert many is not None
        here = many.at.index(region)
        if many.waits:
            self.constants.record_assumption(
                "commits that wait for a master that is cut off", "wait; so does all other work"
            )
            return tuple(NodeTarget(group=many.named(self.primary, master)) for master in range(len(many.at)))
        pairs = [pair for other in many.others(here) for pair in ((here, other), (other, here))]
        return tuple(NodeTarget(group=many.applier(origin, at)) for origin, at in pairs)

    def _ways(self, replay: bool = True) -> tuple[NodeTarget, ...]:
        """What stands still when the copy cannot be reached: commits that wait for it, or the log on its way."""
        if LINE not in self.parts.stations:
            self.constants.record_assumption(
                "commits whose other region is away", "wait; so does all other work of the primary"
            )
            return (self.whole_primary,)
        return (NodeTarget(group=LINE), *([NodeTarget(group=REPLAY)] if replay else []))


class ZoneFaults(Standing):
    """What the loss of a zone does."""

    def losses(self, zone: int, fault: DeploymentFault, is_cut_off: bool = False) -> Iterator[Loss]:
        """What is away when a zone is lost, or cut off from the others."""
        repair = fault.lasts
        gone = tuple(
            NodeTarget(group=group, nodes=nodes)
            for group, there in self.pods(self.home).items()
            if (nodes := self.in_zone(zone, group, there))
        )
        standbys = tuple(target for target in gone if self.store.standby_of(target.group) is not None)
        pods = tuple(target for target in gone if target not in standbys)
        of_store = tuple(target for target in standbys if self.store.stands_with(target.group))
        if is_cut_off:
            pools = {pods_of(queue) for queue in self.scenario.workers}
            workers = tuple(target for target in pods if target.group in pools)
            pods = tuple(target for target in pods if target not in workers)
            self.constants.record_assumption(
                "a zone that is cut off",
                "is lost to the others with its services and its part of the store; its workers stand still, as far "
                "as the platform can tell",
            )
            if workers:
                yield Loss(workers, repair, "pause")
        left = self.zones.standbys_left(zone, self.store.standbys)
        waits_for_its_zone = zone == self.zones.of_primary and not self.store.is_replaced(left)
        if waits_for_its_zone:
            of_store = (*of_store, self.whole_primary)
        back = self.back(pods, self._started_again(zone, repair))
        together = (*pods, *of_store) if self.scenario.kubernetes is None else pods
        if together:
            yield Loss(together, back)
        if of_store and self.scenario.kubernetes is not None:
            yield Loss(of_store, repair)
        if zone != self.zones.of_primary:
            yield from self.store.short_of_standbys(left, repair)
        if zone == self.zones.of_primary and not waits_for_its_zone:
            yield Loss((self.whole_primary,), self.store.failover())
            self.constants.record_assumption(
                "the primary's zone is lost", "the new primary is as near to everybody as the old one"
            )
            if fault.at_ns is None:
                self.constants.record_assumption(
                    "pods and primary of a zone that is lost at random",
                    "fail at instants of their own, each as often as the zone",
                )
        owners = self.parts.nodes.get(OWNERS)
        shards = () if owners is None else tuple(pod for pod in range(owners.count) if self.zones.of_pod(pod) == zone)
        if owners is not None and shards:
            away = shards_away(self.store, back, len(shards) == owners.count)
            yield Loss((NodeTarget(group=OWNERS, nodes=shards),), away)

    def _started_again(self, zone: int, repair: Distribution) -> Distribution:
        """Until the pods of a lost zone are started again, there or elsewhere."""
        kubernetes = self.scenario.kubernetes
        if kubernetes is None:
            return repair
        self.constants.record_assumption(
            "pods of a lost zone on machines of their own", "come back with those on `kubernetes`"
        )
        return away_on(self.constants, self.scenario, nodes_in(self.scenario, kubernetes, zone), repair)


def place_faults(store: Store, name: str, fault: DeploymentFault) -> dict[str, Fault]:
    """The faults that one becomes; the first one bears its name."""
    zones = ZoneFaults(store)
    regions = RegionFaults(store)
    kind, _, place = fault.target.partition(".")
    gap_ns = fault.mean_gap_ns
    if kind == "zone" and not place:
        names = zones.zones.names
        found = [loss for zone in range(len(names)) for loss in zones.losses(zone, fault)]
        if gap_ns is not None and fault.mttf_ns is None:
            gap_ns *= len(names)  # a Poisson process over all zones is one of each, at its share of the rate
    elif kind == "zone" or (kind == "partition" and _is_zone(store.scenario, place)):
        found = list(zones.losses(zones.zones.names.index(place), fault, is_cut_off=kind == "partition"))
    elif kind == "region":
        found = list(regions.losses(place, fault))
    else:
        found = [regions.cut_off(place, fault)]
    return {
        name if index == 0 else f"{name}-{index}": as_fault(
            fault,
            loss.targets,
            loss.away,
            happens=loss.effect or "crash",
            gap_ns=gap_ns,
            one_by_one=False,
        )
        for index, loss in enumerate(found)
    }


def _is_zone(scenario: Scenario, name: str) -> bool:
    regions, zones = scenario.regions, scenario.zones
    return zones is not None and name in zones.names and (regions is None or name not in regions.names)


def load_spike(context: Context, name: str, fault: DeploymentFault) -> Fault:
    """The fault, whose source sends what comes on top. name: of the fault in the network."""
    workflow = fault.target.removeprefix("workflows.")
    assert fault.factor is not None, "checked when it was read"
    sources = context.parts.sources
    usual = sources[workflow]
    context.constants.record_assumption(
        "a load spike",
        "is a Poisson process beside the load that there is, of factor - 1 times its mean rate, whatever the hour",
    )
    sources[f"{workflow}-{name}"] = Source(
        routine=usual.routine,
        arrivals=PoissonArrivals(poisson_per_s=(fault.factor - 1) * rate_of(usual.arrivals)),
        priority=usual.priority,
        during=name,
    )
    return as_fault(fault, (), fault.lasts)


class FaultTargets:
    """Lowers the faults of a deployment whose parts are all in place."""

    def __init__(self, context: Context, store: Store | None = None) -> None:
        """store: the platform's; None where databases stand alone."""
        self.context = context
        self.store = store

    def of(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        """The faults of the network that one becomes; the first one bears its name.

        Of several targets those become one fault to which the same happens for as long, so that they fail together at
        random, too.
        """
        if isinstance(fault.targets, str):
            return self._of_one(name, fault)
        # A spike's source knows its fault by its name, which is that of the first one.
        parts = sorted((part for _, part in fault.parts), key=lambda part: not part.of_load)
        found = list(_together(one for part in parts for one in self._of_one(name, part).values()))
        if fault.is_random and len(found) > 1:
            self.context.constants.record_assumption(
                f"what `{name}` names",
                "is away for different times, and fails at instants of its own at random, each part as often; in "
                "drills and in the error budget all begin together",
            )
        return {name if index == 0 else f"{name}-{index}": one for index, one in enumerate(found)}

    def _of_one(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        if fault.of_database:
            return {name: database_fault(self.context, fault)}
        if fault.of_load:
            return {name: load_spike(self.context, name, fault)}
        if fault.of_clock:
            self.context.constants.record_assumption(
                "a wall clock that jumps",
                "is that of all: of the server's timers and timeouts, which are meant, and of workers' calls, too",
            )
            return {name: as_fault(fault, (), fault.repair)}
        if fault.of_dependency:
            place = place_of(fault.target.removeprefix("dependencies."))
            return {name: as_fault(fault, (Target(group=place),), fault.lasts)}
        assert self.store is not None, "checked: databases that stand alone fail alone"
        if fault.of_place:
            return place_faults(self.store, name, fault)
        if fault.of_node:
            return node_faults(self.store, name, fault)
        if fault.is_rolling:
            return rolling_restart(self.store, name, fault)
        return faults_of(self.store, name, fault)


def _together(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Those that differ in their targets alone as one."""
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        found.setdefault(fault.model_dump_json(exclude={"targets"}), []).append(fault)
    for alike in found.values():
        yield alike[0].model_copy(update={"targets": tuple(target for fault in alike for target in fault.targets)})
