"""Eager dispatch: activities that come with the reply to their workflow task.

Goal: what they save is the transfer queue, matching, the poller and a transition, and only where a slot is free on the
pod that asked. Method: timelines by hand, counts.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run, small

from sim.lower.load import Loaded, load

EAGER = "temporal.eager_activities=true"
ONE = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"


def fan_out(items: int, *sets: str) -> Loaded:
    step = ONE.replace("activity: {", f"fan_out: {{items: {items}, activity: {{").replace("charged}", "charged}}")
    return load(SMALL.replace(ONE, step), [*sets])


def test_an_activity_that_comes_with_the_reply_starts_at_once_and_in_the_same_transition() -> None:
    # 0 create 2, read at 2, started 4, scheduled and started 6: service until 106, completed 108; the shard's queue
    # was read at 2, so the task is read at 108 at once; started 110, closed 112. The ordinary way: 159.
    replication = run(small(EAGER))
    assert latencies_ms(replication) == [112]
    found = counts(replication)
    assert (found["transition"], found["eager_activity"], found["orders-dispatched"]) == (6, 1, 2)
    assert replication.spans["schedule_to_start.orders"].sum_ns == 0
    assert latencies_ms(run(small())) == [159]


@pytest.mark.parametrize("n", [1, 3])
def test_n_activities_in_a_row_make_3n_plus_3_transitions(n: int) -> None:
    steps = "\n".join(ONE.replace("name: charge", f"name: charge{i}") for i in range(n))
    assert counts(run(load(SMALL.replace(ONE, steps), [EAGER])))["transition"] == 3 * n + 3


def test_the_reply_takes_half_a_round_trip() -> None:
    far = run(small(EAGER, "workers.orders={replicas: 2, cpu: 1, rtt: 10 ms}"))
    # Two polls for workflow tasks of 10 ms each, and half of that for the reply.
    assert latencies_ms(far) == [112 + 2 * 10 + 5]


def test_no_more_than_three_come_with_one_reply() -> None:
    found = counts(run(fan_out(10, EAGER)))
    assert (found["activity_task"], found["eager_activity"]) == (10, 3)


def test_without_a_free_slot_on_the_pod_that_asked_they_go_the_ordinary_way() -> None:
    found = counts(run(fan_out(3, EAGER, "workers.orders={replicas: 2, cpu: 1, activity_slots: 1}")))
    assert (found["activity_task"], found["eager_activity"]) == (3, 1)


def test_a_further_attempt_and_an_activity_of_another_queue_go_the_ordinary_way() -> None:
    failing = (
        "workflows.order.steps.0.activity.error_rate=1",
        "workflows.order.steps.0.activity.retry={maximum_attempts: 3}",
    )
    found = counts(run(small(EAGER, *failing)))
    assert (found["activity_task"], found["eager_activity"]) == (3, 1)
    other = ("workers.far={replicas: 1, cpu: 1}", "workflows.order.steps.0.activity.task_queue=far")
    assert "eager_activity" not in counts(run(small(EAGER, *other)))


def test_a_crash_of_the_pod_that_took_it_is_noticed_by_its_timeout() -> None:
    boom = "faults.boom={target: workers.orders, nodes: all, at: 50 ms, repair: 100 ms}"
    replication = run(small(EAGER, boom, "temporal.transfer_queue.max_poll_rate=100k/s"), drill="boom")
    # Started at 6, timed out at 2006, back-off until 3006, started 3007, service until 3107, and 6.
    assert latencies_ms(replication) == [pytest.approx(3113)]
    assert counts(replication)["eager_activity"] == 1


def test_the_first_workflow_task_may_come_with_the_reply_to_the_start() -> None:
    # Created 2, scheduled 4: the queue is read for the first time, at once. Started 5, service until 105, completed
    # 107; read at 107, started 109, closed 111. One transition less.
    replication = run(small("workflows.order.eager_start=true"))
    assert latencies_ms(replication) == [111]
    found = counts(replication)
    assert (found["transition"], found["eager_start"], found["orders-dispatched"]) == (6, 1, 2)


def test_a_start_finds_no_free_slot_and_its_first_workflow_task_goes_the_ordinary_way() -> None:
    # Two at once for one slot: one task comes with the reply, the other one is matched when the slot is free.
    sets = ("workflows.order.arrivals={burst: 2}", "workers.orders={replicas: 1, cpu: 1, workflow_task_slots: 1}")
    found = counts(run(small("workflows.order.eager_start=true", "temporal.history_shards=4096", *sets)))
    assert (found["eager_start"], found["transition"]) == (1, 6 + 7)
