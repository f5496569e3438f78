"""Faults: pauses, crashes, slow-downs and errors that come and go at random."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from statistics import fmean

from measure import full, quick_and_full, simulate
from scipy.integrate import quad

from calibration.closed_forms.levels import solve_levels
from calibration.closed_forms.mg1 import mg1_breakdowns
from calibration.closed_forms.moments import Deterministic, Exponential
from calibration.closed_forms.phased import mmc_breakdowns
from sim.analytic.availability import k_of_n
from sim.results.columns import FaultEpisode, Replication
from tests.closed_forms.availability import with_common_causes


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


def down_together(run: Replication, nodes: int) -> tuple[float, float]:
    """Share of the window in which at least so many nodes of the group are down, and how often a second it begins."""
    changes: Counter[int] = Counter()
    held_by: dict[int, Counter[int]] = {}
    for episode in run.episodes:
        end_ns = episode.end_ns if episode.end_ns >= 0 else run.end_ns
        for _, node in episode.nodes:
            held = held_by.setdefault(node, Counter())
            held[episode.start_ns] += 1
            held[end_ns] -= 1
    for held in held_by.values():
        level = 0
        for at_ns, by in sorted(held.items()):
            before, level = level, level + by
            changes[at_ns] += (level > 0) - (before > 0)
    level = last_ns = down_ns = begun = 0
    for at_ns, by in sorted(changes.items()):
        if level >= nodes:
            down_ns += max(0, min(at_ns, run.horizon_ns) - max(last_ns, run.begin_ns))
        begun += level < nodes <= level + by and run.begin_ns <= at_ns < run.horizon_ns
        level, last_ns = level + by, at_ns
    if level >= nodes:
        down_ns += max(0, run.horizon_ns - max(last_ns, run.begin_ns))
    window_ns = run.horizon_ns - run.begin_ns
    return down_ns / window_ns, begun / window_ns * 1e9


@quick_and_full
def test_common_causes_limit_what_redundancy_is_good_for(size: int) -> None:
    # Without them all three would be down for (1/6)^3 = 0.5 % of the time; a tenth of the clocks makes it 5 %.
    text = """
        nodes: {fleet: {count: 3}}
        sources: {jobs: {routine: job, arrivals: 0.01/s}}
        routines: {job: []}
        faults:
          break:
            targets: [{group: fleet}]
            each: true
            common: 10 %
            mttf: {exponential: 10 s}
            duration: {exponential: 2 s}
        """
    runs = simulate(text, 50, 2000, size, follow_s=0)
    theory = with_common_causes(3, 1, 10.0, 2.0, 0.1)
    runs.agree_on("down", lambda run: down_together(run, 3)[0], theory.unavailability, within=0.08)
    runs.agree_on("outages", lambda run: down_together(run, 3)[1], theory.outages_per_s, within=0.08)
    alone = k_of_n(3, 1, 10.0, 2.0)
    assert theory.unavailability > 9 * alone.unavailability


@quick_and_full
def test_what_rings_while_the_window_is_closed_comes_once_when_it_opens(size: int) -> None:
    # Of faults that take no time: in the 6 s that it is open, 6 / 10 in the mean; and one at the opening when the
    # clock has rung in the 14 s before, with probability 1 - exp(-1.4).
    text = """
        nodes: {fleet: {count: 1}}
        sources: {jobs: {routine: job, arrivals: 0.01/s}}
        routines: {job: []}
        faults:
          work:
            targets: [{group: fleet}]
            mttf: {exponential: 10 s}
            duration: 0 s
            window: {from: 16 s, to: 2 s, period: 20 s}
        """
    runs = simulate(text, 40, 1000, size, follow_s=0)

    def begins(run: Replication) -> list[float]:
        return [e.start_ns / 1e9 for e in run.episodes if run.begin_ns <= e.start_ns < run.horizon_ns]

    assert all((begin - 16) % 20 < 6 for run in runs.replications for begin in begins(run))
    window_s = (runs.replications[0].horizon_ns - runs.replications[0].begin_ns) / 1e9
    in_a_period = 6 / 10 - math.expm1(-14 / 10)
    runs.agree_on("a second", lambda run: len(begins(run)) / window_s, in_a_period / 20)
    at_opening = -math.expm1(-14 / 10)
    runs.agree_on(
        "at the opening",
        lambda run: sum((begin - 16) % 20 == 0 for begin in begins(run)) / window_s,
        at_opening / 20,
    )


@quick_and_full
def test_who_is_still_at_work_when_a_notice_is_over_is_hit(size: int) -> None:
    # Those at work are Poisson of mean 5 when the notice is given, and independent: of each as much is left as of a
    # new one, 2 s in the mean. After 2 s exp(-1) of them are; after t nobody is with probability exp(-5 exp(-t/2)),
    # and then the node goes at once. From its repair on 20 s pass, 10 relaxation times of the number at work.
    text = """
        nodes: {fleet: {count: 1}}
        sources: {jobs: {routine: job, arrivals: 2.5/s}}
        resources: {slots: {nodes: fleet, units: 1000}}
        routines: {job: [{acquire: slots}, {delay: {exponential: 2 s}}]}
        faults:
          spot: {targets: [{group: fleet}], mttf: {constant: 20 s}, duration: 10 ms, notice: 2 s}
        """
    runs = simulate(text, 50, 500, size)

    def whole(run: Replication) -> list[FaultEpisode]:
        return [e for e in run.episodes if run.begin_ns <= e.start_ns < run.horizon_ns and e.down_ns >= 0]

    runs.agree_on("hit", lambda run: fmean(e.hit for e in whole(run)), 5 * math.exp(-1), within=0.08)
    notice_s, _ = quad(lambda t: -math.expm1(-5 * math.exp(-t / 2)), 0, 2)
    runs.agree_on("notice", lambda run: fmean(e.down_ns - e.start_ns for e in whole(run)) / 1e9, notice_s)
