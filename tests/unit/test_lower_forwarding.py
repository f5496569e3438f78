"""Partitions without a poll of their own forward their tasks at a limited rate.

Goal: tasks that come faster than they may be forwarded wait, and go to the backlog; polls that come back take them.
Method: the small deployment with many executions at once; what must be so for any draws.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

QUICK = ("temporal.transfer_queue.max_poll_rate=100k/s", "temporal.history_shards=20000", "workers.orders.replicas=1")
FORWARDS = ("constants.temporal.forward_rate=10", "constants.temporal.forward_time=0 ms")


def burst(number: int, *more: str) -> tuple[str, ...]:
    return (*QUICK, f"workflows.order.arrivals={{burst: {number}}}", *more)


def test_where_any_number_is_forwarded_nobody_waits() -> None:
    free, limited = (run(small(*burst(60, *more))) for more in ((), FORWARDS))
    assert counts(limited)["forwarded"] > 0
    assert max(latencies_ms(limited)) > max(latencies_ms(free))


def test_a_worker_with_two_polls_a_partition_needs_no_forwarding() -> None:
    polls = ("workers.orders.activity_pollers=8", "workers.orders.workflow_task_pollers=8")
    free, enough = (run(small(*burst(60, *polls, *more))) for more in ((), FORWARDS))
    assert "forwarded" not in counts(enough)
    assert latencies_ms(enough) == latencies_ms(free)


def test_of_many_tasks_at_once_those_of_a_second_are_forwarded_and_the_others_are_written_down() -> None:
    # 400 first tasks over 4 partitions: each of three forwards its 10 saved ones, then 10 a second; polls that come
    # back take the rest. Those that are not forwarded at once were in the backlog.
    many = run(small(*burst(400, *FORWARDS)))
    longest_s = max(latencies_ms(many)) / 1e3
    at_once = 2 * 3 * (10 + 10 * longest_s)  # both queues, three partitions each
    assert counts(many)["backlog_write"] >= counts(many)["forwarded"] - at_once
    assert counts(many)["backlog_write"] > 100


def test_polls_of_several_pods_are_counted_together() -> None:
    # 6 polls over 4 partitions, whichever pods they are of: two partitions have a second one, as long as all 6 wait.
    one, three = (
        run(small(*burst(60, *FORWARDS, f"workers.orders.replicas={pods}", f"workers.orders.activity_pollers={each}")))
        for pods, each in ((1, 6), (3, 2))
    )
    assert counts(three)["forwarded"] > 0
    # A lone execution meets polls that all wait, so that one task in two is forwarded from three partitions of four.
    alone = [
        counts(run(small(*QUICK, *FORWARDS, "workers.orders={replicas: 3, cpu: 1, activity_pollers: 2}"), seed=seed))
        for seed in range(40)
    ]
    assert 0 < sum(found.get("forwarded", 0) > 0 for found in alone) < len(alone)
    assert counts(one)["activity_task"] == counts(three)["activity_task"] == 60


@pytest.mark.parametrize("polls", ["20 %", "50 %"])
def test_few_polls_may_be_for_first_tasks(polls: str) -> None:
    network = small(*QUICK, "workers.orders.workflow_task_pollers=5", f"constants.sdk.first_task_polls={polls}")
    units = network.lowered.network.resources
    first = units["orders-first-task-pollers"].units
    assert first == {"20 %": 1, "50 %": 2}[polls]
    assert first + units["orders-workflow-pollers"].units == 5
