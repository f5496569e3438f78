"""The load of a scenario times a factor.

Goal: everything that starts work grows alike, times stay. Method: scenarios whose scaled rates are known.
"""

from __future__ import annotations

import pytest

from sim.analytic.estimate import estimate
from sim.draws.build import inverse_of
from sim.lower.lower import lower
from sim.network.sources import BurstArrivals, ClosedArrivals, PoissonArrivals
from sim.scenario.load import arrivals_scaled, inexact, repeated, scaled, stretched
from sim.scenario.reading.reader import parse
from sim.scenario.reading.validate import validate
from sim.scenario.scenario import Scenario

NETWORK = """
name: every kind of source
network:
  sources:
    poisson: {routine: poisson, arrivals: {poisson: 10/s, batch: 2}}
    renewal: {routine: renewal, arrivals: {renewal: {gamma: {mean: 20 ms, cv: 0.5}}}}
    mmpp: {routine: mmpp, arrivals: {mmpp: [{rate: 10/s, stay: 1 min}, {rate: 40/s, stay: 30 s}]}}
    burst: {routine: burst, arrivals: {burst: {poisson: 50}, every: 10 s}}
    seeded: {routine: burst, arrivals: {burst: 3}, counted: false}
    clients: {routine: closed, arrivals: {closed: 3, think: 1 s}}
  stations: {server: {servers: 100, service: 1 ms}}
  routines:
    poisson: [{use: server}]
    renewal: [{use: server}]
    mmpp: [{use: server}]
    burst: [{use: server}]
    closed: [{use: server}]
"""


def scenario(text: str) -> Scenario:
    return validate(parse(text, "scenario"), Scenario)


def test_every_rate_of_a_network_is_multiplied() -> None:
    before, after = (estimate(lower(scaled(scenario(NETWORK), factor)).network).rates_per_s for factor in (1.0, 2.0))
    for routine in ("poisson", "renewal", "mmpp", "burst"):
        assert after[routine] == pytest.approx(2 * before[routine])
    assert after["closed"] == pytest.approx(2 * before["closed"], rel=1e-2)  # clients hardly meet here


def test_a_factor_of_one_changes_nothing() -> None:
    whole = scenario(NETWORK)
    assert scaled(whole, 1.0) is whole


def test_numbers_of_clients_and_bursts_are_whole_and_what_that_costs_is_told() -> None:
    whole = scenario(NETWORK)
    network = scaled(whole, 1.2).network
    assert network is not None
    assert isinstance(network.sources["clients"].arrivals, ClosedArrivals)
    assert network.sources["clients"].arrivals.closed == 4
    assert network.sources["seeded"].arrivals == BurstArrivals(burst=4)
    assert list(inexact(whole, 1.2)) == ["seeded: 4 instead of 3.6", "clients: 4 instead of 3.6"]
    assert list(inexact(whole, 2.0)) == []


def test_a_profile_keeps_its_times() -> None:
    (arrivals,) = scenario(
        "name: day\nnetwork: {sources: {s: {routine: r, arrivals: {poisson: 5/s, profile: {period: 1 day, points: "
        "[{at: 0 s, factor: 1}, {at: 8 h, factor: 3}]}}}}, routines: {r: [{delay: 1 s}]}}"
    ).network.sources.values()  # type: ignore[union-attr]
    assert isinstance(arrivals.arrivals, PoissonArrivals)
    more = arrivals_scaled(arrivals.arrivals, 1.5)
    assert more == arrivals.arrivals.model_copy(update={"poisson_per_s": 7.5})


@pytest.mark.parametrize(
    "text",
    [
        "{gamma: {mean: 20 ms, cv: 0.5}}",
        "{mean: 10 ms, cv: 2}",
        "{p50: 80 ms, p99: 900 ms, max: 2 s}",
        "{uniform: [60 s, 120 s]}",
        "{weibull: {scale: 10 ms, shape: 0.7}}",
        "{pareto: {min: 1 s, alpha: 2.5}}",
        "{empirical: {values: [1 ms, 2 ms, 9 ms], probabilities: [0, 0.5, 1]}}",
        "{mixture: [{weight: 95 %, of: 1 ms}, {weight: 5 %, of: {exponential: 50 ms}}]}",
        "{residual: {mean: 3 min, cv: 0.8}}",
        "{fastest: {k: 1, n: 2, of: {exponential: 2 ms}}}",
    ],
)
def test_a_distribution_is_stretched_in_its_mean_and_keeps_its_shape(text: str) -> None:
    network = scenario(
        f"name: gaps\nnetwork: {{sources: {{s: {{routine: r, arrivals: {{renewal: {text}}}}}}}, routines: {{r: []}}}}"
    ).network
    assert network is not None
    gap = network.sources["s"].arrivals.renewal  # type: ignore[union-attr]
    before, after = inverse_of(gap), inverse_of(stretched(gap, 2.0))
    assert after.mean() == pytest.approx(2 * before.mean(), rel=1e-6)
    assert after.scv() == pytest.approx(before.scv(), rel=1e-6)


def test_times_from_a_file_are_repeated_as_evenly_as_can_be() -> None:
    times = list(range(100))
    assert repeated(times, 1.0) == times
    more = repeated(times, 1.37)
    assert len(more) == 137
    assert {time: more.count(time) for time in times}.keys() == set(times)
    assert max(more.count(time) for time in times) == 2
    assert len(repeated(times, 0.5)) == 50
    assert sorted(more) == more


def test_workflows_schedules_and_queries_grow_alike() -> None:
    whole = scenario(
        """
name: deployment
workflows:
  order: {arrivals: 10/s, task_queue: q, queries: 4/s, updates: 2/s, steps: [{activity: {name: a, service: 10 ms}}]}
  nightly: {schedule: {every: 1 h, count: 10}, task_queue: q, steps: [{activity: {name: b, service: 10 ms}}]}
workers: {q: {replicas: 2, cpu: 2}}
temporal: {}
postgres: {cpu: 8}
"""
    )
    more = scaled(whole, 1.5).workflows
    assert more["order"].arrivals == PoissonArrivals(poisson_per_s=15.0)
    assert more["order"].queries is not None
    assert more["order"].queries.rate_per_s == 6.0
    assert more["order"].updates_per_s == 3.0
    assert more["nightly"].schedule is not None
    assert more["nightly"].schedule.count == 15
    assert more["nightly"].schedule.every_ns == 3_600_000_000_000
