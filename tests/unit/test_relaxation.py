"""How long places remember, in closed form; what runs are long enough for; when the empty start is out of a window."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.analytic.estimate import estimate
from sim.analytic.relaxation import Pace, paces
from sim.lower.load import load
from sim.network import Network
from sim.scenario.reading.reader import parse
from sim.scenario.reading.validate import validate
from sim.stats.intervals import mean_interval, t_quantile
from sim.stats.relaxation import Length, Memory, Relaxation
from sim.studies.run.figures import memory_of, paces_of
from sim.studies.run.study import Options, predict
from sim.studies.window import OF_START, MeasuredWindow, until_started_ns

SECOND = 1_000_000_000


def network(arrivals: str, station: str, steps: str = "[{use: server}]") -> Network:
    text = f"""
        sources: {{jobs: {{routine: job, arrivals: {arrivals}}}}}
        stations: {{server: {station}}}
        routines: {{job: {steps}}}
        """
    return validate(parse(text, "network"), Network)


def pace(arrivals: str, station: str, steps: str = "[{use: server}]") -> Pace:
    net = network(arrivals, station, steps)
    return paces(net, estimate(net))["server"]


def relaxation(arrivals: str, station: str, steps: str = "[{use: server}]") -> float:
    found = pace(arrivals, station, steps)
    return found.relaxation_s(found.estimate.utilisation)


def test_m_m_1_and_m_m_c_relax_as_theory_says() -> None:
    # 1 / (sqrt(c mu) - sqrt(lambda))^2 (Morse, Queues, Inventories and Maintenance, 1958), if above a service.
    one = relaxation("9/s", "{servers: 1, service: {exponential: 100 ms}}")
    assert one == pytest.approx(1 / (math.sqrt(10) - math.sqrt(9)) ** 2)
    ten = relaxation("99/s", "{servers: 10, service: {exponential: 100 ms}}")
    assert ten == pytest.approx(1 / (math.sqrt(100) - math.sqrt(99)) ** 2)
    # Many servers of which half are idle forget as soon as a service is over.
    assert relaxation("500/s", "{servers: 100, service: {exponential: 100 ms}}") == pytest.approx(0.1)


def test_constant_services_halve_the_time_and_bursts_multiply_it() -> None:
    one = relaxation("9/s", "{servers: 1, service: {exponential: 100 ms}}")
    assert relaxation("9/s", "{servers: 1, service: 100 ms}") == pytest.approx(one / 2)
    # Geometric groups of 5 have the index of dispersion 2 x 5 - 1 = 9: V is (9 + 1) / 2 of what it was.
    groups = relaxation("{poisson: 1.8/s, batch: {geometric: 5}}", "{servers: 1, service: {exponential: 100 ms}}")
    assert groups == pytest.approx(5 * one)
    # Two phases of equal length, nothing in the one: index 1 + 2 x (9^2) x 5 s / 9, since the phases relax in 5 s.
    phases = relaxation(
        "{mmpp: [{rate: 18/s, stay: 10 s}, {rate: 0/s, stay: 10 s}]}", "{servers: 1, service: {exponential: 100 ms}}"
    )
    assert phases == pytest.approx(one * (2 + 2 * 9**2 * 5 / 9) / 2)


def test_a_line_with_a_limit_forgets_sooner_and_a_place_without_a_line_has_no_time() -> None:
    free = relaxation("9.9/s", "{servers: 1, service: {exponential: 100 ms}}")
    assert relaxation("9.9/s", "{servers: 1, queue_limit: 20, service: {exponential: 100 ms}}") < free / 10
    net = network("20/s", "{servers: 1, queue_limit: 0, service: {exponential: 100 ms}}")
    assert not paces(net, estimate(net))
    assert math.isinf(relaxation("20/s", "{servers: 1, service: {exponential: 100 ms}}"))


def test_visits_of_one_execution_bring_their_work_together_when_they_pass_soon() -> None:
    server = "{servers: 1, service: {exponential: 10 ms}}"
    twice = "[{use: server}, {use: server}]"
    apart = "[{use: server}, {delay: 100 h}, {use: server}]"
    # At 98 % the time is about 100 s: days apart the two visits are as good as those of two executions.
    assert relaxation("49/s", server, apart) == pytest.approx(relaxation("98/s", server), rel=0.01)
    assert relaxation("49/s", server, twice) > 1.3 * relaxation("98/s", server)


def test_only_places_whose_waits_matter_decide_over_a_time() -> None:
    slow = Relaxation("slow", 0.99, 100.0, 0.001, {"job": 1.0})
    quick = Relaxation("quick", 0.5, 1.0, 0.1, {"job": 1.0})
    memory = Memory({"slow": slow, "quick": quick}, 1000.0, 100.0, 10)
    of_long, of_short = memory.of_routine("job", 10.0), memory.of_routine("job", 0.1)
    assert of_long is not None
    assert of_short is not None
    assert (of_long.slowest, of_short.slowest) == (quick, slow)
    assert memory.of_routine("other", 0.1) is None


def test_the_start_is_out_of_the_window_when_what_ends_is_what_starts() -> None:
    # All take 10 s: of a window of 100 s from w on, the ends lack (10 - w) / (100 - w) at the most.
    taken = np.full(1000, 10 * SECOND)
    begin = until_started_ns(taken, 100 * SECOND, SECOND // 2)
    assert begin == 10 * SECOND
    assert until_started_ns(taken, 100_000 * SECOND, SECOND) == 0  # 10 s of a day are below the share allowed
    assert OF_START * 100_000 > 10
    assert until_started_ns(np.full(10, 90 * SECOND), 100 * SECOND, SECOND) == 0  # no quarter of the run would do


LONG = """
name: long
network:
  sources: {jobs: {routine: job, arrivals: 20/s}}
  stations: {server: {servers: 40, service: {exponential: 10 ms}}}
  routines: {job: [{use: server}, {delay: 5 s}]}
