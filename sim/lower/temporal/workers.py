"""Worker pools: slots, pollers, cores, sticky caches. What runs on them: `workflow_tasks` and `activities`.

A task goes from its row in the store through the shard's transfer queue to matching. There it meets a poller of a pod
with a free slot at once, or after a while, in which case it was written to the backlog. Its start is made durable
before the pod works on it, its end before the slot is free again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sim.lower.lowered import SyncMatch
from sim.lower.names import TaskNames, pods_of
from sim.lower.placement.masters import CROSS_REGION
from sim.lower.setting import Setting, cpu, gauge, inner, of, p99
from sim.lower.steps import Distribution, Step, Steps, acquire, constant, count, delay, release, use
from sim.lower.temporal.eager import Eager
from sim.lower.temporal.locality import Locality
from sim.lower.temporal.matching import Polls, TaskQueue
from sim.lower.temporal.platform import Platform
from sim.network.monitors import Span
from sim.network.places import Cache, NodeGroup, Resource, Server
from sim.network.routines import Retry
from sim.scenario.model.workload import RetryPolicy

READY = "ready"
"""Mark: the platform has something to do: a start, a result, a signal or the end of a timer has reached it."""
MIB = 2**20
KNOBS = {
    "workflow_task_slots": "maxConcurrentWorkflowTaskExecutionSize",
    "workflow_task_pollers": "maxConcurrentWorkflowTaskPollers",
    "activity_slots": "maxConcurrentActivityExecutionSize",
    "activity_pollers": "maxConcurrentActivityTaskPollers",
    "local_activity_slots": "maxConcurrentLocalActivityExecutionSize",
}
"""What the SDKs of Go and Java call the settings of a worker. Source: Temporal documentation, worker performance, and
sdk-go internal/worker.go, 2026-08-21."""
WORKER_TYPES = {
    "workflow_task_slots": "WorkflowWorker",
    "activity_slots": "ActivityWorker",
    "local_activity_slots": "LocalActivityWorker",
}
"""Values of the label `worker_type` of the slots' metrics."""
DISPATCHED = "dispatched"
"""Mark: an activity has started on a worker."""


