"""A store under Temporal: what every product is asked, and what a state transition costs whatever the product.

A transition holds its shard (one write at a time) while the store makes it durable. How the store does that, where it
stands, how it fails and what its copies elsewhere take is told by one subclass for each product; whoever needs to know
asks the store (`choose` lists the products).

A write that fails is tried once more by the server, soon; then it is its caller's turn: a client or a worker with the
back-off of its SDK, or a task of the shard's queues with that of the server.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from sim.lower.constants import Constants
from sim.lower.lowered import History
from sim.lower.parts import TIMERS, Parts
from sim.lower.setting import Setting, inner, p99
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
from sim.lower.stores.log import ReplicationLog
from sim.lower.temporal.limits import RateLimits, client_retry, starts
from sim.network.distributions import Uniform
from sim.network.faults import Target
from sim.network.places import Keyed, NodeGroup, Resource
from sim.network.routines import Notify, Retry
from sim.scenario.model.effects import Effect
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.workload import Transaction
from sim.scenario.presets import Transition
from sim.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Loss:
    """Nodes that fail together and come back together.

    effect: what happens to them; None for what the fault says.
    """

    targets: tuple[Target, ...]
    away: Distribution
    effect: Effect | None = None


HISTORY = "history-events"
"""Attribute: events in the history of an execution; what replay costs grows with it."""
OWNERS = "history-shards"
"""Node group: the shards of each history pod, away while nobody owns them."""
OWNER = "shard-owner"
"""Resource: what a transition, or the read of a queue, holds of the pod that owns its shard."""
LOST = ("crash", "refused", "error")
"""Failures of any store."""
TASKS = frozenset({"transfer_task_insert", "visibility_task_insert"})
"""Rows that have queues of the shard looked into."""
OF_QUEUES = frozenset(
    (
        *("first_workflow_task_started", "workflow_task_started", "activity_started", "workflow_task_timed_out"),
        *("timer_fired", "child_created", "child_first_task_scheduled", "child_started", "child_started_beside"),
        *("child_completed", "child_completed_beside", "backlog_written"),
    )
)
"""Transitions that tasks of the shard's queues call for; clients and workers call for the others."""
LOCKS = 2**14
"""Locks of executions, where a shard writes for several at once."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a store says about its connections.

    key: its own in the scenario. allowed: most that it takes, `reserved` of them for administrators (`reserved_for`);
    None where nothing is said. bytes_each, memory_bytes: memory of one, and that of a node, where it is said.
    application_pool: constant that tells connections of a pod whose activities make transactions.
    """

    key: str
    allowed: int | None
    reserved: int
    reserved_for: str
    bytes_each: int
    memory_bytes: int | None
    application_pool: str = ""


