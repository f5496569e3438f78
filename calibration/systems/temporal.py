"""Temporal's dev server under workflows of activities: cells as changes of `configs/real/temporal*.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calibration.systems.cases import FOLLOWED_NS, Case, Replayed
from calibration.systems.cells import Cell
from calibration.systems.readings import Ints, Reading, durations, finished, span, throughput
from sim.results.columns import Replication
from sim.units import parse_duration_ns
from sim.units.tables import SECOND

SCENARIO = Path("configs/real/temporal.yaml")
KILL = Path("configs/real/temporal-kill.yaml")
RETRY = Path("configs/real/temporal-retry.yaml")
WORKFLOW, QUEUE, BESIDE = "job", "jobs", "works"
HARDWARE: Mapping[str, tuple[str, ...]] = {
    "xeon": ("hosts.machine.speed=0.7", "hosts.machine.contention=35 %", "constants.sqlite.commit=1.2 ms"),
}
"""Changes for hosts other than that of the constants (epyc), told from those of their cells that calibrate."""
LOAD_SHARE, PAUSE_S = 0.8, 0.1
"""A worker is killed PAUSE_S after the last start; the starts take this share of an activity's length."""
COMPONENTS = (
    *(f"temporal.{service}" for service in ("frontend", "history", "matching")),
    "sqlite",
    f"workers.{QUEUE}",
    f"workers.{BESIDE}",
    "load",
)
ACTIVITY = f"workflows.{WORKFLOW}.steps.0.repeat.steps.0.activity"
KILLED = f"workflows.{WORKFLOW}.steps.0.activity"
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
    if settings["mode"] == "kill":
        return Case(
            system="temporal",
            name=cell.name,
            scenario=KILL,
            changes=(*_kill(settings), *HARDWARE.get(cell.host, ())),
            duration_ns=round(settings["limit_s"] * SECOND),
            drain_ns=FOLLOWED_NS,
            drill="kill",
        )
    replayed = settings["mode"] == "open" and "seed" in settings
    return Case(
        system="temporal",
        name=cell.name,
        scenario=RETRY if settings.get("params", {}).get("fail_p") else SCENARIO,
        changes=(*_changes(settings), *HARDWARE.get(cell.host, ())),
        duration_ns=round(settings["duration_s"] * SECOND),
        drain_ns=FOLLOWED_NS,
        replayed=Replayed(WORKFLOW, settings["seed"], settings["rate"]) if replayed else None,
    )


def _changes(settings: Mapping[str, Any]) -> Iterator[str]:
    if settings["mode"] == "closed":
        yield f"workflows.{WORKFLOW}.arrivals={{closed: {settings['inflight']}, think: 2 ms}}"
    else:
        yield f"workflows.{WORKFLOW}.arrivals={settings['rate']:g}/s"
    yield f"workflows.{WORKFLOW}.steps.0.repeat.times={settings['k']}"
    sleep = f"{settings['sleep_ms']:g} ms"
    service = sleep if settings["dist"] == "fixed" else f"{{exponential: {sleep}}}"
    yield f"{ACTIVITY}.service={service}"
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
    yield f"{ACTIVITY}.error_rate={100 * params['fail_p']:g} %"
    policy = [f"{key}: {form.format(params[name])}" for name, (key, form) in POLICY.items() if name in params]
    yield f"workflows.{WORKFLOW}.retry={{{', '.join(policy)}}}"


def _kill(settings: Mapping[str, Any]) -> Iterator[str]:
    number, load_s = settings["n"], LOAD_SHARE * settings["act_ms"] / 1e3
    # Poisson arrivals, given their number, are spread evenly; the last one comes so long before the end on average.
    yield f"workflows.{WORKFLOW}.arrivals={{burst: {number}, jitter: {load_s:g} s}}"
    yield f"faults.kill.at={load_s * number / (number + 1) + PAUSE_S:.4g} s"
    yield f"{KILLED}.service={settings['act_ms']:g} ms"
    yield f"{KILLED}.start_to_close={settings['stc_s']:g} s"
    if settings.get("hb_s"):
        yield f"{KILLED}.heartbeat={settings['hb_s']:g} s"
    yield f"workers.{QUEUE}.activity_slots={settings['slots']}"
    if settings.get("sticky_s"):
        yield f"workers.{QUEUE}.sticky_schedule_to_start={settings['sticky_s']:g} s"
    yield f"temporal.eager_activities={'true' if settings['eager'] else 'false'}"
    if settings["kind"] == "sticky":  # the victim runs workflow tasks alone
        yield f"{KILLED}.task_queue={BESIDE}"
        yield f"workers.{BESIDE}={{replicas: 1, cpu: 2, activity_slots: {settings['slots']}}}"
        yield f"hosts.machine.components=[{', '.join(COMPONENTS)}]"


def metrics(case: Case, run: Replication) -> Reading:
    """What the measurement reads off a run of this kind."""
    return _recovery(case, run) if case.drill else _latencies(case, run)


def _recovery(case: Case, run: Replication) -> Reading:
    """Times in s from the kill: to the end of activities that it hit; or, where it hit none, to when workflow tasks
    have waited long enough for the cache that is gone."""
    killed_ns = _killed_ns(case)
    done = finished(run, WORKFLOW)
    values = {"recovery.last": (int(done.end_ns.max()) - killed_ns) / 1e9} if done.end_ns.size else {}
    for metric, name in (("recovery", f"retried.{QUEUE}"), ("recovery", f"sticky_timeout.{QUEUE}")):
        ended_ns = run.spans[name].ended_ns if name in run.spans else np.zeros(0, np.int64)
        after_s = (ended_ns[ended_ns >= killed_ns] - killed_ns) / 1e9
        if after_s.size and metric not in values:
            values |= {
                metric: float(after_s.mean()),
                f"{metric}.mean": float(after_s.mean()),
                f"{metric}.p50": float(np.median(after_s)),
                f"{metric}.max": float(after_s.max()),
            }
    waited_s = span(run, f"sticky_timeout.{QUEUE}") / 1e9
    if waited_s.size:
        values |= {"sticky.mean": float(waited_s.mean()), "sticky.p50": float(np.median(waited_s))}
    return Reading(values)


def _killed_ns(case: Case) -> int:
    found = next(change for change in case.changes if change.startswith("faults.kill.at="))
    return parse_duration_ns(found.partition("=")[2])


def _latencies(case: Case, run: Replication) -> Reading:
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
        | durations("schedule_to_start.activity", _waits(run))
        | durations("schedule_to_start.workflow_task", span(run, f"workflow_task_schedule_to_start.{QUEUE}"))
    )


def _waits(run: Replication) -> Ints:
    """From the schedule of activities to the start of their last attempt, as the histories tell it."""
    if f"last_attempt.{QUEUE}" not in run.spans:
        return span(run, f"schedule_to_start.{QUEUE}")
    whole, last = run.spans[f"schedule_to_end.{QUEUE}"], run.spans[f"last_attempt.{QUEUE}"]
    lengths = dict(zip(last.ended_ns.tolist(), last.durations_ns.tolist(), strict=True))  # they end by the same marks
    # A last attempt that began after the load was over is in no span: it is taken to be as long as the others.
    usual = int(np.median(last.durations_ns)) if last.durations_ns.size else 0
    at_work = np.array([lengths.get(end, usual) for end in whole.ended_ns.tolist()], dtype=np.int64)
    return np.asarray(whole.durations_ns - at_work, dtype=np.int64)
