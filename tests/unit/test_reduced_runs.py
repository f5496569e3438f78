"""A prediction whose runs are reduced to answers as they end is the one whose runs keep their rows.

Goal: memory does not grow with the executions, and no figure knows of it. Method: scenarios of several kinds are
predicted twice, with and without rows; runs of different lengths are reduced and written.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.errors import NotKept
from sim.lower.load import Loaded, load
from sim.results.columns import COMPENSATED, SUCCEEDED, Replication
from sim.results.questions import Ended, GoodWithin, SpentByLatency
from sim.stats.pictures import TAIL, split
from sim.studies.run.asked import asked_of_runs
from sim.studies.run.study import Options, predict

CONFIGS = Path(__file__).parents[2] / "configs"
SERVICE = """\
name: service
network:
  sources:
    jobs: {{routine: job, arrivals: {arrivals}}}
    parts: {{routine: part, arrivals: 20/s}}
  stations:
    server: {{servers: 8, service: {{exponential: 100 ms}}}}
    clerk: {{servers: 2, service: {{exponential: 50 ms}}}}
  routines:
    job:
      - use: {{station: server, patience: 2 s}}
      - use: clerk
    part:
      - use: clerk
run: {{horizon: 60 s, warmup: 5 s, replications: 4}}
"""
LEVELS = """\
name: shop
workflows:
  checkout:
    arrivals: 20/s
    task_queue: orders
    deadline: 800 ms
    steps:
      - activity: {name: authorize, service: {mean: 80 ms, cv: 1}, start_to_close: 5 s, error_rate: 5 %}
workers:
  orders: {replicas: 2, cpu: 1, node: box}
temporal:
  history: {replicas: 1, cpu: 1}
postgres: {nodes: 3, cpu: 8}
faults:
  crash: {target: temporal.history, mttf: 20 s, repair: 2 s}
objectives:
  - {sli: start.checkout, within: 10 ms, above: 99 %}
  - {sli: outcome.checkout, above: 10 %, name: done}
  - {sli: latency.checkout, within: 200 ms, above: 99.99 %, window: 7 days}
  - {metric: latency.checkout.p95, below: 300 ms}
prices: {nodes: {box: 200 USD/month}}
run: {horizon: 40 s, warmup: none, replications: 5, follow: 5 s}
"""
PROFILE = SERVICE.format(
    arrivals="{poisson: 60/s, profile: {points: [{at: 0 s, factor: 0.25}, {at: 20 s, factor: 1}], period: 40 s}}"
)


def of_config(name: str, horizon_s: int) -> Loaded:
    return load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"), [f"run.horizon={horizon_s} s"])


SCENARIOS = {
    "coinbase": lambda: of_config("coinbase", 40),
    "children": lambda: load((CONFIGS / "children.yaml").read_text(encoding="utf-8")),
    "service levels": lambda: load(LEVELS),
    "overloaded": lambda: load(SERVICE.format(arrivals="120/s")),
    "profile": lambda: load(PROFILE),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_prediction_without_rows_says_what_one_with_rows_says(name: str) -> None:
    loaded = SCENARIOS[name]()
    options = Options(replications=5, processes=1, drills=False, lives=False)
    whole, reduced = predict(loaded, options), predict(loaded, replace(options, rows=False))
    for one in (whole, reduced):
        assert one.summary.curves or (one.summary.overload is not None and one.summary.overload.grows)
        assert one.summary.splits
    assert replace(reduced.summary, provenance={}) == replace(whole.summary, provenance={})
    assert reduced.bill == whole.bill
    assert (whole.summary.overload is not None and whole.summary.overload.overloaded) is (name == "overloaded")


def test_drawn_parameters_are_as_wide_without_rows() -> None:
    def draws(count: int) -> list[list[str]]:
        return [[f"network.stations.clerk.service={{exponential: {50 + index} ms}}"] for index in range(count)]

    loaded = load(SERVICE.format(arrivals="20/s"))
    options = Options(processes=1, draws=draws)
    whole, reduced = predict(loaded, options), predict(loaded, replace(options, rows=False))
    assert whole.summary.calibration.inputs
    assert reduced.summary.calibration == whole.summary.calibration


def test_other_processes_hand_over_answers_and_no_rows() -> None:
    loaded = load(SERVICE.format(arrivals="20/s"))
    options = Options(processes=2, engine="reference", rows=False, horizon_ns=10 * 10**9, warmup=0)
    for run in predict(loaded, options).replications:
        with pytest.raises(NotKept, match="its rows"):
            len(run.executions.start_ns)


@cache
def run(seconds: int) -> Replication:
    plan = Plan(horizon_ns=seconds * 10**9, drain_ns=10**10, sample_ns=seconds * 10**7)
    return run_one(load(SERVICE.format(arrivals="40/s")).lowered.network, plan)


def reduced(seconds: int) -> Replication:
    return run(seconds).reduced(asked_of_runs(load(SERVICE.format(arrivals="40/s")))(run(seconds)))


def test_a_reduced_run_says_which_question_nobody_asked() -> None:
    asked = reduced(20)
    assert asked.ask(Ended("job")) == run(20).ask(Ended("job"))
    with pytest.raises(NotKept, match=r"GoodWithin\(routine='job', deadline_ns=5\)"):
        asked.ask(GoodWithin("job", 5))
    crossed = pickle.loads(pickle.dumps(asked))
    assert crossed.ask(Ended("job")) == run(20).ask(Ended("job"))
    with pytest.raises(NotKept, match="GoodWithin"):
        crossed.ask(GoodWithin("job", 5))


def test_a_run_that_is_changed_forgets_what_it_has_answered() -> None:
    before = run(20).ask(Ended("job"))
    rows = run(20).executions
    undone = np.where(rows.outcome == SUCCEEDED, COMPENSATED, rows.outcome).astype(np.int8)
    after = replace(run(20), executions=replace(rows, outcome=undone)).ask(Ended("job"))
    assert after.outcomes[COMPENSATED] == before.outcomes[SUCCEEDED] > 0


def test_a_reduced_run_takes_as_little_room_with_many_executions_as_with_some() -> None:
    some, many = (len(pickle.dumps(reduced(seconds))) for seconds in (1_000, 10_000))
    assert len(run(10_000).executions.start_ns) > 9 * len(run(1_000).executions.start_ns)
    # Latencies of a wider range fill a few buckets more: no more than a byte for each further execution.
    assert many - some < len(run(10_000).executions.start_ns) / 2
    assert many < len(pickle.dumps(run(10_000))) / 50


def test_the_tail_of_a_split_is_that_of_the_rows_between_its_quantiles() -> None:
    rows, mine = run(1_000).executions, run(1_000).cohort_of("job")
    good = np.isin(mine, np.flatnonzero(rows.outcome == SUCCEEDED))
    latency = (rows.end_ns - rows.start_ns)[mine[good]]
    low, high = np.quantile(latency, TAIL)
    at = np.searchsorted(rows.cohort, mine[good])
    found = split([reduced(1_000)], "job")
    # Buckets reach outwards by 0.4 %, and all of the time of an execution is in its split.
    assert low * (1 - 1 / 256) <= sum(found.tail_s.values()) * 1e9 <= high * (1 + 1 / 256)
    exact = {state: rows.split[at, column].mean() * 1e-9 for column, state in enumerate(rows.states)}
    assert found.mean_s == pytest.approx({state: spent for state, spent in exact.items() if spent}, rel=1e-12)
    assert reduced(1_000).ask(SpentByLatency("job")).counts.sum() == len(latency)
