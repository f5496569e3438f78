"""Recovery: how long a backlog takes to drain, work that goes on from checkpoints, how long retries take."""

from __future__ import annotations

import numpy as np
import pytest
from measure import Runs, full, quick_and_full, simulate

from sim.results.columns import Replication
from tests.closed_forms.availability import checkpointed_mean_s

ARRIVING, SERVING = 0.7, 1.0
"""Rates, in 1/s, of the queue that has a backlog."""
ALONE = ARRIVING / (SERVING - ARRIVING)
"""Mean number present in M/M/1 when nothing has happened."""


def queue_seen_from_the_end(every_s: float, first_s: float, more: str = "", faults: str = "") -> str:
    """M/M/1, and a last one in the line every so often, whose service begins when all others have gone.

    It waits for as long as the line takes to drain, those that come meanwhile included: the delay cycle of Kleinrock,
    Queueing Systems vol. 1 (1975), section 5.8.
    """
    return f"""
        sources:
          jobs: {{routine: job, arrivals: {ARRIVING}/s}}
          {more}
          last: {{routine: last, arrivals: {{burst: 1, at: {first_s} s, every: {every_s} s}}, priority: -1}}
        stations: {{server: {{servers: 1, queue: priority, service: {{exponential: {1 / SERVING} s}}}}}}
        routines:
          job: [{{use: server}}]
          last: [{{use: {{station: server, demand: 0 s}}}}]
        {faults}
        """


@quick_and_full
def test_a_backlog_drains_at_the_rate_that_arrivals_leave_free(size: int) -> None:
    # n jobs at once, on top of those there: (n + N) / (mu - lambda). The time between two lots is 6 times the mean, so
    # that each one meets the queue as it is alone.
    lot = "lot: {routine: job, arrivals: {burst: 50, at: 400 s, every: 1000 s}}"
    runs = simulate(queue_seen_from_the_end(1000, 400, lot), 200, 10_000, size)
    runs.agree({"latency.last.mean": (50 + ALONE) / (SERVING - ARRIVING)})


@full
def test_an_outage_takes_its_length_times_rho_over_one_minus_rho_to_drain(size: int) -> None:
    # A pause of D leaves Poisson(lambda D) jobs on top of those there: D + (lambda D + N) / (mu - lambda), which
    # is the fluid's D / (1 - rho) and the time that the queue needs in any case.
    outage_s = 60
    pause = f"{{targets: [{{group: server}}], effect: pause, mttf: {{constant: 1000 s}}, duration: {outage_s} s}}"
    faults = f"faults: {{pause: {pause}}}"
    runs = simulate(queue_seen_from_the_end(1000 + outage_s, 1000, faults=faults), 200, 10_000, size)
    rho = ARRIVING / SERVING
    runs.agree({"latency.last.mean": outage_s / (1 - rho) + ALONE / (SERVING - ARRIVING)}, within=0.08)


@quick_and_full
@pytest.mark.parametrize("parts", [1, 20])
def test_a_job_that_goes_on_from_checkpoints_takes_what_daly_says(parts: int, size: int) -> None:
    # Work of T = 20 s in parts of tau, each with a checkpoint of C = 0.5 s at its end; a crash, every 10 s of the time
    # up, costs the part under way and a restart of R = 1 s, which may be hit too:
    # exp(R / M) M (exp((tau + C) / M) - 1) T / tau. Source: Daly, Future Generation Computer Systems 22 (2006).
    work_s, checkpoint_s, restart_s, mttf_s = 20.0, 0.5, 1.0, 10.0
    tau_s = work_s / parts
    text = f"""
        sources: {{client: {{routine: job, arrivals: {{closed: 1}}}}}}
        attributes: {{again: 0}}
        resources: {{machine: {{units: 1}}}}
        routines:
          job:
            - loop:
                times: {parts}
                steps:
                  - set: {{again: {{to: 0}}}}
                  - attempt:
                      retry: {{initial_interval: 1 us, backoff_coefficient: 1}}
                      steps:
                        - acquire: machine
                        - branch: [{{attribute: again, above: 0, steps: [{{delay: {restart_s} s}}]}}]
                        - set: {{again: {{to: 1}}}}
                        - delay: {tau_s + checkpoint_s} s
                        - release: machine
        faults:
          break: {{targets: [{{group: machine}}], effect: crash, mttf: {{exponential: {mttf_s} s}}, duration: 0 s}}
        """
    runs = simulate(text, 0, 4000, size)
    theory_s = checkpointed_mean_s(work_s, parts, mttf_s, checkpoint_s, restart_s)
    runs.agree({"latency.job.mean": theory_s}, within=0.08)


def retried(jitter: float, attempts: int, size: int) -> Runs:
    """Calls of 0.1 s that fail in 60 % of the cases, tried again after 0.5, 1, 1.5, 1.5 ... s."""
    return simulate(
        f"""
        sources: {{jobs: {{routine: job, arrivals: 10/s}}}}
        routines:
          job:
            - attempt:
                retry:
                  {{initial_interval: 0.5 s, maximum_interval: 1.5 s, maximum_attempts: {attempts}, jitter: {jitter}}}
                steps: [{{delay: 0.1 s}}, {{fail: broken, probability: 60 %}}]
        """,
        0,
        60,
        size,
    )


def ended_within(runs: Runs, limit_s: float, share: float) -> None:
    """Claim the share of the calls that succeed within a time."""

    def within(run: Replication) -> float:
        rows = run.executions.cohort
        took_ns = run.executions.end_ns[rows] - run.executions.start_ns[rows]
        return float(np.mean((took_ns <= limit_s * 1e9) & (run.executions.outcome[rows] == 0)))

    runs.agree_on(f"done within {limit_s:.4g} s", within, share)


@full
def test_without_jitter_retries_end_at_the_sums_of_their_back_offs(size: int) -> None:
    runs = retried(0.0, 5, size)
    for tries, at_s in enumerate((0.1, 0.7, 1.8, 3.4, 5.0), start=1):
        ended_within(runs, at_s + 1e-6, 1 - 0.6**tries)
        if tries > 1:
            ended_within(runs, at_s - 1e-6, 1 - 0.6 ** (tries - 1))


@full
def test_with_jitter_retries_end_at_a_sum_of_uniform_times(size: int) -> None:
    # The second try begins uniformly in a b, the third a convolution of two such later: of widths a <= b, the sum of
    # uniform times U_a + U_b has the distribution function (x+^2 - (x-a)+^2 - (x-b)+^2 + (x-a-b)+^2) / (2 a b).
    runs = retried(0.5, 3, size)
    a, b = 0.25, 0.5  # half of either back-off is drawn

    def both(x: float) -> float:
        signs = ((1, 0.0), (-1, a), (-1, b), (1, a + b))
        return sum(sign * max(x - shift, 0.0) ** 2 for sign, shift in signs) / (2 * a * b)

    for limit_s in (0.5, 0.6, 1.1, 1.3, 1.5, 1.7):
        second = min(max((limit_s - 0.2 - 0.25) / a, 0.0), 1.0)
        third = both(limit_s - 0.3 - 0.75)
        ended_within(runs, limit_s, 0.4 + 0.6 * 0.4 * second + 0.6**2 * 0.4 * third)