class Workers:
    """The workers of one task queue.

    pods_as_one: how many pods a node stands for. may_fail: whether a fault lets work there end in errors.

    What workflows want of the pool is known once all of them have been added. runs_workflows, runs_activities: its
    tasks of either kind. attempts_are_counted: in an attribute, by the steps of any activity here. are_remembered: by
    executions that have had a workflow task here. memory_mib: what the activities in the slots of a node hold at most.
    """

    def __init__(self, platform: Platform, queue: str) -> None:
        context = self.context = platform.context
        self.parts, self.constants = context.parts, context.constants
        self.platform, self.store = platform, platform.store
        self.queue = queue
        self.path = f"workers.{queue}"
        pool = self.pool = context.scenario.workers[queue]
        self.event_sourcing = context.scenario.behaviours.event_sourcing
        self.may_fail = self.path in context.scenario.giving_errors
        self.nodes = pods_of(queue)
        self.cpu = f"{queue}-cpu"
        self.thread = f"{queue}-thread"
        self.cache = f"{queue}-sticky-cache"
        self.sticky = f"{queue}-sticky"  # remembered pod; and, as an attribute, whether there is one
        self.sticky_timed_out = f"{queue}-sticky-timed-out"  # mark and span: the remembered pod did not take a task
        self.workflow_slots = f"{queue}-workflow-slots"
        self.workflow_pollers = f"{queue}-workflow-pollers"
        self.first_pollers = self.workflow_pollers
        self.activity_slots = f"{queue}-activity-slots"
        self.memory = f"{queue}-memory"
        self.activity_pollers = f"{queue}-activity-pollers"
        self.workflow_task_names = TaskNames(queue, "workflow-task")
        self.task_pending = f"{queue}-task-pending"
        regional = self.parts.regional
        self.poll_rtt: Distribution | None = None if pool.rtt_ns is None else constant(pool.rtt_ns)
        self.far_bytes = 0
        if regional is not None and pool.rtt_ns is None:
            self.poll_rtt = regional.poll_rtt(pool)
            self.far_bytes = regional.task_bytes(pool)
        self.sticky_wait_ns = self.constants.number("sdk.sticky_schedule_to_start", pool.sticky_schedule_to_start_ns)
        self.task_timeout_ns = self.constants.number("temporal.workflow_task_timeout", pool.workflow_task_timeout_ns)
        self.replay_ns = self.constants.number("sdk.replay_cpu_per_event", pool.replay_cpu_per_event_ns)
        self.local_activity_slots = self.constants.number("sdk.local_activity_slots", pool.local_activity_slots)
        self.runs_workflows = False
        self.runs_activities = False
        self.attempts_are_counted = False
        self.are_remembered = False
        self.memory_mib = 0
        self.sync_match = SyncMatch(f"{queue}-dispatched", f"{queue}-backlog")
        self.locality = self._locality()
        self._add_places()
        self.workflow_tasks = self._tasks("workflow", self.first_pollers, self.workflow_slots)
        self.activities = self._tasks("activity", self.activity_pollers, self.activity_slots)
        self.eager = Eager(platform, self.activity_slots, self.sticky, pool.rtt_ns)

    def _add_places(self) -> None:
        parts, pool, default = self.parts, self.pool, self.constants.number
        sites = self.locality.sites if self.locality is not None else pool.most
        pods = self.pods_as_one = pool.most // sites
        parts.nodes[self.nodes] = NodeGroup(count=sites)
        parts.attributes[self.sticky] = 0
        units = {
            self.workflow_slots: default("sdk.workflow_task_slots", pool.workflow_task_slots),
            self.workflow_pollers: default("sdk.workflow_task_pollers", pool.workflow_task_pollers),
            self.activity_slots: default("sdk.activity_slots", pool.activity_slots),
            self.activity_pollers: default("sdk.activity_pollers", pool.activity_pollers),
        }
        settings = {name: self._setting(name, number) for name, number in units.items()}
        first = max(1, round(units[self.workflow_pollers] * self.constants.ratio("sdk.first_task_polls")))
        if first < units[self.workflow_pollers]:
            self.first_pollers = f"{self.queue}-first-task-pollers"
            settings[self.first_pollers] = replace(
                settings[self.workflow_pollers], words=of(self.queue, "pollers for first workflow tasks")
            )
            units |= {self.first_pollers: first, self.workflow_pollers: units[self.workflow_pollers] - first}
        for name, number in units.items():
            parts.add_resource(name, Resource(nodes=self.nodes, units=pods * number), settings[name])
        parts.add_station(
            self.cpu,
            Server(nodes=self.nodes, cores=pods * pool.cpu_cores),
            Setting(
                of(self.queue, "CPU"), f"{self.path}.cpu", "CPU of a pod", cpu(self.queue), "restart", pool.cpu_cores
            ),
        )
        capacity = pods * default("sdk.sticky_cache", pool.sticky_cache)
        parts.caches[self.cache] = Cache(nodes=self.nodes, capacity=capacity)

    def _setting(self, name: str, number: int) -> Setting:
        """The setting of slots or pollers, of which each pod has so many."""
        key = name.removeprefix(f"{self.queue}-").replace("-", "_").replace("workflow_", "workflow_task_")
        kind = "workflow_task" if key.startswith("workflow") else "activity"
        if key.endswith("pollers"):
            watch = p99(f"temporal_{kind}_schedule_to_start_latency", task_queue=self.queue)
        else:
            watch = gauge("temporal_worker_task_slots_available", worker_type=WORKER_TYPES[key], task_queue=self.queue)
        words = of(self.queue, name.removeprefix(f"{self.queue}-").replace("-", " "))
        return Setting(words, f"{self.path}.{key}", KNOBS[key], watch, "restart", number)

    def _locality(self) -> Locality | None:
        """The sites of a pool that reads data; None where it reads none, or stands in one place."""
        regional, pool = self.parts.regional, self.pool
        reads = self.queue in self.context.scenario.reading_queues
        if regional is None or pool.regions is None or not pool.by_site or not reads:
            return None
        self.constants.record_assumption("pods of a queue that reads data", "those of one region act as one worker")
        return Locality(self.context, self.queue, regional, len(pool.regions), pool.locality_wait_ns)

    def _tasks(self, kind: str, pollers: str, slots: str) -> TaskQueue:
        resources = self.parts.resources
        each = min(resources[pollers].units, resources[slots].units)
        polls = Polls(pollers, self.parts.nodes[self.nodes].count, each)
        return TaskQueue(self.platform, self.queue, kind, polls)

    def remember(self, size: int) -> Step:
        """The step by which an activity that holds an activity slot holds memory, too. size: in bytes.

        There is as much as the most demanding activity would hold in every slot, so that none waits for it.
        """
        mib, slots = -(-size // MIB), self.parts.resources[self.activity_slots]
        self.memory_mib = max(mib * slots.units, self.memory_mib)
        self.parts.add_resource(
            self.memory,
            Resource(nodes=self.nodes, units=self.memory_mib),
            inner("memory that activities at work hold"),
        )
        self.constants.record_assumption(
            "memory", "that of activities at work alone: not of the worker itself, nor of the states in its cache"
        )
        return acquire(self.memory, units=mib, at=self.activity_slots)

    def at_work(self, cpu_ns: int, slots: str) -> Steps:
        """CPU of the SDK on the pod whose slot is held: the share of its one thread, then the rest."""
        turns = max(1, self.constants.number("sdk.turns"))
        locked_ns = round(cpu_ns * self.constants.ratio("sdk.one_thread")) // turns
        rest_ns = cpu_ns // turns - locked_ns
        piece: list[Step] = []
        if locked_ns:
            self.parts.add_resource(
                self.thread,
                Resource(nodes=self.nodes, units=self.pods_as_one),
                Setting(
                    of(self.queue, "SDK threads"),
                    f"{self.path}.replicas",
                    "more processes: one thread of each does this share of the SDK's work",
                    cpu(self.queue),
                    "live",
                    self.pool.most,
                ),
            )
            piece += [acquire(self.thread, at=slots), use(self.cpu, locked_ns, at=slots), release(self.thread)]
        if rest_ns or not locked_ns:
            piece.append(use(self.cpu, rest_ns, at=slots))
        return tuple(piece) * turns

    def in_local_slot(self, steps: Steps) -> Steps:
        """The steps of a local activity, which hold a slot for it on the pod that holds the workflow task."""
        name = f"{self.queue}-local-activity-slots"
        number = self.local_activity_slots
        self.parts.add_resource(name, Resource(nodes=self.nodes, units=number), self._setting(name, number))
        return (acquire(name, at=self.workflow_slots), *steps, release(name))

    def retry(
        self,
        policy: RetryPolicy,
        retried: bool,
        non_retryable: tuple[str, ...] = (),
        on_the_server: bool = True,
        budget: str | None = None,
    ) -> Retry:
        """A retry policy with the server's defaults. on_the_server: its back-offs are timers of the server. budget:
        that its retries are taken from."""
        number = self.constants.number
        timers = self.platform.timers if on_the_server else None
        first_ns = self.constants.number("temporal.retry_initial_interval", policy.initial_interval_ns)
        return Retry(
            initial_interval_ns=first_ns,
            backoff_coefficient=policy.backoff_coefficient or number("temporal.retry_backoff_coefficient"),
            maximum_interval_ns=policy.maximum_interval_ns or first_ns * number("temporal.retry_maximum_factor"),
            maximum_attempts=policy.maximum_attempts if retried else 1,
            jitter=policy.jitter,
            budget=budget,
            non_retryable=non_retryable,
            floor_ns=number("temporal.timer_floor") if on_the_server and timers is None else 0,
            timers=timers,
            grid_ns=self.platform.temporal.timer_grid_ns if on_the_server else None,
        )

    @property
    def number_of_activity_slots(self) -> int:
        """Of all pods together."""
        return self.parts.nodes[self.nodes].count * self.parts.resources[self.activity_slots].units

    def measure(self, tasks: TaskNames, family: str) -> None:
        """Measure how long tasks that these pods take wait from their schedule to their start."""
        self.parts.spans[tasks.wait] = Span(start=tasks.scheduled, end=tasks.started, metric=f"{family}.{tasks.queue}")

    @property
    def slots_in_use(self) -> tuple[str, ...]:
        """The kinds of slots that any task asks these pods for, those of a federated queue included."""
        in_use = {self.workflow_slots: self.runs_workflows, self.activity_slots: self.runs_activities}
        return tuple(slots for slots, is_in_use in in_use.items() if is_in_use)

    def add_recovery(self) -> None:
        """Measure how long the executions that a crash of these workers hits take to be running elsewhere.

        That is when a workflow task has their state again: from the cache, or rebuilt from the history. Workers of
        activities alone hold no such state.
        """
        spans, tasks, activities = self.parts.spans, self.workflow_task_names, TaskNames(self.queue, "activity")
        if self.attempts_are_counted:
            spans[activities.retried] = Span(
                start=activities.scheduled, end=activities.retried, metric=f"retried.{self.queue}"
            )
        if self.are_remembered:
            spans[self.sticky_timed_out] = Span(
                start=tasks.scheduled, end=self.sticky_timed_out, metric=f"sticky_timeout.{self.queue}"
            )
        if self.runs_workflows:
            spans[f"{self.queue}-recovery"] = Span(
                start=tasks.scheduled,
                end=tasks.running,
                after_crash=self.nodes,
                metric=f"worker_recovery.{self.queue}",
            )

    def fetched(self) -> Iterator[Step]:
        """What keeps a poller busy with a task: the frontend's limit, and the round trip of its poll where the worker
        is not in the platform's own network."""
        yield from self.platform.polled()
        if self.poll_rtt is not None:
            yield delay(self.poll_rtt, "network")
        if self.far_bytes:
            yield count(**{CROSS_REGION: self.far_bytes})

    def reading_pod(self, size: int) -> tuple[Steps, Steps]:
        """How an activity that reads data comes to a slot and a poller, and what it does before it works."""
        if self.locality is None or not size:
            return self.any_pod(self.activities, self.activity_slots, self.activity_pollers), ()
        patience_ns = self.constants.number("temporal.sync_match_wait")
        missed = (count(**{self.sync_match.backlog: 1}), *self.activities.backlog())
        slots, pollers = self.activity_slots, self.activity_pollers
        poller = acquire(pollers, at=slots, patience_ns=patience_ns, otherwise=(*missed, acquire(pollers, at=slots)))
        return (*self.locality.slot(slots, missed, patience_ns), poller), (self.locality.read(size),)

    def any_pod(self, tasks: TaskQueue, slots: str, pollers: str, affinity: str | None = None) -> Steps:
        """A slot and a poller of any pod: at once (sync match), or after the task has been written to the backlog."""
        return (*self.slot(tasks, slots, affinity=affinity), *self.poller(tasks, slots, pollers))

    def slot(self, tasks: TaskQueue, slots: str, patience_ns: int | None = None, affinity: str | None = None) -> Steps:
        """A slot of any pod. patience_ns: how long it is waited for in all, then the failure `patience`."""
        wait_ns = self.constants.number("temporal.sync_match_wait")
        if patience_ns is not None and patience_ns <= wait_ns:
            return (acquire(slots, affinity=affinity, patience_ns=patience_ns),)
        left_ns = None if patience_ns is None else patience_ns - wait_ns
        later = (*self._missed(tasks), acquire(slots, affinity=affinity, patience_ns=left_ns))
        return (acquire(slots, affinity=affinity, patience_ns=wait_ns, otherwise=later),)

    def poller(self, tasks: TaskQueue, slots: str, pollers: str) -> Steps:
        """A poller of the pod whose slot is held."""
        wait_ns = self.constants.number("temporal.sync_match_wait")
        later = (*self._missed(tasks), acquire(pollers, at=slots))
        return (acquire(pollers, at=slots, patience_ns=wait_ns, otherwise=later),)

    def _missed(self, tasks: TaskQueue) -> Steps:
        return (count(**{self.sync_match.backlog: 1}), *tasks.backlog())
