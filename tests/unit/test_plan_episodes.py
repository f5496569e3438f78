"""Episodes: what comes when a kind of fault begins, beside a baseline run in which nothing does. Runs of some hundred
jobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from sim.engine.run import Planned, run_one
from sim.errors import InputErrors
from sim.lower.load import Loaded, load
from sim.network.faults import Window
from sim.results.columns import SUCCEEDED, Replication
from sim.studies.base import Runner, RunOptions
from sim.studies.episodes import (
    Bench,
    Cycle,
    EpisodeRequest,
    calm,
    cycle_of,
    disturbed,
    kinds_of,
    phase_ns_of,
)
from sim.units import DAY, HOUR, MINUTE, SECOND

SCENARIO = """\
name: two nodes
network:
  nodes: {pods: {count: 2}, disks: {count: 4}}
  sources:
    jobs:
      routine: job
      arrivals: {poisson: 5/s, profile: {points: [{at: 0 s, factor: 1}, {at: 30 min, factor: 2}], period: 1 h}}
  resources:
    slots: {nodes: pods, units: 10}
    files: {nodes: disks, units: 10}
  stations:
    server: {servers: 4, nodes: pods, service: {exponential: 100 ms}}
  routines:
    job:
      - attempt:
          retry: {initial_interval: 100 ms}
          steps: [{use: server}]
  faults:
    drill: {targets: [{group: pods}], at: 20 s, duration: 5 s}
    loss: {targets: [{group: pods}, {group: disks}], mttf: 10 min, each: true, duration: {exponential: 4 s}}
    slow: {targets: [{group: pods, nodes: any}], effect: slow, speed: 0.5, mttf: 1 h, duration: 20 s}
