"""A SQL store under Temporal: connections to a primary, its cores, pages and log; what a transition does there.

A transition holds a connection for its transactions, one after the other: that of the history append, where events are
appended, and that of the mutable state. Their statements travel to the primary one by one; then each commits, which is
the product's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.placement.zones import CROSS_ZONE
from sim.lower.setting import Setting, cpu, gauge, inner, of
from sim.lower.steps import Attempt, AttemptBody, Fork, ForkBody, Step, Steps, acquire, count, mark, release, use
from sim.lower.stores.base import Store
from sim.lower.stores.client_pool import ClientPool
from sim.lower.stores.log import ReplicationLog
from sim.lower.stores.volume import PageCache, Volume
from sim.network.monitors import Span
from sim.network.places import Resource
from sim.scenario.model.stores.managed import SqlCluster
from sim.scenario.presets import Transition

AT_RISK = "commits-at-risk"
"""Resource: such commits."""
MOST_AT_RISK = 10**9
"""Units of the resource: more commits than a run has, so that nobody ever waits for one."""


def add_at_risk(parts: Parts, primary: str, key: str) -> None:
    """Put the resource in place, and the time that a commit is in it: the replication lag of the store."""
    parts.add_resource(
        AT_RISK, Resource(nodes=primary, units=MOST_AT_RISK), inner("commits that a failover would lose")
    )
    parts.spans["commit-at-risk"] = Span(
        start="commit-acknowledged", end="commit-safe", metric=f"replication_lag.{key}"
    )


def at_risk(until_safe: Steps) -> Step:
    """What goes on behind a commit that has returned, until nothing can lose it any more."""
    steps = (acquire(AT_RISK), mark("commit-acknowledged"), *until_safe, mark("commit-safe"), release(AT_RISK))
    watched = Attempt(attempt=AttemptBody(steps=steps, on_failure=(count(lost_commit=1),), counted=False))
    return Fork(fork=ForkBody(branches=((watched,),), join=0))


class CommitSteps(Protocol):
    """How a product commits."""

    def step(self) -> Step:
        """From COMMIT until it returns, and what goes on behind it."""

    def mean_ns(self) -> int:
        """Mean time of a commit that is alone."""


class SqlStore(Store):
    """The store's places in `parts`, which a product fills in.

    written: operation that counts a byte of the log. sends_log: whether standbys in other zones are sent it for money.
    """

    log: ClassVar[ReplicationLog]
    written: ClassVar[str]
    commit: CommitSteps
    pool: ClientPool
    volume: Volume
    pages: PageCache
    sends_log = True

    def writing(self, transition: Transition, on_the_way_ns: int, owned: bool, anew: bool = False) -> Iterator[Step]:
        """The transaction of the history append, then that of the mutable state."""
        if owned:
            yield from self.pool.enter(anew)
        if transition.append:
            touched = tuple(self.pages.touch(self.pool.backend, transition.append_transaction)) if owned else ()
            trips = transition.append_round_trips
            yield from self._transaction(trips, trips, 0, transition.append, touched)
        round_trips = transition.round_trips - transition.append_round_trips
        touched = tuple(self.pages.touch(self.pool.backend, False)) if owned and not transition.append else ()
        rows = transition.changed_rows - transition.append
        yield from self._transaction(round_trips, round_trips + transition.background, on_the_way_ns, rows, touched)
        if owned:
            yield from self.pool.leave()

    def _transaction(
        self, round_trips: int, messages: int, on_the_way_ns: int, rows: int, touched: Steps = ()
    ) -> Iterator[Step]:
        """From the first statement until the commit has returned.

        rows: changed by it, and by what it causes in the background. touched: reads of pages that are not in memory.
        """
        yield from self.pool.begin(messages)
        yield from touched
        yield use(self.cores, messages * self.message_ns)
        yield self.travel(round_trips, round_trips * self.pool.hop_ns + on_the_way_ns)
        yield from self.volume.log(self.log_on_disk(rows))
        yield self.commit.step()
        yield from self.pool.end()

    def log_on_disk(self, rows: int) -> int:
        """Bytes that changed rows write to the volume when they commit."""
        return self.log.bytes(self.constants, rows)

    def operations(self, transition: Transition) -> dict[str, int]:
        """Statements and commits, and what they send to other zones."""
        zoning, across = self.parts.zoning, 0
        if zoning is not None:
            sent = transition.messages * self.constants.number(f"{self.key}.message_bytes")
            log_bytes = self.log.bytes(self.constants, transition.changed_rows)
            across = zoning.store_bytes(sent, log_bytes, self.standbys if self.sends_log else 0)
        return {
            "storage_query": transition.statements,
            "commit": transition.waited_commits,
            "background_commit": transition.background_commits,
            self.written: self.log.bytes(self.constants, transition.changed_rows),
            CROSS_ZONE: across,
        }

    def commit_ns(self) -> int:
        """Mean time of a commit that is alone."""
        return self.commit.mean_ns()


def cores_setting(key: str, cluster: SqlCluster) -> Setting:
    """The setting of the cores of the primary. key: of the store."""
    words, knob = of(cluster.product, "CPU"), "instance class"
    for managed in ("rds", "aurora"):
        if getattr(cluster, managed) is not None:
            watch = gauge("aws_rds_cpuutilization_average")
            return Setting(words, f"{key}.{managed}.class", knob, watch, "failover")
    return Setting(words, f"{key}.cpu", knob, cpu(key), "failover", cluster.cores)


def ways_to_standbys_ns(
    parts: Parts, constants: Constants, key: str, standbys: int, own_ns: int | None, near_ns: int
) -> tuple[int, ...]:
    """Round trip from the primary to each standby. own_ns: where the scenario says it. near_ns: one within a zone."""
    if not standbys:
        return ()
    if parts.zoning is not None:
        return tuple(parts.zoning.standby_rtts_ns(standbys, near_ns))
    return (constants.number(f"{key}.replication_rtt", own_ns),) * standbys
