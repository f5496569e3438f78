"""Arrivals that are not a plain Poisson stream: modulated, in batches, changing over time, already under way."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from measure import full, quick_and_full, simulate, station

from calibration.closed_forms.levels import solve_levels
from sim.results.columns import Ints, Replication


@full
def test_a_modulated_stream_into_one_server_agrees_with_its_markov_chain(size: int) -> None:
    arrivals = "{mmpp: [{rate: 0.8/s, stay: 10 s}, {rate: 0.2/s, stay: 15 s}]}"
    runs = simulate(station(arrivals, "{servers: 1, service: {exponential: 1 s}}"), 100, 2500, size)

    def moves(n: int, phase: int) -> Iterable[tuple[float, int, int]]:
        yield (0.8, 0.2)[phase], n + 1, phase
        yield 1 / (10.0, 15.0)[phase], n, 1 - phase
        if n:
            yield 1.0, n - 1, phase

    rate = (0.8 * 10 + 0.2 * 15) / 25
    population = solve_levels(moves, lambda _: (0, 1), 1).mean(lambda n, _: n)
    runs.agree({"throughput.job": rate, "latency.job.mean": population / rate}, within=0.08)


@full
def test_geometric_batches_into_one_server_wait_for_each_other(size: int) -> None:
    # M^X/M/1 with batches of mean m: the number present is rho (E[X^2] / E[X] + 1) / (2 (1 - rho)), for geometric
    # batches m rho / (1 - rho). Source: Gross & Harris, Fundamentals of Queueing Theory (3rd ed. 1998), section 3.1.
    text = station("{poisson: 0.25/s, batch: {geometric: 2}}", "{servers: 1, service: {exponential: 1 s}}")
    runs = simulate(text, 50, 1300, size)
    runs.agree({"throughput.job": 0.5, "latency.job.mean": 2.0 / (1 - 0.5)}, within=0.06)


@quick_and_full
def test_counts_under_a_profile_are_poisson_with_the_integral_of_the_rate(size: int) -> None:
    # The rate rises from 0 to 10/s within 6 s and falls back within the 4 s that are left.
    text = """
        sources:
          jobs:
            routine: job
            arrivals:
              poisson: 5/s
              profile: {points: [{at: 0 s, factor: 0}, {at: 6 s, factor: 2}], between: linear, period: 10 s}
        routines: {job: [{delay: 1 ms}]}
        """
    runs = simulate(text, 0, 100, size)
    middle_s = np.arange(10) + 0.5
    means = np.where(middle_s < 6, middle_s / 6, (10 - middle_s) / 4) * 10  # the rate is straight within each second

    def counts(run: Replication) -> Ints:
        """Arrivals by period and second of it."""
        second = run.executions.start_ns // 1_000_000_000
        return np.bincount(second, minlength=run.horizon_ns // 1_000_000_000).reshape(-1, 10)

    for part in (slice(0, 3), slice(3, 6), slice(6, 10)):

        def in_part(run: Replication, part: slice = part) -> float:
            return float(counts(run)[:, part].sum(axis=1).mean())

        runs.agree_on(f"arrivals in {part.start}-{part.stop} s", in_part, float(means[part].sum()))
    runs.agree_on("variance over mean", lambda run: ((counts(run) - means) ** 2 / means).mean(), 1.0, within=0.15)


@full
def test_the_number_in_flight_follows_a_rate_that_steps(size: int) -> None:
    # M_t/M/inf: m' = rate(t) - m / s, here drawn to 30 and to 6 in turn. Source: Eick, Massey & Whitt, Management
    # Science 39 (1993).
    text = """
        sources:
          jobs:
            routine: job
            arrivals:
              poisson: 10/s
              profile: {points: [{at: 0 s, factor: 1}, {at: 10 s, factor: 0.2}], period: 20 s}
        routines: {job: [{delay: {exponential: 3 s}}]}
        """
    runs = simulate(text, 40, 100, size, sample_s=5)
    left = math.exp(-10 / 3)
    lowest = (6 * (1 - left) + 30 * (1 - left) * left) / (1 - left**2)
    highest = 30 + (lowest - 30) * left
    expected = {
        0: lowest,
        5: 30 + (lowest - 30) * math.exp(-5 / 3),
        10: highest,
        15: 6 + (highest - 6) * math.exp(-5 / 3),
    }
    for phase_s, mean in expected.items():

        def at_phase(run: Replication, phase_s: int = phase_s) -> float:
            inside = (run.sample_ns >= run.begin_ns) & (run.sample_ns % 20_000_000_000 == phase_s * 1_000_000_000)
            return float(run.samples["in_flight.job"][inside].mean())

        runs.agree_on(f"in flight {phase_s} s into the period", at_phase, mean, within=0.06)


@full
def test_work_seeded_under_way_makes_the_first_instant_like_any_other(size: int) -> None:
    # M/G/inf: Poisson(rate x mean) at work, each for the equilibrium residual time (Takacs 1962). No warm-up here.
    text = """
        sources:
          jobs: {routine: job, arrivals: 50/s}
          seeded: {routine: rest, arrivals: {burst: {poisson: 150}}, counted: false}
        routines:
          job: [{delay: {mean: 3 s, cv: 2}}]
          rest: [{delay: {residual: {mean: 3 s, cv: 2}}}]
        """
    runs = simulate(text, 0, 3, size, sample_s=1)
    for second in (0, 1, 3):

        def present(run: Replication, second: int = second) -> float:
            return float(run.samples["in_flight.job"][second] + run.samples["in_flight.rest"][second])

        runs.agree_on(f"in flight after {second} s", present, 150.0, within=0.08)
