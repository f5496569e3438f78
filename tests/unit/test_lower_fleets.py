"""Fleets that come and go, as at a rollout: start-up, drain, and who is left behind.

Goal: what a fleet does at its edges. Method: one execution before and one after a rollout, by hand.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, run

from sim.lower.load import Loaded, load
from sim.results.columns import OPEN, SUCCEEDED, Replication
from sim.units.tables import SECOND

LATER = SMALL.replace("workers:\n", "      - sleep: 10 s\nworkers:\n", 1)


def rolled(*sets: str, at: str = "4 s", stop: str = "60 s") -> Loaded:
    """Executions at 0 and at the rollout, of an activity and a sleep of 10 s; the second fleet works from 3 s on."""
    return load(
        LATER,
        [
            "temporal.transfer_queue.max_poll_rate=100k/s",
            "workflows.order.arrivals={burst: 1, every: 5 s}",
            f"workflows.order.rollout={{at: {at}, task_queue: newer}}",
            f"workers.orders={{replicas: 2, cpu: 1, stop_at: {stop}, grace_period: 1 s}}",
            "workers.newer={replicas: 3, cpu: 1, start_at: 2 s, start_delay: 1 s}",
            *sets,
        ],
    )


def outcomes(replication: Replication) -> list[int]:
    rows = replication.executions
    return [int(rows.outcome[row]) for row in rows.cohort]


def test_each_fleet_carries_its_own_executions_to_their_end() -> None:
    replication = run(rolled(), horizon_s=6, follow_s=20)
    assert outcomes(replication) == [SUCCEEDED, SUCCEEDED]
    assert counts(replication)["replay"] == 2  # each at its first workflow task


def test_a_fleet_that_is_not_there_yet_makes_the_first_executions_of_its_version_wait() -> None:
    # Rolled out at 4 s, on pods that are started at 5 s and take 4 s: the execution of that instant waits until 9 s.
    late = ("workers.newer={replicas: 3, cpu: 1, start_at: 5 s, start_delay: 4 s}",)
    waits = run(rolled(*late), horizon_s=6, follow_s=20).spans["workflow_task_schedule_to_start.newer"]
    assert waits.histogram.quantile(1) / 1e9 == pytest.approx(5, rel=0.01)
    ready = run(rolled(), horizon_s=6, follow_s=20).spans["workflow_task_schedule_to_start.newer"]
    assert ready.histogram.quantile(1) / 1e6 < 10


def test_a_fleet_that_goes_too_early_leaves_executions_that_nobody_carries_on() -> None:
    # The first execution's sleep ends after 10 s; its fleet is told to go at 4 s.
    replication = run(rolled(stop="4 s"), horizon_s=6, follow_s=20, drain_s=100)
    assert outcomes(replication) == [OPEN, SUCCEEDED]


def test_a_pod_that_is_told_to_go_ends_what_it_has_at_hand_within_its_grace() -> None:
    # An activity of 3 s is at work from 0.01 s on, and the fleet is told to go at 1 s. With 30 s of grace its result
    # comes; with 1 s it is killed, nobody hears of it, and after its timeout it is put into the queue once more.
    long = ("workflows.order.steps.0.activity.service=3 s", "workflows.order.steps.0.activity.start_to_close=6 s")
    for grace, tried in (("30 s", 1), ("1 s", 2)):
        pool = f"workers.orders={{replicas: 2, cpu: 1, stop_at: 1 s, grace_period: {grace}}}"
        replication = run(rolled(pool, *long), horizon_s=4, drain_s=30)
        assert counts(replication)["activity_task"] == tried


def test_both_fleets_are_kept_for_as_long_as_they_are_there() -> None:
    replication = run(rolled(stop="7 s"), horizon_s=20, drain_s=0)
    assert replication.nodes_on["orders"].area == pytest.approx(2 * 7 * SECOND, rel=0.01)
    assert replication.nodes_on["newer"].area == pytest.approx(3 * 18 * SECOND, rel=0.01)
