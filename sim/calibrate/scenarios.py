"""What was observed as a scenario: a log of pgbench with its clients, its load and its transactions; workflow
histories with their workflows and steps, activities with their times, workers by task queue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sim.calibrate.service_times import ServiceTimes, duration
from sim.errors import InputErrors, Problem
from sim.observed.table import Observations
from sim.observed.temporal_history import ActivityType, Step, WorkflowType

_ALONE = """\
# One client tells what a transaction demands with nobody in its way. Here it holds one of {cpu} cores for that long,
# and more clients than cores queue for them: so far the log. It does not tell what transactions cost each other:
# commits that share a flush, wake-ups that one client pays for and many share, locks of rows. These are in
# configs/real/pgbench-closed.yaml. Other loads:
#   more clients           --set network.sources.clients.arrivals.closed=8 --set network.resources.connections.units=8
#   a schedule, -R 1000    --set network.sources.clients.arrivals=1000/s --set network.resources.connections.units=8
"""

_TOGETHER = """\
# {clients} clients were at work at once, so that the times hold what they cost each other at this load, and only at
# this one. They are delays here: a prediction for more or fewer clients needs a log of one client, with --cpu, or a
# study of several.
"""


def pgbench_scenario(
    observed: Observations, fits: Mapping[str, ServiceTimes], file: str, cpu: int | None, command: str
) -> str:
    """The scenario, ready to run. Raises InputErrors where `cpu` is missing, or is not needed."""
    clients, throttled = int(observed.facts["clients"]), bool(observed.facts["throttled"])
    alone = clients == 1
    if alone and cpu is None:
        message = "one client tells what a transaction demands, not how many cores will share the work"
        raise InputErrors([Problem("--scenario", message, "add   --cpu 2")])
    if not alone and cpu is not None:
        message = f"the times of {clients} clients hold what they cost each other; cores cannot be told apart"
        raise InputErrors([Problem("--cpu", message, "leave it out, or hand over a log of one client")])
    kind = "service" if throttled else "latency"
    if kind not in fits or not fits[kind].yaml:
        message = f"`{kind}` was not fitted"
        raise InputErrors([Problem("--scenario", message, f"leave --kind out, or write   --kind '{kind}*'")])
    seen = observed.only("latency")
    length_s = max(1, round((observed.facts["end_ns"] - int(seen.t_ns[0])) / 1e9))
    arrivals = f"{seen.rate_per_s:.5g}/s" if throttled else f"{{closed: {clients}}}"
    question = f"at {seen.rate_per_s:.0f}/s" if throttled else f"of {clients} client{'s' if clients > 1 else ''}"
    service = f"{{station: host, demand: {fits[kind].yaml}}}"
    step = f"- use: {service}" if alone else f"- delay: {fits[kind].yaml}"
    stations = f"  stations:\n    host: {{kind: server, servers: {cpu}}}\n" if alone else ""
    text = (_ALONE if alone else _TOGETHER).format(cpu=cpu, clients=clients)
    return f"""\
# Question: how long do pgbench's transactions take, {question}, with the times seen in {file}?
#
# Written by   {command}
{text}\
name: pgbench-log
network:
  sources:
    clients: {{routine: transaction, arrivals: {arrivals}, stop: {length_s} s}}
  resources:
    connections: {{units: {clients}}}
{stations}\
  routines:
    transaction:
      - acquire: connections
      {step}
      - release: connections
run: {{horizon: {length_s} s, finite: true, replications: 20}}
assumptions:
  times: "{_told(fits[kind])}"
"""


def _told(one: ServiceTimes) -> str:
    how = f"{one.best.family.name}, p = {one.goodness.p_value:.2f}" if one.best and one.goodness else "as measured"
    return f"{one.n:.0f} transactions worth {one.worth:.0f} independent ones; {how}"


def name_of(text: str) -> str:
    """A name that scenarios allow: other characters than letters, digits, _ and - become -."""
    plain = re.sub(r"[^A-Za-z0-9_\-]+", "-", text).strip("-") or "unnamed"
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def section(key: str, value: Any) -> Iterator[str]:
    """A section of a file: a mapping with a line for each entry, in YAML's flow style, anything else in one line."""
    if isinstance(value, Mapping) and value:
        yield f"{key}:"
        for name, one in value.items():
            yield f"  {name}: {flow(one)}"
    else:
        yield f"{key}: {flow(value)}"


