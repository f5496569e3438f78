"""What `sim check` tells of activities in chunks whose pods crash, before anything is run.

Goal: it is about the right pods, and switching checkpoints off makes one piece of all chunks. Method: figures by hand;
tests/theory holds them against runs.
"""

from __future__ import annotations

import math

import pytest
from lower_fixture import small

from sim.studies.metrics.completions import completions_of

CHUNKS = (
    "workflows.order.steps.0.activity={name: charge, service: 10 s, chunks: 6, start_to_close: 1 h, heartbeat: 20 s}"
)
NAME = "completion.order.charge"


def seconds(*sets: str) -> float:
    return completions_of(small(CHUNKS, *sets).scenario)[NAME].value


def mean_s(mttf_s: float, length_s: float) -> float:
    """One piece: the heartbeat that stays away is 20 s after the last, of which there is one every 16 s."""
    age_s = mttf_s - 16 / math.expm1(16 / mttf_s)
    return (mttf_s + 20 - age_s + 1) * math.expm1(length_s / mttf_s)


def test_chunks_are_done_again_one_by_one() -> None:
    assert seconds("faults.crash={target: workers.orders, mttf: 50 s, repair: 2 s}") == pytest.approx(
        6 * mean_s(50, 10)
    )


def test_without_checkpoints_all_chunks_are_one_piece() -> None:
    assert seconds(
        "faults.crash={target: workers.orders, mttf: 50 s, repair: 2 s}", "behaviours.checkpoint=false"
    ) == pytest.approx(mean_s(50, 60))


def test_a_rate_of_the_whole_pool_is_shared_by_its_pods() -> None:
    assert seconds("faults.crash={target: workers.orders, rate: 72/h, repair: 2 s}") == pytest.approx(
        6 * mean_s(2 * 50, 10)
    )


@pytest.mark.parametrize(
    "faults",
    [
        "{}",
        "{crash: {target: workers.orders, at: 1 s, repair: 2 s}}",
        "{stop: {target: workers.orders, effect: pause, mttf: 50 s, repair: 2 s}}",
        "{loss: {target: temporal.history, mttf: 50 s, repair: 2 s}}",
    ],
)
def test_nothing_is_told_where_no_pod_of_its_workers_crashes_at_random(faults: str) -> None:
    assert NAME not in completions_of(
        small(CHUNKS, "temporal.history={replicas: 2, cpu: 1}", f"faults={faults}").scenario
    )


def test_nothing_is_told_where_a_crash_is_noticed_by_a_timeout_alone() -> None:
    crash = "faults.crash={target: workers.orders, mttf: 50 s, repair: 2 s}"
    assert NAME not in completions_of(small(CHUNKS, crash, "behaviours.heartbeat=false").scenario)
