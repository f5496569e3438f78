"""The closed-form estimate of a network's places: what is told before anything is run."""

from __future__ import annotations

import pytest

from sim.analytic.estimate import estimate
from sim.network import Network
from sim.scenario.reader import parse
from sim.scenario.validate import validate


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
