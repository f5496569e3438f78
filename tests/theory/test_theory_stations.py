"""Stations without a limit, first come first served and last come first served, against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from measure import full, quick_and_full, simulate, station

from calibration.closed_forms.mdc import mdc, mdc_wait_quantile_s
from calibration.closed_forms.mg1 import gim1, mg1
from calibration.closed_forms.moments import Deterministic, Exponential, Gamma, Law, Lognormal
from calibration.closed_forms.stations import Queue, mmc, mmc_sojourn_quantile_s, mmc_wait_quantile_s
from sim.results.columns import Replication
from tests.closed_forms.moments import Hyperexponential
from tests.closed_forms.queues import mg1_lifo_wait_variance_s2


def figures_of(queue: Queue) -> dict[str, float]:
    """The figures of `station` that a `Queue` tells, without those that follow by Little's law, which is audited."""
    return {
        "utilisation.server": queue.utilisation,
        "wait_probability.server": queue.wait_probability,
        "latency.job.mean": queue.sojourn_mean_s,
    }


@quick_and_full
def test_m_m_1_agrees_in_means_and_percentiles(size: int) -> None:
    runs = simulate(station("0.5/s", "{servers: 1, service: {exponential: 1 s}}"), 50, 2000, size)
    theory = mmc(0.5, 1.0)
    runs.agree(figures_of(theory))
    runs.agree({"in_flight.job.mean": theory.population_mean, "queue.server.mean": theory.queue_mean}, within=0.1)
    runs.agree({f"latency.job.p{p}": mmc_sojourn_quantile_s(0.5, 1.0, 1, p / 100) for p in (50, 90, 99)}, within=0.1)


@quick_and_full
def test_m_m_8_agrees_in_means_and_percentiles(size: int) -> None:
    runs = simulate(station("6.4/s", "{servers: 8, service: {exponential: 1 s}}"), 45, 250, size)
    runs.agree(figures_of(mmc(6.4, 1.0, 8)), within=0.07)
    runs.agree({"wait.server.mean": mmc(6.4, 1.0, 8).wait_mean_s}, within=0.2)
    runs.agree({"wait.server.p95": mmc_wait_quantile_s(6.4, 1.0, 8, 0.95)}, within=0.2)
    runs.agree({"latency.job.p99": mmc_sojourn_quantile_s(6.4, 1.0, 8, 0.99)}, within=0.1)


@full
@pytest.mark.parametrize(("servers", "rate"), [(20, 17.0), (200, 186.0)])
def test_m_m_c_agrees_up_to_200_servers(servers: int, rate: float, size: int) -> None:
    text = station(f"{rate}/s", f"{{servers: {servers}, service: {{exponential: 1 s}}}}")
    runs = simulate(text, 12, 1000 / rate, size)
    queue = mmc(rate, 1.0, servers)
    runs.agree({"utilisation.server": queue.utilisation, "latency.job.mean": queue.sojourn_mean_s})
    # At 200 servers the few waits come in clusters; with patience they are tested more sharply in `limits`.
    runs.agree({"wait_probability.server": queue.wait_probability}, within=0.12 if servers < 100 else 0.6)


@full
def test_servers_spread_over_nodes_with_one_line_are_still_m_m_c(size: int) -> None:
    runs = simulate(station("3.5/s", "{nodes: 5, servers: 1, service: {exponential: 1 s}}"), 30, 200, size)
    runs.agree(figures_of(mmc(3.5, 1.0, 5)), within=0.07)


@full
def test_a_resource_held_for_a_delay_is_m_m_c(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 3.5/s}}
        resources: {server: {units: 5}}
        routines: {job: [{acquire: server}, {delay: {exponential: 1 s}}, {release: server}]}
        """
    runs = simulate(text, 30, 200, size)
    runs.agree(figures_of(mmc(3.5, 1.0, 5)), within=0.07)


@full
def test_m_d_c_agrees_in_means_and_percentiles(size: int) -> None:
    runs = simulate(station("3.2/s", "{servers: 4, service: 1 s}"), 45, 250, size)
    runs.agree(figures_of(mdc(3.2, 1.0, 4)))
    runs.agree({"wait.server.p95": mdc_wait_quantile_s(3.2, 1.0, 4, 0.95)}, within=0.15)


@full
@pytest.mark.parametrize(
    ("service", "law"),
    [
        pytest.param("{mean: 1 s, cv: 1}", Lognormal(1.0, 1.0), id="lognormal"),
        pytest.param("{hyperexponential: {mean: 1 s, cv: 1.5}}", None, id="hyperexponential"),
        pytest.param("{gamma: {mean: 1 s, cv: 0.5}}", Gamma(1.0, 0.5), id="gamma"),
    ],
)
def test_m_g_1_agrees_with_pollaczek_and_khinchine(service: str, law: Law | None, size: int) -> None:
    runs = simulate(station("0.5/s", f"{{servers: 1, service: {service}}}"), 100, 1800, size)
    queue = mg1(0.5, law or Hyperexponential.balanced(1.0, 2.25))
    runs.agree(figures_of(queue), within=0.1)


@full
@pytest.mark.parametrize(
    ("gap", "law"),
    [
        pytest.param("{gamma: {mean: 2 s, cv: 0.5}}", Gamma(2.0, 0.5), id="gamma"),
        pytest.param("2 s", Deterministic(2.0), id="constant"),
    ],
)
def test_gi_m_1_agrees_with_its_root(gap: str, law: Law, size: int) -> None:
    runs = simulate(station(f"{{renewal: {gap}}}", "{servers: 1, service: {exponential: 1 s}}"), 50, 1000, size)
    runs.agree(figures_of(gim1(law, 1.0)), within=0.06)


@full
def test_last_come_first_served_keeps_the_mean_and_spreads_the_waits(size: int) -> None:
    runs = simulate(station("0.5/s", "{servers: 1, service: {exponential: 1 s}, queue: lifo}"), 50, 2000, size)
    fifo = mmc(0.5, 1.0)
    runs.agree(figures_of(fifo))

    def squared_wait_s2(run: Replication) -> float:
        wait_s = run.executions.split[:, run.executions.states.index("wait.server")] * 1e-9
        return float((wait_s**2).mean())

    squared_s2 = mg1_lifo_wait_variance_s2(0.5, Exponential(1.0)) + fifo.wait_mean_s**2
    runs.agree_on("second moment of the wait", squared_wait_s2, squared_s2, within=0.6)


@full
def test_the_number_in_a_delay_is_poisson(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 5/s}}
        stations: {room: {kind: delay, service: {mean: 1 s, cv: 2}}}
        routines: {job: [{use: room}]}
        """
    runs = simulate(text, 20, 100, size, sample_s=1.7)
    mean = 5.0  # Poisson, for any law of service (Takács 1962)
    runs.agree({"in_flight.job.mean": mean, "latency.job.mean": 1.0})

    def factorial_moment(run: Replication) -> float:
        present = run.samples["in_flight.job"][(run.sample_ns >= run.begin_ns) & (run.sample_ns < run.horizon_ns)]
        return float(np.mean(present * (present - 1)))

    runs.agree_on("E[N (N - 1)]", factorial_moment, mean**2, within=0.08)
