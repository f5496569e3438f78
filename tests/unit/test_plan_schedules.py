"""Schedules that wait for their last execution are told, compared and judged as other workflows are.

Their executions are a span of a loop and no routine: nothing may take the name of a figure for that of a routine.
"""

from __future__ import annotations

import pytest

from sim.studies.compare.study import compare
from sim.studies.loading.load import load
from sim.studies.run.study import Options, predict

SCHEDULED = """
name: scheduled
workflows:
  job:
    schedule: {every: 1 s, count: 30, overlap: OVERLAP}
    task_queue: jobs
    steps: [{activity: {name: work, service: {exponential: 10 ms}}}]
workers: {jobs: {replicas: 1, cpu: 2}}
temporal: {history_shards: 4}
postgres: {cpu: 4}
run: {horizon: 4 s, warmup: none, follow: 0 s, replications: 5, drill_window: 2 s}
faults: {crash: {target: workers.jobs, at: 1 s, repair: 100 ms}}
objectives: [{metric: latency.job.p95, below: 60 s}, {metric: latency.job.mean, below: 60 s}]
"""


@pytest.mark.parametrize("overlap", ["skip", "buffer", "allow"])
def test_a_scheduled_workflow_is_predicted_judged_and_compared(overlap: str) -> None:
    text = SCHEDULED.replace("OVERLAP", overlap)
    plain, slow = (
        predict(load(text, sets), Options(processes=1))
        for sets in ([], ["workflows.job.steps.0.activity.service=500 ms"])
    )
    assert plain.summary.objectives[1].verdict == "met"
    assert {"latency.job.p95", "latency.job.mean"} <= set(plain.summary.metrics)
    for metric in ("latency.job.mean", "latency.job.p95"):
        assert compare(plain, slow, metric).difference.unit == "s"
