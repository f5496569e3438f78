"""Networks that are well formed and yet cannot be meant are refused, each for its own reason, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from sim.network import Network
from sim.network.checks import problems

SHELL: dict[str, dict[str, Any]] = {
    "sources": {"jobs": {"routine": "job", "arrivals": {"burst": 1}}},
    "nodes": {"fleet": {"count": 2}, "one": {"count": 1}},
    "resources": {"slots": {"units": 1}, "other": {"units": 1, "nodes": 3}},
    "stations": {
        "cpu": {"servers": 1, "service": "1 ms"},
        "room": {"kind": "delay", "service": "1 ms"},
        "cold": {"servers": 1, "service": "1 ms", "setup": "1 ms", "nodes": "one"},
    },
    "attributes": {"n": 1},
    "routines": {"job": []},
}


def refusals(changes: str) -> list[str]:
    """The problems of the shell with whole sections or members of sections replaced by those in `changes` (YAML)."""
    network = {kind: dict(members) for kind, members in SHELL.items()}
    for kind, members in yaml.safe_load(changes).items():
        network.setdefault(kind, {}).update(members)
    return [f"{problem.path}: {problem.message}" for problem in problems(Network.model_validate(network))]


def test_the_shell_itself_is_fine() -> None:
    assert refusals("{}") == []


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ("stations: {b: {kind: token_bucket, rate: 0/s}}", "stations.b.rate", "would ever get a token"),
        ("stations: {s: {servers: 1, setup: 1 ms, nodes: 2}}", "stations.s.setup", "one node"),
        (
            "stations: {s: {servers: 1, setup: 1 ms, queue_limit: 1, when_full: block}}",
            "stations.s.when_full",
            "do not go together",
        ),
        (
            "stations: {s: {servers: 1, queue_limit: 1, when_full: block, nodes: 2, wait_at: node}}",
            "stations.s.when_full",
            "one line",
        ),
        ("sources: {jobs: {routine: job, arrivals: 0/s}}", "sources.jobs.arrivals.poisson", "would ever arrive"),
        (
            "sources: {jobs: {routine: job, arrivals: {mmpp: [{rate: 0/s, stay: 1 s}, {rate: 0/s, stay: 1 s}]}}}",
            "sources.jobs.arrivals.mmpp",
            "would ever arrive",
        ),
        ("sources: {s: {routine: job, arrivals: {renewal: 0 s}}}", "sources.s.arrivals.renewal", "all that ever come"),
        (
            "faults: {f: {targets: [{group: fleet}], mttf: {constant: 0 s}, duration: 0 s}}",
            "faults.f.mttf",
            "for ever at one instant",
        ),
        ("sources: {s: {routine: job, arrivals: {burst: {attribute: n}}}}", "sources.s.arrivals", "no attributes yet"),
        (
            "faults: {f: {targets: [{group: fleet}], effect: errors, probability: 1, at: 0 s}}",
            "faults.f.targets.0.group",
            "no station stands on",
        ),
        ("faults: {f: {targets: [{group: room}], at: 0 s}}", "faults.f.targets.0.group", "is not a node group"),
        (
            "faults: {f: {targets: [{group: one}], effect: pause, at: 0 s}}",
            "faults.f.targets.0.group",
            "has a `setup`",
        ),
        (
            "{routines: {job: [{mark: a}]}, spans: {s: {start: a, end: a}, t: {start: a, end: a, metric: span.s}}}",
            "spans.t.metric",
            "already the metric of span `s`",
        ),
        (
            "routines: {job: [{acquire: {resource: slots, lease: 1 s}}]}",
            "routines.job.0.acquire.lease",
            "goes with `affinity`",
        ),
        (
            "routines: {job: [{use: {station: room, patience: 1 s}}]}",
            "routines.job.0.use.patience",
            "nobody waits",
        ),
        (
            """
            resources: {workers: {units: 1, nodes: fleet}}
            stations: {s: {servers: 1, service: 1 ms, queue_limit: 0, when_full: block, nodes: fleet}}
            routines: {job: [{acquire: workers}, {use: {station: s, at: workers}}]}
            """,
            "routines.job.1.use.at",
            "blocks",
        ),
        ("routines: {job: [{fork: {branches: [[], []], join: 3}}]}", "routines.job.0.fork.join", "3 of 2"),
        ("routines: {job: [{fail: cancelled}]}", "routines.job.0.fail", "no failure"),
        (
            "routines: {job: [{attempt: {steps: [], heartbeat: {timeout: 1 s, interval: 2 s}}}]}",
            "routines.job.0.attempt.heartbeat.interval",
            "longer than the timeout",
        ),
        (
            "routines: {job: [{attempt: {steps: [{fail: broken}], retry: {initial_interval: 0 s}}}]}",
            "routines.job.0.attempt.retry.initial_interval",
            "for ever in no time",
        ),
        (
            "routines: {job: [{attempt: {steps: [], retry: {non_retryable: [chrash]}}}]}",
            "routines.job.0.attempt.retry.non_retryable",
            "`chrash` is no failure",
        ),
        (
            "routines: {job: [{acquire: {resource: slots, affinity: a}}, {acquire: {resource: other, affinity: a}}]}",
            "routines.job.1.acquire.affinity",
            "remembers a node of `slots`",
        ),
        ("routines: {job: [{compensate: []}]}", "routines.job.0", "no saga around"),
        ("routines: {job: [{attempt: {steps: [start: true]}}]}", "routines.job.0.attempt.steps.0", "no attempt with"),
        (
            "routines: {job: [{acquire: {resource: slots, at: slots}}]}",
            "routines.job.0.acquire.at",
            "no unit of `slots` is held",
        ),
        (
            "{breakers: {b: {at: slots}}, routines: {job: [{attempt: {breaker: b, steps: []}}]}}",
            "routines.job.0.attempt.breaker",
            "no unit of `slots` is held",
        ),
        (
            "{budgets: {b: {at: slots}}, routines: {job: [{attempt: {retry: {budget: b}, steps: []}}]}}",
            "routines.job.0.attempt.retry.budget",
            "no unit of `slots` is held",
        ),
        ("breakers: {b: {at: slot}}", "breakers.b.at", "`slot` is not a resource"),
        ("budgets: {b: {at: slot}}", "budgets.b.at", "`slot` is not a resource"),
        (
            "{breakers: {db: {}}, routines: {job: [{attempt: {breaker: bd, steps: []}}]}}",
            "routines.job.0.attempt.breaker",
            "`bd` is not a circuit breaker",
        ),
        (
            "{budgets: {db: {}}, routines: {job: [{attempt: {retry: {budget: bd}, steps: []}}]}}",
            "routines.job.0.attempt.retry.budget",
            "`bd` is not a retry budget",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: str, path: str, reason: str) -> None:
    (found,) = refusals(changes)
    assert found.startswith(f"{path}: ")
    assert reason in found


@pytest.mark.parametrize(
    "steps",
    [
        "{attempt: {steps: [{fail: a}], retry: {initial_interval: 0 s, maximum_attempts: 3}}}",
        "{attempt: {steps: [{fail: a}], retry: {non_retryable: [a, crash, timeout_heartbeat]}}}",
        "{attempt: {start_to_close: 1 s, steps: [{loop: {times: 2, steps: [{start: true}]}}]}}",
        "{attempt: {steps: [{fail: a}], retry: {non_retryable: [open_circuit]}}}",
        "{saga: [{attempt: {steps: [{compensate: []}]}}]}",
        "{acquire: other}, {fork: {items: 2, steps: [{acquire: {resource: other, at: other}}]}}",
    ],
)
def test_what_may_be_meant_is_not(steps: str) -> None:
    assert refusals(f"routines: {{job: [{steps}]}}") == []
