"""The truth that a first estimate is judged by: it finds limits that theory knows, and says where there is none.

Goal: a judge that is right where that can be checked. Method: small networks at fixed seeds. Tolerances: of the limit
the share by which a line has to grow until it is seen, and the last step of the bisection.
"""

from __future__ import annotations

import pytest

from calibration.estimate.load import System, doubled
from calibration.estimate.runs import GROWS
from calibration.estimate.truth import WITHIN, truth_of
from sim.analytic.arrival_rates import rate_and_peak
from sim.lower.load import load

QUEUE = """
name: queue
network:
  sources: {jobs: {routine: job, arrivals: 7.2/s}}
  stations: {server: {servers: 8, service: {exponential: 1 s}}}
  routines: {job: [{use: server}]}
"""
NESTED = """
name: nested
network:
  sources: {jobs: {routine: job, arrivals: 10/s}}
  resources: {slots: {units: 40}}
  stations: {server: {servers: 2, service: 100 ms}}
  routines: {job: [{acquire: slots}, {use: server}, {release: slots}]}
"""
PEAK = "arrivals: {poisson: 3.6/s, profile: {points: [{at: 0 s, factor: 0.5}, {at: 10 s, factor: 2}], period: 1 min}}"


def test_a_plain_queue_is_full_at_the_load_that_its_servers_can_do() -> None:
    truth = truth_of(load(QUEUE))
    assert truth.limit == pytest.approx(8 / 7.2, rel=GROWS + (WITHIN - 1))
    assert truth.full == ("server",)
    assert truth.at_load.utilisation["server"] == pytest.approx(0.9, rel=0.02)
    assert truth.below is not None
    assert truth.below.factor < 0.8


def test_a_full_server_behind_slots_is_what_limits_and_not_the_slots() -> None:
    truth = truth_of(load(NESTED))
    assert truth.limit == pytest.approx(2.0, rel=GROWS + (WITHIN - 1))
    assert (truth.full, truth.together, truth.grows) == (("server",), False, ("slots",))


def test_the_load_is_that_of_the_peak_of_its_profile() -> None:
    system = System(load(QUEUE.replace("arrivals: 7.2/s", PEAK)))
    assert system.rate_per_s == pytest.approx(7.2)


def test_what_turns_work_away_has_no_limit() -> None:
    truth = truth_of(load(QUEUE.replace("servers: 8", "servers: 8, queue_limit: 4")))
    assert (truth.kind, truth.limit) == ("turned away", None)
    assert truth.most is not None
    assert truth.most.turned_away["server"] > 0.9


def test_clients_in_a_loop_have_no_limit() -> None:
    truth = truth_of(load(QUEUE.replace("7.2/s", "{closed: 4, think: 1 s}")))
    assert (truth.kind, truth.limit) == ("closed", None)
    assert truth.at_load.throughput_per_s["job"] == pytest.approx(2.0, rel=0.1)


def test_a_network_scales_by_its_sources_and_a_place_is_doubled_alone() -> None:
    system = System(load(NESTED))
    assert system.scales
    twice = doubled(system.at(2.0), ("server",))
    assert twice.stations["server"].model_dump()["servers"] == 4
    assert twice.resources["slots"].units == 40
    assert rate_and_peak(twice.sources["jobs"]) == (20, 1)
