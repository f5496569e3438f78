"""Redundancy: units that fail and are repaired, k of n, and a standby that takes over when heartbeats stay away.

Nothing is served here. A client holds what the system needs and notes when it has to go without; probes find the
system up as often as it is (Poisson arrivals see time averages: Wolff, Operations Research 30, 1982).
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from measure import full, quick_and_full, simulate
from scipy.integrate import quad

from sim.analytic.availability import k_of_n
from sim.results.columns import Replication

FAILING, REPAIR = 1 / 10, 1 / 4
"""Rates, in 1/s, of a unit's failures and of its repair."""
TIMEOUT_S, INTERVAL_S, PROMOTION_S = 1.5, 1.0, 0.5
"""Heartbeats: how long one may stay away, how often they come; and how long a takeover takes after that."""


def holders(n: int, k: int) -> str:
    """`service` has k of n machines when it can; `mission` begins whenever all are up, until the first outage."""

    def holds(place: str) -> str:
        return f"""attempt:
            retry: {{initial_interval: 1 us, backoff_coefficient: 1, non_retryable: [patience]}}
            steps: [{f"{{acquire: {{resource: {place}, patience: 0 s}}}}, " * k} {{delay: 1000 h}}]
            on_failure: [{{mark: down}}]"""

    def waits(place: str, units: int) -> str:
        return f"""attempt:
            retry: {{initial_interval: 1 us, backoff_coefficient: 1}}
            steps: [{f"{{acquire: {place}}}, " * units} {f"{{release: {place}}}, " * units} {{mark: up}}]"""

    return f"""
    sources:
      service: {{routine: service, arrivals: {{closed: 1}}}}
      mission: {{routine: mission, arrivals: {{closed: 1}}}}
    nodes: {{machine: {{count: {n}}}}}
    resources: {{unit: {{nodes: machine, units: 1}}, whole: {{nodes: machine, units: 1}}}}
    routines:
      service:
        - {holds("unit")}
        - {waits("unit", k)}
      mission:
        - {waits("whole", n)}
        - {holds("whole")}
    spans: {{outage: {{start: down, end: up}}, mission: {{start: up, end: down}}}}
    faults:
      break:
        targets: [{{group: machine}}]
        effect: crash
        each: true
        mttf: {{exponential: {1 / FAILING} s}}
        duration: {{exponential: {1 / REPAIR} s}}
    """


@full
@pytest.mark.parametrize(("n", "k"), [(2, 1), (5, 3)])
def test_k_of_n_with_a_repairer_each_fails_as_often_and_as_long_as_its_chain(n: int, k: int, size: int) -> None:
    runs = simulate(holders(n, k), 100, 1000, size)
    theory = k_of_n(n, k, 1 / FAILING, 1 / REPAIR)
    runs.agree({"throughput.service": theory.outages_per_s, "span.outage.mean": theory.outage_mean_s}, within=0.08)
    runs.agree({"span.mission.mean": theory.mttf_s}, within=0.12)


@full
@pytest.mark.parametrize("crews", [1, 2])
def test_k_of_n_with_few_repairers_is_the_machine_repair_chain(crews: int, size: int) -> None:
    # A machine is a client that thinks while it is up. It holds a unit of `up` while it is down, so that whoever can
    # have k units finds k machines up. A failure begins an outage when it finds exactly k of them up.
    n, k = 4, 3
    text = f"""
    sources:
      machine: {{routine: machine, arrivals: {{closed: {n}, think: {{exponential: {1 / FAILING} s}}}}}}
      probe: {{routine: probe, arrivals: 2/s}}
    resources: {{up: {{units: {n}}}}}
    stations: {{repair: {{servers: {crews}, service: {{exponential: {1 / REPAIR} s}}}}}}
    routines:
      probe: [{{acquire: {{resource: up, units: {k}, patience: 0 s}}}}]
      machine:
        - attempt:
            steps: [{{acquire: {{resource: up, units: {k + 1}, patience: 0 s}}}}, {{release: up}}]
            on_failure:
              - attempt:
                  steps:
                    - acquire: {{resource: up, units: {k}, patience: 0 s}}
                    - release: up
                    - count: {{outage: 1}}
                  on_failure: []
        - acquire: up
        - use: repair
    """
    runs = simulate(text, 100, 1000, size)
    theory = k_of_n(n, k, 1 / FAILING, 1 / REPAIR, crews)

    runs.agree({"availability.probe": theory.availability})
    runs.agree_on("outages", lambda run: run.counts["machine", "outage"] / watched_s(run), theory.outages_per_s)


