"""Activities as steps: timeouts, retries, failures that are tried again and those that are not, effects."""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.postgres import PostgresStore
from sim.lower.postgres_rows import transaction_steps
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    call,
    constant,
    count,
    delay,
    fail,
    mark,
    release,
    set_to,
    start,
)
from sim.lower.workers import DISPATCHED, READY, Workers
from sim.network.monitors import Span
from sim.network.routines import Heartbeat, Retry
from sim.scenario.workload import Activity, RetryPolicy

REJECTED = "rejected"
"""Failure: the other side turns the activity down for good; it is not tried again."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """How a workflow runs an activity.

    policy: the workflow's retry policy. retried: whether it is tried again at all. alone: whether the execution runs
    it once at a time; only then can the fact that the other side turns it down be carried from one attempt to the
    next. eager: whether it waits in the queue of the workflow's own tasks, so that it may come with the reply to one.
    completion: what makes its result durable; a transition that has a workflow task scheduled by default.
    """

    policy: RetryPolicy | None = None
    retried: bool = True
    alone: bool = True
    eager: bool = False
    completion: Steps | None = None


def activity_steps(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """The steps of an activity, from its schedule to its result."""
    queue = workers.queue
    workers.measure("activity", "schedule_to_start")
    workers.parts.spans["platform"] = Span(start=READY, end=DISPATCHED)
    heartbeat = activity.heartbeat_ns
    attempt = AttemptBody(
        steps=_trial(workers, activity, how),
        schedule_to_start_ns=activity.schedule_to_start_ns,
        start_to_close_ns=_start_to_close_ns(workers, activity),
        schedule_to_close_ns=activity.schedule_to_close_ns,
        heartbeat=None if heartbeat is None else Heartbeat(timeout_ns=heartbeat),
        retry=_retry(workers, activity.retry or how.policy or RetryPolicy(), how.retried),
        on_crash="silent",
        on_failure=(mark(READY), workers.store.transition("activity_completed"), fail("activity_failed")),
    )
    return (
        *(_decided(workers, activity) if how.alone else ()),
        *(workers.eager.first_attempt(activity.name, how.alone) if _is_eager(workers, activity, how) else ()),
        mark(f"{queue}-activity-scheduled"),
        Attempt(name=f"try-{activity.name}", attempt=attempt),
    )


def _trial(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """One attempt."""
    store, platform = workers.store, workers.platform
    slots, pollers = workers.activity_slots, workers.activity_pollers
    pod, read = workers.reading_pod(activity.reads_bytes)
    eager = _is_eager(workers, activity, how)
    effect = (mark(activity.effect, once=activity.idempotent),) if activity.effect is not None else ()
    ordinary = (
        *workers.activities.dispatch(),
        count(activity_task=1, **{workers.sync_match.dispatched: 1}),
        *pod,
        start(),
        *workers.fetched(),
        store.transition("activity_started"),
        release(pollers),
    )
    return (
        *(workers.eager.or_else(ordinary, activity.name, how.alone) if eager else ordinary),
        mark(f"{workers.queue}-activity-started"),
        mark(DISPATCHED),
        *read,
        delay(activity.service, "service", activity.name),
        *_turned_down(activity, how.alone),
        *_transaction(workers, activity),
        *_failing(workers, activity),
        *effect,
        *(() if activity.record is None else (call(f"write-{activity.record}"),)),
        *_lost(workers, activity),
        mark(READY),
        *platform.enter(),
        *((store.transition("activity_completed"),) if how.completion is None else how.completion),
        release(slots),
    )


def _transaction(workers: Workers, activity: Activity) -> Steps:
    """The transaction that the activity makes in the application's own tables."""
    if activity.transaction is None:
        return ()
    assert isinstance(workers.store, PostgresStore), "checked: a transaction needs PostgreSQL"
    return transaction_steps(workers.store, workers.queue, workers.replicas, activity.name, activity.transaction)


def _is_eager(workers: Workers, activity: Activity, how: Scheduled) -> bool:
    """Whether it may come with the reply to a workflow task: not where its data tells which site it waits at."""
    return how.eager and not (activity.reads_bytes and workers.locality is not None)


def _decided(workers: Workers, activity: Activity) -> Steps:
    """Whether the other side will turn it down is decided once, whatever happens to attempts."""
    if not activity.non_retryable_rate:
        return ()
    attribute = f"{REJECTED}-{activity.name}"
    workers.parts.attributes[attribute] = 0
    told = Option(probability=activity.non_retryable_rate, steps=(set_to(attribute, 1),))
    return (Branch(branch=(told,)),)


def _turned_down(activity: Activity, alone: bool) -> Steps:
    if not activity.non_retryable_rate:
        return ()
    if not alone:
        return (fail(REJECTED, activity.non_retryable_rate),)
    decided = Option(attribute=f"{REJECTED}-{activity.name}", above=0, steps=(fail(REJECTED),))
    return (Branch(branch=(decided,)),)


def _failing(workers: Workers, activity: Activity) -> Steps:
    """A failure that is tried again: the retry is scheduled in a transition of its own."""
    if not activity.error_rate:
        return ()
    failed: tuple[Step, ...] = (workers.store.transition("activity_failed"), fail("error"))
    return (Branch(branch=(Option(probability=activity.error_rate, steps=failed),)),)


def _lost(workers: Workers, activity: Activity) -> Steps:
    """A result on the way that nobody receives: the worker is done with it, the platform waits for a timeout."""
    if not activity.lost_reply_rate:
        return ()
    longest_ns = _start_to_close_ns(workers, activity) or activity.schedule_to_close_ns
    assert longest_ns is not None, "one of the two is there"
    # Whatever timeout there is runs out before this time has passed since the end of the work.
    nobody_hears = (
        count(lost_reply=1),
        release(workers.activity_slots),
        delay(constant(longest_ns), "timer"),
        fail("reply_lost"),
    )
    return (Branch(branch=(Option(probability=activity.lost_reply_rate, steps=nobody_hears),)),)


def _start_to_close_ns(workers: Workers, activity: Activity) -> int | None:
    if activity.start_to_close_ns is None and activity.schedule_to_close_ns is None:
        return workers.constants.number("temporal.activity_start_to_close")
    return activity.start_to_close_ns


def _retry(workers: Workers, policy: RetryPolicy, retried: bool) -> Retry:
    number = workers.constants.number
    first_ns = workers.or_default(policy.initial_interval_ns, "temporal.retry_initial_interval")
    return Retry(
        initial_interval_ns=first_ns,
        backoff_coefficient=policy.backoff_coefficient or number("temporal.retry_backoff_coefficient"),
        maximum_interval_ns=policy.maximum_interval_ns or first_ns * number("temporal.retry_maximum_factor"),
        maximum_attempts=policy.maximum_attempts if retried else 1,
        jitter=policy.jitter,
        non_retryable=(REJECTED,),
        floor_ns=number("temporal.timer_floor"),
        grid_ns=workers.platform.temporal.timer_grid_ns,
    )
