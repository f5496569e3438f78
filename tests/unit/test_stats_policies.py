"""Figures and timelines of circuit breakers, retry budgets and places that shed load, of small runs known by hand."""

from __future__ import annotations

import pytest
import yaml

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.network import Network
from sim.results.columns import Replication
from sim.stats.metrics import policy_figures
from sim.stats.pictures import timeline

NETWORK = """
nodes: {fleet: {count: 2}}
sources:
  jobs: {routine: job, arrivals: {burst: 1, every: 1 s}}
resources: {slots: {nodes: fleet, units: 9}}
breakers: {b: {window: 1, failures: 100 %, open: 1 h, at: slots}}
budgets: {r: {ratio: 0 %, burst: 3}}
stations: {cpu: {servers: 1, service: 10 h, shed: {after: 1500 ms}}}
routines:
  job:
    - acquire: slots
    - attempt: {breaker: b, retry: {budget: r, initial_interval: 1 ms}, steps: [{fail: boom}], on_failure: []}
    - release: slots
    - use: cpu
"""


@pytest.fixture(scope="module")
def runs() -> list[Replication]:
    """Two replications that are the same, of 8 s: one job a second, on nodes 0, 1, 0, 1, ...

    Each fails at once where its node's breaker does not yet know: at 0 s and at 1 s. Of the three tokens the first job
    takes all, its further tries being turned away. The first job has the server, the second waits from 1 s on; whoever
    comes 1.5 s after that, from 3 s on, is shed.
    """
    network = Network.model_validate(yaml.safe_load(NETWORK))
    plans = [Plan(replication=index, horizon_ns=8_000_000_000, sample_ns=1_000_000_000) for index in range(2)]
    return [run_one(network, plan, engine="reference") for plan in plans]


def test_figures_of_policies_are_shares_of_what_was_asked(runs: list[Replication]) -> None:
    found = policy_figures(runs, 0.95)
    # Asked: 4 by the first job, 1 by each of the 7 others; let through are the first tries at 0 s and 1 s.
    assert found["turned_away.b"].value == pytest.approx(9 / 11)
    assert found["openings.b"].value == pytest.approx(2 / 8)
    # Further tries wanted: 4 by the first job, 1 by each of the others; three tokens.
    assert found["withheld.r"].value == pytest.approx(8 / 11)


def test_the_timeline_shows_the_mean_state_the_tokens_and_the_rate_of_rejections(runs: list[Replication]) -> None:
    series = {one.name: one for one in timeline(runs, None).series}
    assert series["breaker.b"].mean == (1.0, *[2.0] * 6)
    assert series["budget.r"].mean == (2.0, *[0.0] * 6)  # at 0 s one is taken already
    assert (series["rejected.cpu"].mean, series["rejected.cpu"].unit) == ((0, 0, *[1.0] * 5), "1/s")
