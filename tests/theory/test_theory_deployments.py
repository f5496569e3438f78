"""Closed forms through the words of a deployment: the phases of a failover, progress that is kept from chunk to chunk.

What the platform does besides takes milliseconds, a thousandth of what is claimed and a twentieth of the intervals.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from measure import full, simulate_network

from sim.lower.load import load
from sim.results.columns import Replication
from sim.studies.metrics.completions import completions_of

FAILOVER = """
name: failover
presets: {temporal: "1.31", postgres: "16", sdk: go}
workflows:
  order:
    arrivals: 1/h
    task_queue: orders
    steps: [{activity: {name: charge, service: 100 ms}}]
workers: {orders: {replicas: 2, cpu: 1}}
temporal: {history_shards: 4}
postgres:
  nodes: 2
  cpu: 2
  memory: 4 GB
  failover: {detect: {exponential: 20 s}, promote: {exponential: 40 s}, redirect: 0 s}
faults: {loss: {target: postgres.primary, mttf: 30 s}}
"""


@full
def test_a_failover_takes_as_long_as_its_phases_together(size: int) -> None:
    # Detection and promotion, exponential with rates a and b: P(both > t) = (b exp(-a t) - a exp(-b t)) / (b - a). The
    # primary is away for that share of a cycle: Cox, Renewal Theory (1962), chapter 7.
    runs = simulate_network(load(FAILOVER, ["run.start=empty"]).lowered.network, 3600, 3600, size)
    mttf_s, detect_s, promote_s = 30.0, 20.0, 40.0
    cycle_s = mttf_s + detect_s + promote_s

    def rate_of_longer(run: Replication, than_s: float) -> float:
        """Outages a second that take longer; of the window"""
        e = run.episodes
        begun = (e.start_ns >= run.begin_ns) & (e.start_ns < run.horizon_ns)
        longer = (e.end_ns < 0) | (e.end_ns - e.start_ns > than_s * 1e9)
        return float(np.count_nonzero(begun & longer)) / ((run.horizon_ns - run.begin_ns) * 1e-9)

    def away(run: Replication) -> float:
        e = run.episodes
        end_ns = np.where(e.end_ns < 0, run.horizon_ns, e.end_ns)
        inside_ns = np.minimum(end_ns, run.horizon_ns) - np.maximum(e.start_ns, run.begin_ns)
        return float(np.maximum(inside_ns, 0).sum()) / (run.horizon_ns - run.begin_ns)

    runs.agree_on("share of the time away", away, (detect_s + promote_s) / cycle_s, within=0.08)
    for than_s in (0, 30, 60, 120):
        a, b = 1 / detect_s, 1 / promote_s
        longer = (b * math.exp(-a * than_s) - a * math.exp(-b * than_s)) / (b - a)
        runs.agree_on(
            f"longer than {than_s} s", lambda run, t=than_s: rate_of_longer(run, t), longer / cycle_s, within=0.2
        )


CHUNKS = """
name: chunks
presets: {temporal: "1.31", postgres: "16", sdk: go}
workflows:
  load:
    arrivals: 1/min
    task_queue: loads
    steps:
      - activity:
          name: import
          task_queue: importers
          service: 10 s
          chunks: 6
          start_to_close: 10 h
          heartbeat: 12.5 s
          retry: {initial_interval: 1 s, backoff_coefficient: 1}
workers:
  loads: {replicas: 2, cpu: 2}
  importers: {replicas: 20, cpu: 1}
temporal: {history_shards: 512}
postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0}
faults: {crash: {target: workers.importers, mttf: 50 s, repair: 2 s}}
"""


@full
@pytest.mark.parametrize(("chunks", "chunk_s"), [(6, 10), (1, 60)])
def test_an_activity_in_chunks_takes_what_checkpoints_save_it(chunks: int, chunk_s: int, size: int) -> None:
    # A chunk of S begins again after each crash of its pod, at rate 1/M, once that is noticed and tried again D later:
    # (M + D) (exp(S / M) - 1) each. Source: Duda, Information Processing Letters 16 (1983). Signs of life come every
    # 10 s, 0.8 of the timeout, which divides S: the last one before a crash is as old as an exponential cut to 10 s.
    activity = "workflows.load.steps.0.activity"
    changes = [f"{activity}.chunks={chunks}", f"{activity}.service={chunk_s} s"]
    loaded = load(CHUNKS, ["run.start=empty", *changes])
    runs = simulate_network(loaded.lowered.network, 0, 3600, size)
    mttf_s, timeout_s, interval_s, back_off_s = 50.0, 12.5, 10.0, 1.0
    age_s = mttf_s - interval_s / math.expm1(interval_s / mttf_s)
    dead_s = timeout_s - age_s + back_off_s
    theory_s = chunks * (mttf_s + dead_s) * math.expm1(chunk_s / mttf_s)
    runs.agree({"latency.load.mean": theory_s})
    assert completions_of(loaded.scenario)["completion.load.import"].value == pytest.approx(
        theory_s
    )  # what `sim check` tells
