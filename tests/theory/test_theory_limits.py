"""Stations that do not serve everybody: places, patience, tokens."""

from __future__ import annotations

import pytest
from measure import full, quick_and_full, simulate, station
from scipy.integrate import quad

from calibration.closed_forms.limited import ImpatientQueue, erlang_a, mgcc, mmck
from calibration.closed_forms.mdc import mdc, mdc_wait_tail


@quick_and_full
def test_m_m_c_k_turns_away_what_theory_says_under_overload(size: int) -> None:
    runs = simulate(station("3.6/s", "{servers: 3, queue_limit: 4, service: {exponential: 1 s}}"), 30, 100, size)
    theory = mmck(3.6, 1.0, servers=3, places=7)
    runs.agree(
        {
            "utilisation.server": theory.utilisation,
            "rejected.server": theory.blocking,
            "availability.job": 1 - theory.blocking,
            "offered.job": 3.6,  # those turned away among them
            "accepted.job": theory.throughput_per_s,
            "completed.job": theory.throughput_per_s,
            "succeeded.job": theory.throughput_per_s,
            "throughput.job": theory.throughput_per_s,
            "goodput.job": theory.throughput_per_s,
            "wait.server.mean": theory.wait_mean_s,
            "latency.job.mean": theory.sojourn_mean_s,
        },
        within=0.1,
    )


@full
@pytest.mark.parametrize("service", ["{exponential: 1 s}", "{mean: 1 s, cv: 2}", "1 s"])
def test_erlang_b_holds_whatever_the_law_of_service(service: str, size: int) -> None:
    runs = simulate(station("8/s", f"{{servers: 10, queue_limit: 0, service: {service}}}"), 30, 60, size)
    theory = mgcc(8.0, 1.0, 10)
    runs.agree({"utilisation.server": theory.utilisation, "latency.job.mean": 1.0})
    runs.agree({"rejected.server": theory.blocking}, within=0.15)


def impatient(rate: float, servers: int) -> str:
    return f"""
        sources: {{jobs: {{routine: job, arrivals: {rate}/s}}}}
        stations: {{server: {{servers: {servers}, service: {{exponential: 1 s}}}}}}
        routines: {{job: [{{use: {{station: server, patience: {{exponential: 2 s}}}}}}]}}
        """


def figures_of(theory: ImpatientQueue) -> dict[str, float]:
    return {
        "utilisation.server": theory.utilisation,
        "goodput.job": theory.throughput_per_s,
        "abandoned.server": theory.abandon_probability,
        "queue.server.mean": theory.queue_mean,
        "wait.server.mean": theory.wait_served_mean_s,
    }


@quick_and_full
def test_m_m_c_with_patience_agrees_with_erlang_a(size: int) -> None:
    runs = simulate(impatient(11.0, 10), 20, 60, size)
    runs.agree(figures_of(erlang_a(11.0, 1.0, 10, 2.0)), within=0.12)


@full
def test_200_servers_with_patience_agree_with_erlang_a(size: int) -> None:
    runs = simulate(impatient(230.0, 200), 8, 5, size)
    runs.agree(figures_of(erlang_a(230.0, 1.0, 200, 2.0)), within=0.15)


@full
def test_patience_at_a_resource_agrees_with_erlang_a(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 11/s}}
        resources: {server: {units: 10}}
        routines:
          job:
            - acquire: {resource: server, patience: {exponential: 2 s}}
            - delay: {exponential: 1 s}
            - release: server
        """
    runs = simulate(text, 20, 60, size)
    runs.agree(figures_of(erlang_a(11.0, 1.0, 10, 2.0)), within=0.12)


@full
@pytest.mark.parametrize("burst", [1, 4])
def test_a_token_bucket_is_the_work_of_m_d_1_beyond_its_burst(burst: int, size: int) -> None:
    # Tokens owed are the work V of M/D/1 with one second a token; a visit waits for what exceeds the burst saved up:
    # W = max(V - (burst - 1), 0).
    text = station("0.8/s", f"{{kind: token_bucket, rate: 1/s, burst: {burst}}}")
    runs = simulate(text, 400, 1800, size)
    saved_s = burst - 1.0
    wait_s = mdc(0.8, 1.0, 1).wait_mean_s - quad(lambda t: mdc_wait_tail(0.8, 1.0, 1, t), 0, saved_s)[0]
    runs.agree({"wait_probability.server": mdc_wait_tail(0.8, 1.0, 1, saved_s)}, within=0.15)
    runs.agree({"latency.job.mean": wait_s}, within=0.25)


@full
def test_a_token_bucket_that_rejects_lets_the_recurrence_through(size: int) -> None:
    # Burst 1 without a line: blocked for exactly 1 s after each success, as a server with constant service, M/D/1/1.
    runs = simulate(station("2/s", "{kind: token_bucket, rate: 1/s, when_empty: reject}"), 20, 150, size)
    runs.agree({"rejected.server": mgcc(2.0, 1.0, 1).blocking, "goodput.job": mgcc(2.0, 1.0, 1).throughput_per_s})
