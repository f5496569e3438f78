"""A region that is lost or cut off: everything that stands there, at one instant."""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.placement.regions import LINE, REPLAY, UNSHIPPED
from sim.lower.placement.standing import Standing, given
from sim.lower.stores.base import OWNERS
from sim.lower.stores.losses import Loss
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.faults import DeploymentFault


class RegionFaults(Standing):
    """What the loss of a region does, and what its partition."""

    def losses(self, region: str, fault: DeploymentFault) -> Iterator[Loss]:
        """What is away when a region is lost."""
        pods = tuple(NodeTarget(group=group, nodes=there) for group, there in self.pods(region).items() if there)
        if region == self.home and OWNERS in self.parts.nodes:
            pods = (*pods, NodeTarget(group=OWNERS))
        copying = self.copying
        repair = given(fault.repair)
        own_store = self._master(region)
        if region != self.home and own_store is not None:
            yield Loss((*pods, own_store), self.back(pods, repair))
            self.constants.note("executions whose master is lost", "wait for it; no other one takes them over")
        elif region != self.home:
            if pods:
                yield Loss(pods, self.back(pods, repair))
            if copying is not None and copying.to == region:
                yield Loss(self._ways(), repair, "pause")
        elif copying is None:
            yield Loss((*pods, self.whole_primary), self.back(pods, repair))
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

    def cut_off(self, region: str, fault: DeploymentFault) -> Loss:
        """A partition: pods there neither fetch tasks nor bring results, the log does not get through."""
        self.constants.note("pods that are cut off", "stand still, as far as the platform can tell")
        pods = tuple(NodeTarget(group=group, nodes=there) for group, there in self.pods(region).items() if there)
        copying = self.copying
        if self._master(region) is not None:
            ways = self._appliers(region)
        else:
            ways = self._ways(replay=False) if copying is not None and copying.to == region else ()
        return Loss((*pods, *ways), given(fault.repair), "pause")

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
