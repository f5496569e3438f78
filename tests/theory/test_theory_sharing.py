"""Shared cores and contention: processor sharing and birth-death chains with a speed for each population."""

from __future__ import annotations

import pytest
from measure import full, quick_and_full, simulate, station

from calibration.closed_forms.disciplines import mmc_ps, mmc_ps_sojourn
from calibration.closed_forms.networks import usl_throughput_per_s
from sim.analytic.stations import birth_death


@quick_and_full
def test_processor_sharing_over_4_cores_agrees_in_mean_and_percentiles(size: int) -> None:
    runs = simulate(station("2.8/s", "{cores: 4, service: {exponential: 1 s}}"), 60, 260, size)
    theory, sojourn = mmc_ps(2.8, 1.0, 4), mmc_ps_sojourn(2.8, 1.0, 4)
    runs.agree(
        {
            "utilisation.server": theory.utilisation,
            "latency.job.mean": theory.sojourn_mean_s,
            "in_flight.job.mean": theory.population_mean,
        },
        within=0.06,
    )
    runs.agree({f"latency.job.p{p}": sojourn.quantile(p / 100) for p in (50, 95)}, within=0.08)
    runs.agree({"queue.server.mean": theory.queue_mean, "wait.server.mean": theory.wait_mean_s}, within=0.2)


@full
@pytest.mark.parametrize(
    "service", ["1 s", "{mean: 1 s, cv: 2}", "{hyperexponential: {mean: 1 s, cv: 1.5}}"], ids=lambda text: text[:9]
)
@pytest.mark.parametrize(("cores", "rate"), [(1, 0.5), (4, 2.8)])
def test_processor_sharing_minds_only_the_mean_of_the_demand(service: str, cores: int, rate: float, size: int) -> None:
    runs = simulate(station(f"{rate}/s", f"{{cores: {cores}, service: {service}}}"), 60, 800 / rate, size)
    runs.agree({"latency.job.mean": mmc_ps(rate, 1.0, cores).sojourn_mean_s}, within=0.1)


@full
def test_under_sharing_latency_is_in_proportion_to_demand(size: int) -> None:
    text = """
        sources:
          few: {routine: long, arrivals: 0.1/s}
          many: {routine: short, arrivals: 0.6/s}
        stations: {server: {cores: 1}}
        routines:
          long: [{use: {station: server, demand: 2 s}}]
          short: [{use: {station: server, demand: 0.5 s}}]
        """
    runs = simulate(text, 60, 1200, size)
    runs.agree(
        {
            "latency.long.mean": 2.0 / (1 - 0.5),
            "latency.short.mean": 0.5 / (1 - 0.5),
        }
    )


@quick_and_full
def test_contention_follows_the_universal_scalability_law(size: int) -> None:
    # Twelve clients with a think time of 1 s in front of a station that serves n at speed(n): a birth-death chain.
    text = """
        sources: {clients: {routine: job, arrivals: {closed: 12, think: {exponential: 1 s}}}}
        stations:
          server: {servers: 12, service: {exponential: 0.5 s}, contention: {contention: 0.1, coherency: 0.01}}
        routines: {job: [{use: server}]}
        """
    runs = simulate(text, 30, 60, size)
    speeds = [usl_throughput_per_s(n, 2.0, 0.1, 0.01) for n in range(1, 13)]
    shares = birth_death([float(12 - n) for n in range(12)], speeds)
    throughput = sum(share * speed for share, speed in zip(shares[1:], speeds, strict=True))
    population = sum(n * share for n, share in enumerate(shares))
    runs.agree(
        {
            "throughput.job": throughput,
            "latency.job.mean": population / throughput,
            "in_flight.job.mean": population,
        },
        within=0.03,
    )
