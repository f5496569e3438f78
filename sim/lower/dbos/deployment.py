"""DBOS into a network: a queue in PostgreSQL that executors look into at an interval, each step two transactions.

A workflow is a row. Its client inserts it; an executor's next look takes it, with all that wait; each step first asks
whether it has been done before, runs, and has its result inserted; at the end the row is updated. How executors look
is in `dbos_looks`, what a transaction takes in `dbos_database`. When an executor
crashes, its workflows wait until it is back and go on from the last step whose result is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.lower.context import Context
from sim.lower.dbos.database import CHECK, ENQUEUE, OUTCOME, RECORD, Database, Looks
from sim.lower.faults.classes import Failures
from sim.lower.faults.pods import as_fault
from sim.lower.lowered import Lowered, stated
from sim.lower.names import ExecutorNames, pods_of
from sim.lower.placement.hosts import host_settings, on_hosts
from sim.lower.placement.machines import machines, volumes
from sim.lower.setting import Setting, cpu, gauge, of, settings_in
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Loop,
    LoopBody,
    Option,
    Step,
    Steps,
    acquire,
    constant,
    delay,
    fail,
    mark,
    release,
)
from sim.lower.stores.postgres.commit import PRIMARY, Commit
from sim.lower.stores.postgres.pool import CPU, cores_of
from sim.lower.stores.postgres.recovery import away
from sim.lower.stores.postgres.volume import PostgresVolume
from sim.lower.stores.sql_store import cores_setting
from sim.lower.sums import sum_of
from sim.lower.temporal.workers import DISPATCHED, READY
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.network.monitors import Span
from sim.network.places import NodeGroup, Resource, Server
from sim.network.routines import Retry
from sim.network.sources import Source
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.platform import Dbos
from sim.scenario.model.workflow import Workflow
from sim.scenario.model.workflow_steps import ActivityStep, RepeatStep, SleepStep, WorkflowStep
from sim.scenario.model.workload import Activity, RetryPolicy
from sim.scenario.scenario import Scenario

STEP_FAILED = "step_failed"
"""Failure: a step has failed in all its attempts; the workflow ends with an error."""


def lower_dbos(scenario: Scenario) -> Lowered:
    """The network of a deployment of DBOS. Its parts fit together (`sim.scenario.checks.names`)."""
    engine = _Engine(scenario)
    for name, workflow in scenario.workflows.items():
        engine.add(name, workflow)
    engine.parts.monitors.update(scenario.monitors)
    failures = Failures(engine.context, engine.faults_of)
    for name, fault in scenario.faults.items():
        failures.add(name, fault)
    network = on_hosts(engine.parts.network(), scenario.hosts, engine.constants)
    return Lowered(
        network=network,
        deadlines_ns={name: workflow.deadline_ns for name, workflow in scenario.workflows.items()},
        assumptions=(*stated(scenario.assumptions), *engine.constants.noted.values()),
        machines=tuple(machines(scenario)),
        volumes=tuple(volumes(scenario)),
        flushes=engine.commit.flushes,
        classes=failures.classes(network),
        settings=settings_in(network, engine.parts.settings | host_settings(scenario.hosts)),
    )


class _Engine:
    """The places of DBOS and its database, and what workflows do there as steps."""

    def __init__(self, scenario: Scenario) -> None:
        assert scenario.dbos is not None
        assert scenario.postgres is not None
        self.scenario, self.dbos, self.postgres = scenario, scenario.dbos, scenario.postgres
        self.context = Context.of(scenario)
        self.parts, self.constants = self.context.parts, self.context.constants
        number = self.constants.number
        self.parts.nodes[PRIMARY] = NodeGroup(count=1)
        self.rtt_ns = number("postgres.rtt", self.postgres.rtt_ns)
        self.commit = Commit(self.parts, self.constants, self.postgres, self.rtt_ns)
        if self.postgres.rds is not None:
            self.constants.record_assumption("pages of DBOS in RDS", "are all in memory, also after a failover")
        self.volume = PostgresVolume(self.parts, self.constants, self.postgres)
        self.parts.add_station(CPU, cores_of(self.constants, self.postgres), cores_setting("postgres", self.postgres))
        self.database = Database(self.context, self.commit, self.volume, self.rtt_ns)
        self.looks = Looks(self.database)
        limits = [one for one in (self.dbos.worker_concurrency, self.dbos.executor_threads) if one is not None]
        self.at_once = min(limits, default=None)
        for queue in scenario.workers:
            self._add_executors(queue, self.dbos)
        self.constants.record_assumptions(
            {
                "an executor": "is one Python process: one of its threads runs at a time, on one core",
                "a thread that waits for the interpreter": "has it at once when its turn comes",
                "executors that look at once": "never get into each other's way, and never back off",
                "connections opened anew": "take their time, and no CPU of the database",
                "clients": "insert over connections of the executors, from the same zone",
                "an executor that is back after a crash": "goes on at once with what it had",
            }
        )

    def add(self, name: str, workflow: Workflow) -> None:
        """A kind of workflow: its source and its routine."""
        assert workflow.arrivals is not None, "checked: schedules are not simulated"
        queue = workflow.task_queue
        begin_ns, end_ns = self.constants.number("dbos.begin_cpu"), self.constants.number("dbos.end_cpu")
        names = ExecutorNames(queue)
        held = names.threads
        steps: list[Step] = [
            mark(READY),
            mark(names.enqueued),
            self.database.transaction(queue, ENQUEUE),
            *((acquire(names.at_once),) if self.at_once is not None else ()),
            *self.looks.found(queue),
            *self._on_executor(queue, "begin", tuple(self.database.python(queue, begin_ns, held))),
            mark(names.started),
        ]
        steps += self._written(queue, workflow.steps, workflow.retry)
        ended = self.database.transaction(queue, OUTCOME, end_ns, held)
        steps += [
            mark(names.returned),
            *self._on_executor(queue, "end", (ended,)),
            *((release(names.at_once),) if self.at_once is not None else ()),
        ]
        self.parts.routines[name] = tuple(steps)
        self.parts.sources[name] = Source(routine=name, arrivals=workflow.arrivals)
        self.parts.spans["platform"] = Span(start=READY, end=DISPATCHED)

    def _written(self, queue: str, written: Sequence[WorkflowStep], policy: RetryPolicy | None) -> Iterator[Step]:
        """The steps of a workflow as they are written in the scenario."""
        for step in written:
            if isinstance(step, ActivityStep):
                yield from self._step(queue, step.activity, step.activity.retry or policy)
            elif isinstance(step, RepeatStep):
                body = tuple(self._written(queue, step.repeat.steps, policy))
                yield Loop(loop=LoopBody(times=step.repeat.times, steps=body))
            else:
                assert isinstance(step, SleepStep), "checked: the others are not simulated"
                # Until when it sleeps is a step's result.
                yield from self._on_executor(queue, "sleep", self._recorded(queue, ()))
                yield delay(step.sleep, "timer")
                yield mark(READY)

    def faults_of(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        """What happens to executors or to the primary."""
        if fault.of_store and fault.happens != "crash":
            return {name: as_fault(fault, (NodeTarget(group=PRIMARY),), fault.lasts)}
        if fault.of_store:
            gone = away(self.parts, self.constants, self.postgres, None)
            return {name: as_fault(fault, (NodeTarget(group=PRIMARY),), gone)}
        queue = fault.pool
        assert queue is not None, "checked: nothing else fails here"
        delay_ns = self.scenario.workers[queue].start_delay_ns if fault.happens == "crash" else 0
        gone = sum_of(fault.lasts, constant(delay_ns)) if delay_ns else fault.lasts
        nodes = "all" if fault.mttf_ns is not None else fault.nodes
        return {name: as_fault(fault, (NodeTarget(group=pods_of(queue), nodes=nodes),), gone)}

    def _add_executors(self, queue: str, dbos: Dbos) -> None:
        parts, constants, pool = self.parts, self.constants, self.scenario.workers[queue]
        executors, names = pool.most, ExecutorNames(queue)
        path, pods = f"workers.{queue}", names.pods
        parts.nodes[pods] = NodeGroup(count=executors)
        parts.add_station(
            names.cpu,
            Server(nodes=pods, cores=pool.cpu_cores),
            Setting(of(queue, "CPU"), f"{path}.cpu", "CPU of an executor", cpu(queue), "restart", pool.cpu_cores),
        )
        threads = dbos.executor_threads or constants.number("dbos.executor_threads")
        at_work = (
            f"SELECT executor_id, count(*) FROM dbos.workflow_status WHERE status = 'PENDING' "
            f"AND queue_name = '{queue}' GROUP BY 1"
        )
        parts.add_resource(
            names.threads,
            Resource(nodes=pods, units=threads),
            Setting(
                of(queue, "executor threads"),
                "dbos.executor_threads",
                "max_executor_threads",
                at_work,
                "restart",
                threads,
            ),
        )
        if self.at_once is not None:
            parts.add_resource(
                names.at_once,
                Resource(units=executors * self.at_once),
                Setting(
                    of(queue, "workflows at once"),
                    "dbos.worker_concurrency",
                    "worker_concurrency of the queue",
                    at_work,
                    "restart",
                    self.at_once,
                ),
            )
        size = dbos.pool_size or constants.number("dbos.pool_size")
        parts.add_resource(
            names.connections,
            Resource(
                nodes=PRIMARY,
                units=executors * size,
                opening=constants.distribution("postgres.connect"),
                when_down="refuse",
            ),
            Setting(
                of(queue, "connections"),
                "dbos.pool_size",
                "sys_db_pool_size",
                gauge("pg_stat_activity_count", state="active"),
                "restart",
                size,
            ),
        )
        parts.add_resource(
            names.interpreter,
            Resource(nodes=pods, units=1),
            Setting(
                of(queue, "Python interpreters"),
                f"{path}.replicas",
                "more executors: each is one Python process, and runs one thread at a time",
                cpu(queue),
                "live",
                executors,
            ),
        )
        self.looks.add(queue, executors, dbos.polling_interval_ns or constants.number("dbos.polling_interval"))
        for span, start, end, family in (
            ("wait", names.enqueued, names.started, "schedule_to_start"),
            ("code", names.started, names.returned, "start_to_return"),
            ("whole", names.enqueued, names.returned, "enqueue_to_return"),
        ):
            parts.spans[f"{queue}-{span}"] = Span(start=start, end=end, metric=f"{family}.{queue}")

    def _step(self, queue: str, activity: Activity, policy: RetryPolicy | None) -> Iterator[Step]:
        """A step: on its executor, again from here when that has crashed."""
        failing: Steps = ()
        if activity.error_rate:
            failing = (Branch(branch=(Option(probability=activity.error_rate, steps=(fail("error"),)),)),)
        attempt_steps: Steps = (mark(DISPATCHED), delay(activity.service, "service", activity.name), *failing)
        tried = Attempt(
            name=f"try-{activity.name}",
            attempt=AttemptBody(steps=attempt_steps, retry=_retry(policy), on_failure=(fail(STEP_FAILED),)),
        )
        effect = (mark(activity.effect, once=activity.idempotent),) if activity.effect is not None else ()
        yield from self._on_executor(queue, activity.name, self._recorded(queue, (tried, *effect, mark(READY))))

    def _recorded(self, queue: str, body: Steps) -> Steps:
        """What is done once: it is asked for its result before, and the result is written after it."""
        each_ns = self.constants.number("dbos.step_cpu") / (CHECK.messages + RECORD.messages)
        held = ExecutorNames(queue).threads
        return (
            self.database.transaction(queue, CHECK, each_ns * CHECK.messages, held),
            *body,
            self.database.transaction(queue, RECORD, each_ns * RECORD.messages, held),
        )

    def _on_executor(self, queue: str, name: str, body: Steps) -> Iterator[Step]:
        """On the executor that the workflow belongs to; all of it anew when it is back from a crash."""
        names = ExecutorNames(queue)
        steps = (acquire(names.threads, affinity=names.executor), *body, release(names.threads))
        recovered = Retry(initial_interval_ns=1_000_000, backoff_coefficient=1, non_retryable=(STEP_FAILED,))
        yield Attempt(name=f"recover-{name}", attempt=AttemptBody(steps=steps, retry=recovered, counted=False))


def _retry(policy: RetryPolicy | None) -> Retry | None:
    """A step is tried once unless it says otherwise."""
    if policy is None:
        return None
    return Retry(
        initial_interval_ns=1_000_000_000 if policy.initial_interval_ns is None else policy.initial_interval_ns,
        backoff_coefficient=policy.backoff_coefficient or 2.0,
        maximum_interval_ns=policy.maximum_interval_ns,
        maximum_attempts=policy.maximum_attempts or 3,
        jitter=policy.jitter,
    )
