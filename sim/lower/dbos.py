"""DBOS into a network: a queue in PostgreSQL that executors look into at an interval, each step a transaction.

A workflow is a row. Its client inserts it; an executor's next look takes it, with all that wait; each step first asks
whether it has been done before, runs, and has its result inserted; at the end the row is updated. When an executor
crashes, its workflows wait until it is back and go on from the last step whose result is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.failures import Failures
from sim.lower.faults import as_fault
from sim.lower.hosts import on_hosts
from sim.lower.lowered import Lowered, stated
from sim.lower.machines import machines, volumes
from sim.lower.parts import Parts
from sim.lower.postgres_commit import PRIMARY, Commit
from sim.lower.postgres_pool import CPU, contention
from sim.lower.postgres_recovery import WAL_BYTES, away
from sim.lower.postgres_volume import Volume
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    acquire,
    call,
    constant,
    count,
    delay,
    fail,
    mark,
    release,
    use,
)
from sim.lower.sums import sum_of
from sim.lower.workers import DISPATCHED, READY
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.network.monitors import Span
from sim.network.places import NodeGroup, Polled, Resource, Server
from sim.network.routines import Retry
from sim.network.sources import RenewalArrivals, Source
from sim.scenario.dbos import Dbos
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario
from sim.scenario.workflow import Workflow
from sim.scenario.workflow_steps import ActivityStep, SleepStep
from sim.scenario.workload import Activity, RetryPolicy

STEP_FAILED = "step_failed"
"""Failure: a step has failed in all its attempts; the workflow ends with an error."""


def lower_dbos(scenario: Scenario) -> Lowered:
    """The network of a deployment of DBOS. Its parts fit together (`sim.scenario.check`)."""
    engine = _Engine(scenario)
    for name, workflow in scenario.workflows.items():
        engine.add(name, workflow)
    engine.parts.monitors.update(scenario.monitors)
    failures = Failures(engine.parts, engine.constants, scenario, engine.faults_of)
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
    )


class _Engine:
    """The places of DBOS and its database, and what workflows do there as steps."""

    def __init__(self, scenario: Scenario) -> None:
        assert scenario.dbos is not None
        assert scenario.postgres is not None
        self.scenario, self.dbos, self.postgres = scenario, scenario.dbos, scenario.postgres
        self.parts, self.constants = Parts(), Constants(scenario)
        number = self.constants.number
        self.parts.nodes[PRIMARY] = NodeGroup(count=1)
        self.rtt_ns = number("postgres.rtt") if self.postgres.rtt_ns is None else self.postgres.rtt_ns
        self.message_ns = number("postgres.cpu_per_message")
        self.step_ns = number("dbos.step_cpu")
        self.commit = Commit(self.parts, self.constants, self.postgres)
        if self.postgres.rds is not None:
            self.constants.note("pages of DBOS in RDS", "are all in memory, also after a failover")
        self.volume = Volume(self.parts, self.constants, self.postgres)
        self.parts.stations[CPU] = Server(
            nodes=PRIMARY,
            cores=self.postgres.cores,
            contention=contention(self.constants.ratio("postgres.backend_coherency")),
        )
        for queue in scenario.workers:
            self._add_executors(queue, self.dbos)
        self.constants.note("looks of the executors into a queue", "are spread evenly over the interval")
        self.constants.note("executors that look at once", "never get into each other's way, and never back off")
        self.constants.note("connections opened anew", "take their time, and no CPU of the database")
        self.constants.note("clients", "insert over connections of the executors, from the same zone")
        self.constants.note("an executor that is back after a crash", "goes on at once with what it had")

    def add(self, name: str, workflow: Workflow) -> None:
        """A kind of workflow: its source and its routine."""
        assert workflow.arrivals is not None, "checked: schedules are not simulated"
        queue = workflow.task_queue
        steps: list[Step] = [
            mark(READY),
            mark(f"{queue}-enqueued"),
            self._transaction(queue, 1, is_write=True),
            use(f"{queue}-queue"),
            acquire(f"{queue}-threads"),
            *self._on_executor(queue, "begin", ()),
            mark(f"{queue}-started"),
        ]
        for step in workflow.steps:
            if isinstance(step, ActivityStep):
                steps += self._step(queue, step.activity, step.activity.retry or workflow.retry)
            else:
                assert isinstance(step, SleepStep), "checked: the others are not simulated"
                steps += [self._transaction(queue, 1, is_write=True), delay(step.sleep, "timer"), mark(READY)]
        steps += [self._transaction(queue, 1, is_write=True), release(f"{queue}-threads")]
        self.parts.routines[name] = tuple(steps)
        self.parts.sources[name] = Source(routine=name, arrivals=workflow.arrivals)
        self.parts.spans["platform"] = Span(start=READY, end=DISPATCHED)

    def faults_of(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        """What happens to executors or to the primary."""
        if fault.of_store and fault.happens != "crash":
            assert fault.repair is not None, "checked when it was read"
            return {name: as_fault(fault, (NodeTarget(group=PRIMARY),), fault.repair)}
        if fault.of_store:
            gone = away(self.parts, self.constants, self.postgres, None)
            return {name: as_fault(fault, (NodeTarget(group=PRIMARY),), gone)}
        queue = fault.pool
        assert queue is not None, "checked: nothing else fails here"
        assert fault.repair is not None
        delay_ns = self.scenario.workers[queue].start_delay_ns if fault.happens == "crash" else 0
        gone = sum_of(fault.repair, constant(delay_ns)) if delay_ns else fault.repair
        nodes = "all" if fault.mttf_ns is not None else fault.nodes
        return {name: as_fault(fault, (NodeTarget(group=f"{queue}-workers", nodes=nodes),), gone)}

    def _add_executors(self, queue: str, dbos: Dbos) -> None:
        parts, constants, pool = self.parts, self.constants, self.scenario.workers[queue]
        executors = pool.most
        parts.nodes[f"{queue}-workers"] = NodeGroup(count=executors)
        parts.stations[f"{queue}-cpu"] = Server(nodes=f"{queue}-workers", cores=pool.cpu_cores)
        threads = dbos.executor_threads or constants.number("dbos.executor_threads")
        parts.resources[f"{queue}-executors"] = Resource(nodes=f"{queue}-workers", units=threads)
        at_once = threads if dbos.worker_concurrency is None else min(threads, dbos.worker_concurrency)
        parts.resources[f"{queue}-threads"] = Resource(units=executors * at_once)
        parts.resources[f"{queue}-connections"] = Resource(
            nodes=PRIMARY,
            units=executors * (dbos.pool_size or constants.number("dbos.pool_size")),
            opening=constants.distribution("postgres.connect"),
            when_down="refuse",
        )
        every_ns = dbos.polling_interval_ns or constants.number("dbos.polling_interval")
        # BEGIN, the rows that wait, their update, COMMIT: what is taken goes on when it has committed.
        look_ns = 4 * (self.rtt_ns + self.message_ns) + self.commit.mean_ns()
        interval_ns = max(1, every_ns // executors)
        parts.stations[f"{queue}-queue"] = Polled(
            kind="polled", interval_ns=interval_ns, batch=10**9, trigger="timer", read=constant(look_ns)
        )
        parts.routines[f"{queue}-looks"] = (use(CPU, 4 * self.message_ns),)
        parts.sources[f"{queue}-looks"] = Source(
            routine=f"{queue}-looks", arrivals=RenewalArrivals(renewal=constant(interval_ns)), counted=False
        )
        parts.spans[f"{queue}-wait"] = Span(
            start=f"{queue}-enqueued", end=f"{queue}-started", metric=f"schedule_to_start.{queue}"
        )

    def _step(self, queue: str, activity: Activity, policy: RetryPolicy | None) -> Iterator[Step]:
        """A step: on its executor, again from here when that has crashed."""
        failing: Steps = ()
        if activity.error_rate:
            failing = (Branch(branch=(Option(probability=activity.error_rate, steps=(fail("error"),)),)),)
        trial: Steps = (mark(DISPATCHED), delay(activity.service, "service", activity.name), *failing)
        tried = Attempt(
            name=f"try-{activity.name}",
            attempt=AttemptBody(steps=trial, retry=_retry(policy), on_failure=(fail(STEP_FAILED),)),
        )
        effect = (mark(activity.effect, once=activity.idempotent),) if activity.effect is not None else ()
        body = (
            self._transaction(queue, 1, is_write=False),
            tried,
            *effect,
            mark(READY),
            self._transaction(queue, 1, is_write=True),
        )
        yield from self._on_executor(queue, activity.name, body)

    def _on_executor(self, queue: str, name: str, body: Steps) -> Iterator[Step]:
        """CPU of the executor that the workflow belongs to, and more; all of it anew when it is back from a crash."""
        steps = (
            acquire(f"{queue}-executors", affinity=f"{queue}-executor"),
            use(f"{queue}-cpu", self.step_ns, at=f"{queue}-executors"),
            *body,
            release(f"{queue}-executors"),
        )
        recovered = Retry(initial_interval_ns=1_000_000, backoff_coefficient=1, non_retryable=(STEP_FAILED,))
        yield Attempt(name=f"recover-{name}", attempt=AttemptBody(steps=steps, retry=recovered, counted=False))

    def _transaction(self, queue: str, statements: int, is_write: bool) -> Step:
        """BEGIN, statements, COMMIT; a lost connection is opened again and the transaction made again."""
        name = f"{queue}-{'write' if is_write else 'read'}"
        if name not in self.parts.routines:
            number, messages = self.constants.number, statements + 2
            written = number("postgres.wal_bytes_per_row") * statements if is_write else 0
            steps: tuple[Step, ...] = (
                acquire(f"{queue}-connections"),
                use(CPU, messages * self.message_ns),
                delay(constant(messages * self.rtt_ns), "network"),
                *self.volume.log(written),
                *((self.commit.step(),) if is_write else ()),
                release(f"{queue}-connections"),
                count(storage_query=statements, commit=int(is_write), **{WAL_BYTES: written}),
            )
            retry = Retry(
                initial_interval_ns=number("dbos.retry_initial"), maximum_interval_ns=number("dbos.retry_maximum")
            )
            body = AttemptBody(steps=steps, retry=retry, counted=False)
            self.parts.routines[name] = (Attempt(attempt=body),)
        return call(name)


def _retry(policy: RetryPolicy | None) -> Retry | None:
    """A step is tried once unless it says otherwise."""
    if policy is None:
        return None
    return Retry(
        initial_interval_ns=policy.initial_interval_ns or 1_000_000_000,
        backoff_coefficient=policy.backoff_coefficient or 2.0,
        maximum_interval_ns=policy.maximum_interval_ns,
        maximum_attempts=policy.maximum_attempts or 3,
        jitter=policy.jitter,
    )