def flow(value: Any) -> str:
    """One line of YAML; mappings without quotes around plain keys."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


SDKS = {"temporal-go": "go", "temporal-java": "java", "temporal-python": "python", "temporal-dotnet": "dotnet"} | {
    "temporal-typescript": "typescript"
}
"""What workers call their SDK, and its preset."""

PLATFORM: dict[str, Any] = {
    "presets": {"temporal": "1.31", "postgres": "16"},
    "temporal": {
        "history_shards": 512,
        "frontend": {"replicas": 2, "cpu": 2},
        "history": {"replicas": 2, "cpu": 4},
        "matching": {"replicas": 2, "cpu": 2},
    },
    "postgres": {"nodes": 1, "cpu": 4, "memory": "16 GiB", "synchronous_standbys": 0},
}
"""A platform for histories that come alone: they do not tell what the server runs on."""

OURS = ("name", "workflows", "workers", "faults", "objectives", "assumptions", "run", "prices", "network")
"""Sections that are not taken from the scenario of another platform."""

EAGER_NS = 1_000_000
"""An activity that starts within 1 ms was handed out with the workflow task's answer: another task takes a write of
the store and a hand-over at least."""

WORKER_CPU = 2
"""Cores of a worker, which histories do not tell."""


def temporal_scenario(
    observed: Observations,
    fits: Mapping[str, ServiceTimes],
    file: str,
    command: str,
    like: Mapping[str, Any] | None = None,
) -> str:
    """The scenario, ready to run. like: the data of a scenario whose platform is taken, instead of an assumed one."""
    workflows: Mapping[str, WorkflowType] = observed.facts["workflows"]
    queues: Mapping[str, int] = observed.facts["workers"]
    sdk = next((SDKS[one] for one in observed.facts["sdks"] if one in SDKS), None)
    platform = {key: value for key, value in (like or PLATFORM).items() if key not in OURS}
    platform["presets"] = {**platform.get("presets", {}), **({"sdk": sdk} if sdk else {})}
    if not platform["presets"].get("sdk"):
        platform["presets"]["sdk"] = "go"
    if _eager(observed):
        platform["temporal"] = {**platform.get("temporal", {}), "eager_activities": True}
    pools = {name_of(queue): {"replicas": number, "cpu": WORKER_CPU} for queue, number in queues.items()}
    lines = [
        f"# Question: how long do these workflows take, at the load and with the times seen in {file}?",
        "#",
        f"# Written by   {command}",
        f"name: {name_of(next(iter(workflows)))}",
        *section("presets", platform.pop("presets")),
        "run: {horizon: " + f"{_span_s(observed)} s, finite: true, replications: 10}}",
        "",
        "workflows:",
        *(line for name, one in workflows.items() for line in _workflow(name, one, observed, fits)),
        "",
        *section("workers", pools),
        "",
        *(line for key, value in platform.items() for line in section(key, _on_hosts(value, key, pools))),
        "",
        *section("assumptions", dict(_assumptions(observed, fits, sdk, like is not None))),
    ]
    return "\n".join(lines) + "\n"


def _span_s(observed: Observations) -> int:
    begins = [one.t_ns for kind, one in observed.samples.items() if kind.startswith("count.started.")]
    t_ns = np.concatenate(begins)
    return max(1, round(float(t_ns.max() - t_ns.min()) / 1e9))


def _workflow(name: str, one: WorkflowType, observed: Observations, fits: Mapping[str, ServiceTimes]) -> Iterator[str]:
    yield f"  {name_of(name)}:"
    known: Mapping[str, WorkflowType] = observed.facts["workflows"]
    if name not in _children(known):
        rate = observed.only(f"count.started.{name}").rate_per_s
        yield f"    arrivals: {rate:.4g}/s" if np.isfinite(rate) else "    arrivals: {burst: 1}"
    yield f"    task_queue: {name_of(one.task_queue)}"
    yield "    steps:"
    for group in one.usual:
        told = [step for step in group if step.kind != "child" or step.name in known]
        steps = [_step(step, one.task_queue, observed.facts["activities"], fits) for step in told]
        if len(steps) > 1:
            yield "      - parallel:"
            yield from (f"          - [{{{step}}}]" for step in steps)
        else:
            yield from (f"      - {step}" for step in steps)


def _eager(observed: Observations) -> bool:
    """Whether most activities of the workflows' own queues are started eagerly."""
    own = {one.task_queue for one in observed.facts["workflows"].values()}
    names = [name for name, one in observed.facts["activities"].items() if one.task_queue in own]
    waits = [observed.only(f"schedule_to_start.activity.{name}").value for name in names]
    return bool(waits) and float((np.concatenate(waits) < EAGER_NS).mean()) > 0.5


