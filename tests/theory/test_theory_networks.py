"""Networks of stations and resources: in a row, with feedback, closed, forked, nested, blocking."""

from __future__ import annotations

from collections.abc import Iterable

from measure import full, quick_and_full, simulate

from calibration.closed_forms.levels import solve_levels
from calibration.closed_forms.networks import (
    closed_network,
    fork_join_2_s,
    jackson,
    machine_repair,
    mva,
    tandem_sojourn,
)
from calibration.closed_forms.phased import nested_resources


@full
def test_a_tandem_agrees_in_mean_and_percentiles(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations:
          first: {servers: 1, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 0.5 s}}
        routines: {job: [{use: first}, {use: second}]}
        """
    runs = simulate(text, 50, 900, size)
    sojourn = tandem_sojourn(0.5, [1.0, 0.5])
    runs.agree({"latency.job.mean": sojourn.mean(), "latency.job.p50": sojourn.quantile(0.5)})
    runs.agree({"latency.job.p95": sojourn.quantile(0.95)}, within=0.08)


@full
def test_a_jackson_network_with_feedback_agrees_station_by_station(size: int) -> None:
    # After `second` one in five goes back to `first`: a geometric number of rounds.
    text = """
        sources: {jobs: {routine: job, arrivals: 0.8/s}}
        stations:
          first: {servers: 2, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 0.5 s}}
        routines: {job: [{loop: {times: {geometric: 1.25}, steps: [{use: first}, {use: second}]}}]}
        """
    runs = simulate(text, 50, 650, size)
    theory = jackson([0.8, 0.0], [[0.0, 1.0], [0.2, 0.0]], [1.0, 0.5], [2, 1])
    first, second = theory.stations
    runs.agree(
        {
            "latency.job.mean": theory.sojourn_mean_s,
            "wait_probability.first": first.wait_probability,
            "wait_probability.second": second.wait_probability,
        }
    )
    runs.agree({"wait.first.mean": first.wait_mean_s, "wait.second.mean": second.wait_mean_s}, within=0.15)


@quick_and_full
def test_a_closed_network_agrees_with_exact_mean_value_analysis(size: int) -> None:
    text = """
        sources: {clients: {routine: job, arrivals: {closed: 10, think: {exponential: 3 s}}}}
        stations:
          cpu: {servers: 1, service: {exponential: 0.4 s}}
          disk: {servers: 1, service: {exponential: 0.25 s}}
        routines: {job: [{use: cpu}, {use: disk}]}
        """
    runs = simulate(text, 40, 100, size)
    theory = mva(10, 3.0, [0.4, 0.25])
    runs.agree(
        {
            "throughput.job": theory.throughput_per_s,
            "latency.job.mean": theory.response_s,
            "utilisation.cpu": theory.utilisations[0],
            "utilisation.disk": theory.utilisations[1],
        }
    )


@full
def test_a_closed_network_of_several_servers_agrees_exactly(size: int) -> None:
    text = """
        sources: {clients: {routine: job, arrivals: {closed: 16, think: {exponential: 3 s}}}}
        stations:
          cpu: {servers: 3, service: {exponential: 0.8 s}}
          disk: {servers: 1, service: {exponential: 0.2 s}}
        routines: {job: [{use: cpu}, {use: disk}]}
        """
    runs = simulate(text, 40, 100, size)
    theory = closed_network(16, 3.0, [0.8, 0.2], [3, 1])
    runs.agree(
        {
            "throughput.job": theory.throughput_per_s,
            "latency.job.mean": theory.response_s,
            "utilisation.cpu": theory.utilisations[0],
            "utilisation.disk": theory.utilisations[1],
        }
    )


@full
def test_a_closed_loop_at_one_station_is_machine_repair(size: int) -> None:
    text = """
        sources: {clients: {routine: job, arrivals: {closed: 8, think: {exponential: 4 s}}}}
        stations: {server: {servers: 2, service: {exponential: 1 s}}}
        routines: {job: [{use: server}]}
        """
    runs = simulate(text, 30, 140, size)
    theory = machine_repair(8, 4.0, 1.0, crews=2)
    runs.agree(
        {
            "throughput.job": theory.failures_per_s,
            "latency.job.mean": theory.down_mean_s,
            "utilisation.server": theory.crew_utilisation,
        }
    )
    runs.agree({"wait.server.mean": theory.wait_mean_s}, within=0.15)


@full
def test_fork_and_join_over_two_queues_agrees_with_flatto_and_hahn(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations:
          first: {servers: 1, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 1 s}}
        routines: {job: [{fork: {branches: [[{use: first}], [{use: second}]]}}]}
        """
    runs = simulate(text, 50, 800, size)
    runs.agree({"latency.job.mean": fork_join_2_s(0.5, 1.0)})


@quick_and_full
def test_two_nested_resources_agree_with_their_markov_chain(size: int) -> None:
    text = """
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
        """
    runs = simulate(text, 40, 150, size)
    theory = nested_resources(3.2, 6, 2, 0.4, 0.6)
    runs.agree({"utilisation.outer": theory.utilisation_outer, "utilisation.inner": theory.utilisation_inner})
    runs.agree({"latency.job.mean": theory.sojourn_mean_s, "wait.inner.mean": theory.wait_inner_mean_s}, within=0.1)


@full
def test_blocking_before_a_full_station_agrees_with_its_markov_chain(size: int) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: 0.5/s}}
        stations:
          first: {servers: 1, service: {exponential: 1 s}}
          second: {servers: 1, service: {exponential: 0.6 s}, queue_limit: 0, when_full: block}
        routines: {job: [{use: first}, {use: second}]}
        """
    runs = simulate(text, 60, 900, size)

    def moves(n: int, second: str) -> Iterable[tuple[float, int, str]]:
        """n: at the first station, also the one who is held there because the second is full."""
        yield 0.5, n + 1, second
        if second == "idle" and n:
            yield 1.0, n - 1, "busy"
        if second == "busy":
            yield 1 / 0.6, n, "idle"
            if n:
                yield 1.0, n, "blocking"
        if second == "blocking":
            yield 1 / 0.6, n - 1, "busy"

    levels = solve_levels(moves, lambda n: ["idle", "busy", "blocking"] if n else ["idle", "busy"], 1)
    population = levels.mean(lambda n, second: n + (second != "idle"))
    held = levels.mean(lambda n, _: float(n > 0))
    runs.agree({"utilisation.first": held, "utilisation.second": 0.3})
    runs.agree({"latency.job.mean": population / 0.5}, within=0.08)
