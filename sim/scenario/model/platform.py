"""The platform: Temporal's services, shards and queues, or DBOS, a library; and designs that can be switched off.

Its store lives in `stores`, its workers in `workers`.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.network.counts import From0, Nodes, Positive, Speed
from sim.network.distributions import Distribution
from sim.spec import Spec
from sim.units import Bytes, Cores, Duration, Mistake, PositiveDuration, PositiveRate


class Service(Spec):
    """One of the platform's services: pods with cores."""

    replicas: Nodes
    """Pods."""
    cpu_cores: Cores
    """Cores of a pod."""
    cpu_speed: Speed | None = None
    """How fast its cores are, over those of the host that the CPU times of the presets were fitted on: at 0.5 all CPU
    there takes twice as long. Without it that of `kubernetes`, if it stands there, else that of the preset."""
    node: str | None = None
    """Machine that each pod is billed as: a type of the price catalogue, or a name under `prices.nodes`."""


class Frontend(Service):
    """Takes starts, signals, polls and the results of tasks."""

    rps: Positive | None = None
    """Requests a second of each pod: starts, signals, polls and results; beyond it they are turned down with
    ResourceExhausted and tried again."""


class History(Service):
    """Carries out state transitions."""

    rps: Positive | None = None
    """Calls a second of each pod: starts, signals, results and the starts of tasks; beyond it they are turned down
    with ResourceExhausted and tried again."""
    persistence_max_qps: Positive | None = None
    """Requests to the store a second of each pod; beyond it they are turned down with ResourceExhausted and tried
    again."""


class Matching(Service):
    """Hands tasks to pollers."""

    partitions: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Partitions of each task queue, for workflow tasks and for activities; each belongs to one matching pod."""
    rps: Positive | None = None
    """Calls a second of each pod: two for each task, by which it comes and by which it is fetched; beyond it they are
    turned down with ResourceExhausted and tried again."""
    persistence_max_qps: Positive | None = None
    """Requests to the store a second of each pod (writes to the backlog)."""


class SqlPool(Spec):
    """Connections from a history pod to the store."""

    initial: From0 | None = None
    """Connections that each pod has open from the start; all of them where it is left out."""
    max_conns: Positive | None = None
    """Most connections of each pod."""
    acquire_timeout_ns: PositiveDuration | None = None
    """Longest wait for a free connection; then the operation fails and is tried again."""
    connect: Distribution | None = None
    """Time to open one more connection; whoever needs it waits for it."""
    max_conn_lifetime_ns: PositiveDuration | None = None
    """Age at which a connection is closed and opened anew; without it connections live for ever."""

    @model_validator(mode="after")
    def _initial_fits(self) -> Self:
        if self.initial is not None and self.max_conns is not None and self.initial > self.max_conns:
            raise Mistake(f"is {self.initial}, above `max_conns`, which is {self.max_conns}", at=("initial",))
        return self


class TransferQueue(Spec):
    """The queue of each shard through which every task passes on its way to a worker."""

    max_poll_rate_per_s: PositiveRate | None = None
    """How often a shard's queue is read at most."""
    batch: Positive | None = None
    """Tasks taken by one read at most."""


class Retention(Spec):
    """What is kept of an execution, and for how long."""

    closed_ns: PositiveDuration
    """How long the history of a closed execution is kept."""
    payload_bytes: Bytes
    """Inputs and results that the history of one execution holds beside its events."""


SERVICES = ("frontend", "history", "matching")
"""Temporal's services that may be simulated."""


