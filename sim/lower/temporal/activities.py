"""Activities as steps: timeouts, retries, failures that are tried again and those that are not, work at the worker."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.lower.names import TaskNames, write_of
from sim.lower.parts import Parts
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Fork,
    ForkBody,
    Option,
    Step,
    Steps,
    add,
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
from sim.lower.temporal.dependencies import Caller, Dependencies
from sim.lower.temporal.federation import FederatedQueue
from sim.lower.temporal.workers import DISPATCHED, READY, Workers
from sim.network.monitors import Span
from sim.network.policies import Budget
from sim.network.routines import Heartbeat, Use, UseBody
from sim.scenario.model.workload import Activity, RetryPolicy


@dataclass(frozen=True, slots=True)
class Scheduled:
    """How a workflow runs an activity.

    workflow: its name. path: of the activity in the scenario. dependencies: what there is to call. policy: the
    workflow's retry policy. retried: whether it is tried again at all. alone: whether the execution runs it once
    at a time; only then can what one attempt leaves behind (being turned down, an effect, progress) be told in the
    next. eager: whether it waits in the queue of the workflow's own tasks, so that it may come with the reply to
    one. checkpoint: whether progress is kept. beats: whether its worker gives signs of life. completion: what
    makes its result durable; a transition that has a workflow task scheduled by default.
    """

    workflow: str
    path: str
    dependencies: Dependencies
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    retried: bool = True
    alone: bool = True
    eager: bool = False
    checkpoint: bool = True
    beats: bool = True
    completion: Steps | None = None


def work(workers: Workers, activity: Activity, how: Scheduled, failed: Steps) -> Steps:
    """From the start of an attempt on its worker to the last call before its effect.

    failed: what happens when something fails that is tried again.
    """
    part: Steps = (
        *_met(workers, activity, failed),
        delay(activity.service, "service", activity.name),
        *_calls(workers, activity, how, failed),
    )
    if activity.chunks is None:
        return part
    parts, progress = workers.parts, progress_of(activity)
    routine = f"{how.workflow}-{activity.name}-part"
    parts.routines[routine] = (*part, workers.store.transition("heartbeat"), count(heartbeat=1))
    return tuple(
        Branch(
            name=f"part-{index + 1}-{activity.name}",
            branch=(
                Option(attribute=progress, above=index),
                Option(steps=(call(routine), set_to(progress, index + 1))),
            ),
        )
        for index in range(activity.chunks)
    )


def effect(parts: Parts, activity: Activity, how: Scheduled, failed: Steps) -> Steps:
    """The side effect, whether it is there already, and the answers about it, which may be lost."""
    steps: list[Step] = []
    if activity.effect is not None:
        steps += [mark(activity.effect, once=activity.idempotent), count(side_effect=1)]
        if how.alone:
            done = f"done-{activity.effect}"
            parts.attributes[done] = 0
            again = count(prevented_side_effect=1) if activity.idempotent else count(duplicate_side_effect=1)
            ways = (Option(attribute=done, above=0, steps=(again,)), Option(steps=(set_to(done, 1),)))
            steps.append(Branch(name=f"done-{activity.name}", branch=ways))
    replies = tuple(step for name in activity.calls for step in how.dependencies.reply(name))
    if replies:
        steps.append(_handled(f"reply-{activity.name}", replies, failed))
    return tuple(steps)


def local_work(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """A local activity inside a workflow task: a slot of its own kind, errors tried again there, a marker event."""
    policy = how.policy.model_copy(update={"maximum_attempts": None})
    tried: Steps = (
        *_cpu(workers, activity, workers.workflow_slots),
        delay(activity.service, "service", activity.name),
        *_called(workers, activity, how, workers.workflow_slots),
        *((fail("error", activity.error_rate),) if activity.error_rate else ()),
        *effect(workers.parts, activity, how, (fail("error"),)),
    )
    budget = retry_budget(workers.parts, activity, how, policy)
    retry = workers.retry(policy, retried=True, on_the_server=False, budget=budget)
    attempt = AttemptBody(steps=tried, retry=retry)
    return workers.in_local_slot((Attempt(name=f"try-{activity.name}", attempt=attempt), count(local_activity=1)))


def progress_of(activity: Activity) -> str:
    """The attribute that holds how many chunks are done."""
    return f"progress-{activity.name}"


def retry_budget(parts: Parts, activity: Activity, how: Scheduled, policy: RetryPolicy) -> str | None:
    """The budget of an activity's retries; None where there is none."""
    if policy.budget is None:
        return None
    name = f"{how.workflow}-{activity.name}"
    parts.budgets[name] = Budget(ratio=policy.budget.ratio, burst=policy.budget.burst)
    return name


