"""A zone that is lost or cut off: everything that stands there, at one instant."""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.placement.packing import away_on, nodes_in
from sim.lower.placement.standing import Standing, given
from sim.lower.steps import Distribution
from sim.lower.stores.base import OWNERS
from sim.lower.stores.losses import Loss
from sim.lower.temporal.ownership import shards_away
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.faults import DeploymentFault


class ZoneFaults(Standing):
    """What the loss of a zone does."""

    def losses(self, zone: int, fault: DeploymentFault, is_cut_off: bool = False) -> Iterator[Loss]:
        """What is away when a zone is lost, or cut off from the others."""
        repair = given(fault.repair)
        gone = tuple(
            NodeTarget(group=group, nodes=nodes)
            for group, there in self.pods(self.home).items()
            if (nodes := self.in_zone(zone, group, there))
        )
        standbys = tuple(target for target in gone if self.store.standby_of(target.group) is not None)
        pods = tuple(target for target in gone if target not in standbys)
        of_store = tuple(target for target in standbys if self.store.stands_with(target.group))
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
            self.constants.note("the primary's zone is lost", "the new primary is as near to everybody as the old one")
            if fault.at_ns is None:
                self.constants.note(
                    "pods and primary of a zone that is lost at random",
                    "fail at instants of their own, each as often as the zone",
                )
        owners = self.parts.nodes.get(OWNERS)
        shards = () if owners is None else tuple(pod for pod in range(owners.count) if self.zones.of_pod(pod) == zone)
        if owners is not None and shards:
            away = shards_away(self.constants, self.store, back, len(shards) == owners.count)
            yield Loss((NodeTarget(group=OWNERS, nodes=shards),), away)

    def _started_again(self, zone: int, repair: Distribution) -> Distribution:
        """Until the pods of a lost zone are started again, there or elsewhere."""
        kubernetes = self.scenario.kubernetes
        if kubernetes is None:
            return repair
        self.constants.note("pods of a lost zone on machines of their own", "come back with those on `kubernetes`")
        return away_on(self.constants, self.scenario, nodes_in(self.scenario, kubernetes, zone), repair)