class Store(ABC):
    """The store's places in `parts`, and the transitions as routines there, made when first asked for.

    rtt_ns: round trip from the history service to the store. carried_out: by routine, the transition.
    lost: failures that the server itself tries again. Others are refusals: a rate limit, no connection in time.
    flushes: stations each of whose batches is one flush. reconnects: whether a lost connection costs the store work.
    primary: node group of the one node that takes writes, `cores` its station; "" where all nodes do. message_ns: CPU
    of one message there. standby: node groups of its standbys begin so, before their number from 1 on.
    """

    rtt_ns: int
    flushes: tuple[str, ...] = ()
    reconnects = False
    lost: tuple[str, ...] = LOST
    primary: ClassVar[str] = ""
    cores: ClassVar[str] = ""
    standby: ClassVar[str] = ""
    message_ns: int = 0

    log: ClassVar[ReplicationLog | None] = None
    """What copies in other places take; None where there are none."""
    on_no_nodes: ClassVar[tuple[str, ...]] = ()
    """Places of the primary that stand on no nodes."""
    row_locks: ClassVar[str] = ""
    """What tells who waits for rows."""

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario) -> None:
        assert scenario.temporal is not None
        temporal = scenario.temporal
        self.parts = parts
        self.constants = constants
        self.scenario = scenario
        self.temporal = temporal
        self.key = scenario.store_key
        self.cluster = scenario.stores[self.key]
        self.limits = RateLimits(parts, constants, temporal)
        self.carried_out: dict[str, Transition] = {}
        parts.attributes[HISTORY] = 0
        self.history_cpu_ns = constants.number("temporal.history_cpu")
        concurrency = temporal.shard_io_concurrency or constants.number("temporal.shard_io_concurrency")
        number = temporal.history_shards or constants.number("temporal.history_shards")
        self.parts.add_resource(
            "shards",
            Resource(nodes=number, units=concurrency, keyed=Keyed(skew=temporal.shard_skew)),
            Setting(
                "history shards",
                "temporal.history_shards",
                "numHistoryShards",
                p99("semaphore_latency", service_name="history"),
                "new cluster",
                number,
            ),
        )
        self.locks: tuple[str, ...] = ("shards",)
        if concurrency > 1:
            self.parts.add_resource(
                "execution-locks",
                Resource(nodes=LOCKS, units=1, keyed=Keyed()),
                Setting(
                    "workflow locks",
                    "temporal.shard_io_concurrency",
                    "fewer signals and activities at once in each execution",
                    p99("cache_latency", cache_type="mutablestate"),
                ),
            )
            self.locks = ("execution-locks", "shards")
            constants.record_assumption(
                "locks of executions", f"{LOCKS} of them by hash: two executions may share one"
            )
        self._add_owners()

    # -- what each product tells ------------------------------------------------------------------------------

    @abstractmethod
    def writing(self, transition: Transition, on_the_way_ns: int, owned: bool, anew: bool = False) -> Iterator[Step]:
        """The steps from the first statement until everything is durable.

        on_the_way_ns: time that passes beside the store's own. owned: a transition of history, which owns its shard;
        else matching writes to its backlog. anew: again, after the connection was lost (see `reconnects`).
        """

    @abstractmethod
    def operations(self, transition: Transition) -> dict[str, int]:
        """What is counted when it is done: statements, commits, rounds."""

    @abstractmethod
    def outage(self, fault: DeploymentFault) -> tuple[Loss, ...]:
        """The nodes that a fault of the store hits, and how long they are away."""

    @classmethod
    def features(cls, constants: Constants, scenario: Scenario) -> Iterator[tuple[str, float | str]]:
        """The settings that a measurement of the product would have to match, by the names of the measurement."""
        yield from ()

    @classmethod
    def arrangements(cls, scenario: Scenario) -> tuple[str, ...]:
        """What it is part of that would have to be measured apart, such as a managed database."""
        return ()

    @classmethod
    def cores_among(cls, stations: Iterable[str]) -> Iterator[str]:
        """The stations that stand for its cores."""
        yield from ()

    @classmethod
    def connection_limits(cls, constants: Constants, scenario: Scenario) -> ConnectionLimits | None:
        """How many connections it takes; None where pods have none of their own."""
        return None

    def failover(self) -> Distribution:
        """How long a primary is away that has crashed."""
        raise AssertionError(f"checked: {self.key} has no primary")

    def is_replaced(self, left: int) -> bool:
        """Whether a standby takes over from a primary whose place is lost: `left` of them stand elsewhere."""
        return False

    def stands_with(self, group: str) -> bool:
        """Whether the loss of a standby's place is felt."""
        return True

    def short_of_standbys(self, left: int, away: Distribution) -> Iterator[Loss]:
        """What the loss of standbys does to commits of the primary: `left` of them are there meanwhile."""
        yield from ()

    def stored_bytes(self, history: History) -> float:
        """Bytes on the disk for a closed execution."""
        raise AssertionError(f"checked: nothing is known of what {self.key} holds")

    def dead_share(self) -> float:
        """Rows that are dead and not cleared yet, over those alive."""
        return 0.0

    def transaction(self, queue: str, pods: int, activity: str, transaction: Transaction, path: str) -> Steps:
        """The transaction of an activity in the application's own tables, until it has committed.

        queue, pods: of the workers that make it. path: where the scenario says what it does.
        """
        raise AssertionError(f"checked: no activity has a transaction in {self.key}")

    def add_background(self) -> None:  # noqa: B027  # most stores have nothing to say here
        """What the store does by itself, once all load is in its place; nothing, where a product does not say."""

    def foresee(self, targets: Collection[str]) -> None:  # noqa: B027  # most stores have nothing to prepare
        """Faults with these targets will come; what they take away is put in place before anything is built on it."""

    # -- where it stands --------------------------------------------------------------------------------------

    @property
    def standbys(self) -> int:
        """How many standbys there are."""
        return self.cluster.nodes - 1 if self.primary else 0

    def standby_of(self, group: str) -> int | None:
        """The standby that a node group is, counted from 0; None where it is none."""
        if not self.standby or not group.startswith(self.standby):
            return None
        return int(group.removeprefix(self.standby)) - 1

    # -- the same for every product ---------------------------------------------------------------------------

    def _add_owners(self) -> None:
        """The pods as owners of shards; where they are not named, somebody always owns every shard."""
        history = self.temporal.history
        if history is not None:
            self.parts.nodes[OWNERS] = NodeGroup(count=history.replicas)
            self.parts.add_resource(
                OWNER, Resource(nodes=OWNERS, units=10**9, keyed=Keyed()), inner("which pod owns a shard")
            )

    def transition(self, kind: str) -> Step:
        """The step that carries out a state transition of this kind and waits until it is durable."""
        name = f"persist-{kind.replace('_', '-')}"
        if name not in self.parts.routines:
            self.carried_out[name] = self.constants.transition(kind)
            self.parts.routines[name] = self._steps(self.carried_out[name], kind, owned=True)
        return call(name)

    def backlog_write(self, writer: str) -> Steps:
        """The steps that write a task to a backlog of matching, once the writer of its partition takes it."""
        transition = self.carried_out[f"persist-{writer}"] = self.constants.transition("backlog_written")
        return (use(writer), *self._steps(transition, "backlog_written", owned=False))

    def batch_ns(self) -> int:
        """How long a batch of backlog writes takes on an idle store; the partition's writer begins no other before."""
        transition = self.constants.transition("backlog_written")
        return max(1, transition.round_trips * self.rtt_ns + self.commit_ns())

    def commit_ns(self) -> int:
        """Mean time of a commit on an idle store, beside the round trip; 0 where nothing is waited for."""
        return 0

    def travel(self, round_trips: int, on_the_way_ns: int) -> Step:
        """Round trips from the history service to the store, with other time that passes beside them."""
        zoning = self.parts.zoning
        further = {} if zoning is None else zoning.further_ns(round_trips, self.rtt_ns)
        return delay(constant(round_trips * self.rtt_ns + on_the_way_ns), "network", per_ns=further)

    def _steps(self, transition: Transition, kind: str, owned: bool) -> Steps:
        refused, failed = self._callers(kind)
        # The server itself tries again what was lost, where need be over a new connection, not what was refused.
        later = self._once(transition, owned, anew=self.reconnects)
        body = AttemptBody(
            steps=self._once(transition, owned),
            retry=refused.model_copy(update={"non_retryable": self.lost}),
            on_failure=(
                delay(self._again(), "timer"),
                Attempt(attempt=AttemptBody(steps=later, retry=failed, counted=False)),
            ),
            counted=False,
        )
        told: Steps = ()
        if TIMERS in self.parts.timers and owned and TASKS & set(transition.rows):
            told = (Notify(notify=TIMERS),)
        events = (add(HISTORY, transition.events),) if transition.events else ()
        regional = self.parts.regional
        return (Attempt(attempt=body), *told, *events, *(() if regional is None else regional.shipped(transition)))

    def _again(self) -> Distribution:
        """Until the server tries a write again that has failed."""
        pause_ns = self.constants.number("temporal.persistence_retry_initial")
        jitter = self.constants.ratio("temporal.persistence_retry_jitter")
        return Uniform(uniform_ns=(round(pause_ns * (1 - jitter)), pause_ns)) if jitter else constant(pause_ns)

    def _callers(self, kind: str) -> tuple[Retry, Retry]:
        """How whoever calls for a transition tries again: when it was refused, and when it has failed."""
        constants = self.constants
        if kind not in OF_QUEUES:
            retry = client_retry(constants, starts(constants) if kind == "create" else None)
            return retry, retry
        jitter = constants.ratio("temporal.persistence_retry_jitter")
        constants.record_assumption(
            "a task of a shard's queues that has failed",
            "backs off at once; the server first tries it ten times more without a pause, for about half a second",
        )
        refused = Retry(
            initial_interval_ns=constants.number("temporal.refused_task_retry_initial"),
            backoff_coefficient=constants.ratio("temporal.refused_task_retry_coefficient"),
            maximum_interval_ns=constants.number("temporal.refused_task_retry_maximum"),
            jitter=jitter,
        )
        failed = Retry(
            initial_interval_ns=constants.number("temporal.task_retry_initial"),
            backoff_coefficient=constants.ratio("temporal.task_retry_coefficient"),
            maximum_interval_ns=constants.number("temporal.task_retry_maximum"),
            jitter=jitter,
        )
        return refused, failed

    def _once(self, transition: Transition, owned: bool, anew: bool = False) -> Steps:
        """One try."""
        on_the_way_ns = 0
        steps: list[Step] = []
        if owned and self.temporal.history is not None:
            steps += [acquire(OWNER), use("history-cpu", self.history_cpu_ns)]
        elif owned:
            on_the_way_ns = self.history_cpu_ns
        if owned:
            steps += [acquire(lock) for lock in self.locks]
        steps += self.limits.persistence("history" if owned else "matching", transition.requests)
        steps += self.writing(transition, on_the_way_ns, owned, anew)
        if owned:
            steps += [release(lock) for lock in reversed(self.locks)]
        if owned and self.temporal.history is not None:
            steps.append(release(OWNER))
        steps.append(count(transition=int(owned), backlog_write=int(not owned), **self.operations(transition)))
        return tuple(steps)
