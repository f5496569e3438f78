"""Stations that serve in batches or have to be started: group commit, polled queues, set-up times."""

from __future__ import annotations

import pytest
from measure import full, quick_and_full, simulate, station

from calibration.closed_forms.batching import group_commit, group_commit_limited
from calibration.closed_forms.mdc import mdc
from calibration.closed_forms.moments import Deterministic, Exponential, Gamma, Law
from calibration.closed_forms.phased import mmc_setup
from tests.closed_forms.queues import mg1_setup


@quick_and_full
@pytest.mark.parametrize(
    ("flush", "law"),
    [
        pytest.param("1 s", Deterministic(1.0), id="constant"),
        pytest.param("{gamma: {mean: 1 s, cv: 0.5}}", Gamma(1.0, 0.5), id="gamma"),
    ],
)
def test_group_commit_agrees_with_renewal_reward(flush: str, law: Law, size: int) -> None:
    runs = simulate(station("1.5/s", f"{{kind: group_commit, flush: {flush}}}"), 20, 80, size)
    theory = group_commit(1.5, law)
    runs.agree({"utilisation.server": theory.utilisation, "latency.job.mean": theory.sojourn_mean_s}, within=0.03)


@full
def test_group_commit_with_limited_batches_agrees_with_bulk_service(size: int) -> None:
    runs = simulate(station("3/s", "{kind: group_commit, flush: {exponential: 1 s}, batch_limit: 5}"), 50, 350, size)
    runs.agree({"latency.job.mean": group_commit_limited(3.0, 1.0, 5).sojourn_mean_s}, within=0.08)


@full
def test_a_queue_read_by_the_clock_is_m_d_c_with_half_an_interval_more(size: int) -> None:
    # Seen at each tick, the number waiting moves as in M/D/c with c a read: Q' = max(Q - c, 0) + Poisson (Crommelin
    # 1932). What a read leaves behind waits on, as there; all others wait for half an interval until their first read.
    runs = simulate(station("3/s", "{kind: polled, interval: 1 s, batch: 4, trigger: timer}"), 30, 150, size)
    runs.agree({"latency.job.mean": mdc(3.0, 1.0, 4).wait_mean_s + 0.5}, within=0.08)


@full
def test_a_queue_read_one_by_one_on_arrival_is_m_d_1(size: int) -> None:
    runs = simulate(station("0.7/s", "{kind: polled, interval: 1 s}"), 60, 1200, size)
    runs.agree({"latency.job.mean": mdc(0.7, 1.0, 1).wait_mean_s}, within=0.1)


@full
def test_a_queue_read_as_a_whole_on_arrival_is_a_group_commit(size: int) -> None:
    theory = group_commit(1.5, Deterministic(1.0))
    at_once = station("1.5/s", "{kind: polled, interval: 1 s, batch: 1000000}")
    simulate(at_once, 20, 80, size).agree({"latency.job.mean": theory.wait_mean_s}, within=0.03)
    slow = station("1.5/s", "{kind: polled, interval: 1 s, batch: 1000000, read: 1 s}")
    simulate(slow, 20, 80, size).agree({"latency.job.mean": theory.sojourn_mean_s}, within=0.03)


@quick_and_full
def test_m_m_1_with_set_up_waits_a_set_up_longer(size: int) -> None:
    text = station("0.5/s", "{servers: 1, service: {exponential: 1 s}, setup: {exponential: 3 s}}")
    runs = simulate(text, 50, 700, size)
    runs.agree({"latency.job.mean": mmc_setup(0.5, 1.0, 1, 3.0).sojourn_mean_s})


@full
def test_a_constant_set_up_agrees_with_welch(size: int) -> None:
    runs = simulate(station("0.5/s", "{servers: 1, service: {exponential: 1 s}, setup: 3 s}"), 50, 700, size)
    runs.agree({"latency.job.mean": mg1_setup(0.5, Exponential(1.0), Deterministic(3.0)).sojourn_mean_s})


@full
def test_m_m_c_with_set_up_agrees_with_its_markov_chain(size: int) -> None:
    text = station("2/s", "{servers: 4, service: {exponential: 1 s}, setup: {exponential: 2 s}}")
    runs = simulate(text, 30, 130, size)
    theory = mmc_setup(2.0, 1.0, 4, 2.0)
    runs.agree({"latency.job.mean": theory.sojourn_mean_s, "in_flight.job.mean": theory.population_mean})
