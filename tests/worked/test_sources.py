"""When executions come, by arithmetic. Method: constants, so that every instant is known; random sources are held
against each other on the same draws, where a change of rate is a change of time scale."""

from __future__ import annotations

from math import sqrt

import pytest
from timeline import Engine

from sim.errors import InputErrors

PLAIN = "{stations: {room: {kind: delay, service: 1 ms}}, routines: {job: [use: room]}, sources: {jobs: %s}}"


def source(text: str) -> str:
    return PLAIN % ("{routine: job, " + text + "}")


def test_the_first_renewal_comes_after_one_gap(engine: Engine) -> None:
    t = engine(source("arrivals: {renewal: 10 ms}, limit: 3"))
    assert t.starts == [10, 20, 30]
    assert t.ends == [11, 21, 31]


def test_start_shifts_the_first_gap_and_stop_is_exclusive(engine: Engine) -> None:
    # Gaps count from 100 ms: 110, 120, and 130, which is the stop and no longer let in.
    t = engine(source("arrivals: {renewal: 10 ms}, start: 100 ms, stop: 130 ms"))
    assert t.starts == [110, 120]


def test_those_of_a_batch_come_together_and_the_limit_cuts_a_batch(engine: Engine) -> None:
    t = engine(source("arrivals: {renewal: 10 ms, batch: 2}, limit: 3"))
    assert t.starts == [10, 10, 20]


def test_a_batch_may_be_drawn(engine: Engine) -> None:
    t = engine(source("arrivals: {renewal: 10 ms, batch: {between: [2, 2]}}, stop: 25 ms"))
    assert t.starts == [10, 10, 20, 20]


def test_bursts_come_whole_again_and_again(engine: Engine) -> None:
    # 5, 25, 45; the next one at 65 is past the stop.
    t = engine(source("arrivals: {burst: 2, at: 5 ms, every: 20 ms}, stop: 50 ms"))
    assert t.starts == [5, 5, 25, 25, 45, 45]


def test_a_burst_without_every_comes_once(engine: Engine) -> None:
    t = engine(source("arrivals: {burst: 3}"))
    assert t.starts == [0, 0, 0]


def test_jitter_makes_each_of_a_burst_late_by_itself_and_stop_drops_the_late_ones(engine: Engine) -> None:
    t = engine(source("arrivals: {burst: 200, at: 100 ms, jitter: 50 ms}"))
    assert len(t.starts) == len(set(t.starts)) == 200
    assert min(t.starts) >= 100
    assert max(t.starts) < 150
    cut = engine(source("arrivals: {burst: 200, at: 100 ms, jitter: 50 ms}, stop: 120 ms"))
    assert cut.starts == [start for start in t.starts if start < 120]


def test_a_trace_is_replayed_to_the_nanosecond(engine: Engine) -> None:
    t = engine(source("arrivals: {trace: t.csv}, start: 10 ms"), {"jobs": [0, 1.5, 1.5, 2.000001]})
    assert t.starts == [10, 11.5, 11.5, 12.000001]


