"""PostgreSQL under Temporal: cores, write-ahead log, connections, and state transitions as steps on them.

A transition holds its shard (one write at a time) and a connection while its statements travel to the primary one by
one, its history append commits, and after that its mutable-state transaction. Each commit waits for a flush that all
commits of the moment share, and with synchronous replication for the fastest standbys to have flushed it too.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Distribution,
    Step,
    Steps,
    acquire,
    add,
    call,
    constant,
    count,
    delay,
    release,
    use,
)
from sim.lower.sums import sum_of
from sim.network.distributions import OrderStatistic
from sim.network.places import GroupCommit, Keyed, NodeGroup, Resource, Server
from sim.network.routines import Retry
from sim.scenario.platform import TemporalCluster
from sim.scenario.presets import Transition
from sim.scenario.store import PostgresCluster

PRIMARY = "postgres-primary"
HISTORY = "history-events"
"""Attribute: events in the history of an execution; what replay costs grows with it."""


class Store:
    """The store's places in `parts`, and the transitions as routines there, made when first asked for."""

    def __init__(
        self, parts: Parts, constants: Constants, temporal: TemporalCluster, postgres: PostgresCluster
    ) -> None:
        self.parts = parts
        self.constants = constants
        self.temporal = temporal
        self.postgres = postgres
        parts.nodes[PRIMARY] = NodeGroup(count=1)
        parts.attributes[HISTORY] = 0
        rtt_ns = postgres.rtt_ns
        self.rtt_ns = constants.number("postgres.rtt") if rtt_ns is None else rtt_ns
        self.message_ns = constants.number("postgres.cpu_per_message")
        self.retry = Retry(
            initial_interval_ns=constants.number("temporal.persistence_retry_initial"),
            maximum_interval_ns=constants.number("temporal.persistence_retry_maximum"),
            jitter=constants.ratio("temporal.persistence_retry_jitter"),
        )
        self.history_cpu_ns = constants.number("temporal.history_cpu")
        self._add_places()

    def transition(self, kind: str) -> Step:
        """The step that carries out a state transition of this kind and waits until it is durable."""
        name = f"persist-{kind.replace('_', '-')}"
        if name not in self.parts.routines:
            self.parts.routines[name] = self._steps(self.constants.transition(kind), locked=True)
        return call(name)

    def backlog_write(self) -> Step:
        """The step that writes a task to the backlog of matching, which holds no shard."""
        name = "persist-backlog"
        if name not in self.parts.routines:
            self.parts.routines[name] = self._steps(self.constants.transition("backlog_written"), locked=False)
        return call(name)

    def _steps(self, transition: Transition, locked: bool) -> Steps:
        waits = transition.waited_commits if self.postgres.synchronous_commit else 0
        travel_ns = transition.round_trips * self.rtt_ns
        steps: list[Step] = []
        if locked and self.temporal.history is not None:
            steps.append(use("history-cpu", self.history_cpu_ns))
        elif locked:
            travel_ns += self.history_cpu_ns
        if locked:
            steps += [acquire("shards"), acquire("connections", patience_ns=self._acquire_timeout_ns())]
        steps.append(use("postgres-cpu", transition.messages * self.message_ns))
        if waits == 2:
            steps.append(use("wal"))
        steps.append(delay(constant(travel_ns), "network"))
        if waits:
            steps.append(use("wal"))
        if locked:
            steps += [release("connections"), release("shards")]
        steps.append(
            count(
                transition=int(locked),
                backlog_write=int(not locked),
                storage_query=transition.statements,
                commit=transition.waited_commits,
                background_commit=transition.background_commits,
            )
        )
        body = Attempt(attempt=AttemptBody(steps=tuple(steps), retry=self.retry, counted=False))
        return (body, add(HISTORY, transition.events)) if transition.events else (body,)

    def _acquire_timeout_ns(self) -> int:
        own = self.temporal.sql.acquire_timeout_ns
        return self.constants.number("temporal.acquire_timeout") if own is None else own

    def _add_places(self) -> None:
        parts, constants, temporal, postgres = self.parts, self.constants, self.temporal, self.postgres
        shards = temporal.history_shards
        parts.resources["shards"] = Resource(
            nodes=constants.number("temporal.history_shards") if shards is None else shards, units=1, keyed=Keyed()
        )
        pods = temporal.history.replicas if temporal.history is not None else 1
        sql = temporal.sql
        most = pods * (constants.number("temporal.max_conns") if sql.max_conns is None else sql.max_conns)
        opened = None if sql.initial is None else pods * sql.initial
        parts.resources["connections"] = Resource(
            nodes=PRIMARY,
            units=most,
            open=opened,
            opening=constants.distribution("postgres.connect") if sql.connect is None else sql.connect,
            when_down="refuse",
        )
        if pods > 1:
            constants.note(
                "connection pools of the history pods", f"act as one of {most}", "derived: an execution may use any"
            )
        parts.stations["postgres-cpu"] = Server(nodes=PRIMARY, cores=postgres.cpu_cores)
        if postgres.synchronous_commit:
            parts.stations["wal"] = GroupCommit(kind="group_commit", nodes=PRIMARY, flush=self._commit())

    def _commit(self) -> Distribution:
        """Time from the begin of a flush until what it holds is durable: here, and on as many standbys as must be."""
        postgres, constants = self.postgres, self.constants
        flush = constants.distribution("postgres.flush") if postgres.flush is None else postgres.flush
        standbys = postgres.nodes - 1
        needed = postgres.synchronous_standbys
        if needed == 0:
            return flush
        rtt_ns = postgres.replication_rtt_ns
        travel_ns = constants.number("postgres.replication_rtt") if rtt_ns is None else rtt_ns
        remote = OrderStatistic(fastest=OrderStatistic.Order(k=needed, n=standbys, of=flush))
        constants.note(
            "a commit's flush on the primary, the way to the standbys and their flush",
            "one stage that a group of commits shares",
            "derived: PostgreSQL sends what it has flushed, and waits for the standbys after it",
        )
        return sum_of(flush, constant(travel_ns), remote if standbys > 1 else flush)