def _cpu(workers: Workers, activity: Activity, slots: str) -> Steps:
    """A visit to the cores of the pod: of no length where no CPU is taken, if errors there have to be met."""
    if activity.cpu is None and not workers.may_fail:
        return ()
    demand = activity.cpu or constant(0)
    return (Use(use=UseBody(station=workers.cpu, demand=demand, at=slots)),)


def _met(workers: Workers, activity: Activity, failed: Steps) -> Steps:
    """Its CPU, and what is done about an error there."""
    visit = _cpu(workers, activity, workers.activity_slots)
    return (_handled(f"work-{activity.name}", visit, failed),) if workers.may_fail else visit


def _called(workers: Workers, activity: Activity, how: Scheduled, slots: str) -> Steps:
    """Its calls to dependencies, from the pod whose slot is held."""
    caller = Caller(workers.nodes, slots, workers.pods_as_one)
    return tuple(step for name in activity.calls for step in how.dependencies.call(name, caller))


def _calls(workers: Workers, activity: Activity, how: Scheduled, failed: Steps) -> Steps:
    calls = _called(workers, activity, how, workers.activity_slots)
    return (_handled(f"call-{activity.name}", calls, failed),) if calls else ()


def _handled(name: str, steps: Steps, failed: Steps) -> Step:
    """The steps; when one fails, what is done about it."""
    return Attempt(name=name, attempt=AttemptBody(steps=steps, on_failure=failed, counted=False))


REJECTED = "rejected"
"""Failure: the other side turns the activity down for good; it is not tried again."""


