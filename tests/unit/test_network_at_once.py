"""Which attempts may fail before time has passed: only these need a back-off, or a limit, to come to an end."""

from __future__ import annotations

import pytest

from sim.errors import InputErrors
from sim.lower.load import load
from sim.studies.run.study import Options, predict

NETWORK = """
name: again
run: {{horizon: 2 s, warmup: none, replications: 2}}
network:
  sources: {{jobs: {{routine: job, arrivals: 20/s}}}}
  resources: {{seats: {{units: 2, queue_limit: 3}}, lock: {{units: 1}}}}
  stations:
    desk: {{servers: 2, service: {{exponential: 5 ms}}}}
    full: {{servers: 2, service: 5 ms, queue_limit: 0}}
    quick: {{servers: 2, service: 0 s}}
    limit: {{kind: token_bucket, rate: 50/s, when_empty: reject}}
  breakers: {{guard: {{}}}}
  routines:
    job: [{{attempt: {{retry: {{initial_interval: 0 s}}, steps: [{steps}]}}}}]
    visit: [{{use: desk}}]
"""

TAKES_TIME = [
    "{use: desk}, {fail: lost, probability: 30 %}",
    "{call: visit}, {fail: lost, probability: 30 %}",
    "{delay: {uniform: [0 s, 1 ms]}}, {fail: lost, probability: 30 %}",
    "{acquire: lock}, {use: desk}, {release: lock}, {fail: lost, probability: 30 %}",
    "{loop: {times: 2, steps: [{use: desk}]}}, {fail: lost, probability: 30 %}",
    "{fork: {branches: [[{use: desk}], [{delay: 1 ms}]]}}, {fail: lost, probability: 30 %}",
    "{race: [[{use: desk}], [{delay: 1 ms}]]}, {fail: lost, probability: 30 %}",
]
MAY_NOT = [
    "{fail: lost, probability: 30 %}, {use: desk}",
    "{use: full}",
    "{use: limit}, {use: desk}",
    "{acquire: seats}, {use: desk}, {release: seats}",
    "{acquire: {resource: lock, patience: 0 s}}, {use: desk}, {release: lock}",
    "{attempt: {steps: [{use: desk}], breaker: guard}}",
    "{branch: [{probability: 50 %, steps: [{use: desk}]}, {steps: []}]}, {fail: lost, probability: 30 %}",
    "{delay: 0 s}, {fail: lost, probability: 30 %}",
]


@pytest.mark.parametrize("steps", TAKES_TIME)
def test_an_attempt_that_takes_time_before_it_fails_needs_no_back_off(steps: str) -> None:
    prediction = predict(load(NETWORK.format(steps=steps)), Options(processes=1))
    assert prediction.summary.metrics["throughput.job"].value


@pytest.mark.parametrize("steps", MAY_NOT)
def test_an_attempt_that_may_fail_at_once_is_refused_without_a_back_off(steps: str) -> None:
    with pytest.raises(InputErrors, match="would be tried for ever in no time"):
        load(NETWORK.format(steps=steps))
    load(NETWORK.format(steps=steps).replace("initial_interval: 0 s", "initial_interval: 0 s, maximum_attempts: 3"))