class TemporalCluster(Spec):
    """The platform. A service that is left out is neither simulated (its CPU never runs short) nor billed."""

    history_shards: Nodes | None = None
    """Shards: each writes for one execution at a time. Fixed for the life of a cluster."""
    shard_io_concurrency: Positive | None = None
    """Writes that a shard has under way at once; each still writes for one execution at a time."""
    shard_skew: Annotated[float, Field(ge=0)] = 0.0
    """Zipf exponent of executions over the shards: 0 spreads them evenly, as hashed ids do; 1 gives shard i a share in
    proportion to 1/i, as few hot ids do."""
    eager_activities: bool | None = None
    """Whether an activity may come with the reply to the workflow task that scheduled it, to a free slot of the pod
    that ran this one; activities of another queue never do."""
    timer_grid_ns: PositiveDuration | None = None
    """Server timers (sleeps, waits, back-offs) fire at multiples of this time; without it when they are due. None is
    shorter than the floor that the server has, a constant."""
    frontend: Frontend | None = None
    """Takes starts, signals, polls and the results of tasks."""
    history: History | None = None
    """Carries out state transitions."""
    matching: Matching | None = None
    """Hands tasks to pollers."""
    sql: SqlPool = SqlPool()
    """Connections of the history service."""
    transfer_queue: TransferQueue = TransferQueue()
    """How tasks leave the shards."""
    rtt_ns: Duration | None = None
    """Round trip between two services."""
    retention: Retention | None = None
    """What is kept; needed to bill storage."""

    @model_validator(mode="after")
    def _connections_need_pods(self) -> Self:
        given = self.sql.initial is not None or self.sql.max_conns is not None
        if given and self.history is None:
            raise Mistake(
                "is for each history pod, and `history` is missing", "add   history: {replicas: 3, cpu: 2}", ("sql",)
            )
        return self


class Dbos(Spec):
    """The library in the workers of each queue (DBOS's executors). What is left out has the library's default."""

    polling_interval_ns: PositiveDuration | None = None
    """How long each executor waits from one look into its queue to the next; the look itself comes on top."""
    worker_concurrency: Positive | None = None
    """Workflows of the queue at once in each executor, those above wait for a later look; without it no limit. What
    several executors have left is put together."""
    executor_threads: Positive | None = None
    """Threads of each executor, of which a workflow keeps one while it runs: a limit as `worker_concurrency` is."""
    pool_size: Positive | None = None
    """Connections of each executor to the database."""


class Behaviours(Spec):
    """What the platform does by design. Each is on; `false` takes it away, and what it prevented comes back."""

    checkpoint: bool = True
    """An attempt goes on behind the last chunk that was reported. Off: each attempt begins with the first chunk."""
    dynamic_fanout: bool = True
    """Items of a fan-out run at the same time, however many there are. Off: one after the other."""
    event_sourcing: bool = True
    """The state of an execution is its history, which grows by each event: it is replayed where no cache has it, and
    kept. Off: one row of state, which costs nothing to load and does not grow."""
    federation: bool = True
    """A task of a federated queue runs elsewhere where its own site has no slot in time. Off: it waits for its own."""
    global_saga: bool = True
    """What a workflow has done is undone when it fails. Off: it fails and leaves behind what it has done."""
    heartbeat: bool = True
    """A lost worker is noticed when its heartbeats stay out. Off: by start-to-close alone."""
    locality: bool = True
    """Task queues know in which region, or at which site of a federation, the data of a task lies. Off: any worker
    takes it, and has the data moved."""
    multi_master: bool = True
    """Every one of `regions.masters` takes writes. Off: the first one alone does, for everybody."""
    serializable_multimaster: bool = True
    """Masters whose `isolation` is serializable wait for each other. Off: they claim it and tell each other later."""
    clock_skew: bool = True
    """The clocks of masters are apart by up to their `clock_error`. Off: they agree."""
    region_replication: bool = True
    """The store is copied to another region, as `regions.replication` says. Off: it is not."""
    retry_backoff: bool = True
    """A failed activity is tried again, after a back-off. Off: its first failure is its last, a lost worker
    included. Local activities are tried again all the same."""
    versioning: bool = True
    """Executions that are under way at a rollout end on workers of their version. Off: they meet the new code, which
    their history does not fit to, and fail there and then."""
