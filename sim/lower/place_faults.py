"""The loss of a whole zone or region, and one that is cut off: everything that stands there, at one instant.

What comes back at different times becomes several faults of the network: pods come back with their zone, a lost
primary is replaced by a standby elsewhere. A drill sets all of them off together; random ones have clocks of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sim.lower.constants import Constants
from sim.lower.faults import as_fault
from sim.lower.ownership import shards_away
from sim.lower.packing import away_on, nodes_in
from sim.lower.parts import Parts
from sim.lower.persistence import OWNERS, Store
from sim.lower.postgres_commit import PRIMARY, STANDBY
from sim.lower.regions import LINE, REPLAY, UNSHIPPED
from sim.lower.steps import Distribution, constant
from sim.lower.sums import sum_of
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.faults import DeploymentFault
from sim.scenario.regions import Replication
from sim.scenario.scenario import Scenario
from sim.scenario.zones import Zones


@dataclass(frozen=True, slots=True)
class Loss:
    """Nodes that fail together and come back together."""

    targets: tuple[NodeTarget, ...]
    away: Distribution
    effect: Literal["crash", "pause"] = "crash"


class PlaceFaults:
    """What the loss of places does to a deployment whose parts are all in place."""

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario, store: Store) -> None:
        self.parts = parts
        self.constants = constants
        self.scenario = scenario
        assert scenario.postgres is not None, "checked: places need a primary"
        self.postgres = scenario.postgres
        self.store = store
        self.primary = PRIMARY
        self.whole_primary = NodeTarget(group=PRIMARY)

    def of(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        """The faults that one becomes; the first one bears its name."""
        kind, _, place = fault.target.partition(".")
        gap_ns = fault.mean_gap_ns
        if kind == "zone" and not place:
            zones = self._zones.names
            found = [loss for zone in range(len(zones)) for loss in self._zone(zone, fault)]
            if gap_ns is not None and fault.mttf_ns is None:
                gap_ns *= len(zones)  # a Poisson process over all zones is one of each, at its share of the rate
        elif kind == "zone" or (kind == "partition" and self._is_zone(place)):
            found = list(self._zone(self._zones.names.index(place), fault, is_cut_off=kind == "partition"))
        elif kind == "region":
            found = list(self._region(place, fault))
        else:
            found = [self._cut_off(place, fault)]
        return {
            name if index == 0 else f"{name}-{index}": as_fault(
                fault, loss.targets, loss.away, happens=loss.effect, gap_ns=gap_ns, one_by_one=False
            )
            for index, loss in enumerate(found)
        }

    # -- zones --------------------------------------------------------------------------------------------------

    def _is_zone(self, name: str) -> bool:
        regions, zones = self.scenario.regions, self.scenario.zones
        return zones is not None and name in zones.names and (regions is None or name not in regions.names)

    def _zone(self, zone: int, fault: DeploymentFault, is_cut_off: bool = False) -> Iterator[Loss]:
        repair = _given(fault.repair)
        gone = tuple(
            NodeTarget(group=group, nodes=nodes)
            for group, there in self._pods(self._home).items()
            if (nodes := self._in_zone(zone, group, there))
        )
        pods = tuple(target for target in gone if not target.group.startswith(STANDBY))
        of_store = () if self.postgres.rds is not None else tuple(target for target in gone if target not in pods)
        if is_cut_off:
            pools = {f"{queue}-workers" for queue in self.scenario.workers}
            workers = tuple(target for target in pods if target.group in pools)
            pods = tuple(target for target in pods if target not in workers)
            self.constants.note(
                "a zone that is cut off",
                "is lost to the others with its services and its part of the store; its workers stand still, as far "
                "as the platform can tell",
            )
            if workers:
                yield Loss(workers, repair, "pause")
        waits_for_its_zone = zone == self._zones.of_primary and not self._is_replaced(zone)
        if waits_for_its_zone:
            of_store = (*of_store, self.whole_primary)
        back = self._back(pods, self._started_again(zone, repair))
        together = (*pods, *of_store) if self.scenario.kubernetes is None else pods
        if together:
            yield Loss(together, back)
        if of_store and self.scenario.kubernetes is not None:
            yield Loss(of_store, repair)
        if self._too_few_are_left(zone):
            waiting = "wait until these are back, holding their connections"
            self.constants.note("commits whose standbys are lost", waiting)
        if zone == self._zones.of_primary and not waits_for_its_zone:
            _, failover = self.store.outage(fault.model_copy(update={"effect": "crash"}))
            yield Loss((self.whole_primary,), failover)
            self.constants.note("the primary's zone is lost", "the new primary is as near to everybody as the old one")
            if fault.at_ns is None:
                self.constants.note(
                    "pods and primary of a zone that is lost at random",
                    "fail at instants of their own, each as often as the zone",
                )
        owners = self.parts.nodes.get(OWNERS)
        shards = () if owners is None else tuple(pod for pod in range(owners.count) if self._zones.of_pod(pod) == zone)
        if owners is not None and shards:
            away = shards_away(self.constants, self.store, back, len(shards) == owners.count)
            yield Loss((NodeTarget(group=OWNERS, nodes=shards),), away)

    def _is_replaced(self, zone: int) -> bool:
        """Whether a standby takes over for a primary whose zone is lost: there is one, and others are left to confirm
        its commits. RDS goes on with whatever it has left."""
        left = self._zones.standbys_left(zone, self.postgres.nodes - 1)
        if self.postgres.rds is not None:
            self.constants.note("an RDS instance whose standby is lost", "goes on alone at once")
            return left > 0
        return left - 1 >= self.postgres.synchronous_standbys

    def _too_few_are_left(self, zone: int) -> bool:
        """Whether commits of a primary that is not lost itself wait for standbys that are."""
        left = self._zones.standbys_left(zone, self.postgres.nodes - 1)
        is_primary = zone == self._zones.of_primary
        return not is_primary and self.postgres.rds is None and left < self.postgres.synchronous_standbys

    def _started_again(self, zone: int, repair: Distribution) -> Distribution:
        """Until the pods of a lost zone are started again, there or elsewhere."""
        kubernetes = self.scenario.kubernetes
        if kubernetes is None:
            return repair
        self.constants.note("pods of a lost zone on machines of their own", "come back with those on `kubernetes`")
        return away_on(self.constants, self.scenario, nodes_in(self.scenario, kubernetes, zone), repair)

    # -- regions ------------------------------------------------------------------------------------------------

    def _region(self, region: str, fault: DeploymentFault) -> Iterator[Loss]:
        pods = tuple(NodeTarget(group=group, nodes=there) for group, there in self._pods(region).items() if there)
        if region == self._home and OWNERS in self.parts.nodes:
            pods = (*pods, NodeTarget(group=OWNERS))
        copying = self._copying
        repair = _given(fault.repair)
        own_store = self._master(region)
        if region != self._home and own_store is not None:
            yield Loss((*pods, own_store), self._back(pods, repair))
            self.constants.note("executions whose master is lost", "wait for it; no other one takes them over")
        elif region != self._home:
            if pods:
                yield Loss(pods, self._back(pods, repair))
            if copying is not None and copying.to == region:
                yield Loss(self._ways(), repair, "pause")
        elif copying is None:
            yield Loss((*pods, self.whole_primary), self._back(pods, repair))
            self.constants.note("a lost home region without a copy", "its disks come back as they were")
        else:
            self.constants.note(
                "after the home region is lost",
                "services, workers and store of the other region are as many, and as near to each other, from the end "
                "of the failover on; nothing goes back; events that were lost are counted, their work is not undone",
            )
            self.constants.note(
                "what is on the wire when the home region is lost",
                "is lost: in truth what had left it arrives, so that the recovery point is up to half of a round trip "
                "younger",
            )
            held = (NodeTarget(group=UNSHIPPED),) if UNSHIPPED in self.parts.resources else ()
            yield Loss((*pods, self.whole_primary, *held), copying.failover)

    def _cut_off(self, region: str, fault: DeploymentFault) -> Loss:
        """A partition: pods there neither fetch tasks nor bring results, the log does not get through."""
        self.constants.note("pods that are cut off", "stand still, as far as the platform can tell")
        pods = tuple(NodeTarget(group=group, nodes=there) for group, there in self._pods(region).items() if there)
        copying = self._copying
        if self._master(region) is not None:
            ways = self._appliers(region)
        else:
            ways = self._ways(replay=False) if copying is not None and copying.to == region else ()
        return Loss((*pods, *ways), _given(fault.repair), "pause")

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
            self.constants.note("commits that wait for a master that is cut off", "wait; so does all other work")
            return tuple(NodeTarget(group=many.named(self.primary, master)) for master in range(len(many.at)))
        pairs = [pair for other in many.others(here) for pair in ((here, other), (other, here))]
        return tuple(NodeTarget(group=many.applier(origin, at)) for origin, at in pairs)

    def _ways(self, replay: bool = True) -> tuple[NodeTarget, ...]:
        """What stands still when the copy cannot be reached: commits that wait for it, or the log on its way."""
        if LINE not in self.parts.stations:
            self.constants.note("commits whose other region is away", "wait; so does all other work of the primary")
            return (self.whole_primary,)
        return (NodeTarget(group=LINE), *([NodeTarget(group=REPLAY)] if replay else []))

    # -- who stands where ---------------------------------------------------------------------------------------

    @property
    def _zones(self) -> Zones:
        assert self.scenario.zones is not None
        return self.scenario.zones

    @property
    def _copying(self) -> Replication | None:
        return None if self.parts.regional is None else self.parts.regional.copying

    @property
    def _home(self) -> str:
        return "" if self.scenario.regions is None else self.scenario.regions.at_home

    def _pods(self, region: str) -> dict[str, tuple[int, ...]]:
        """The pods of each group that stand in a region; what is no pool of workers stands at home."""
        found = {}
        for group, nodes in self.parts.nodes.items():
            if group in (self.primary, OWNERS) or group in self.parts.not_pods:
                continue
            where = self._where(group) or (self._home,) * nodes.count
            found[group] = tuple(pod for pod, there in enumerate(where) if there == region)
        return found

    def _in_zone(self, zone: int, group: str, there: tuple[int, ...]) -> tuple[int, ...]:
        """Which of a group's nodes at home stand in a zone: each standby of the store is a group of its own."""
        if group.startswith(STANDBY):
            standby = int(group.removeprefix(STANDBY)) - 1
            return there if self._zones.of_standby(standby) == zone else ()
        return tuple(pod for index, pod in enumerate(there) if self._zones.of_pod(index) == zone)

    def _where(self, group: str) -> tuple[str, ...] | None:
        pool = self.scenario.workers.get(group.removesuffix("-workers"))
        regional = self.parts.regional
        if pool is None or regional is None:
            return None
        by_site = pool.regions is not None and self.parts.nodes[group].count == len(pool.regions)
        return pool.regions if by_site else regional.of_pods(pool)

    def _back(self, pods: tuple[NodeTarget, ...], repair: Distribution) -> Distribution:
        """When pods are back: after the repair, and the time that the slowest of them takes to start."""
        delays = [
            pool.start_delay_ns
            for queue, pool in self.scenario.workers.items()
            if any(target.group == f"{queue}-workers" for target in pods)
        ]
        self.constants.note("pods of a lost place", "come back together, after the longest start_delay of their pools")
        return sum_of(repair, constant(max(delays))) if any(delays) else repair


def _given(repair: Distribution | None) -> Distribution:
    assert repair is not None, "checked when it was read"
    return repair