def test_a_client_thinks_then_starts_waits_for_the_end_and_thinks_again(engine: Engine) -> None:
    # One server, 5 ms each. Both think until 10; client 0 is served 10-15, client 1 15-20.
    # Client 0 is back at 25 (25-30), client 1 at 30 (30-35), then 40 (40-45) and 45 (45-50).
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {closed: 2, think: 10 ms}, limit: 6}}
        stations: {server: {servers: 1, service: 5 ms}}
        routines: {job: [use: server]}
        """
    )
    assert t.starts == [10, 10, 25, 30, 40, 45]
    assert t.ends == [15, 20, 30, 35, 45, 50]


def test_a_client_that_does_not_think_is_back_at_the_instant_of_its_end(engine: Engine) -> None:
    t = engine(
        source("arrivals: {closed: 1}, start: 7 ms, limit: 3"),
    )
    assert t.starts == [7, 8, 9]
    assert t.ends == [8, 9, 10]


@pytest.mark.parametrize("think", ["", ", think: 0 s"])
def test_a_client_whose_cycles_take_no_time_is_an_error_not_a_hang(engine: Engine, think: str) -> None:
    sources = f"{{jobs: {{routine: job, arrivals: {{closed: 1{think}}}}}}}"
    with pytest.raises(InputErrors, match="time stands still"):
        engine(f"{{sources: {sources}, routines: {{job: [fail: at-once]}}}}")


def test_the_limit_is_over_all_clients(engine: Engine) -> None:
    t = engine(source("arrivals: {closed: 3, think: 10 ms}, limit: 4"))
    assert t.starts == [10, 10, 10, 21]


def test_sources_at_one_instant_come_in_the_order_of_the_file(engine: Engine) -> None:
    # One server, 4 ms: `first` stands first in the file, so its execution is number 0 and is served first.
    t = engine(
        """
        sources:
          first: {routine: short, arrivals: {renewal: 10 ms}, limit: 1}
          second: {routine: long, arrivals: {renewal: 10 ms}, limit: 1}
        stations: {server: {servers: 1}}
        routines:
          long: [use: {station: server, demand: 6 ms}]
          short: [use: {station: server, demand: 4 ms}]
        """
    )
    assert t.ends == [14, 20]


def test_work_that_is_not_counted_takes_part_but_not_in_the_figures(engine: Engine) -> None:
    t = engine(
        """
        sources:
          old: {routine: job, arrivals: {burst: 1}, counted: false}
          new: {routine: job, arrivals: {burst: 1}}
        stations: {server: {servers: 1, service: 10 ms}}
        routines: {job: [use: server]}
        """
    )
    assert t.ends == [10, 20]
    assert t.run.executions.cohort.tolist() == [1]
    assert t.split(1) == {"wait.server": 10, "service.server": 10}


def poisson(engine: Engine, profile: str) -> list[float]:
    return engine(source(f"arrivals: {{poisson: 200/s, profile: {profile}}}"), horizon=500).starts


def test_a_profile_changes_the_time_scale_of_the_same_draws(engine: Engine) -> None:
    # The works w_i are the same, so with a_i the arrivals at factor 1 (mass up to t: r t):
    plain = poisson(engine, "{points: [{at: 0 s, factor: 1}]}")
    assert len(plain) > 50
    # nothing in the first 100 ms, then the same again: a_i + 100;
    late = poisson(engine, "{points: [{at: 0 s, factor: 0}, {at: 100 ms, factor: 1}]}")
    assert late == pytest.approx([time + 100 for time in plain if time < 400], abs=1e-4)
    # one half of each 100 ms on, the other off: 50 ms of rest for each full 50 ms of work;
    shifts = poisson(engine, "{points: [{at: 0 s, factor: 1}, {at: 50 ms, factor: 0}], period: 100 ms}")
    assert shifts == pytest.approx([time + time // 50 * 50 for time in plain if time < 250], abs=1e-4)
    # a straight line from 0 to 2 over 1 s has mass r t^2 up to t (s): t_i = sqrt(a_i).
    ramp = poisson(engine, "{points: [{at: 0 s, factor: 0}, {at: 1 s, factor: 2}], between: linear}")
    assert ramp == pytest.approx([1000 * sqrt(time / 1000) for time in plain if time < 250], abs=1e-4)


def test_a_profile_that_ends_in_0_lets_nothing_in_any_more(engine: Engine) -> None:
    starts = poisson(engine, "{points: [{at: 0 s, factor: 1}, {at: 100 ms, factor: 0}]}")
    assert starts
    assert max(starts) < 100


def test_a_modulated_source_of_equal_phases_is_poisson_on_the_same_draws(engine: Engine) -> None:
    # Works are used up at 200/s whichever phase it is; each change of phase may round by a nanosecond.
    plain = poisson(engine, "{points: [{at: 0 s, factor: 1}]}")
    phases = "[{rate: 200/s, stay: 20 ms}, {rate: 200/s, stay: 5 ms}]"
    assert engine(source(f"arrivals: {{mmpp: {phases}}}"), horizon=500).starts == pytest.approx(plain, abs=1e-3)


def test_a_poisson_source_without_a_profile_has_exponential_gaps_of_its_mean(engine: Engine) -> None:
    # 2000 gaps of mean 1 ms: their mean is within 4 standard errors, 4/sqrt(2000) = 0.09 ms (false alarm 6e-5; the
    # seed is fixed).
    starts = engine(source("arrivals: 1000/s, limit: 2000"), horizon=4000).starts
    assert starts[-1] / 2000 == pytest.approx(1, abs=0.09)


SILENT = ["0/s", "{poisson: 0/s, profile: {points: [{at: 0 s, factor: 1}, {at: 1 s, factor: 9}]}}"]
SILENT += ["{poisson: 0/s, batch: 3}", "{mmpp: [{rate: 0/s, stay: 1 s}, {rate: 0/s, stay: 1 s}]}"]


@pytest.mark.parametrize("during", ["", ", during: spike"])
@pytest.mark.parametrize("silent", SILENT)
def test_a_source_of_rate_0_lets_nothing_in_and_the_others_are_as_they_are(
    engine: Engine, silent: str, during: str
) -> None:
    text = f"""
sources:
  jobs: {{routine: job, arrivals: {{trace: t}}}}
  none: {{routine: job, arrivals: {silent}{during}}}
stations: {{cpu: {{servers: 1, service: {{exponential: 3 ms}}}}}}
routines: {{job: [{{use: cpu}}]}}
nodes: {{pods: {{count: 1}}}}
faults: {{spike: {{targets: [{{group: pods}}], drill: false, at: 5 ms, duration: 9 ms}}}}
"""
    alone = text.replace(f"  none: {{routine: job, arrivals: {silent}{during}}}\n", "")
    times: dict[str, list[float]] = {"jobs": [0, 4, 8]}
    assert engine(text, times).ends == engine(alone, times).ends
