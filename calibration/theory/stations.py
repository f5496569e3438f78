"""Cases of one station: queues, priorities, sharing, places, patience, set-up times, batches."""

from __future__ import annotations

from calibration.closed_forms.batching import group_commit, group_commit_limited
from calibration.closed_forms.disciplines import (
    PriorityClass,
    mg1_preemptive_priority,
    mmc_priority,
    mmc_ps,
    mmc_ps_sojourn,
)
from calibration.closed_forms.limited import erlang_a, mgcc, mmck
from calibration.closed_forms.mdc import mdc, mdc_wait_quantile_s
from calibration.closed_forms.mg1 import gim1, mg1
from calibration.closed_forms.moments import Deterministic, Exponential, Gamma, Lognormal
from calibration.closed_forms.phased import mmc_setup
from calibration.closed_forms.stations import mmc, mmc_sojourn_quantile_s, mmc_wait_quantile_s
from calibration.theory.case import Case


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


def _full() -> dict[str, float]:
    theory = mmck(3.6, 1.0, servers=3, places=7)
    return {"rejected.server": theory.blocking, "goodput.job": theory.throughput_per_s}


def _impatient() -> dict[str, float]:
    theory = erlang_a(11.0, 1.0, 10, 2.0)
    return {"abandoned.server": theory.abandon_probability, "wait.server.mean": theory.wait_served_mean_s}


STATIONS = (
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
)
