"""The closed-form estimate of a network's places: what is told before anything is run."""

from __future__ import annotations

import pytest

from sim.analytic.estimate import estimate
from sim.network import Network
from sim.scenario.reading.reader import parse
from sim.scenario.reading.validate import validate


@pytest.mark.parametrize("rate", ["7/s", "9/s", "12/s"])
def test_nobody_waits_at_a_limit_that_turns_down(rate: str) -> None:
    # So that what is held across it is held no longer, however near to the limit the load is.
    text = f"""
        sources: {{jobs: {{routine: job, arrivals: {rate}}}}}
        resources: {{lock: {{nodes: 8, units: 1}}}}
        stations: {{limit: {{kind: token_bucket, rate: 10/s, when_empty: reject}}}}
        routines: {{job: [{{acquire: lock}}, {{use: limit}}, {{delay: 100 ms}}, {{release: lock}}]}}
        """
    places = estimate(validate(parse(text, "network"), Network)).places
    assert places["limit"].wait_s == 0
    assert places["lock"].offered_load == pytest.approx(places["limit"].rate_per_s * 0.1)


CALLS = """
    sources: {jobs: {routine: job, arrivals: 10/s}}
    budgets: {r: {ratio: 20 %}}
    breakers: {b: {}}
    stations: {db: {servers: 4, service: 10 ms}}
    routines:
      job: [{attempt: {breaker: b, retry: {budget: r}, steps: [{use: db}, {fail: boom, probability: 0.5}]}}]
"""


def test_a_retry_budget_bounds_the_load_that_retries_bring() -> None:
    # Without it every call is made twice; with it 1.2 times. What the breaker turns away is said to be left out.
    bounded = estimate(validate(parse(CALLS, "network"), Network))
    assert bounded.places["db"].rate_per_s == pytest.approx(12)
    assert "circuit breakers and shedding: as if nobody were turned away" in bounded.notes
    free = estimate(validate(parse(CALLS.replace("budget: r", ""), "network"), Network))
    assert free.places["db"].rate_per_s == pytest.approx(20)


def test_what_fails_at_random_and_what_it_brings_are_left_out_and_named() -> None:
    network = Network.model_validate(
        {
            "sources": {
                "jobs": {"routine": "job", "arrivals": "50/s"},
                "more": {"routine": "job", "arrivals": "500/s", "during": "surge"},
            },
            "stations": {"server": {"servers": 1, "service": "10 ms"}},
            "routines": {"job": [{"use": "server"}]},
            "faults": {
                "surge": {"effect": "load", "mttf": "1 h", "duration": "1 min"},
                "leap": {"effect": "clock", "jump": "+1 s", "at": "1 h"},
            },
        }
    )
    told = estimate(network)
    assert told.places["server"].utilisation == 0.5
    assert told.notes == (
        "source `more` sends during `surge` alone and is left out",
        "nothing fails here: `surge` is left out",
    )
