"""Cases of several places, or of none: closed loops, networks, pools, faults, retries, children."""

from __future__ import annotations

from calibration.closed_forms.mg1 import mg1_breakdowns
from calibration.closed_forms.moments import Deterministic, Exponential
from calibration.closed_forms.networks import (
    closed_network,
    fork_join_2_s,
    jackson,
    machine_repair,
    mva,
    tandem_sojourn,
    usl_throughput_per_s,
)
from calibration.closed_forms.phased import mmc_breakdowns, nested_resources
from calibration.closed_forms.retries import Backoff, retry
from calibration.theory.case import Case
from sim.analytic.stations import birth_death, harmonic


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


def _backoff() -> dict[str, float]:
    # Jitter takes off up to a half, a quarter in the mean.
    theory = retry(0.4, 0.1, 0.1, Backoff(0.5 * 0.75, 2.0, 1.5 * 0.75), attempts_max=5)
    return {"availability.job": theory.success_probability, "latency.job.mean": theory.latency_success_mean_s}


NETWORKS = (
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
