"""Small networks that a closed form or a Markov chain is known of, and what it says.

What is compared with what is told in `theory`; `tests/theory` goes further, with some 80 cases at narrower intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sim.analytic.batching import group_commit, group_commit_limited
from sim.analytic.chains import birth_death
from sim.analytic.disciplines import (
    PriorityClass,
    mg1_preemptive_priority,
    mmc_priority,
    mmc_ps,
    mmc_ps_sojourn,
)
from sim.analytic.laws import usl_throughput_per_s
from sim.analytic.limited import erlang_a, mgcc, mmck
from sim.analytic.mdc import mdc, mdc_wait_quantile_s
from sim.analytic.mg1 import mg1, mg1_breakdowns
from sim.analytic.moments import Deterministic, Exponential, Gamma, Lognormal
from sim.analytic.networks import closed_network, fork_join_2_s, harmonic, jackson, machine_repair, mva, tandem_sojourn
from sim.analytic.phased import mmc_breakdowns, mmc_setup, nested_resources
from sim.analytic.renewal import gim1
from sim.analytic.retries import Backoff, retry
from sim.analytic.stations import mmc, mmc_sojourn_quantile_s, mmc_wait_quantile_s


@dataclass(frozen=True, slots=True)
class Case:
    """A network in YAML, run from empty for `window_s` after `warmup_s`; theory: value of each metric. source: of the
    formula; it is told in full where the formula is."""

    name: str
    source: str
    network: str
    warmup_s: float
    window_s: float
    theory: Callable[[], Mapping[str, float]]


def _station(arrivals: str, server: str) -> str:
    return f"""
        sources: {{jobs: {{routine: job, arrivals: {arrivals}}}}}
        stations: {{server: {server}}}
        routines: {{job: [{{use: server}}]}}
        """


def _priorities(server: str, first: str, second: str, rates: tuple[float, float]) -> str:
    return f"""
        sources:
          urgent: {{routine: urgent, arrivals: {rates[0]}/s, priority: 0}}
          other: {{routine: other, arrivals: {rates[1]}/s, priority: -1}}
        stations: {{server: {server}}}
        routines:
          urgent: [{{use: {{station: server, demand: {first}}}}}]
          other: [{{use: {{station: server, demand: {second}}}}}]
        """


def _mm1() -> dict[str, float]:
    return {
        "latency.job.mean": mmc(0.5, 1.0).sojourn_mean_s,
        "latency.job.p99": mmc_sojourn_quantile_s(0.5, 1.0, 1, 0.99),
    }


def _mm8() -> dict[str, float]:
    return {
        "latency.job.mean": mmc(6.4, 1.0, 8).sojourn_mean_s,
        "wait_probability.server": mmc(6.4, 1.0, 8).wait_probability,
        "wait.server.p95": mmc_wait_quantile_s(6.4, 1.0, 8, 0.95),
    }


def _mdc() -> dict[str, float]:
    return {
        "latency.job.mean": mdc(3.2, 1.0, 4).sojourn_mean_s,
        "wait.server.p95": mdc_wait_quantile_s(3.2, 1.0, 4, 0.95),
    }


def _cobham() -> dict[str, float]:
    urgent, other = mmc_priority([1.0, 1.2], 1.0, 3)
    return {"latency.urgent.mean": urgent.sojourn_mean_s, "latency.other.mean": other.sojourn_mean_s}


def _preemptive() -> dict[str, float]:
    laws = [PriorityClass(0.3, Exponential(1.0)), PriorityClass(0.2, Deterministic(1.0))]
    urgent, other = mg1_preemptive_priority(laws)
    return {"latency.urgent.mean": urgent.sojourn_mean_s, "latency.other.mean": other.sojourn_mean_s}


def _sharing() -> dict[str, float]:
    return {
        "latency.job.mean": mmc_ps(2.8, 1.0, 4).sojourn_mean_s,
        "latency.job.p95": mmc_ps_sojourn(2.8, 1.0, 4).quantile(0.95),
    }


def _contention() -> dict[str, float]:
    speeds = [usl_throughput_per_s(n, 2.0, 0.1, 0.01) for n in range(1, 13)]
    shares = birth_death([float(12 - n) for n in range(12)], speeds)
    throughput = sum(float(share) * speed for share, speed in zip(shares[1:], speeds, strict=True))
    population = sum(n * float(share) for n, share in enumerate(shares))
    return {"throughput.job": throughput, "latency.job.mean": population / throughput}


def _mva() -> dict[str, float]:
    theory = mva(10, 3.0, [0.4, 0.25])
    return {"throughput.job": theory.throughput_per_s, "latency.job.mean": theory.response_s}


def _closed() -> dict[str, float]:
    theory = closed_network(16, 3.0, [0.8, 0.2], [3, 1])
    return {"throughput.job": theory.throughput_per_s, "latency.job.mean": theory.response_s}


def _repairs() -> dict[str, float]:
    theory = machine_repair(8, 4.0, 1.0, crews=2)
    return {"throughput.job": theory.failures_per_s, "latency.job.mean": theory.down_mean_s}


def _tandem() -> dict[str, float]:
    sojourn = tandem_sojourn(0.5, [1.0, 0.5])
    return {"latency.job.mean": sojourn.mean(), "latency.job.p95": sojourn.quantile(0.95)}


def _feedback() -> dict[str, float]:
    theory = jackson([0.8, 0.0], [[0.0, 1.0], [0.2, 0.0]], [1.0, 0.5], [2, 1])
    return {"latency.job.mean": theory.sojourn_mean_s}


def _nested() -> dict[str, float]:
    theory = nested_resources(3.2, 6, 2, 0.4, 0.6)
    return {"utilisation.outer": theory.utilisation_outer, "latency.job.mean": theory.sojourn_mean_s}


def _full() -> dict[str, float]:
    theory = mmck(3.6, 1.0, servers=3, places=7)
    return {"rejected.server": theory.blocking, "goodput.job": theory.throughput_per_s}


def _impatient() -> dict[str, float]:
    theory = erlang_a(11.0, 1.0, 10, 2.0)
    return {"abandoned.server": theory.abandon_probability, "wait.server.mean": theory.wait_served_mean_s}


def _backoff() -> dict[str, float]:
    # Jitter takes off up to a half, a quarter in the mean.
    theory = retry(0.4, 0.1, 0.1, Backoff(0.5 * 0.75, 2.0, 1.5 * 0.75), attempts_max=5)
    return {"availability.job": theory.success_probability, "latency.job.mean": theory.latency_success_mean_s}


CASES = (
    Case(
        "M/M/1 at 50 %",
        "Erlang",
        _station("0.5/s", "{servers: 1, service: {exponential: 1 s}}"),
        50,
        8000,
        _mm1,
    ),
    Case(
        "M/M/8 at 80 %",
        "Erlang C",
        _station("6.4/s", "{servers: 8, service: {exponential: 1 s}}"),
        45,
        1000,
        _mm8,
    ),
    Case(
        "M/M/200 at 93 %",
        "Erlang C",
        _station("186/s", "{servers: 200, service: {exponential: 1 s}}"),
        30,
        60,
        lambda: {"latency.job.mean": mmc(186.0, 1.0, 200).sojourn_mean_s},
    ),
    Case(
        "M/D/4 at 80 %",
        "Crommelin",
        _station("3.2/s", "{servers: 4, service: 1 s}"),
        45,
        1000,
        _mdc,
    ),
    Case(
        "M/G/1, lognormal",
        "Pollaczek, Khinchine",
        _station("0.5/s", "{servers: 1, service: {mean: 1 s, cv: 1}}"),
        100,
        6000,
        lambda: {"latency.job.mean": mg1(0.5, Lognormal(1.0, 1.0)).sojourn_mean_s},
    ),
    Case(
        "GI/M/1, gamma gaps",
        "Kendall",
        _station("{renewal: {gamma: {mean: 2 s, cv: 0.5}}}", "{servers: 1, service: {exponential: 1 s}}"),
        50,
        4000,
        lambda: {"latency.job.mean": gim1(Gamma(2.0, 0.5), 1.0).sojourn_mean_s},
    ),
    Case(
        "M/M/3, priorities",
        "Cobham",
        _priorities("{servers: 3, queue: priority}", "{exponential: 1 s}", "{exponential: 1 s}", (1.0, 1.2)),
        50,
        1800,
        _cobham,
    ),
    Case(
        "M/G/1, preemptive",
        "Miller",
        _priorities("{servers: 1, queue: priority, preemptive: true}", "{exponential: 1 s}", "1 s", (0.3, 0.2)),
        60,
        4800,
        _preemptive,
    ),
    Case(
        "4 shared cores",
        "M/M/4-PS",
        _station("2.8/s", "{cores: 4, service: {exponential: 1 s}}"),
        60,
        1000,
        _sharing,
    ),
    Case(
        "the same, cv 2",
        "insensitivity",
        _station("2.8/s", "{cores: 4, service: {mean: 1 s, cv: 2}}"),
        60,
        1000,
        lambda: {"latency.job.mean": mmc_ps(2.8, 1.0, 4).sojourn_mean_s},
    ),
    Case(
        "contention, 12 clients",
        "Gunther; birth-death",
        """
        sources: {clients: {routine: job, arrivals: {closed: 12, think: {exponential: 1 s}}}}
        stations:
          server: {servers: 12, service: {exponential: 0.5 s}, contention: {contention: 0.1, coherency: 0.01}}
        routines: {job: [{use: server}]}
        """,
        30,
        240,
        _contention,
    ),
    Case(
        "closed, 10 clients",
        "mean value analysis",
        """
        sources: {clients: {routine: job, arrivals: {closed: 10, think: {exponential: 3 s}}}}
        stations:
          cpu: {servers: 1, service: {exponential: 0.4 s}}
          disk: {servers: 1, service: {exponential: 0.25 s}}
        routines: {job: [{use: cpu}, {use: disk}]}
        """,
        40,
        400,
        _mva,
    ),
    Case(
        "closed, 3 servers",
        "Gordon, Newell",
        """
        sources: {clients: {routine: job, arrivals: {closed: 16, think: {exponential: 3 s}}}}
        stations:
          cpu: {servers: 3, service: {exponential: 0.8 s}}
          disk: {servers: 1, service: {exponential: 0.2 s}}
        routines: {job: [{use: cpu}, {use: disk}]}
        """,
        40,
        400,
        _closed,
    ),
    Case(
        "machine repair, 2 crews",
        "Palm",
        """
        sources: {clients: {routine: job, arrivals: {closed: 8, think: {exponential: 4 s}}}}
        stations: {server: {servers: 2, service: {exponential: 1 s}}}
        routines: {job: [{use: server}]}
        """,
        30,
        560,
        _repairs,
    ),
    Case(
        "tandem",
        "Reich",
        """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations:
          first: {servers: 1, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 0.5 s}}
        routines: {job: [{use: first}, {use: second}]}
        """,
        50,
        3600,
        _tandem,
    ),
    Case(
        "network with feedback",
        "Jackson",
        """
        sources: {jobs: {routine: job, arrivals: 0.8/s}}
        stations:
          first: {servers: 2, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 0.5 s}}
        routines: {job: [{loop: {times: {geometric: 1.25}, steps: [{use: first}, {use: second}]}}]}
        """,
        50,
        2600,
        _feedback,
    ),
    Case(
        "fork and join, 2 queues",
        "Flatto, Hahn",
        """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations:
          first: {servers: 1, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 1 s}}
        routines: {job: [{fork: {branches: [[{use: first}], [{use: second}]]}}]}
        """,
        50,
        3200,
        lambda: {"latency.job.mean": fork_join_2_s(0.5, 1.0)},
    ),
    Case(
        "pool within a pool",
        "Markov chain",
        """
        sources: {jobs: {routine: job, arrivals: 3.2/s}}
        resources: {outer: {units: 6}, inner: {units: 2}}
        routines:
          job:
            - acquire: outer
            - acquire: inner
            - delay: {exponential: 0.4 s}
            - release: inner
            - delay: {exponential: 0.6 s}
            - release: outer
        """,
        40,
        600,
        _nested,
    ),
    Case(
        "M/M/3/7 at 120 %",
        "birth-death",
        _station("3.6/s", "{servers: 3, queue_limit: 4, service: {exponential: 1 s}}"),
        30,
        400,
        _full,
    ),
    Case(
        "no line, 10 servers",
        "Erlang B",
        _station("8/s", "{servers: 10, queue_limit: 0, service: {mean: 1 s, cv: 2}}"),
        30,
        240,
        lambda: {"rejected.server": mgcc(8.0, 1.0, 10).blocking},
    ),
    Case(
        "patience, 10 servers",
        "Erlang A",
        """
        sources: {jobs: {routine: job, arrivals: 11/s}}
        stations: {server: {servers: 10, service: {exponential: 1 s}}}
        routines: {job: [{use: {station: server, patience: {exponential: 2 s}}}]}
        """,
        20,
        240,
        _impatient,
    ),
    Case(
        "pauses of an M/D/1",
        "Avi-Itzhak, Naor",
        """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations: {server: {servers: 1, service: 1 s}}
        routines: {job: [{use: server}]}
        faults:
          break:
            {targets: [{group: server}], effect: pause, mttf: {exponential: 10 s}, duration: {exponential: 2 s}}
        """,
        100,
        6000,
        lambda: {"latency.job.mean": mg1_breakdowns(0.5, Deterministic(1.0), 10.0, Exponential(2.0)).sojourn_mean_s},
    ),
    Case(
        "crashes of 3 nodes",
        "Markov chain",
        """
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
        """,
        60,
        2400,
        lambda: {"latency.job.mean": mmc_breakdowns(1.6, 1.0, 3, 10.0, 2.0).sojourn_mean_s},
    ),
    Case(
        "set-up times, 4 servers",
        "Markov chain",
        _station("2/s", "{servers: 4, service: {exponential: 1 s}, setup: {exponential: 2 s}}"),
        30,
        520,
        lambda: {"latency.job.mean": mmc_setup(2.0, 1.0, 4, 2.0).sojourn_mean_s},
    ),
    Case(
        "group commit",
        "renewal-reward",
        _station("1.5/s", "{kind: group_commit, flush: {gamma: {mean: 1 s, cv: 0.5}}}"),
        20,
        320,
        lambda: {"latency.job.mean": group_commit(1.5, Gamma(1.0, 0.5)).sojourn_mean_s},
    ),
    Case(
        "group commit, 5 at most",
        "Bailey",
        _station("3/s", "{kind: group_commit, flush: {exponential: 1 s}, batch_limit: 5}"),
        50,
        1400,
        lambda: {"latency.job.mean": group_commit_limited(3.0, 1.0, 5).sojourn_mean_s},
    ),
    Case(
        "a queue that is polled",
        "Crommelin",
        _station("3/s", "{kind: polled, interval: 1 s, batch: 4, trigger: timer}"),
        30,
        600,
        lambda: {"latency.job.mean": mdc(3.0, 1.0, 4).wait_mean_s + 0.5},
    ),
    Case(
        "retries with back-off",
        "series",
        """
        sources: {jobs: {routine: job, arrivals: 10/s}}
        routines:
          job:
            - attempt:
                retry: {initial_interval: 0.5 s, maximum_interval: 1.5 s, maximum_attempts: 5, jitter: 0.5}
                steps: [{delay: {exponential: 0.1 s}}, {fail: broken, probability: 60 %}]
        """,
        0,
        60,
        _backoff,
    ),
    Case(
        "3 of 5 children",
        "order statistics",
        """
        sources: {jobs: {routine: job, arrivals: 10/s}}
        routines: {job: [{fork: {items: 5, join: 3, steps: [{delay: {exponential: 1 s}}]}}]}
        """,
        0,
        48,
        lambda: {"latency.job.mean": harmonic(5) - harmonic(2)},
    ),
)
"""What is printed, in this order."""
