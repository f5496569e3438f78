"""Sources that send only while a fault is there: when each episode's executions come, by arithmetic."""

from __future__ import annotations

import pytest
from timeline import Engine

TEXT = """
stations: {room: {kind: delay, service: 1 ms}}
routines: {job: [use: room]}
sources:
  spike: {routine: job, during: surge, arrivals: %s}
faults:
  surge: {effect: load, %s}
"""
AGAIN = "mttf: {constant: 20 ms}, duration: 20 ms"
"""It is there from 20 to 40, 60 to 80, 100 to 120, ..."""


def test_in_each_episode_gaps_count_from_its_beginning(engine: Engine) -> None:
    # 20-40: 28, 36 and not 44; 60-80: 68, 76; ...
    assert engine(TEXT % ("{renewal: 8 ms}", AGAIN), horizon=100).starts == [28, 36, 68, 76]


def test_an_arrival_at_the_end_is_too_late_and_one_at_the_beginning_is_not(engine: Engine) -> None:
    assert engine(TEXT % ("{renewal: 10 ms}", AGAIN), horizon=100).starts == [30, 70]
    assert engine(TEXT % ("{burst: 2}", AGAIN), horizon=100).starts == [20, 20, 60, 60]
    assert engine(TEXT % ("{burst: 1, every: 10 ms}", AGAIN), horizon=100).starts == [20, 30, 60, 70]
    assert engine(TEXT % ("{burst: 1, at: 15 ms, every: 10 ms}", AGAIN), horizon=100).starts == [35, 75]


def test_a_limit_counts_over_all_episodes(engine: Engine) -> None:
    text = TEXT.replace("during: surge", "during: surge, limit: 3")
    assert engine(text % ("{renewal: 8 ms}", AGAIN), horizon=100).starts == [28, 36, 68]


def test_a_profile_counts_from_the_beginning_of_the_episode(engine: Engine) -> None:
    # Nothing comes in the first half of an episode; then 10 in each ms, 1000 in ten episodes: 5 standard deviations.
    arrivals = "{poisson: 10k/s, profile: {points: [{at: 0 s, factor: 0}, {at: 10 ms, factor: 1}]}}"
    starts = engine(TEXT % (arrivals, AGAIN), horizon=400).starts
    assert all(start % 40 >= 30 for start in starts)
    assert len(starts) == pytest.approx(1_000, abs=5 * 1_000**0.5)


def test_late_ones_of_a_burst_do_not_come_in_a_later_episode(engine: Engine) -> None:
    # Of 2000 a tenth come in time, 200 with a deviation of 13; those of the first burst that would come 40 later
    # would be as many again.
    starts = engine(TEXT % ("{burst: 2000, jitter: 200 ms}", AGAIN), horizon=100).starts
    for begin in (20, 60):
        assert sum(begin <= start < begin + 20 for start in starts) == pytest.approx(200, abs=67)
    assert len(starts) == sum(start % 40 >= 20 for start in starts)


def test_what_an_end_cuts_off_leaves_the_rate_of_later_episodes_as_it_is(engine: Engine) -> None:
    # 1000 episodes of half a mean gap each: 500 come, 5 standard deviations. Were the gap that is cut off taken up
    # again, or counted from where it was, fewer or more would come.
    again = "mttf: {constant: 5 ms}, duration: 5 ms"
    starts = engine(TEXT % ("100/s", again), horizon=10_000).starts
    assert len(starts) == pytest.approx(500, abs=5 * 500**0.5)
    phases = "{mmpp: [{rate: 50/s, stay: 5 ms}, {rate: 150/s, stay: 5 ms}]}"
    modulated = engine(TEXT % (phases, again), horizon=10_000).starts
    assert len(modulated) == pytest.approx(500, abs=5 * 600**0.5)  # phases add at most an eighth to the variance


def test_a_drill_brings_its_load_and_moves_no_other_draw(engine: Engine) -> None:
    text = (TEXT % ("{renewal: 8 ms}", "at: 20 ms, duration: 20 ms")).replace(
        "sources:", "sources:\n  base: {routine: job, arrivals: 1k/s, stop: 100 ms}"
    )
    alone = engine(text).starts
    with_it = engine(text, drill="surge").starts
    assert sorted(with_it) == sorted([*alone, 28, 36])


def test_any_fault_may_bring_its_load(engine: Engine) -> None:
    # Whoever lost a session in the crash from 20 to 40 is not the only one who comes.
    text = (TEXT % ("{renewal: 8 ms}", AGAIN)).replace("effect: load,", "targets: [{group: desk}],")
    text += "resources: {desk: {units: 1, when_down: refuse}}\n"
    text = text.replace("[use: room]", "[{acquire: desk}]")
    t = engine(text, horizon=60)
    assert (t.starts, t.outcomes) == ([28, 36], ["rejected", "rejected"])