def _children(workflows: Mapping[str, WorkflowType]) -> set[str]:
    """Types that others start."""
    return {step.name for one in workflows.values() for group in one.usual for step in group if step.kind == "child"}


def _step(step: Step, queue: str, activities: Mapping[str, ActivityType], fits: Mapping[str, ServiceTimes]) -> str:
    if step.kind == "timer":
        return f"sleep: {duration(step.timer_ns / 1e9)}"
    if step.kind == "child":
        return f"child: {name_of(step.name)}"
    one = activities[step.name]
    retry = {
        "initial_interval": _length(one.initial_interval_ns),
        "backoff_coefficient": f"{one.backoff_coefficient:g}" if one.backoff_coefficient else "",
        "maximum_attempts": str(one.maximum_attempts or ""),
    }
    activity = {
        "name": name_of(step.name),
        "service": _service(step.name, fits),
        "task_queue": name_of(one.task_queue) if one.task_queue not in ("", queue) else "",
        "start_to_close": _length(one.start_to_close_ns),
        "heartbeat": _length(one.heartbeat_ns),
        "error_rate": f"{100 * one.failure_share:.3g} %" if one.failure_share else "",
        "retry": _filled(retry) if one.failure_share and any(retry.values()) else "",
    }
    return f"activity: {_filled(activity)}"


def _filled(options: Mapping[str, str]) -> str:
    """Those that are set, as a mapping in one line."""
    return "{" + ", ".join(f"{key}: {value}" for key, value in options.items() if value) + "}"


def _length(ns: int) -> str:
    """A length of time; empty where it is not set."""
    return duration(ns / 1e9) if ns else ""


def _service(name: str, fits: Mapping[str, ServiceTimes]) -> str:
    """The fitted time; the mean where there are too few to fit; nothing where none was seen."""
    one = fits.get(f"start_to_close.activity.{name}")
    if one is None:
        return "0 ms"
    return one.yaml or duration(one.mean)


def _on_hosts(value: Any, key: str, pools: Mapping[str, Any]) -> Any:
    """Hosts with workers on them have these workers on them instead."""
    if key != "hosts":
        return value
    found = {}
    for host, one in value.items():
        others = [part for part in one["components"] if not part.startswith("workers.")]
        mine = [f"workers.{pool}" for pool in pools] if len(others) < len(one["components"]) else []
        found[host] = {**one, "components": [*others, *mine]}
    return found


def _assumptions(
    observed: Observations, fits: Mapping[str, ServiceTimes], sdk: str | None, given: bool
) -> Iterator[tuple[str, str]]:
    workflows: Mapping[str, WorkflowType] = observed.facts["workflows"]
    for name, one in workflows.items():
        completed, most = one.outcomes["completed"], one.steps[one.usual]
        told = f"those of {most} of {completed} completed histories; signals are not in them"
        yield f"steps of {name_of(name)}", told
        gaps = np.diff(observed.only(f"count.started.{name}").t_ns)
        if gaps.size > 1:
            told = f"Poisson, whose gaps have a cv of 1; those seen have {gaps.std() / gaps.mean():.2f}"
            yield f"arrivals of {name_of(name)}", told
    lost = _children(workflows) - set(workflows)
    if lost:
        yield "children left out", f"{', '.join(sorted(lost))}: none of their histories is among the files"
    if _eager(observed):
        yield "eager activities", "most started within 1 ms of being scheduled"
    way = "the way to the worker and back is in them, and the model adds it again"
    yield "times of activities", f"from the server's start to its completion; {way}"
    few = [kind.rpartition(".")[2] for kind, one in fits.items() if not one.yaml]
    if few:
        yield "too few to fit", f"{', '.join(few)}: always the mean"
    yield "workers", f"as many as had names, of {WORKER_CPU} cores; slots and pollers are the SDK's defaults"
    if sdk is None:
        yield "SDK", "go; the histories do not say"
    if not given:
        yield "platform", "histories do not tell it: write yours, or take that of a scenario with --like"
