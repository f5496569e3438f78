"""What of a scenario's words DBOS has no part for, each told at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.errors import Path, Problem, dotted
from sim.scenario.model.workflow_steps import ActivityStep, RepeatStep, SleepStep, WorkflowStep
from sim.scenario.model.workload import Activity
from sim.scenario.scenario import Scenario

POOL = frozenset(["replicas", "cpu_cores", "start_delay_ns", "node"])
ACTIVITY = frozenset(["name", "service", "retry", "error_rate", "effect", "idempotent"])
WORKFLOW = frozenset(["arrivals", "task_queue", "retry", "steps", "deadline_ns"])
RETRY = frozenset(["initial_interval_ns", "backoff_coefficient", "maximum_interval_ns", "maximum_attempts", "jitter"])
REPEAT = frozenset(["times", "steps"])
POSTGRES = frozenset(["aurora", "cache_bytes", "cpu_speed"])
BESIDE = ("pgbouncer", "kubernetes", "zones", "behaviours", "dependencies", "databases", "tables", "queries", "ingest")


def dbos_problems(scenario: Scenario) -> Iterator[Problem]:
    """Keys and steps that are not simulated with DBOS."""
    for key in BESIDE:
        if key in scenario.model_fields_set:
            yield _left_out((key,))
    if scenario.run.start == "in_progress":
        yield Problem("run.start", "is in_progress, which is not simulated with DBOS", "write start: empty")
    for name, fault in scenario.faults.items():
        if fault.effect == "errors":
            yield _left_out(("faults", name, "effect"))
        if fault.notice_ns is not None:
            yield _left_out(("faults", name, "notice"))
        if fault.is_rolling:
            yield _left_out(("faults", name, "nodes"))
    for target, fault in scenario.failing:
        if fault.target != "postgres.primary" and fault.pool is None:
            yield Problem(dotted(target), f"is {fault.target}, which is not simulated with DBOS", "leave it out")
    if scenario.postgres is not None:
        told = frozenset(["cache_bytes"]) if scenario.postgres.rds is not None else frozenset()  # by its class
        yield from _unknown(scenario.postgres.model_fields_set & POSTGRES - told, scenario.postgres, ("postgres",))
    for queue, pool in scenario.workers.items():
        yield from _unknown(pool.model_fields_set - POOL, pool, ("workers", queue))
        if pool.replicas[0] != pool.replicas[1]:
            yield Problem(dotted(("workers", queue, "replicas")), "is a range; executors of DBOS are not scaled here")
    for name, workflow in scenario.workflows.items():
        path: Path = ("workflows", name)
        yield from _unknown(workflow.model_fields_set - WORKFLOW, workflow, path)
        if workflow.retry is not None:
            yield from _unknown(workflow.retry.model_fields_set - RETRY, workflow.retry, (*path, "retry"))
        yield from _steps(workflow.steps, (*path, "steps"))


def _steps(steps: Sequence[WorkflowStep], path: Path) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        here: Path = (*path, index)
        if isinstance(step, ActivityStep):
            yield from _activity(step.activity, (*here, "activity"))
        elif isinstance(step, RepeatStep):
            yield from _unknown(step.repeat.model_fields_set - REPEAT, step.repeat, (*here, "repeat"))
            yield from _steps(step.repeat.steps, (*here, "repeat", "steps"))
        elif not isinstance(step, SleepStep):
            kind = next(iter(type(step).model_fields))
            yield Problem(
                dotted((*here, kind)), "is a step that is not simulated with DBOS; activity, sleep and repeat are"
            )


def _activity(activity: Activity, path: Path) -> Iterator[Problem]:
    yield from _unknown(activity.model_fields_set - ACTIVITY, activity, path)
    if activity.retry is not None:
        yield from _unknown(activity.retry.model_fields_set - RETRY, activity.retry, (*path, "retry"))


def _unknown(attributes: set[str] | frozenset[str], part: object, path: Path) -> Iterator[Problem]:
    fields = type(part).model_fields  # type: ignore[attr-defined]
    for attribute in sorted(attributes):
        yield _left_out((*path, fields[attribute].alias or attribute))


def _left_out(path: Path) -> Problem:
    return Problem(dotted(path), "is not simulated with DBOS", "leave it out")
