"""Service levels: which events of a run are good is counted as a plain loop over its rows counts them.

Goal: an error budget is about the events that its objective names. Method: a shop whose starts, ends and failures all
occur, every indicator against a loop over its executions and spans; the same share in the verdicts of a prediction.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from sim.lower.load import load
from sim.results.columns import COMPENSATED, FAILED, SUCCEEDED
from sim.scenario.model.objectives import ServiceLevel
from sim.stats.sli import Sli, events_of
from sim.studies.run.study import Options, Prediction, predict

SHOP = """\
name: shop
workflows:
  checkout:
    arrivals: 20/s
    task_queue: orders
    deadline: 800 ms
    retry: {maximum_attempts: 1}
    steps:
      - activity: {name: authorize, service: {mean: 80 ms, cv: 1}, start_to_close: 5 s, error_rate: 5 %}
workers:
  orders: {replicas: 2, cpu: 1}
temporal:
  history: {replicas: 1, cpu: 1}
postgres: {nodes: 3, cpu: 8}
faults:
  crash: {target: temporal.history, mttf: 20 s, repair: 2 s}
objectives:
  - {sli: start.checkout, within: 10 ms, above: 99 %}
  - {sli: outcome.checkout, above: 10 %, name: done}
  - {sli: latency.checkout, within: 200 ms, above: 99.99 %, window: 7 days}
run: {horizon: 40 s, warmup: none, replications: 3, follow: 5 s}
"""


@cache
def prediction() -> Prediction:
    return predict(load(SHOP), Options(processes=1))


def counted(sli: Sli) -> list[tuple[int, int]]:
    return [(len(one.begun_ns), one.bad) for one in (events_of(run, sli) for run in prediction().replications)]


def test_an_outcome_is_good_when_the_execution_ended_correctly_within_its_deadline() -> None:
    level = load(SHOP).scenario.objectives[1]
    assert isinstance(level, ServiceLevel)
    sli = Sli.of(level, {"checkout": 800_000_000})
    assert sli.threshold_ns == 800_000_000, "the deadline of the workflow, as no threshold is given"
    for run, (begun, bad) in zip(prediction().replications, counted(sli), strict=True):
        rows = run.executions
        good = [
            row
            for row in rows.cohort
            if rows.outcome[row] in (SUCCEEDED, COMPENSATED) and rows.end_ns[row] - rows.start_ns[row] <= 800_000_000
        ]
        assert (begun, bad) == (len(rows.cohort), len(rows.cohort) - len(good))
        assert bad > 0


def test_a_latency_is_bad_only_where_the_execution_succeeded_too_late() -> None:
    for run, (begun, bad) in zip(
        prediction().replications, counted(Sli("x", "latency", "checkout", 200_000_000)), strict=True
    ):
        rows = run.executions
        late = [
            row
            for row in rows.cohort
            if rows.outcome[row] == SUCCEEDED and rows.end_ns[row] - rows.start_ns[row] > 200_000_000
        ]
        assert (begun, bad) == (len(rows.cohort), len(late))
        assert 0 < len(late) < len(rows.cohort)
        assert (rows.outcome[rows.cohort] == FAILED).any(), "a failure is no matter of latency"


def test_a_start_is_good_when_its_call_was_answered_in_time() -> None:
    for run, (begun, bad) in zip(
        prediction().replications, counted(Sli("x", "start", "checkout", 10_000_000)), strict=True
    ):
        answered = run.spans["start.checkout"].durations_ns
        assert begun == len(run.executions.cohort)
        assert bad == begun - int((answered <= 10_000_000).sum())
        assert bad > 0, "those that came while history was away"


def test_bad_events_are_found_where_they_began() -> None:
    run = prediction().replications[0]
    events = events_of(run, Sli("x", "latency", "checkout", 200_000_000))
    edges = np.arange(0, 41, 5) * 1_000_000_000
    parts = [events.bad_in(low, high) for low, high in pairwise(edges)]
    assert sum(parts) == events.bad
    assert min(parts) >= 0


def test_a_prediction_holds_each_service_level_against_its_share_of_good_events() -> None:
    verdicts = {verdict.name: verdict for verdict in prediction().summary.objectives}
    assert list(verdicts) == ["start.checkout within 10 ms", "done", "latency.checkout within 200 ms"]
    late = counted(Sli("x", "latency", "checkout", 200_000_000))
    share = 1 - sum(bad for _, bad in late) / sum(begun for begun, _ in late)
    latency = verdicts["latency.checkout within 200 ms"]
    assert latency.figure.value == pytest.approx(share)
    assert latency.target == ">= 99.99 %"
    assert latency.verdict == "missed"
    assert "sim error-budget" in latency.figure.note
    assert verdicts["done"].verdict == "met"
