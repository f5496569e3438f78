"""Priority queues with and without preemption, class by class, and lines ordered by an attribute."""

from __future__ import annotations

from collections.abc import Sequence

from measure import full, quick_and_full, simulate

from calibration.closed_forms.disciplines import PriorityClass, mg1_preemptive_priority, mmc_priority
from calibration.closed_forms.moments import Deterministic, Exponential
from calibration.closed_forms.stations import Queue
from tests.closed_forms.queues import mg1_priority, mmc_preemptive_priority


def classes(server: str, rates: Sequence[float], demands: Sequence[str]) -> str:
    """Network of a station with one source a class, the most urgent first, named a, b, ..."""
    names = "abcdef"[: len(rates)]
    sources = [
        f"{name}: {{routine: {name}, arrivals: {rate}/s, priority: {-rank}}}"
        for rank, (name, rate) in enumerate(zip(names, rates, strict=True))
    ]
    routines = [
        f"{name}: [{{use: {{station: server, demand: {demand}}}}}]"
        for name, demand in zip(names, demands, strict=True)
    ]
    return f"""
        sources: {{{", ".join(sources)}}}
        stations: {{server: {server}}}
        routines: {{{", ".join(routines)}}}
        """


def latencies(queues: Sequence[Queue]) -> dict[str, float]:
    return {f"latency.{name}.mean": queue.sojourn_mean_s for name, queue in zip("abcdef", queues, strict=False)}


@full
def test_m_m_c_without_preemption_agrees_with_cobham(size: int) -> None:
    text = classes("{servers: 3, queue: priority}", [1.0, 1.2], ["{exponential: 1 s}"] * 2)
    runs = simulate(text, 50, 450, size)
    runs.agree(latencies(mmc_priority([1.0, 1.2], 1.0, 3)), within=0.09)


@full
def test_m_g_1_without_preemption_agrees_with_cobham(size: int) -> None:
    text = classes("{servers: 1, queue: priority}", [0.6, 0.2], ["0.5 s", "{exponential: 1.5 s}"])
    runs = simulate(text, 100, 1000, size)
    laws = [PriorityClass(0.6, Deterministic(0.5)), PriorityClass(0.2, Exponential(1.5))]
    runs.agree(latencies(mg1_priority(laws)), within=0.08)


@quick_and_full
def test_m_g_1_with_preemption_resumes_where_it_was(size: int) -> None:
    # Constant demands, so that starting again, or drawing again, would show.
    text = classes("{servers: 1, queue: priority, preemptive: true}", [0.3, 0.2], ["{exponential: 1 s}", "1 s"])
    runs = simulate(text, 60, 1200, size)
    laws = [PriorityClass(0.3, Exponential(1.0)), PriorityClass(0.2, Deterministic(1.0))]
    runs.agree(latencies(mg1_preemptive_priority(laws)), within=0.07)


@full
def test_m_m_c_with_preemption_agrees_class_by_class(size: int) -> None:
    text = classes("{servers: 2, queue: priority, preemptive: true}", [0.4, 0.4, 0.5], ["{exponential: 1 s}"] * 3)
    runs = simulate(text, 60, 600, size)
    runs.agree(latencies(mmc_preemptive_priority([0.4, 0.4, 0.5], 1.0, 2)), within=0.08)


@full
def test_an_order_by_an_attribute_of_two_values_agrees_with_cobham(size: int) -> None:
    text = """
        attributes: {due: 0}
        sources: {a: {routine: a, arrivals: 0.6/s}, b: {routine: b, arrivals: 0.2/s}}
        stations: {server: {servers: 1, order: {attribute: due}}}
        routines:
          a: [{use: {station: server, demand: 0.5 s}}]
          b: [{set: {due: {to: 7}}}, {use: {station: server, demand: {exponential: 1.5 s}}}]
        """
    runs = simulate(text, 100, 1000, size)
    laws = [PriorityClass(0.6, Deterministic(0.5)), PriorityClass(0.2, Exponential(1.5))]
    runs.agree(latencies(mg1_priority(laws)), within=0.08)


@quick_and_full
def test_shortest_job_first_agrees_with_phipps(size: int) -> None:
    # Phipps, Operations Research 4 (1956): a job of size x waits W0 / ((1 - rho(<x)) (1 - rho(<=x))) on average. Sizes
    # of 0.1, 0.2, ... 0.9 s are as many classes of Cobham's, all equally frequent.
    text = """
        attributes: {work: 0}
        sources: {jobs: {routine: job, arrivals: 1.6/s}}
        stations: {server: {servers: 1, service: 0 s, order: {attribute: work}}}
        routines:
          job: [{set: {work: {to: {between: [1, 9]}}}}, {use: {station: server, per: {work: 100 ms}}}]
        """
    runs = simulate(text, 100, 1000, size)
    sizes = mg1_priority([PriorityClass(1.6 / 9, Deterministic(tenths / 10)) for tenths in range(1, 10)])
    runs.agree({"latency.job.mean": sum(one.sojourn_mean_s for one in sizes) / 9}, within=0.08)
