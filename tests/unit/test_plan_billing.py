"""What runs consumed becomes a bill: who pays for what is shared.

Goal: a workflow pays for its own transitions, however many others run beside it. Method: two routines that differ in
nothing but how many transitions they count, on one machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.lower.load import load
from sim.studies.run.study import Options, predict

SCENARIO = """\
name: two
network:
  sources:
    small: {routine: small, arrivals: {renewal: 1 s}}
    large: {routine: large, arrivals: {renewal: 50 s}}
  routines:
    small: [{count: {transition: 1}}]
    large: [{count: {transition: 1000}}]
machines: {box: {node: own}}
prices: {nodes: {own: 730 USD/month}}
run: {horizon: 1000 s, warmup: none, follow: 0 s, replications: 2}
"""


def test_a_workflow_pays_for_its_own_transitions_however_many_others_run_beside_it(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(SCENARIO, encoding="utf-8")
    found = predict(load(tmp_path / "two.yaml"), Options(processes=1, lives=False)).bill
    assert found is not None
    small, large = (found.per_execution[name].value for name in ("small", "large"))
    assert small is not None
    assert large is not None
    assert large / small == pytest.approx(1000)


SCHEDULED = """\
name: scheduled
workflows:
  job:
    schedule: {every: 2 s, count: 3, overlap: OVERLAP}
    task_queue: jobs
    steps: [{activity: {name: work, service: 10 ms}}]
workers: {jobs: {replicas: 1, cpu: 2, node: own}}
temporal: {history_shards: 4}
postgres: {cpu: 4}
prices: {nodes: {own: 730 USD/month}}
run: {horizon: 4 s, warmup: none, follow: 0 s, replications: 2}
objectives: [{metric: cost.total, below: 800 USD/month}]
"""


@pytest.mark.parametrize("overlap", ["skip", "buffer", "allow"])
def test_a_load_that_repeats_stands_for_the_month(overlap: str) -> None:
    found = predict(load(SCHEDULED.replace("OVERLAP", overlap)), Options(processes=1, lives=False))
    assert found.summary.metrics["cost.total"].value == pytest.approx(730)
    assert [one.verdict for one in found.summary.objectives] == ["met"]


@pytest.mark.parametrize("change", ["run.horizon=5 s", "run.finite=true", "workflows.job={arrivals: {burst: 3}}"])
def test_a_load_without_whole_cycles_says_which_key_gives_a_month(change: str) -> None:
    sets = [change]
    if "arrivals" in change:
        sets = ["workflows.job={arrivals: {burst: 3}, task_queue: jobs, steps: [{sleep: 10 ms}]}"]
    found = predict(load(SCHEDULED.replace("OVERLAP", "allow"), sets), Options(processes=1, lives=False)).bill
    assert found is not None
    assert found.total_per_month.value is None
    assert "run: {runs: 30}" in found.total_per_month.note
    requested = predict(
        load(SCHEDULED.replace("OVERLAP", "allow"), [*sets, "run.runs=30"]), Options(processes=1, lives=False)
    ).bill
    assert requested is not None
    assert requested.total_per_month.value is not None
