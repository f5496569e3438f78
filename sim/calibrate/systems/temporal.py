"""Temporal's dev server under workflows of activities: cells as changes of `configs/real/temporal.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim.calibrate.cases import FOLLOWED_NS, Case, Replayed
from sim.calibrate.readings import Reading, durations, finished, span, throughput
from sim.observed.cells import Cell
from sim.results.columns import Replication
from sim.units.tables import SECOND

SCENARIO = Path("configs/real/temporal.yaml")
WORKFLOW, QUEUE = "job", "jobs"
ACTIVITIES = ("workflows.job.steps.0.activity", "workflows.job.steps.1.repeat.steps.0.activity")
FIRST_SECOND_NS = SECOND
"""The measurement counts closes from the first second of the load on."""
POLL_RATE = "history.transferProcessorMaxPollRPS"
POLICY = {
    "retry_initial_ms": ("initial_interval", "{:g} ms"),
    "retry_coeff": ("backoff_coefficient", "{:g}"),
    "retry_max_interval_ms": ("maximum_interval", "{:g} ms"),
    "retry_max_attempts": ("maximum_attempts", "{:g}"),
}


def case(cell: Cell) -> Case:
    """The load that the cell was measured under, from an empty server, followed until all is done."""
    settings = cell.settings
    return Case(
        system="temporal",
        name=cell.name,
        scenario=SCENARIO,
        changes=tuple(_changes(cell)),
        duration_ns=round(settings["duration_s"] * SECOND),
        drain_ns=FOLLOWED_NS,
        replayed=_replayed(settings),
    )


def _replayed(settings: Mapping[str, Any]) -> Replayed | None:
    """The arrivals of an open run, where the seed that they were drawn from is known."""
    if settings["mode"] != "open" or "seed" not in settings:
        return None
    return Replayed(WORKFLOW, settings["seed"], settings["rate"])


def _changes(cell: Cell) -> Iterator[str]:
    settings = cell.settings
    if settings["mode"] == "closed":
        yield f"workflows.{WORKFLOW}.arrivals={{closed: {settings['inflight']}, think: 2 ms}}"
    else:
        # As many as there were: chance is not what is asked about.
        yield f"workflows.{WORKFLOW}.arrivals={cell.values.get('arrivals', settings['rate']):g}/s"
    yield f"workflows.{WORKFLOW}.steps.1.repeat.times={settings['k'] - 1}"
    sleep = f"{settings['sleep_ms']:g} ms"
    service = sleep if settings["dist"] == "fixed" else f"{{exponential: {sleep}}}"
    yield from (f"{one}.service={service}" for one in ACTIVITIES)
    yield f"workers.{QUEUE}.activity_slots={settings['slots']}"
    yield f"workers.{QUEUE}.replicas={settings['workers']}"
    yield f"temporal.eager_activities={'true' if settings['eager'] else 'false'}"
    yield f"sqlite.database={'file' if settings['db'] == 'file' else 'memory'}"
    if POLL_RATE in settings.get("dyn", {}):
        yield f"temporal.transfer_queue.max_poll_rate={settings['dyn'][POLL_RATE]:g}/s"
    yield from _retries(settings.get("params", {}))


def _retries(params: Mapping[str, float]) -> Iterator[str]:
    """Activities that fail at random, and the policy by which they are tried again."""
    if not params.get("fail_p"):
        return
    yield from (f"{one}.error_rate={100 * params['fail_p']:g} %" for one in ACTIVITIES)
    policy = [f"{key}: {form.format(params[name])}" for name, (key, form) in POLICY.items() if name in params]
    yield f"workflows.{WORKFLOW}.retry={{{', '.join(policy)}}}"


def metrics(case: Case, run: Replication) -> Reading:
    """Latencies by the server's clock, from when it knows of the workflow; waits in both queues; throughput."""
    done = finished(run, WORKFLOW)
    starts = span(run, f"start.{WORKFLOW}")
    # The server's clock starts half-way through the request.
    before_ns = round(float(starts.mean()) / 2) if starts.size else 0
    return (
        throughput(done.end_ns, FIRST_SECOND_NS, case.duration_ns)
        | durations("latency", done.latency_ns - before_ns)
        | durations("latency.client", done.latency_ns)
        | durations("start", starts)
        | durations("schedule_to_start.activity", span(run, f"schedule_to_start.{QUEUE}"))
        | durations("schedule_to_start.workflow_task", span(run, f"workflow_task_schedule_to_start.{QUEUE}"))
    )
