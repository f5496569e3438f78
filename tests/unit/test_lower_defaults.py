"""What the presets come to together: one workflow on an idle platform, as it was seen on a real server.

Goal: a lone workflow pays for the reads of its shard's transfer queue as on the server. Method: a deployment that
names no constant, everything near everything else, by the reference engine; traces that others have published.
"""

from __future__ import annotations

import numpy as np
import pytest
from lower_fixture import run

from sim.lower.load import Loaded, load

ACTIVITIES = 40

LONE = """
name: lone
presets: {temporal: "VERSION", postgres: "16", sdk: SDK}
workflows:
  order:
    arrivals: {burst: 1}
    task_queue: orders
    steps: [{repeat: {times: 40, at_once: true, steps: [{activity: {name: fibonacci, service: 8 ms}}]}}]
workers:
  orders: {replicas: 1, cpu: 2}
temporal:
  rtt: 0.1 ms
  frontend: {replicas: 1, cpu: 2}
  history: {replicas: 1, cpu: 2}
  matching: {replicas: 1, cpu: 2}
postgres: {nodes: 1, cpu: 2, synchronous_standbys: 0, rtt: 0.1 ms, flush: 1 ms}
"""
"""A server, its database and a worker on one machine, as by docker-compose."""


def lone(version: str, sdk: str) -> Loaded:
    return load(LONE.replace("VERSION", version).replace("SDK", sdk))


def starts_ms(loaded: Loaded) -> tuple[float, np.ndarray]:
    """Length of the only execution, and the times from the start of each activity to that of the next, in ms."""
    replication = run(loaded, horizon_s=10)
    rows = replication.executions
    starts = np.sort(replication.spans["schedule_to_start.orders"].ended_ns)
    assert starts.size == ACTIVITIES
    return float(rows.end_ns[0] - rows.start_ns[0]) / 1e6, np.diff(starts) / 1e6


@pytest.mark.parametrize("sdk", ["go", "java", "python"])
@pytest.mark.parametrize("version", ["1.29", "1.31"])
def test_forty_activities_one_after_another_take_as_long_as_in_published_traces(version: str, sdk: str) -> None:
    # Traces of a server of late 2023 (the nearest preset is 1.29), everything on one m4.large: 2.97 to 3.07 s, 27 to
    # 40 ms an activity for the first 13 to 16, 100 ms each from then on. Each activity and the workflow task after it
    # take a read; with the first task that is 81 of them, of which 20 are saved up and 20 a second come: 3.05 s.
    whole_ms, between = starts_ms(lone(version, sdk))
    assert 2970 <= whole_ms <= 3070
    quick = int((between < 60).sum())
    assert 11 <= quick <= 16
    assert (between[:quick] < 60).all(), "the quick ones come first"
    assert 24 <= between[:quick].mean() <= 40
    assert between[quick + 1 :] == pytest.approx(100, abs=4)


def test_on_1_32_activities_come_with_the_reply_and_take_no_read() -> None:
    # 41 reads, for the workflow tasks alone: of them 20 are saved up, and one more comes every 50 ms.
    whole_ms, _ = starts_ms(lone("1.32", "go"))
    assert whole_ms < 1500


def test_a_workflow_that_asks_for_many_things_at_once_takes_reads_for_all_of_them_together() -> None:
    together = LONE.replace("repeat: {times: 40, at_once: true, steps: [{", "fan_out: {items: 40, ").replace(
        "service: 8 ms}}]}", "service: 8 ms}}"
    )
    replication = run(load(together.replace("VERSION", "1.31").replace("SDK", "go")), horizon_s=10)
    rows = replication.executions
    assert float(rows.end_ns[0] - rows.start_ns[0]) / 1e9 < 1.5
