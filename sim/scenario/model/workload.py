"""Activities: what workers do, how long it may take, how often it is tried; an application's own transactions in them.

`workflow` orders them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.network.counts import Name, Positive
from sim.network.distributions import Distribution
from sim.scenario.model.dependencies import RetryBudget
from sim.spec import Spec
from sim.units import Bytes, Duration, Mistake, PositiveDuration, Ratio

Isolation = Literal["read_committed", "repeatable_read", "serializable"]


class Transaction(Spec):
    """A transaction: BEGIN, statements that read, statements that write, COMMIT. It is tried again when it fails."""

    reads: Annotated[int, Field(ge=0, le=1000)] = 1
    """Statements that read, before the first that writes."""
    writes: Annotated[int, Field(ge=1, le=1000)] = 1
    """Statements that write."""
    isolation: Isolation = "read_committed"
    """Under read_committed a transaction waits for another on the same hot row; under the others it then fails, since
    the row has changed under its snapshot, and is tried again."""
    hot_rows: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Rows that all executions contend for: each reads and writes one of them, always the same (its merchant, its
    account). Without it every execution has rows of its own."""
    skew: Annotated[float, Field(ge=0)] = 0.0
    """Zipf exponent over the hot rows: 0 spreads evenly, 1 gives row i a share in proportion to 1/i."""

    @model_validator(mode="after")
    def _skew_needs_rows(self) -> Self:
        if self.skew and self.hot_rows is None:
            raise Mistake("is about `hot_rows`, and there are none", "add   hot_rows: 1000", ("skew",))
        return self


class RetryPolicy(Spec):
    """When and how often an activity is tried again, in Temporal's words."""

    initial_interval_ns: Duration | None = None
    """Back-off after the first failure; the server's default where it is left out. 0 is for DBOS alone: Temporal
    takes it for its default."""
    backoff_coefficient: Annotated[float, Field(ge=1)] | None = None
    """Factor from one back-off to the next; the server's default where it is left out."""
    maximum_interval_ns: PositiveDuration | None = None
    """Longest back-off; 100 times the initial interval where it is left out."""
    maximum_attempts: Positive | None = None
    """Attempts in all; without it there is no limit."""
    jitter: Ratio = 0.0
    """Each back-off is shortened by up to this share, uniformly."""
    budget: RetryBudget | None = None
    """Retries that all executions together may make of the activity, as a share of its first attempts: `10 %`; beyond
    it a failure or timeout is final. Without it there is no limit."""


_NOT_LOCAL = {
    "chunks": "chunks",
    "task_queue": "task_queue",
    "start_to_close": "start_to_close_ns",
    "schedule_to_start": "schedule_to_start_ns",
    "schedule_to_close": "schedule_to_close_ns",
    "propagate_deadline": "propagate_deadline",
    "heartbeat": "heartbeat_ns",
    "retry": "retry",
    "non_retryable_rate": "non_retryable_rate",
    "lost_reply_rate": "lost_reply_rate",
    "transaction": "transaction",
    "memory": "memory_bytes",
}
"""Keys of an activity that say something about its task, and their attributes."""


class Activity(Spec):
    """A piece of work on a worker, with the four timeouts."""

    name: Name
    """Its name."""
    service: Distribution
    """Time that it takes on a worker with nothing in its way."""
    cpu: Distribution | None = None
    """CPU that an attempt takes from the cores of its worker, before the rest of its time; none where it is left
    out."""
    memory_bytes: Annotated[Bytes, Field(ge=1 << 20)] | None = None
    """Memory that it holds on its worker as long as an attempt runs, in whole MiB, for `memory_gib_hours.QUEUE`; it is
    never waited for."""
    chunks: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Parts that it is done in, one after the other; `service`, `cpu` and `calls` are then those of one part. Each
    part that is done is reported by a heartbeat, and the next attempt goes on behind it."""
    calls: tuple[Name, ...] = ()
    """Dependencies that it calls one after the other, when its own time is over."""
    local: bool = False
    """Runs inside the workflow task that follows, without a task of its own; its errors are tried again there."""
    task_queue: Name | None = None
    """Queue that its tasks wait in; the workflow's own where it is left out."""
    start_to_close_ns: PositiveDuration | None = None
    """Longest time of one attempt, from its start."""
    schedule_to_start_ns: PositiveDuration | None = None
    """Longest wait for a worker; expiry is not tried again."""
    schedule_to_close_ns: PositiveDuration | None = None
    """Longest time over all attempts and back-offs; expiry is not tried again."""
    propagate_deadline: bool = False
    """An attempt that has timed out is stopped on its worker, with what it calls; else it goes on there for nobody,
    and holds its slot until it ends."""
    heartbeat_ns: PositiveDuration | None = None
    """The attempt fails when its worker has given no sign of life for this long."""
    retry: RetryPolicy | None = None
    """When it is tried again; the workflow's policy where it is left out."""
    error_rate: Ratio = 0.0
    """Share of attempts that end in a failure that is tried again."""
    lost_reply_rate: Ratio = 0.0
    """Share of attempts that do their work and whose result never reaches the platform; a timeout ends them."""
    non_retryable_rate: Ratio = 0.0
    """Share of executions that this activity turns down for good, whatever the number of attempts."""
    effect: Name | None = None
    """Mark that it makes when its side effect has happened, for monitors."""
    reads_bytes: Bytes = 0
    """Data that it reads, which lies in one of the regions that its queue has workers in."""
    record: Name | None = None
    """One of `records`, of which it changes the execution's row before it ends."""
    idempotent: bool = False
    """It carries an idempotency key: done again, its effect still happens once."""
    transaction: Transaction | None = None
    """A transaction in the deployment's PostgreSQL, made after `service`; its effect comes after it."""
    compensate: Annotated[Name | Activity | None, BeforeValidator(lambda value: _without_a_loop(value))] = None
    """The activity that undoes this one when the workflow fails later. A bare name stands for an activity that takes
    as long, and may take as long, as this one."""

    @model_validator(mode="after")
    def _effect_belongs_to_a_mark(self) -> Self:
        if self.idempotent and self.effect is None:
            raise Mistake(
                "means nothing without an `effect` that could happen twice", "add   effect: NAME", ("idempotent",)
            )
        return self

    @model_validator(mode="after")
    def _progress_is_reported(self) -> Self:
        if self.chunks is not None and self.heartbeat_ns is None:
            raise Mistake("are reported by heartbeats, of which there are none", "add   heartbeat: 1 min", ("chunks",))
        return self

    @model_validator(mode="after")
    def _local_is_plain(self) -> Self:
        given = [key for key, attribute in _NOT_LOCAL.items() if self.local and attribute in self.model_fields_set]
        if given:
            raise Mistake(
                "is not known for a local activity, which has no task of its own: it lives as long as the workflow "
                "task that it runs in",
                f"leave out   {given[0]}   or   local",
                (given[0],),
            )
        return self

    @property
    def undo(self) -> Activity | None:
        """What compensates it, as an activity."""
        if isinstance(self.compensate, str):
            return self.model_copy(
                update={
                    "name": self.compensate,
                    "compensate": None,
                    "effect": None,
                    "idempotent": False,
                    "non_retryable_rate": 0.0,
                    "schedule_to_close_ns": None,
                    "local": False,
                }
            )
        return self.compensate


def _without_a_loop(value: Any) -> Any:
    if isinstance(value, dict) and "compensate" in value:
        raise Mistake("stands in a compensation; what undoes is not undone", "leave it out", ("compensate",))
    return value