run: {horizon: 1 min, warmup: 5 s, replications: 2, drill_window: 30 s, seed: 3}
"""


@cache
def scenario(*sets: str) -> Loaded:
    return load(SCENARIO, sets)


def bench(*sets: str, settled_ns: int = 5 * SECOND) -> Bench:
    loaded = scenario(*sets)
    return Bench(loaded, loaded.scenario.run, Runner(loaded.lowered, {}, RunOptions(processes=1)), settled_ns)


def test_every_fault_is_a_kind_scripted_or_at_random() -> None:
    kinds = kinds_of(scenario().lowered)
    assert {name: kind.at_ns for name, kind in kinds.items()} == {"drill": 20 * SECOND, "loss": None, "slow": None}
    # Two pods and four disks, each as likely to be hit as any other.
    assert [round(one.chance, 3) for one in kinds["loss"].variants] == [0.333, 0.667]


def test_nothing_fails_in_a_calm_network_and_only_what_is_asked_for_in_a_disturbed_one() -> None:
    network = scenario().lowered.network
    assert all(fault.is_drill for fault in calm(network).faults.values())
    faults = kinds_of(scenario().lowered)["slow"].variants[0].faults
    found, drill = disturbed(network, [(faults, 7 * SECOND)])
    assert drill == "slow"
    assert found.faults["slow"].at_ns == 7 * SECOND
    assert found.faults["drill"].is_drill
    assert found.faults["loss"].is_drill


def test_what_comes_twice_is_two_faults() -> None:
    faults = kinds_of(scenario().lowered)["slow"].variants[0].faults
    found, drill = disturbed(scenario().lowered.network, [(faults, SECOND), (faults, 2 * SECOND)])
    assert (found.faults[drill].at_ns, found.faults["slow-again"].at_ns) == (SECOND, 2 * SECOND)
    assert not found.faults["slow-again"].is_drill


def test_an_episode_has_its_fault_at_its_time_and_its_baseline_has_none() -> None:
    one = bench()
    asks = [one.request(one.kinds["loss"], replication, phase_ns=40 * SECOND) for replication in range(3)]
    found = one.run(asks)
    assert [[episode.start_ns for episode in e.run.episodes] for e in found] == [[40 * SECOND]] * 3
    assert [len(e.baseline.episodes) for e in found] == [0] * 3
    assert {e.fault for e in found} == {"loss"}
    assert [e.run.index for e in found] == [0, 1, 2]


def test_before_its_fault_an_episode_is_its_baseline() -> None:
    one = bench()
    (found,) = one.run([one.request(one.kinds["drill"], 0, phase_ns=40 * SECOND)])
    mine, others = (run.executions.end_ns[run.executions.end_ns < 40 * SECOND] for run in (found.run, found.baseline))
    assert len(mine) > 100
    assert (mine == others).all()
    assert found.redone > 0
    assert found.lost == 0


def test_runs_that_are_one_again_are_seen_to_be() -> None:
    # Both pods are gone for 5 s: within half a minute at a tenth of the capacity nothing of it is left.
    one = bench()
    (found,) = one.run([one.request(one.kinds["drill"], 0, phase_ns=40 * SECOND)])
    assert found.recoupled_ns is not None
    assert 45 * SECOND < found.recoupled_ns < 55 * SECOND
    assert found.is_over
    mine, others = (
        rows.end_ns[(rows.start_ns >= found.recoupled_ns) & (rows.start_ns < 70 * SECOND)]
        for rows in (found.run.executions, found.baseline.executions)
    )
    assert len(mine) > 50
    assert (mine == others).all()


class Interrupted(Runner):
    """Is interrupted in its first batch, or in a later one, when so many runs are done."""

    def __init__(self, done: int, batch: int = 1) -> None:
        super().__init__(scenario().lowered, {}, RunOptions(processes=1))
        self.done, self.batch = done, batch

    def run(self, what: str, planned: Sequence[Planned]) -> list[Replication]:
        self.batch -= 1
        if self.batch:
            return super().run(what, planned)
        self.interrupted = True
        return [run_one(*one) for one in planned[: self.done]]


def test_an_interruption_keeps_whole_pairs() -> None:
    loaded = scenario()
    one = Bench(loaded, loaded.scenario.run, Interrupted(5), 5 * SECOND)
    # Twin, loss, slow; baseline run, loss, (slow); (baseline run, ...): five runs are three episodes.
    asks = [
        one.request(one.kinds[name], replication, 30 * SECOND) for replication in range(3) for name in ("loss", "slow")
    ]
    found = one.run(asks)
    assert [(episode.run.index, episode.fault) for episode in found] == [(0, "loss"), (0, "slow"), (1, "loss")]
    assert all(episode.baseline.index == episode.run.index and not len(episode.baseline.episodes) for episode in found)


def test_an_interruption_while_records_are_made_longer_keeps_the_shorter_ones() -> None:
    loaded = scenario("network.faults.drill.duration=100 s")
    one = Bench(loaded, loaded.scenario.run, Interrupted(2, batch=2), 5 * SECOND)
    asks = [one.request(one.kinds["drill"], replication, 10 * SECOND) for replication in range(3)]
    found = one.run(asks, limit_ns=10 * MINUTE)
    assert [episode.run.horizon_ns // SECOND for episode in found] == [70, 40, 40]
    assert [episode.baseline.horizon_ns // SECOND for episode in found] == [70, 40, 40]


def test_episodes_on_the_same_draws_share_their_baseline() -> None:
    one = bench()
    kinds = [one.kinds["drill"], one.kinds["slow"]]
    drill, slow = one.run([one.request(kind, 0, phase_ns=40 * SECOND) for kind in kinds])
    assert drill.baseline is slow.baseline
    assert drill.run is not slow.run


def test_two_kinds_may_meet_in_one_episode() -> None:
    one = bench()
    both = EpisodeRequest(((one.kinds["drill"], 10 * SECOND), (one.kinds["slow"], 12 * SECOND)), 0, 30 * SECOND)
    (found,) = one.run([both])
    assert [(e.fault, e.start_ns) for e in found.run.episodes] == [("drill", 10 * SECOND), ("slow", 12 * SECOND)]
    assert found.begin_ns == 10 * SECOND


def test_a_record_is_doubled_until_the_fault_is_over_and_up_to_the_limit() -> None:
    one = bench("network.faults.drill.duration=100 s")
    ask = one.request(one.kinds["drill"], 0, phase_ns=10 * SECOND)
    (short,) = one.run([ask])
    assert short.run.horizon_ns == 40 * SECOND
    assert not short.is_over
    (longer,) = one.run([ask], limit_ns=10 * MINUTE)
    assert longer.run.horizon_ns == (10 + 120) * SECOND  # 60 s are too short
    assert longer.is_over
    (limited,) = one.run([ask], limit_ns=100 * SECOND)
    assert limited.run.horizon_ns == 110 * SECOND
    assert not limited.is_over


def test_drawn_phases_are_spread_over_the_cycle_and_the_same_for_the_same_seed() -> None:
    one = bench()
    begins = [one.begin_ns(one.kinds["loss"], replication) for replication in range(200)]
    assert begins == [one.begin_ns(one.kinds["loss"], replication) for replication in range(200)]
    assert 5 * SECOND <= min(begins) < 5 * MINUTE
    assert 57 * MINUTE < max(begins) < HOUR + 5 * SECOND
    # The mean of 200 uniform draws is half an hour, give or take 4.5 standard errors of 17.3 min / sqrt(200).
    assert abs(sum(begins) / 200 - HOUR / 2) < 4.5 * HOUR / 12**0.5 / 200**0.5
    assert begins != [one.begin_ns(one.kinds["slow"], replication) for replication in range(200)]


def test_a_phase_comes_once_the_start_is_forgotten() -> None:
    cycle = Cycle(HOUR)
    assert cycle.begin_ns(58 * MINUTE, 0) == 58 * MINUTE
    assert cycle.begin_ns(MINUTE, 2 * MINUTE) == HOUR + MINUTE
    assert cycle.begin_ns(2 * MINUTE, 2 * MINUTE) == 2 * MINUTE


def test_what_comes_outside_of_its_window_comes_when_that_opens_next() -> None:
    nightly = Window(**{"from": "3 h", "to": "4 h", "period": "1 day"})
    day = Cycle(DAY)
    # A 24th of all wanted times lies in the window; what is wanted at noon comes at three, as the 23 others do.
    assert day.drawn_ns(0.5, nightly, 0) == 3 * HOUR
    assert day.drawn_ns(3.5 / 24, nightly, 0) == round(3.5 * HOUR)
    assert day.drawn_ns(0.5, nightly, 5 * HOUR) == DAY + 3 * HOUR
    # A load that goes round each hour is at the same phase at three and at midnight.
    assert Cycle(HOUR).drawn_ns(0.5, nightly, 0) == 0
    assert Cycle(HOUR).drawn_ns(3.5 / 24, nightly, 0) == HOUR / 2
    assert Cycle(0, of_load=False).drawn_ns(0.5, nightly, 7 * SECOND) == 7 * SECOND


def test_a_window_meets_the_phases_at_which_it_is_open() -> None:
    nightly = Window(**{"from": "3 h 30 min", "to": "4 h", "period": "1 day"})
    assert Cycle(DAY).meets(3 * HOUR + 45 * MINUTE, nightly)
    assert not Cycle(DAY).meets(4 * HOUR, nightly)
    assert Cycle(HOUR).meets(31 * MINUTE, nightly)
    assert not Cycle(HOUR).meets(29 * MINUTE, nightly)
    assert Cycle(7 * HOUR).meets(29 * MINUTE, nightly) == Cycle(HOUR).meets(29 * MINUTE, nightly)


@pytest.mark.parametrize(
    ("text", "phase"), [(":58", 58 * MINUTE), ("10:58", 10 * HOUR + 58 * MINUTE), ("3 h", 3 * HOUR), ("0 s", 0)]
)
def test_a_phase_is_a_time_of_the_cycle(text: str, phase: int) -> None:
    assert phase_ns_of(text, Cycle(DAY)) == phase


@pytest.mark.parametrize(
    ("text", "cycle", "message"),
    [
        ("noon", Cycle(HOUR), "is `noon`, which is no phase of a cycle"),
        (":61", Cycle(HOUR), "no phase of a cycle"),
        ("1:00", Cycle(HOUR), "but the load's cycle is 60 min long"),
        (":58", Cycle(0, of_load=False), "nothing in this scenario's load goes round in a cycle"),
        (":02", Cycle(5 * MINUTE, of_load=False), "nothing in this scenario's load goes round in a cycle"),
    ],
)
def test_what_is_no_phase_of_this_load_is_said(text: str, cycle: Cycle, message: str) -> None:
    with pytest.raises(InputErrors, match=message):
        phase_ns_of(text, cycle)


def test_the_cycle_is_the_least_common_multiple_of_what_the_load_repeats() -> None:
    assert cycle_of(scenario()) == Cycle(HOUR)
    assert cycle_of(scenario("run.cycle=1 day")) == Cycle(DAY)
    burst = "network.sources.more={routine: job, arrivals: {burst: 3, every: 40 min}}"
    assert cycle_of(scenario(burst)) == Cycle(2 * HOUR)
    odd = "network.sources.more={routine: job, arrivals: {burst: 3, every: 59.9 min}}"
    assert cycle_of(scenario(odd)) == Cycle(HOUR, whole=False)
    uncounted = "network.sources.jobs.counted=false"
    assert cycle_of(scenario(uncounted)) == Cycle(HOUR, of_load=False)
    assert cycle_of(scenario("network.sources.jobs.arrivals=5/s")) == Cycle(0, of_load=False)
    surge = "network.sources.surge={routine: job, arrivals: {burst: 5, every: 2 h}, during: drill}"
    assert cycle_of(scenario(surge)) == Cycle(HOUR)


def test_all_that_was_asked_of_an_episode_succeeds_in_its_baseline() -> None:
    one = bench()
    (found,) = one.run([one.request(one.kinds["drill"], 1, phase_ns=30 * SECOND)])
    ended = found.baseline.executions.end_ns >= 0
    assert (found.baseline.executions.outcome[ended] == SUCCEEDED).all()
