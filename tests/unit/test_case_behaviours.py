"""Behaviours of the case studies: what each design is worth, told by a figure that it was not set up by.

Goal: retries, checkpoints, heartbeats and sagas change the outcome of the scenarios that name them. Method: each
scenario, shortened, with and without, on the same draws; bounds from the parameters of the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lower_fixture import counts, latencies_ms, run

from sim.lower.load import load
from sim.results.columns import SUCCEEDED, Replication

CONFIGS = Path(__file__).parents[2] / "configs"


def airbnb(*sets: str) -> Replication:
    """A hundred batches within a minute, and their ends."""
    few = (
        "workflows.sync.schedule={count: 100, every: 1 h, jitter: 1 min, overlap: allow}",
        "faults.channel_outage.mttf=290 years",
    )
    return run(load(CONFIGS / "airbnb.yaml", [*few, *sets]), horizon_s=61)


def nih(*sets: str) -> Replication:
    """About a hundred experiments."""
    return run(load(CONFIGS / "nih.yaml", list(sets)), horizon_s=14 * 3600, drain_s=40 * 86400)


def share_of(replication: Replication, outcome: int) -> float:
    rows = replication.executions
    return float(np.mean(rows.outcome[rows.cohort] == outcome))


@pytest.mark.long
def test_retries_absorb_what_the_channels_of_others_fail() -> None:
    with_retries, without = airbnb(), airbnb("behaviours.retry_backoff=false")
    # 21 calls of which 2.1 % fail: 0.979^21 = 64 % have none; the rest is compensated or fails. Binomial of 100,
    # within 4 standard deviations (0.05 each).
    assert share_of(with_retries, SUCCEEDED) > 0.95
    assert abs(share_of(without, SUCCEEDED) - 0.64) < 0.2


@pytest.mark.long
def test_an_interrupted_batch_resumes_where_it_stood() -> None:
    kept, lost = airbnb(), airbnb("behaviours.checkpoint=false")
    assert counts(kept)["heartbeat"] == 20 * 100
    # Each failed call (2.1 %) costs all calls before it: 0.979^-20 / 0.021 - 1 / 0.021 = 25 instead of 20 at least.
    assert counts(lost)["heartbeat"] > 22 * 100
    assert np.mean(latencies_ms(lost)) > 1.1 * np.mean(latencies_ms(kept))


@pytest.mark.long
def test_inconsistent_data_is_rolled_back() -> None:
    often = "workflows.sync.steps.2.activity.non_retryable_rate=20 %"
    undone, left = airbnb(often), airbnb(often, "behaviours.global_saga=false")
    assert [monitor.violated for monitor in undone.monitors] == [0, 0]
    # 20 of 100, within 4 standard deviations.
    assert abs(left.monitors[0].violated - 20) <= 16


def test_heartbeats_notice_a_lost_node_long_before_start_to_close() -> None:
    with_them, without = nih(), nih("behaviours.heartbeat=false")
    # A training of about 9.5 h that loses its node is noticed 24 h after its start at the earliest.
    assert max(latencies_ms(with_them)) < 24 * 3.6e6 < max(latencies_ms(without))


def test_checkpoints_save_the_epochs_before_the_crash() -> None:
    kept, lost = nih(), nih("behaviours.checkpoint=false")
    # A node is lost once in 48 h: about 9.5/48 of the trainings, each with half of its 9.5 h: 0.9 h on average; a
    # third of that is far from the noise of the same draws.
    assert np.mean(latencies_ms(lost)) - np.mean(latencies_ms(kept)) > 0.3 * 3.6e6
