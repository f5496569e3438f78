"""One meaning for every figure: stages of the start cohort, successes by the clock, episodes followed by one rule,
nothing printed finer than it was measured, one writer of verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_fixture as fixture

from sim.figure import Figure
from sim.lower.load import load
from sim.report import tables
from sim.report.blocks import Report
from sim.report.parts import objective_blocks
from sim.report.text import text as as_text
from sim.report.wording import interval_of, not_back_of, value_of, verdict_words
from sim.stats.metrics import STAGES
from sim.studies.drill.study import DrillOptions, drill
from sim.studies.episodes import LIMIT_WINDOWS
from sim.studies.run.blocks import blocks
from sim.studies.run.study import Options, predict

FAILING = """
name: failing
network:
  sources: {{jobs: {{routine: job, arrivals: {rate}/s}}}}
  stations: {{server: {{servers: 1, queue_limit: 50, service: 100 ms}}}}
  routines: {{job: [{{use: server}}, {{fail: boom, probability: 0.25}}]}}
run: {{warmup: 20 s, horizon: 220 s, replications: 5, seed: 1}}
"""
"""A server of 10/s; a quarter of what it has served fails; at most 50 wait for it."""


def value(found: dict[str, Figure] | object, name: str) -> float:
    figure = found[name]  # type: ignore[index]
    assert figure.value is not None, figure.note
    return float(figure.value)


@pytest.mark.parametrize("rate", [5, 20])
def test_each_stage_is_a_part_of_the_one_before_and_throughput_counts_successes(rate: int) -> None:
    found = predict(load(FAILING.format(rate=rate)), Options(processes=1)).summary.metrics
    offered, accepted, completed, succeeded, good = (value(found, f"{stage}.job") for stage in STAGES)
    assert offered >= accepted >= completed > succeeded >= good
    served = min(rate, 10)
    # Counts of some thousand in 5 x 200 s: five standard errors are below 7 %.
    assert offered == pytest.approx(rate, rel=0.07)
    assert accepted == pytest.approx(served, rel=0.07)
    assert completed == accepted  # all are followed to their close
    assert value(found, "throughput.job") == pytest.approx(0.75 * served, rel=0.07)
    assert value(found, "availability.job") == pytest.approx(good / offered)


def test_an_overloaded_run_succeeds_less_by_the_clock_than_is_offered() -> None:
    text = FAILING.format(rate=20).replace("queue_limit: 50, ", "").replace("probability: 0.25", "probability: 0")
    found = predict(load(text), Options(processes=1)).summary.metrics
    assert value(found, "offered.job") == pytest.approx(20, rel=0.07)
    assert value(found, "throughput.job") == pytest.approx(10, rel=0.01)
    assert value(found, "succeeded.job") == value(found, "offered.job")  # later, once the load has gone


def test_a_table_has_one_cohort_and_says_which() -> None:
    metrics = fixture.summary().metrics
    assert "throughput" not in tables.started(metrics).heads
    assert {"offered", "succeeded", "in time", "availability"} <= set(tables.started(metrics).heads)
    assert "accepted" not in tables.started(metrics).heads  # none was turned away
    assert "throughput" in tables.clocked(metrics).heads
    text = as_text(blocks(fixture.summary(), None))
    for cohort in ("started", "clocked", "places", "waits"):
        assert tables.COHORTS[cohort] in text


PAUSE = """
name: pause
network:
  sources: {jobs: {routine: job, arrivals: 8/s}}
  stations: {server: {servers: 1, service: 100 ms}}
  routines: {job: [{use: server}]}
  faults: {pause: {targets: [{group: server}], effect: pause, at: 40 s, duration: 20 s}}
run: {warmup: 5 s, horizon: 60 s, replications: 4, drill_window: 48 s, seed: 4}
"""
"""What 20 s bring at 8/s is worked off at 2/s beside the rest: 80 s, longer than the window of 48 s."""


def test_run_and_drill_follow_an_episode_alike_and_say_so_in_the_same_words() -> None:
    loaded = load(PAUSE)
    (ran,) = predict(loaded, Options(processes=1)).summary.recovery
    drilled = drill(loaded, DrillOptions("pause", episodes=4, processes=1)).cases[0].recovery
    assert ran.never_back.value == 0
    assert ran.drain_s.value is not None
    assert ran.drain_s.value > 48
    for name in ("never_back", "restore_s", "drain_s", "latency_ok_s", "redone", "followed_s"):
        assert getattr(ran, name) == getattr(drilled, name), name
    assert ran.lost.value == drilled.lost.value
    assert not_back_of(ran) == not_back_of(drilled) == f"0 of 4 still not back after {48 * LIMIT_WINDOWS / 60:g} min"


def test_nothing_is_printed_finer_than_it_was_measured() -> None:
    rough = Figure(47.3, "s", 31.2, 66.6, 0.95, 40, resolution=10.0)
    assert (value_of(rough), interval_of(rough)) == ("50 s", "[30, 70] s")
    assert value_of(replace(rough, value=3.0)) == "< 10 s"
    bucket = Figure(0.98765, "s", 0.9, 1.1, 0.95, 40, resolution=0.0019)
    assert value_of(bucket) == "990 ms"
    assert value_of(replace(bucket, resolution=0.0)) == "988 ms"


def test_times_of_a_recovery_carry_the_window_they_are_told_to() -> None:
    (ran,) = predict(load(PAUSE), Options(processes=1)).summary.recovery
    assert {ran.restore_s.resolution, ran.drain_s.resolution, ran.latency_ok_s.resolution} == {4.0}
    assert ran.percentiles["drain"]["p50"].resolution == 4.0
    assert ran.detect_s.resolution == 0


def test_one_function_writes_the_words_of_a_verdict() -> None:
    words = {
        verdict_words(outcome, fragile) for outcome in ("met", "missed", "undecided") for fragile in (False, True)
    }
    assert words == {"met", "met ?", "MISSED", "MISSED ?", "UNDECIDED", "UNDECIDED ?"}
    one = replace(fixture.summary().objectives[0], verdict="met", fragile=True)
    told = as_text(Report("", "", tuple(objective_blocks((one,)))))
    assert any(line.endswith("met ?") for line in told.splitlines())


def test_what_is_refused_as_a_whole_stands_in_one_line_with_its_best_guesses() -> None:
    why = "cpu is 99 % loaded and forgets in 7 min; run 9 times as long"
    refused = {
        f"latency.slow.{level}": Figure.refused("s", f"best guess {1 + i} s; {why}")
        for i, level in enumerate(("p99", "p999"))
    }
    summary = fixture.summary()
    text = as_text(blocks(replace(summary, metrics={**summary.metrics, **refused}), None))
    flat = " ".join(text.split())
    assert f"REFUSED latency.slow.p99 (best guess 1 s), latency.slow.p999 (best guess 2 s): {why}" in flat
    assert " latency.slow " not in flat.replace("latency.slow.p", "")
