"""Worker pools: slots, pollers, cores and sticky caches; workflow tasks and activities as steps on them.

A task goes from its row in the store through the shard's transfer queue to matching. There it meets a poller of a pod
with a free slot at once, or after a while, in which case it was written to the backlog. Its start is made durable
before the pod works on it, its end before the slot is free again.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.lowered import SyncMatch
from sim.lower.parts import Parts
from sim.lower.platform import Platform
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    acquire,
    cached,
    call,
    constant,
    count,
    delay,
    fail,
    forget,
    mark,
    release,
    set_to,
    start,
    use,
)
from sim.lower.store import HISTORY, Store
from sim.network.monitors import Span
from sim.network.places import Cache, NodeGroup, Resource, Server
from sim.network.routines import Heartbeat, Retry
from sim.scenario.workers import WorkerPool
from sim.scenario.workload import Activity, RetryPolicy
from sim.units.tables import MILLISECOND

READY = "ready"
"""Mark: the platform has something to do: a start, a result, a signal or the end of a timer has reached it."""
DISPATCHED = "dispatched"
"""Mark: an activity has started on a worker."""


class Workers:
    """The workers of one task queue."""

    def __init__(
        self, parts: Parts, constants: Constants, platform: Platform, store: Store, queue: str, pool: WorkerPool
    ) -> None:
        self.parts = parts
        self.constants = constants
        self.platform = platform
        self.store = store
        self.queue = queue
        self.nodes = f"{queue}-workers"
        self.cpu = f"{queue}-cpu"
        self.cache = f"{queue}-sticky-cache"
        self.sticky = f"{queue}-sticky"  # remembered pod; and, as an attribute, whether there is one
        self.workflow_slots = f"{queue}-workflow-slots"
        self.workflow_pollers = f"{queue}-workflow-pollers"
        self.activity_slots = f"{queue}-activity-slots"
        self.activity_pollers = f"{queue}-activity-pollers"
        self.rtt_ns = pool.rtt_ns
        self.sticky_wait_ns = self._or_default(pool.sticky_schedule_to_start_ns, "sdk.sticky_schedule_to_start")
        self.task_timeout_ns = self._or_default(pool.workflow_task_timeout_ns, "temporal.workflow_task_timeout")
        self.sync_match = SyncMatch(f"{queue}-dispatched", f"{queue}-backlog")
        self._add_places(pool)

    def _or_default(self, own: int | None, name: str) -> int:
        return self.constants.number(name) if own is None else own

    def _add_places(self, pool: WorkerPool) -> None:
        parts, default = self.parts, self._or_default
        parts.nodes[self.nodes] = NodeGroup(count=pool.replicas)
        parts.attributes[self.sticky] = 0
        units = {
            self.workflow_slots: default(pool.workflow_task_slots, "sdk.workflow_task_slots"),
            self.workflow_pollers: default(pool.workflow_task_pollers, "sdk.workflow_task_pollers"),
            self.activity_slots: default(pool.activity_slots, "sdk.activity_slots"),
            self.activity_pollers: default(pool.activity_pollers, "sdk.activity_pollers"),
        }
        for name, number in units.items():
            parts.resources[name] = Resource(nodes=self.nodes, units=number)
        parts.stations[self.cpu] = Server(nodes=self.nodes, cores=pool.cpu_cores)
        parts.caches[self.cache] = Cache(nodes=self.nodes, capacity=default(pool.sticky_cache, "sdk.sticky_cache"))

    def _measure(self, kind: str, family: str) -> None:
        """Measure how long tasks of a kind wait from their schedule to their start."""
        self.parts.spans[f"{self.queue}-{kind}-wait"] = Span(
            start=f"{self.queue}-{kind}-scheduled",
            end=f"{self.queue}-{kind}-started",
            metric=f"{family}.{self.queue}",
        )

    def add_recovery(self) -> None:
        """Measure how long the executions that a crash of these workers hits take to be running elsewhere.

        That is when a workflow task has their state again: from the cache, or rebuilt from the history. Workers of
        activities alone hold no such state.
        """
        if f"{self.queue}-workflow-task-wait" not in self.parts.spans:
            return
        self.parts.spans[f"{self.queue}-recovery"] = Span(
            start=f"{self.queue}-workflow-task-scheduled",
            end=f"{self.queue}-workflow-task-running",
            after_crash=self.nodes,
            metric=f"worker_recovery.{self.queue}",
        )

    # -- workflow tasks ---------------------------------------------------------------------------------------

    def workflow_task(self, ending: str, first: bool = False) -> Step:
        """The step that runs a workflow task which ends by the transition `ending`.

        The first one of an execution goes to any pod; the others wait for the pod that has it in its cache.
        """
        name = f"{self.queue}-{'first-' if first else ''}workflow-task-{ending.replace('_', '-')}"
        if name not in self.parts.routines:
            self.parts.routines[name] = self._workflow_task(ending, first)
        return call(name)

    def _workflow_task(self, ending: str, first: bool) -> Steps:
        self._measure("workflow-task", "workflow_task_schedule_to_start")
        started = self.store.transition("first_workflow_task_started" if first else "workflow_task_started")
        slots = self.workflow_slots
        replay_ns = self.constants.number("sdk.replay_cpu_per_event")
        trial: tuple[Step, ...] = (
            *self._pod(first),
            start(),
            *self._far_away(),
            started,
            release(self.workflow_pollers),
            mark(f"{self.queue}-workflow-task-started"),
            # Whatever is not in the cache is rebuilt: each event of the history is replayed.
            cached(self.cache, slots, miss=(count(replay=1), use(self.cpu, 0, at=slots, per_ns={HISTORY: replay_ns}))),
            use(self.cpu, self.constants.number("sdk.workflow_task_cpu"), at=slots),
            mark(f"{self.queue}-workflow-task-running"),
            *self.platform.enter(),
            self.store.transition(ending),
            release(slots),
        )
        # A lost task is noticed by its timeout alone; the next one is scheduled on the normal queue at once.
        attempt = AttemptBody(
            steps=trial,
            start_to_close_ns=self.task_timeout_ns,
            on_crash="silent",
            on_failure=(*self._forget(), fail("workflow_task_timed_out")),
        )
        again = Retry(initial_interval_ns=MILLISECOND, backoff_coefficient=1.0)  # as good as at once
        return (
            mark(f"{self.queue}-workflow-task-scheduled"),
            Attempt(attempt=AttemptBody(steps=(*self.platform.transfer(), Attempt(attempt=attempt)), retry=again)),
        )

    def _pod(self, first: bool) -> Steps:
        """A slot and a poller of the pod that knows the execution, or of any pod where none does."""
        slots, pollers = self.workflow_slots, self.workflow_pollers
        fresh = (*self._any_pod(slots, pollers, self.sticky), set_to(self.sticky, 1))
        if first:
            return (count(**{self.sync_match.dispatched: 1}), *fresh)
        lease_ns = self.constants.number("temporal.sticky_lease")
        self.constants.note("a sticky worker that is known to be gone", "costs a transition, as a sticky timeout does")
        # When its time is up the task goes to any pod, by way of the normal queue.
        moved = (*self._forget(), count(sticky_timeout=1), *self.platform.transfer())
        known = (
            acquire(
                slots,
                affinity=self.sticky,
                lease_ns=lease_ns,
                patience_ns=self.sticky_wait_ns,
                otherwise=(*moved, acquire(slots, affinity=self.sticky), set_to(self.sticky, 1)),
            ),
            acquire(pollers, at=slots),
        )
        return (
            count(**{self.sync_match.dispatched: 1}),
            Branch(branch=(Option(attribute=self.sticky, above=0, steps=known), Option(steps=fresh))),
        )

    def _forget(self) -> Steps:
        """The workflow task has timed out: no pod is taken to know the execution any more."""
        return (forget(self.sticky), set_to(self.sticky, 0), self.store.transition("workflow_task_timed_out"))

    def _far_away(self) -> Iterator[Step]:
        """The round trip of a poll whose worker is not in the platform's own network; the poller is busy with it."""
        if self.rtt_ns is not None:
            yield delay(constant(self.rtt_ns), "network")

    def _any_pod(self, slots: str, pollers: str, affinity: str | None = None) -> Steps:
        """A slot and a poller of any pod: at once (sync match), or after the task has been written to the backlog."""
        patience_ns = self.constants.number("temporal.sync_match_wait")
        missed = (count(**{self.sync_match.backlog: 1}), self.store.backlog_write())
        return (
            acquire(
                slots,
                affinity=affinity,
                patience_ns=patience_ns,
                otherwise=(*missed, acquire(slots, affinity=affinity)),
            ),
            acquire(pollers, at=slots, patience_ns=patience_ns, otherwise=(*missed, acquire(pollers, at=slots))),
        )

    def remember(self) -> Steps:
        """What an execution that is under way has behind it: a pod that knows it and holds it in its cache."""
        slots = self.workflow_slots
        return (
            acquire(slots, affinity=self.sticky),
            cached(self.cache, slots, miss=()),
            release(slots),
            set_to(self.sticky, 1),
        )

    # -- activities -------------------------------------------------------------------------------------------

    def activity(self, activity: Activity, policy: RetryPolicy | None, alone: bool = True) -> Steps:
        """The steps of an activity, from its schedule to its result.

        policy: the workflow's retry policy. alone: whether no other runs in the execution at the same time; only then
        can the fact that the other side turns it down be carried from one attempt to the next.
        """
        slots, pollers, queue = self.activity_slots, self.activity_pollers, self.queue
        self._measure("activity", "schedule_to_start")
        self.parts.spans["platform"] = Span(start=READY, end=DISPATCHED)
        rejected = f"rejected-{activity.name}"
        turned_down: tuple[Step, ...] = ()
        if activity.non_retryable_rate and alone:
            self.parts.attributes[rejected] = 0
            turned_down = (_when(rejected, (fail("rejected"),)),)
        elif activity.non_retryable_rate:
            turned_down = (fail("rejected", activity.non_retryable_rate),)
        failing: tuple[Step, ...] = ()
        if activity.error_rate:
            failed = (self.store.transition("activity_failed"), fail("error"))
            failing = (Branch(branch=(Option(probability=activity.error_rate, steps=failed),)),)
        effect = (mark(activity.effect, once=activity.idempotent),) if activity.effect is not None else ()
        trial: tuple[Step, ...] = (
            *self.platform.transfer(),
            count(activity_task=1, **{self.sync_match.dispatched: 1}),
            *self._any_pod(slots, pollers),
            start(),
            *self._far_away(),
            self.store.transition("activity_started"),
            release(pollers),
            mark(f"{queue}-activity-started"),
            mark(DISPATCHED),
            delay(activity.service, "service", activity.name),
            *turned_down,
            *failing,
            *effect,
            mark(READY),
            *self.platform.enter(),
            self.store.transition("activity_completed"),
            release(slots),
        )
        heartbeat = activity.heartbeat_ns
        attempt = AttemptBody(
            steps=trial,
            schedule_to_start_ns=activity.schedule_to_start_ns,
            start_to_close_ns=self._start_to_close_ns(activity),
            schedule_to_close_ns=activity.schedule_to_close_ns,
            heartbeat=None if heartbeat is None else Heartbeat(timeout_ns=heartbeat),
            retry=self._retry(activity.retry or policy or RetryPolicy()),
            on_crash="silent",
            on_failure=(mark(READY), self.store.transition("activity_completed"), fail("activity_failed")),
        )
        steps: list[Step] = []
        if activity.non_retryable_rate and alone:
            told = Option(probability=activity.non_retryable_rate, steps=(set_to(rejected, 1),))
            steps.append(Branch(branch=(told,)))
        return (
            *steps,
            mark(f"{queue}-activity-scheduled"),
            Attempt(name=f"try-{activity.name}", attempt=attempt),
        )

    def _start_to_close_ns(self, activity: Activity) -> int | None:
        if activity.start_to_close_ns is None and activity.schedule_to_close_ns is None:
            return self.constants.number("temporal.activity_start_to_close")
        return activity.start_to_close_ns

    def _retry(self, policy: RetryPolicy) -> Retry:
        first = self._or_default(policy.initial_interval_ns, "temporal.retry_initial_interval")
        longest = policy.maximum_interval_ns
        return Retry(
            initial_interval_ns=first,
            backoff_coefficient=policy.backoff_coefficient
            or self.constants.number("temporal.retry_backoff_coefficient"),
            maximum_interval_ns=longest or first * self.constants.number("temporal.retry_maximum_factor"),
            maximum_attempts=policy.maximum_attempts,
            jitter=policy.jitter,
            non_retryable=("rejected",),
            floor_ns=self.constants.number("temporal.timer_floor"),
        )


def _when(attribute: str, steps: Steps) -> Step:
    return Branch(branch=(Option(attribute=attribute, above=0, steps=steps),))
