"""What routines do by themselves, without a queue: attempts, timeouts, forks, races, loops."""

from __future__ import annotations

import math

import pytest
from measure import full, quick_and_full, simulate
from scipy.special import betaincinv

from calibration.closed_forms.retries import Backoff, retry
from sim.analytic.stations import harmonic


def routine(steps: str) -> str:
    return f"""
        sources: {{jobs: {{routine: job, arrivals: 10/s}}}}
        routines: {{job: [{steps}]}}
        """


@quick_and_full
def test_attempts_with_backoff_take_as_long_as_the_series_says(size: int) -> None:
    text = routine("""{attempt: {
        retry: {initial_interval: 0.5 s, maximum_interval: 1.5 s, maximum_attempts: 5, jitter: 0.5},
        steps: [{delay: {exponential: 0.1 s}}, {fail: broken, probability: 60 %}]}}""")
    runs = simulate(text, 0, 15, size)
    # Jitter takes off up to a half, a quarter in the mean.
    theory = retry(0.4, 0.1, 0.1, Backoff(0.5 * 0.75, 2.0, 1.5 * 0.75), attempts_max=5)
    runs.agree(
        {
            "availability.job": theory.success_probability,
            "retry_amplification.job": theory.attempts_mean,
            "latency.job.mean": theory.latency_success_mean_s,
        }
    )


@full
def test_a_start_to_close_timeout_cuts_attempts_off(size: int) -> None:
    text = routine("""{attempt: {
        start_to_close: 1 s,
        retry: {initial_interval: 0.2 s, backoff_coefficient: 1},
        steps: [{start: true}, {delay: {exponential: 1 s}}]}}""")
    runs = simulate(text, 0, 15, size)
    in_time = -math.expm1(-1.0)
    theory = retry(in_time, (1 - 2 * math.exp(-1.0)) / in_time, 1.0, Backoff(0.2, 1.0))
    runs.agree({"latency.job.mean": theory.latency_mean_s, "retry_amplification.job": theory.attempts_mean})


@full
def test_a_schedule_to_close_timeout_ends_all_attempts(size: int) -> None:
    # Attempts of 0.3 s, 0.2 s apart, fail half the time; after 1.2 s there have been two whole ones and a part.
    text = routine("""{attempt: {
        schedule_to_close: 1.2 s,
        retry: {initial_interval: 0.2 s, backoff_coefficient: 1},
        steps: [{delay: 0.3 s}, {fail: broken, probability: 50 %}]}}""")
    runs = simulate(text, 0, 15, size)
    runs.agree({"availability.job": 1 / 2 + 1 / 4, "latency.job.mean": (0.3 * 1 / 2 + 0.8 * 1 / 4) / (3 / 4)})


@full
@pytest.mark.parametrize("join", [1, 3, 5])
def test_k_of_n_children_end_with_an_order_statistic(join: int, size: int) -> None:
    text = routine(f"{{fork: {{items: 5, join: {join}, steps: [{{delay: {{exponential: 1 s}}}}]}}}}")
    runs = simulate(text, 0, 12, size)
    # The k-th of 5 uniform values has the law Beta(k, 6 - k).
    p95_s = -math.log1p(-float(betaincinv(join, 6 - join, 0.95)))
    runs.agree({"latency.job.mean": harmonic(5) - harmonic(5 - join)})
    runs.agree({"latency.job.p95": p95_s}, within=0.08)


@full
def test_the_number_of_children_known_at_run_time_only(size: int) -> None:
    # The longest of n exponential times has mean H(n); n is 1, 2 or 3, each with a third.
    text = routine("{fork: {items: {between: [1, 3]}, steps: [{delay: {exponential: 1 s}}]}}")
    runs = simulate(text, 0, 8, size)
    runs.agree({"latency.job.mean": sum(harmonic(n) for n in (1, 2, 3)) / 3})


@full
def test_a_race_of_exponential_times_is_won_in_proportion_to_the_rates(size: int) -> None:
    text = routine("""{race: [
        [{delay: {exponential: 1 s}}, {count: {slow: 1}}],
        [{delay: {exponential: 0.5 s}}, {count: {quick: 1}}]]}""")
    runs = simulate(text, 0, 15, size)
    runs.agree({"latency.job.mean": 1 / (1 + 2)})
    runs.agree({"count.slow.per_execution": 1 / 3, "count.quick.per_execution": 2 / 3})


@full
def test_a_geometric_number_of_exponential_times_is_exponential(size: int) -> None:
    text = routine("{loop: {times: {geometric: 4}, steps: [{delay: {exponential: 1 s}}]}}")
    runs = simulate(text, 0, 15, size)
    runs.agree({"latency.job.mean": 4.0})
    runs.agree({f"latency.job.p{p}": -4 * math.log1p(-p / 100) for p in (50, 99)}, within=0.08)


@full
def test_a_branch_goes_each_way_with_its_chance(size: int) -> None:
    text = routine("""{branch: [
        {probability: 20 %, steps: [{count: {first: 1}}, {delay: 1 s}]},
        {probability: 30 %, steps: [{count: {second: 1}}, {delay: 2 s}]},
        {steps: [{count: {rest: 1}}, {delay: 3 s}]}]}""")
    runs = simulate(text, 0, 15, size)
    shares = {"first": 0.2, "second": 0.3, "rest": 0.5}
    runs.agree({f"count.{name}.per_execution": share for name, share in shares.items()})
    runs.agree({"latency.job.mean": 0.2 * 1 + 0.3 * 2 + 0.5 * 3})