def activity_steps(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """The steps of an activity on the workers of one queue, from its schedule to its result."""
    pod, read = workers.reading_pod(activity.reads_bytes)
    dispatched = _dispatched(workers, activity, how)
    workers.attempts_are_counted |= _counts_attempts(workers, how)
    eager = _is_eager(workers, activity, how)
    ordinary = (
        *dispatched,
        count(activity_task=1, **{workers.sync_match.dispatched: 1}),
        *pod,
        *_fetched(workers),
    )
    attempt_steps = (
        *(workers.eager.or_else(ordinary, activity.name, how.alone) if eager else ordinary),
        *_counted(workers, activity, how),
        *_outlived(workers, activity),
        *_at_work(workers, workers.queue, activity, how, read),
    )
    return (
        *_scheduled(workers, workers.queue, activity, how),
        *(workers.eager.first_attempt(activity.name, how.alone) if eager else ()),
        _attempts(workers, activity, how, f"try-{activity.name}", attempt_steps),
    )


def federated_steps(queue: FederatedQueue, activity: Activity, how: Scheduled) -> Steps:
    """The same on the pools of a federated queue."""

    def on_pool(workers: Workers) -> Steps:
        steps = (
            *workers.poller(workers.activities, workers.activity_slots, workers.activity_pollers),
            *_fetched(workers),
            *_counted(workers, activity, how),
            *_outlived(workers, activity),
            *_at_work(workers, queue.name, activity, how),
        )
        return (call(workers.parts.add_routine(f"{how.workflow}-{activity.name}-on-{workers.queue}", steps)),)

    def tried(home: int) -> Steps:
        own = queue.pools[home]
        name = f"try-{activity.name}-of-{own.queue}"
        attempt_steps = (*queue.placed(home, _dispatched(own, activity, how), on_pool),)
        return (_attempts(own, activity, how, name, attempt_steps),)

    return (*_scheduled(queue.pools[0], queue.name, activity, how), queue.by_site(tried))


def _dispatched(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """From history to the pollers: the first attempt through the transfer queue, others from the timer queue or as the
    first."""
    if not _counts_attempts(workers, how):
        if not workers.constants.is_on("temporal.retry_by_transfer"):
            workers.constants.record_assumption(
                "further attempts of activities that an execution runs several of at once",
                "pass through the transfer queue again, as one is not told from another; the server's timer bypasses "
                "it",
            )
        return (*workers.activities.dispatch(),)
    again = _tried(activity)
    workers.parts.attributes[again] = 0
    first = Option(attribute=again, below=0.5, steps=(*workers.platform.read_queue(),))
    return (Branch(branch=(first,)), *workers.activities.offered())


def _tried(activity: Activity) -> str:
    """The attribute that tells how often an activity has been tried, where that is counted."""
    return f"tried-{activity.name}"


def _counts_attempts(workers: Workers, how: Scheduled) -> bool:
    """Whether attempts are counted: further ones take another way than the first, and can be told from it."""
    return not workers.constants.is_on("temporal.retry_by_transfer") and how.alone


def _counted(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """An attempt is counted."""
    return (add(_tried(activity), 1),) if _counts_attempts(workers, how) else ()


def _scheduled(workers: Workers, queue: str, activity: Activity, how: Scheduled) -> Steps:
    """What is decided once for all attempts, and the schedule."""
    names = TaskNames(queue, "activity")
    workers.measure(names, "schedule_to_start")
    workers.parts.spans["platform"] = Span(start=READY, end=DISPATCHED)
    if activity.chunks is not None:
        workers.parts.attributes[progress_of(activity)] = 0
    return (
        *(_decided(workers, activity) if how.alone else ()),
        *((set_to(progress_of(activity), 0),) if activity.chunks is not None else ()),
        *((set_to(_tried(activity), 0),) if _counts_attempts(workers, how) else ()),
        mark(names.scheduled),
    )


def _attempts(workers: Workers, activity: Activity, how: Scheduled, name: str, attempt_steps: Steps) -> Step:
    """An activity's timeouts and retries around what is tried."""
    heartbeat = activity.heartbeat_ns if how.beats else None
    policy = activity.retry or how.policy
    attempt = AttemptBody(
        steps=attempt_steps,
        schedule_to_start_ns=activity.schedule_to_start_ns,
        start_to_close_ns=_start_to_close_ns(workers, activity),
        schedule_to_close_ns=activity.schedule_to_close_ns,
        heartbeat=None if heartbeat is None else Heartbeat(timeout_ns=heartbeat),
        retry=workers.retry(
            policy, how.retried, (REJECTED,), budget=retry_budget(workers.parts, activity, how, policy)
        ),
        on_crash="silent",
        stops=activity.propagate_deadline,
        on_failure=(mark(READY), workers.store.transition("activity_completed"), fail("activity_failed")),
    )
    return Attempt(name=name, attempt=attempt)


def _fetched(workers: Workers) -> Steps:
    """The start of an attempt, once a slot and a poller are held."""
    workers.runs_activities = True
    return (
        start(),
        *workers.fetched(),
        workers.store.transition("activity_started"),
        release(workers.activity_pollers),
        *workers.activities.poll_returns(),
    )


def _outlived(workers: Workers, activity: Activity) -> Steps:
    """The timer of its start-to-close timeout, which the timer queue has until it ends, whatever becomes of the
    activity."""
    timers = workers.platform.timers
    if timers is None or activity.start_to_close_ns is None:
        return ()
    timer = delay(constant(activity.start_to_close_ns), "timer", timers=timers)
    return (Fork(fork=ForkBody(branches=((timer,),), join=0)),)


def _retried(workers: Workers, names: TaskNames, activity: Activity, how: Scheduled) -> Steps:
    """A mark when an activity is done that took more than one attempt, where these are counted."""
    if not _counts_attempts(workers, how):
        return ()
    again = Branch(branch=(Option(attribute=_tried(activity), above=1.5, steps=(mark(names.retried),)),))
    if not activity.error_rate:
        return (again,)
    queue = names.queue
    for begin, family in ((names.scheduled, "schedule_to_end"), (names.started, "last_attempt")):
        workers.parts.spans[f"{queue}-{family}"] = Span(start=begin, end=names.ended, metric=f"{family}.{queue}")
    return (mark(names.ended), again)


def _at_work(workers: Workers, queue: str, activity: Activity, how: Scheduled, read: Steps = ()) -> Steps:
    """An attempt from the moment that its worker begins until the slot is free again. read: what brings its data."""
    store, names = workers.store, TaskNames(queue, "activity")
    sdk_ns = workers.constants.number("sdk.activity_task_cpu")
    forgotten = (set_to(progress_of(activity), 0),) if activity.chunks is not None and not how.checkpoint else ()
    failed = (store.transition("activity_failed"), fail("error"))
    return (
        mark(names.started),
        mark(DISPATCHED),
        *(() if activity.memory_bytes is None else (workers.remember(activity.memory_bytes),)),
        *(workers.at_work(sdk_ns, workers.activity_slots) if sdk_ns else ()),
        *read,
        *forgotten,
        *work(workers, activity, how, failed),
        *_turned_down(activity, how.alone),
        *_transaction(workers, activity, how.path),
        *_failing(activity, failed),
        *effect(workers.parts, activity, how, failed),
        *(() if activity.record is None else (call(write_of(activity.record)),)),
        *_lost(workers, activity),
        mark(READY),
        *workers.platform.enter(),
        *((store.transition("activity_completed"),) if how.completion is None else how.completion),
        *_retried(workers, names, activity, how),
        *(() if activity.memory_bytes is None else (release(workers.memory),)),
        release(workers.activity_slots),
    )


def _transaction(workers: Workers, activity: Activity, path: str) -> Steps:
    """The transaction that the activity makes in the application's own tables."""
    if activity.transaction is None:
        return ()
    return workers.store.transaction(
        workers.queue, workers.pool.most, activity.name, activity.transaction, f"{path}.transaction"
    )


def _is_eager(workers: Workers, activity: Activity, how: Scheduled) -> bool:
    """Whether it may come with the reply to a workflow task: not where its data tells which site it waits at."""
    return how.eager and not (activity.reads_bytes and workers.locality is not None)


def _decided(workers: Workers, activity: Activity) -> Steps:
    """Whether the other side will turn it down is decided once, whatever happens to attempts."""
    if not activity.non_retryable_rate:
        return ()
    attribute = _rejected(activity)
    workers.parts.attributes[attribute] = 0
    told = Option(probability=activity.non_retryable_rate, steps=(set_to(attribute, 1),))
    return (Branch(name=f"decide-{activity.name}", branch=(told,)),)


def _turned_down(activity: Activity, alone: bool) -> Steps:
    if not activity.non_retryable_rate:
        return ()
    if not alone:
        return (fail(REJECTED, activity.non_retryable_rate),)
    decided = Option(attribute=_rejected(activity), above=0, steps=(fail(REJECTED),))
    return (Branch(branch=(decided,)),)


def _rejected(activity: Activity) -> str:
    """The attribute that tells whether the other side will turn an activity down."""
    return f"{REJECTED}-{activity.name}"


def _failing(activity: Activity, failed: Steps) -> Steps:
    """A failure that is tried again: the retry is scheduled in a transition of its own."""
    if not activity.error_rate:
        return ()
    return (Branch(name=f"error-{activity.name}", branch=(Option(probability=activity.error_rate, steps=failed),)),)


def _lost(workers: Workers, activity: Activity) -> Steps:
    """A result on the way that nobody receives: the worker is done with it, the platform waits for a timeout."""
    if not activity.lost_reply_rate:
        return ()
    longest_ns = _start_to_close_ns(workers, activity) or activity.schedule_to_close_ns
    assert longest_ns is not None, "one of the two is there"
    # Whatever timeout there is runs out before this time has passed since the end of the work.
    nobody_hears = (
        count(lost_reply=1),
        *(() if activity.memory_bytes is None else (release(workers.memory),)),
        release(workers.activity_slots),
        delay(constant(longest_ns), "timer"),
        fail("reply_lost"),
    )
    return (Branch(branch=(Option(probability=activity.lost_reply_rate, steps=nobody_hears),)),)


def _start_to_close_ns(workers: Workers, activity: Activity) -> int | None:
    if activity.start_to_close_ns is None and activity.schedule_to_close_ns is None:
        return workers.constants.number("temporal.activity_start_to_close")
    return activity.start_to_close_ns