run: {horizon: 1000 s, replications: 5, seed: 2}
"""


def test_the_throughput_of_a_run_from_empty_lacks_nothing_with_the_warm_up_that_is_found() -> None:
    summary = predict(load(LONG), Options(processes=1)).summary
    assert summary.warmup_s >= 5
    throughput = summary.metrics["throughput.job"]
    # 20/s over 5 x 995 s: one standard error is 0.063/s. It is the arrivals of one stretch that end in another.
    assert throughput.value == pytest.approx(20, abs=5 * 0.063)


NEAR = """
name: near
network:
  sources: {jobs: {routine: job, arrivals: 97/s}}
  stations: {server: {servers: 1, service: {exponential: 10 ms}}}
  routines: {job: [{use: server}]}
run: {warmup: 100 s, horizon: 500 s, replications: 10, seed: 1}
"""
"""At 97 % the relaxation time is 44 s: ten runs of 400 s hold 91 of them, of which one is beyond the p99."""


@pytest.mark.parametrize("seed", range(4))
def test_near_saturation_a_short_run_gives_the_mean_and_refuses_the_tail_whatever_came_out(seed: int) -> None:
    found = predict(load(NEAR), Options(seed=seed, processes=1)).summary.metrics
    for name in ("latency.job.p99", "wait.server.p99"):
        assert found[name].value is None
        assert "server is 97 % loaded and forgets in 44 s" in found[name].note
        assert found[name].note.startswith("best guess ")
    assert found["latency.job.mean"].value is not None
    assert found["utilisation.server"].value is not None


def test_the_closed_form_is_believed_unless_the_runs_are_far_off() -> None:
    loaded = load(NEAR)
    runs = predict(loaded, Options(processes=1)).replications
    window = MeasuredWindow(100 * SECOND, 500 * SECOND, 0, 0, 0, True, "")
    known = paces_of(loaded.lowered.network)
    assert memory_of(known, window, runs).places["server"].utilisation == 0.97
    wrong = {"server": replace(known["server"], estimate=replace(known["server"].estimate, utilisation=0.5))}
    assert memory_of(wrong, window, runs).places["server"].utilisation == pytest.approx(0.97, abs=0.04)


def test_no_time_is_told_where_load_depends_on_the_time() -> None:
    profile = "{poisson: 97/s, profile: {points: [{at: 0 s, factor: 1}, {at: 10 s, factor: 0.5}]}}"
    assert not paces_of(network(profile, "{servers: 1, service: {exponential: 10 ms}}"))


def test_of_a_start_without_warm_up_a_percent_is_left_after_25_relaxation_times() -> None:
    place = Relaxation("cpu", 0.9, 2.0, 1.0, {})
    assert Length(place, 50.0, 0.0, 10).of_start == pytest.approx(0.01)
    assert Length(place, 50.0, 4.0, 10).of_start == pytest.approx(0.01 * math.exp(-2))


def test_a_mean_of_heavy_tailed_work_has_half_the_degrees_of_freedom() -> None:
    plain = mean_interval([1.0, 1.1, 0.9, 1.2, 0.8, 1.05, 0.95, 1.15, 0.85, 1.0], "s")
    assert plain.half_width is not None
    wider = t_quantile(0.95, 4.5) / t_quantile(0.95, 9)
    for scv, factor in ((1.0, 1.0), (4.0, wider)):
        found = Length(Relaxation("cpu", 0.5, 1.0, 1.0, {}, scv), 100.0, 10.0, 10).widened(plain)
        assert found.half_width == pytest.approx(factor * plain.half_width)