def leader(machines: int, repair: str) -> str:
    """A client that leads on one machine; silence for the timeout, and a promotion, let it lead on another one.

    An execution is a lead and the outage after it. The next one begins with any machine that is up.
    """
    return f"""
    sources: {{leader: {{routine: leader, arrivals: {{closed: 1}}}}}}
    nodes: {{machine: {{count: {machines}}}}}
    resources: {{lead: {{nodes: machine, units: 1}}}}
    routines:
      leader:
        - attempt:
            on_crash: silent
            heartbeat: {{timeout: {TIMEOUT_S} s, interval: {INTERVAL_S} s}}
            retry: {{initial_interval: {PROMOTION_S} s, backoff_coefficient: 1}}
            steps:
              - acquire: lead
              - mark: leads
              - branch: [{{attribute: led, below: 1, steps: [{{set: {{led: {{to: 1}}}}}}, {{delay: 1000 h}}]}}]
    attributes: {{led: 0}}
    spans: {{outage: {{start: leads, end: leads, after_crash: machine}}}}
    faults:
      break:
        targets: [{{group: machine}}]
        effect: crash
        each: true
        mttf: {{exponential: {1 / FAILING} s}}
        duration: {repair}
    """


def age_density(age_s: float) -> float:
    """Of the last heartbeat at a crash: the time up modulo the interval, an exponential cut to it."""
    return FAILING * math.exp(-FAILING * age_s) / -math.expm1(-FAILING * INTERVAL_S)


def outages(run: Replication) -> np.ndarray:
    """Those of the window, in s: from the crash of the leader's machine to the next lead."""
    return run.spans["span.outage"].durations_ns * 1e-9


def watched_s(run: Replication) -> float:
    return (run.horizon_ns - run.begin_ns) * 1e-9


def unavailability(run: Replication) -> float:
    return float(outages(run).sum()) / watched_s(run)


@quick_and_full
def test_a_crash_is_detected_by_the_heartbeat_that_stays_away(size: int) -> None:
    # The machine is replaced at once, so that an outage is timeout - age of the last sign + promotion, and cycles of
    # time up and outage are a renewal process: Cox, Renewal Theory (1962), chapter 7.
    runs = simulate(leader(1, "0 s"), 50, 1000, size)
    longest_s = TIMEOUT_S + PROMOTION_S
    mean_s = longest_s - quad(lambda age: age * age_density(age), 0, INTERVAL_S)[0]
    cycle_s = 1 / FAILING + mean_s
    runs.agree({"latency.leader.mean": cycle_s, "throughput.leader": 1 / cycle_s})
    runs.agree_on("unavailability", unavailability, mean_s / cycle_s)
    for share in (0.25, 0.5, 0.75):
        # An outage of at most `limit_s` is one whose last sign was at least longest - limit old.
        limit_s = longest_s + math.log1p((1 - share) * math.expm1(-FAILING * INTERVAL_S)) / FAILING
        shorter = partial(_shorter_per_s, limit_s)
        runs.agree_on(f"outages up to {limit_s:.3g} s", shorter, share / cycle_s, within=0.12)


def _shorter_per_s(limit_s: float, run: Replication) -> float:
    return float(np.count_nonzero(outages(run) <= limit_s)) / watched_s(run)


@full
def test_a_standby_that_may_be_down_itself_agrees_with_the_markov_renewal_process(size: int) -> None:
    runs = simulate(leader(2, f"{{exponential: {1 / REPAIR} s}}"), 100, 1000, size)
    rate, outage_s = takeovers()
    runs.agree({"latency.leader.mean": 1 / FAILING + outage_s, "throughput.leader": rate})
    runs.agree_on("unavailability", unavailability, rate * outage_s, within=0.1)


def takeovers() -> tuple[float, float]:
    """Rate of outages in 1/s and their mean in s, for two machines that fail and are repaired by themselves.

    The state at the begin of a lead is whether the other machine is up. The lead ends at a multiple of the interval
    plus the age of the last sign, the next one begins at that multiple + timeout + promotion, W, or when a machine is
    back. Multiple and age are independent. Of the leader's machine the age decides whether it is up again, of the
    other one, a Markov chain of its own, the multiple. Source: Cinlar, Introduction to Stochastic Processes (1975),
    chapter 10.
    """
    both, up = FAILING + REPAIR, REPAIR / (FAILING + REPAIR)
    after_s = TIMEOUT_S + PROMOTION_S
    age_s = quad(lambda age: age * age_density(age), 0, INTERVAL_S)[0]
    back = up * (1 - quad(lambda age: math.exp(-both * (after_s - age)) * age_density(age), 0, INTERVAL_S)[0])
    beats = math.exp(-FAILING * INTERVAL_S)  # chance that a lead outlasts one more interval
    forgotten = math.exp(-both * after_s) * (1 - beats) / (1 - beats * math.exp(-both * INTERVAL_S))
    other = {state: up + (state - up) * forgotten for state in (0, 1)}  # chance that the other machine is up then
    with_standby = back * other[0] / (1 - back * (other[1] - other[0]))  # share of leads that begin with both up
    none_up = (1 - back) * (1 - (other[0] + with_standby * (other[1] - other[0])))
    outage_s = after_s - age_s + none_up / (2 * REPAIR)
    return 1 / (1 / FAILING + outage_s), outage_s
