"""Regions on the bridge: pods far from the platform, and the store's log on its way to another region.

The log goes over a line of its own, then one process at the other end replays it, transaction by transaction, as
PostgreSQL does. What has been acknowledged and has not arrived is lost with the home region: each transaction on its
way holds a unit there, which a loss takes from it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.placement.masters import CROSS_REGION, ManyMasters
from sim.lower.setting import Setting, inner
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Distribution,
    Fork,
    ForkBody,
    Option,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    mark,
    release,
    use,
)
from sim.lower.stores.log import ReplicationLog
from sim.lower.sums import sum_of
from sim.network.distributions import Mixture
from sim.network.monitors import Span
from sim.network.places import Resource, Server
from sim.scenario.model.platform import Behaviours
from sim.scenario.model.regions import Regions
from sim.scenario.model.workers import WorkerPool
from sim.scenario.presets import Transition
from sim.units.tables import SECOND

UNREPLICATED = "unreplicated_event"
"""Operation: an event, or a change of state without one, that was acknowledged and is lost with its region."""
LOST_WRITE = "unreplicated_write"
"""Operation: a transaction that was acknowledged and is lost with its region."""
LOST_AGE = "unreplicated_age"
"""Family of the span from the acknowledgement of such a transaction to the loss: the longest is the recovery point."""
LOST = "lost-with-its-region"
UNSHIPPED = "unshipped"
"""Resource of the home region: held by what is on its way to the other one."""
LINE, REPLAY = "replication-line", "replication-replay"
MANY = 1_000_000_000
"""Units of a resource that is never short."""


class Regional:
    """The regions of a scenario with everybody's place in them.

    copying: how the store is copied to another region; None where it is not. many: its masters, where there are
        several. log: what copies of the store receive, where it can have any.
    """

    def __init__(
        self, constants: Constants, regions: Regions, behaviours: Behaviours, log: ReplicationLog | None
    ) -> None:
        self.constants = constants
        self._log = log
        self.regions = regions
        self.copying = regions.replication if behaviours.region_replication else None
        self.locality = behaviours.locality
        masters = regions.masters
        self.many: ManyMasters | None = None
        if masters is not None and behaviours.multi_master:
            self.many = ManyMasters(constants, regions, masters, behaviours.serializable_multimaster, self.log)

    def place_execution(self) -> Step | None:
        """What an execution begins with: its master, or the way to the only one; None where all begin at home."""
        masters = self.regions.masters
        if masters is None:
            return None
        if self.many is not None:
            return self.many.place_execution()
        weights = masters.weights or (1.0,) * len(masters.at)
        ways = [
            Option(
                probability=weight / sum(weights) if index < len(weights) - 1 else None,
                steps=(delay(constant(self.regions.between_ns(region, self.regions.at_home)), "network"),),
            )
            for index, (region, weight) in enumerate(zip(masters.at, weights, strict=True))
        ]
        self.constants.record_assumption(
            "executions that began at other masters", "begin with a round trip to the only one"
        )
        return Branch(name="master", branch=tuple(ways))

    # -- workers ------------------------------------------------------------------------------------------------

    def of_pods(self, pool: WorkerPool) -> tuple[str, ...]:
        """The region of each pod."""
        return pool.regions_of_pods(self.regions.at_home)

    def poll_rtt(self, pool: WorkerPool) -> Distribution | None:
        """Round trip from a pod to the platform, drawn for each task; None where all pods are at home."""
        where = self.of_pods(pool)
        ways_ns = [self.regions.between_ns(region, self.regions.at_home) for region in where]
        times = sorted(set(ways_ns))
        if times == [0]:
            return None
        if len(times) == 1:
            return constant(times[0])
        self.constants.record_assumption(
            "pods of one queue in several regions", "each task draws its way apart from the pod that takes it"
        )
        return Mixture(
            mixture=tuple(Mixture.Part(weight=ways_ns.count(ns) / len(ways_ns), of=constant(ns)) for ns in times)
        )

    def task_bytes(self, pool: WorkerPool) -> int:
        """Bytes that a task sends between regions, there and back, as expected over the pods."""
        where = self.of_pods(pool)
        far = sum(region != self.regions.at_home for region in where) / len(where)
        return round(2 * far * self.constants.number("temporal.hop_bytes"))

    # -- the store's log ----------------------------------------------------------------------------------------

    @property
    def log(self) -> ReplicationLog:
        """The store's log."""
        assert self._log is not None, "checked: the store can be copied"
        return self._log

    @property
    def way_ns(self) -> int:
        """Round trip to the region that has the copy."""
        assert self.copying is not None
        return self.regions.between_ns(self.regions.at_home, self.copying.to)

    @property
    def _later(self) -> str:
        """The region that the log comes to after its commit; "" where none does."""
        return "" if self.copying is None or self.copying.mode == "synchronous" else self.copying.to

    def resources(self) -> Iterator[tuple[str, Resource, Setting]]:
        """Units of what is on its way, with their name and setting."""
        if self._later:
            yield UNSHIPPED, Resource(units=MANY), inner("what is on its way to another region")

    def stations(self) -> Iterator[tuple[str, Server, Setting]]:
        """The line that the log goes over, and its replay there."""
        if not self._later:
            return
        line, replay = (f"replication {what} to {self._later}" for what in ("line", "replay"))
        bandwidth = "regions.replication.bandwidth"
        apply, lag = f"constants.{self.log.replay_per_row}", self.log.lag
        yield LINE, Server(servers=1), Setting(line, bandwidth, "bandwidth between the regions", lag)
        yield REPLAY, Server(servers=1), Setting(replay, apply, "faster cores at the copy", lag, "failover")

    def spans(self) -> dict[str, Span]:
        """The times that it takes."""
        if not self._later:
            return {}
        lag = Span(start="committed", end="replicated", metric=f"replication_lag.{self._later}")
        lost = Span(start="committed", end=LOST, metric=f"{LOST_AGE}.{self._later}")
        return {"replication-lag": lag, "replication-loss": lost}

    def confirmed(self, flush: Distribution) -> Iterator[Step]:
        """What a commit waits for once it is flushed at home."""
        if self.many is not None:
            yield from self.many.confirmed(flush)
        elif self.copying is not None and self.copying.mode == "synchronous":
            yield delay(sum_of(constant(self.way_ns), flush), "network")

    def shipped(self, transition: Transition) -> Steps:
        """What a transaction sets off once it is acknowledged: nobody waits for it."""
        copying = self.copying
        if copying is None:
            return ()
        size = self.log.bytes(self.constants, transition.changed_rows)
        if copying.mode == "synchronous":
            return (count(**{CROSS_REGION: size}),)
        bandwidth = copying.bandwidth_bytes_per_s
        on_line_ns = 0 if bandwidth is None else round(size / bandwidth * SECOND)
        replay_ns = self.log.replay_ns(self.constants, transition.changed_rows)
        way: Steps = (
            acquire(UNSHIPPED),
            use(LINE, on_line_ns),
            delay(constant(self.way_ns // 2), "network"),
            use(REPLAY, replay_ns),
            mark("replicated"),
            release(UNSHIPPED),
        )
        lost = (mark(LOST), count(**{UNREPLICATED: max(transition.events, 1), LOST_WRITE: 1}))
        ship = Attempt(attempt=AttemptBody(steps=way, on_failure=lost, counted=False))
        return (
            count(**{CROSS_REGION: size}),
            mark("committed"),
            Fork(fork=ForkBody(branches=((ship,),), join=0)),
        )
