"""The last stretch of a run, growing lines, and what a fault leaves.

Goal: each number is what the definition says. Method: runs without chance on the reference engine, counted by hand.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.network import Network
from sim.results.columns import Replication
from sim.scenario.reading.reader import parse
from sim.scenario.reading.validate import validate
from sim.scenario.scenario import Scenario
from sim.stats.drift import drift
from sim.stats.late import GOOD_SHARE, at_work, falls_behind, in_line, is_draining, late, left_by, lines_grow

S = 1_000_000_000


def run(gap: str, service: str, drill: str | None = None, horizon_s: int = 40, extra: str = "") -> Replication:
    """One server, arrivals a gap apart; the fault `pause` holds it from 10 s to 15 s."""
    text = f"""
name: one server
network:
  sources: {{jobs: {{routine: job, arrivals: {{renewal: {gap}}}}}{extra}}}
  stations: {{server: {{servers: 1, service: {service}}}}}
  routines: {{job: [{{use: server}}]}}
  faults: {{pause: {{targets: [{{group: server}}], effect: pause, at: 10 s, duration: 5 s}}}}
"""
    network = validate(parse(text, "scenario"), Scenario).network
    assert isinstance(network, Network)
    return run_one(network, Plan(horizon_ns=horizon_s * S, follow_ns=1, sample_ns=S, drill=drill), engine="reference")


def test_a_stretch_counts_what_starts_and_what_ends_well_in_it() -> None:
    # A job each second, served for 500 ms: those that come from 20 to 29 s start in it, and end in it.
    found = late(run("1 s", "500 ms"), 20 * S, 30 * S, {"job": None})
    assert (found.starts, found.good, found.good_share) == (10, 10, 1.0)
    assert found.latency.quantile(0.5) == pytest.approx(0.5 * S, rel=0.005)
    assert found.at_work == 1.0  # sampled as each one comes


def test_an_end_after_its_deadline_is_not_good() -> None:
    assert late(run("1 s", "500 ms"), 20 * S, 30 * S, {"job": 400_000_000}).good == 0
    assert late(run("1 s", "500 ms"), 20 * S, 30 * S, {"job": 500_000_000}).good == 10


def test_lines_grow_where_a_fiftieth_of_what_comes_is_left() -> None:
    # Every second a job of 1.1 s: a tenth of what comes stays behind. Of one of 1.01 s a hundredth does.
    assert lines_grow(run("1 s", "1100 ms", horizon_s=400), 100 * S)
    assert not lines_grow(run("1 s", "1010 ms", horizon_s=400), 100 * S)
    assert not lines_grow(run("1 s", "500 ms", horizon_s=400), 100 * S)


def test_a_run_falls_behind_by_its_lines_or_by_what_ends_well() -> None:
    well = late(run("1 s", "500 ms"), 20 * S, 30 * S, {"job": None})
    badly = late(run("1 s", "500 ms"), 20 * S, 30 * S, {"job": 400_000_000})
    assert not falls_behind(well, grows=False, good_share=1.0)
    assert falls_behind(well, grows=True, good_share=1.0)
    assert falls_behind(badly, grows=False, good_share=1.0)
    assert not falls_behind(badly, grows=False, good_share=0.0)  # nothing ends well at any load
    assert not falls_behind(well, grows=False, good_share=1 / GOOD_SHARE)


def test_what_a_fault_leaves_is_the_most_beyond_the_baseline() -> None:
    # The pause ends at 15 s: the jobs of 10, 11, ..., 15 s are there, one of which would be there without it.
    paused, baseline = run("1 s", "500 ms", "pause"), run("1 s", "500 ms")
    assert left_by(paused, baseline, 10 * S, 17 * S) == 5
    assert left_by(paused, baseline, 25 * S, 30 * S) == 0


def test_a_backlog_that_gets_less_is_draining_and_one_that_stays_is_not() -> None:
    # The pause leaves 50 jobs. With 80 ms each the server does 2.5 a second of them, with 100 ms each none.
    assert is_draining(run("100 ms", "80 ms", "pause"), run("100 ms", "80 ms"), 15 * S, 30 * S)
    assert not is_draining(run("100 ms", "100 ms", "pause"), run("100 ms", "100 ms"), 15 * S, 39 * S)


def test_a_fall_that_chance_makes_by_itself_is_none() -> None:
    # Of the 5 jobs that the pause leaves one or two are done by then, which chance could as well have done.
    assert not is_draining(run("1 s", "900 ms", "pause"), run("1 s", "900 ms"), 15 * S, 30 * S)


def test_who_waits_and_who_is_at_work_are_read_from_the_samples_between() -> None:
    one = run("1 s", "1100 ms", horizon_s=20)
    assert len(at_work(one, 5 * S, 10 * S)) == 5
    assert bool((at_work(one, 5 * S, 10 * S) >= in_line(one, 5 * S, 10 * S)).all())
    with pytest.raises(AssertionError):
        at_work(one, 5 * S + 1, 5 * S + 2)


def test_a_backlog_that_shrinks_falls_however_slowly_and_one_that_only_varies_does_not() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (5, 40))
    slowly = 1000 - np.linspace(0, 20, 40)
    assert drift(slowly + noise).falling is True
    assert drift(slowly + noise).growing is False
    assert drift(1000 + noise).falling is False
    assert drift(slowly[::-1] + noise).falling is False
