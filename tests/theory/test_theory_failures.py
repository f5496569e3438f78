"""Faults: pauses, crashes, slow-downs and errors that come and go at random."""

from __future__ import annotations

import math
from collections.abc import Iterable

from measure import full, quick_and_full, simulate

from sim.analytic.levels import solve_levels
from sim.analytic.mg1 import mg1_breakdowns
from sim.analytic.moments import Deterministic, Exponential
from sim.analytic.phased import mmc_breakdowns


@full
def test_a_paused_server_goes_on_where_it_was(size: int) -> None:
    # A constant service, so that starting again would show.
    text = """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations: {server: {servers: 1, service: 1 s}}
        routines: {job: [{use: server}]}
        faults:
          break:
            targets: [{group: server}]
            effect: pause
            mttf: {exponential: 10 s}
            duration: {exponential: 2 s}
        """
    runs = simulate(text, 100, 1500, size)
    theory = mg1_breakdowns(0.5, Deterministic(1.0), 10.0, Exponential(2.0))
    runs.agree({"utilisation.server": theory.utilisation, "wait_probability.server": theory.wait_probability})
    runs.agree({"latency.job.mean": theory.sojourn_mean_s}, within=0.08)


@full
def test_a_crashed_server_under_exponential_service_costs_what_a_paused_one_does(size: int) -> None:
    # Who starts over draws a new service and goes to the end of the line. With exponential services the number present
    # moves as if work went on at the head of it, so that the mean latency is that of preemptive resume.
    text = """
        sources: {jobs: {routine: job, arrivals: 1.6/s}}
        stations: {server: {nodes: 3, servers: 1, service: {exponential: 1 s}}}
        routines: {job: [{attempt: {retry: {initial_interval: 1 us, backoff_coefficient: 1}, steps: [{use: server}]}}]}
        faults:
          break:
            targets: [{group: server}]
            effect: crash
            each: true
            mttf: {exponential: 10 s}
            duration: {exponential: 2 s}
        """
    runs = simulate(text, 60, 600, size)
    theory = mmc_breakdowns(1.6, 1.0, 3, 10.0, 2.0)
    runs.agree({"utilisation.server": theory.utilisation, "latency.job.mean": theory.sojourn_mean_s}, within=0.06)


@quick_and_full
def test_work_that_starts_over_after_each_crash_takes_exponentially_long(size: int) -> None:
    # A demand D that has to get through between two crashes, at rate f and with repairs of mean R, takes
    # (1/f + R) (exp(f D) - 1) in exp(f D) attempts. Source: Duda, Information Processing Letters 16 (1983).
    text = """
        sources: {client: {routine: job, arrivals: {closed: 1}}}
        stations: {server: {servers: 1, service: 1 s}}
        routines: {job: [{attempt: {retry: {initial_interval: 1 us, backoff_coefficient: 1}, steps: [{use: server}]}}]}
        faults:
          break: {targets: [{group: server}], effect: crash, mttf: {exponential: 2 s}, duration: {exponential: 0.5 s}}
        """
    runs = simulate(text, 20, 120, size)
    latency_s = (2.0 + 0.5) * math.expm1(1.0 / 2.0)
    runs.agree({"latency.job.mean": latency_s, "throughput.job": 1 / latency_s})
    runs.agree({"retry_amplification.job": math.exp(1.0 / 2.0)})


@full
def test_a_server_that_is_slow_at_times_agrees_with_its_markov_chain(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 0.4/s}}
        stations: {server: {servers: 1, service: {exponential: 1 s}}}
        routines: {job: [{use: server}]}
        faults:
          drag:
            targets: [{group: server}]
            effect: slow
            speed: 0.25
            mttf: {exponential: 10 s}
            duration: {exponential: 5 s}
        """
    runs = simulate(text, 100, 1500, size)

    def moves(n: int, speed: float) -> Iterable[tuple[float, int, float]]:
        yield 0.4, n + 1, speed
        yield (1 / 10, n, 0.25) if speed == 1.0 else (1 / 5, n, 1.0)
        if n:
            yield speed, n - 1, speed

    population = solve_levels(moves, lambda _: (1.0, 0.25), 1).mean(lambda n, _: n)
    runs.agree({"latency.job.mean": population / 0.4}, within=0.08)


@full
def test_errors_fail_their_share_of_the_services(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 10/s}}
        stations: {server: {servers: 1000, service: {exponential: 1 s}}}
        routines: {job: [{use: server}]}
        faults:
          flaw:
            targets: [{group: server}]
            effect: errors
            probability: 40 %
            mttf: {exponential: 3 s}
            duration: {exponential: 2 s}
        """
    runs = simulate(text, 20, 25, size)
    runs.agree({"availability.job": 1 - 0.4 * 2 / 5, "latency.job.mean": 1.0})
