"""Who stands in which place: pods and stores of a deployment whose places fail."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.steps import Distribution, constant
from sim.lower.stores.base import OWNERS, Store
from sim.lower.sums import sum_of
from sim.network.faults import Target as NodeTarget
from sim.scenario.model.regions import Replication, Zones
from sim.scenario.scenario import Scenario


class Standing:
    """The parts of a deployment by the places that they stand in."""

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario, store: Store) -> None:
        self.parts = parts
        self.constants = constants
        self.scenario = scenario
        assert store.primary, "checked: places need a primary"
        self.store = store
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
        pool = self.scenario.workers.get(group.removesuffix("-workers"))
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
            if any(target.group == f"{queue}-workers" for target in pods)
        ]
        self.constants.note("pods of a lost place", "come back together, after the longest start_delay of their pools")
        return sum_of(repair, constant(max(delays))) if any(delays) else repair


def given(repair: Distribution | None) -> Distribution:
    """A length that was checked when the file was read."""
    assert repair is not None, "checked when it was read"
    return repair
