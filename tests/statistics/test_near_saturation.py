"""What is given near saturation holds the truth as often as it says, and nothing that can be given is refused.

Method: queues that begin empty (`saturated`), runs just as long as the rule asks for, so that nothing is chosen by
luck. Asserted of each figure: coverage not below 95 % and a mean error not beyond 2 % by more than chance allows, at
1 % for a whole table (Bonferroni). The seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from saturated import FAST, FULL, LEVELS, Cell, measure, seeds_of
from scipy.stats import binom, norm

from sim.lower.load import load
from sim.stats.relaxation import MIN_BEYOND, MIN_FOR_MEAN, Length, Relaxation
from sim.studies.run.study import Options, predict

LEVEL = 0.01
MEAN_ERROR = 0.02


def from_when(cell: Cell, level: str) -> float:
    """Relaxation times in all runs together from which a figure is given."""
    heavy = 2 if cell.kind == "lognormal" else 1
    return heavy * MIN_BEYOND / (1 - LEVELS[level]) if LEVELS[level] else MIN_FOR_MEAN


def check(cell: Cell, tests: int, seeds: int) -> dict[str, dict[str, float]]:
    """What was seen by level, which is as it should be."""
    found = measure(cell, seeds)
    for level, seen in found.items():
        told = f"{cell}, {level}: {seen.given} of {seen.seeds} given"
        if cell.window * cell.runs < from_when(cell, level):
            assert seen.given == 0, told
            continue
        assert seen.given >= 0.99 * seen.seeds, told
        told += f", {seen.covered:.1%} hold the truth, off by {seen.off:+.2%} +-{seen.off_by_chance:.2%}"
        assert seen.right >= binom.ppf(LEVEL / tests, seen.given, 0.95), told
        assert abs(seen.off) <= MEAN_ERROR - norm.ppf(LEVEL / tests / 2) * seen.off_by_chance, told
    return {level: seen.as_figures() for level, seen in found.items()}


@pytest.mark.parametrize("cell", FAST, ids=str)
def test_what_is_given_near_saturation_holds_the_truth(cell: Cell) -> None:
    check(cell, len(FAST) * len(LEVELS), 200)


@pytest.mark.long
@pytest.mark.parametrize("cell", FULL, ids=str)
def test_what_is_given_near_saturation_holds_the_truth_at_full_size(
    cell: Cell, record_property: Callable[[str, object], None]
) -> None:
    record_property("coverage", check(cell, len(FULL) * len(LEVELS), seeds_of(cell)))


@pytest.mark.parametrize("cell", [*FAST, *FULL], ids=str)
def test_a_window_of_200_relaxation_times_gives_a_mean(cell: Cell) -> None:
    seconds = cell.relaxation.seconds
    for runs in (2, 10, 100):
        for warmup in (0, 1, 10):
            assert not Length(cell.relaxation, 200 * seconds, warmup * seconds, runs).refuses_mean()


def test_the_rule_looks_at_load_relaxation_time_and_length_alone() -> None:
    # 10 runs of 10 s after 3 s, at a relaxation time of 1 s: 100 of them, 1 beyond p99, and of the start 0.1 %.
    slowest = Relaxation("cpu", 0.97, 1.0, 1.0, {"job": 1.0})
    length = Length(slowest, 10.0, 3.0, 10)
    assert not length.refuses_mean()
    assert length.refuses_percentile(0.99) == (
        "cpu is 97 % loaded and forgets in 1 s; 10 runs of 10 s hold 1 of such times beyond the 99 % point, "
        "10 are needed: run 10 times as long, or as many replications"
    )
    assert not length.refuses_percentile(0.9)
    empty = Length(slowest, 10.0, 0.0, 100)
    assert empty.refuses_mean() == (
        "cpu is 97 % loaded and forgets in 1 s; the empty start takes up to 2.5 % off the mean: "
        "write run.warmup: 920 ms, or a longer run.horizon"
    )


SATURATED = """
name: saturated
network:
  sources: {{jobs: {{routine: job, arrivals: {rate}/s}}}}
  stations: {{server: {{servers: {servers}, service: {{exponential: 10 ms}}}}}}
  routines: {{job: [{{use: server}}]}}
run: {{warmup: {warmup} s, horizon: {horizon} s, replications: 10, seed: {seed}}}
"""
"""M/M/c with services of 10 ms."""


@pytest.mark.long
@pytest.mark.parametrize(("rho", "servers"), [(0.9, 1), (0.8, 10)])
def test_the_engine_gives_what_the_direct_simulation_gives(rho: float, servers: int) -> None:
    cell = Cell("M/M/c", rho, servers, 10, 104)
    relaxation_s, warmup_s = cell.relaxation.seconds * 0.01, cell.warmup * cell.relaxation.seconds * 0.01
    held = dict.fromkeys(LEVELS, 0)
    seeds = 100
    for seed in range(seeds):
        text = SATURATED.format(
            rate=100 * rho * servers,
            servers=servers,
            warmup=f"{warmup_s:.3f}",
            horizon=f"{warmup_s + cell.window * relaxation_s:.3f}",
            seed=seed,
        )
        found = predict(load(text), Options(processes=1)).summary.metrics
        for level in LEVELS:
            figure, truth = found[f"latency.job.{level}"], cell.truth[level] * 0.01
            assert figure.low is not None, figure.note
            assert figure.high is not None
            held[level] += figure.low <= truth <= figure.high
    least = binom.ppf(LEVEL / 2 / len(LEVELS), seeds, 0.95)
    assert min(held.values()) >= least, held
