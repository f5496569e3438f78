"""Who tries a lost write again, and when: the server once, soon; then whoever called for it.

Goal: back-offs after an outage are those of the SDK or of the server's queue tasks. Method: a primary that is lost in
the middle of a write and comes back after a time that is given; the tries by hand.
"""

from __future__ import annotations

import pytest
from lower_fixture import latencies_ms, run, small

CALM = (
    "temporal.transfer_queue.max_poll_rate=100k/s",
    "constants.temporal.client_retry_jitter=0",
    "postgres.nodes=2",
    "workers.orders.workflow_task_timeout=1 min",
    "workflows.order.steps.0.activity.start_to_close=1 min",
)
LATENCY_MS = 113.0
"""Without a loss: the activity of 100 ms and 13 flushes of 1 ms."""


def later_ms(at: str, away: str) -> float:
    """How much longer the execution takes."""
    loss = (f"faults.loss={{target: postgres.primary, at: {at}}}", f"postgres.failover={{time: {away}}}")
    [latency_ms] = latencies_ms(run(small(*CALM, *loss), drill="loss"))
    return latency_ms - LATENCY_MS


def test_without_a_loss_nobody_tries_again() -> None:
    assert latencies_ms(run(small(*CALM))) == [LATENCY_MS]


@pytest.mark.parametrize("at", ["0.5 ms", "107.5 ms", "111.5 ms"])
def test_a_client_or_a_worker_comes_again_after_its_sdks_back_off(at: str) -> None:
    # The start, the result of the activity and that of the last task, each half a millisecond after its write has
    # begun. The server tries again after 50 ms, the SDK 200 ms after that, and then 400 ms.
    assert later_ms(at, "40 ms") == pytest.approx(50.5)
    assert later_ms(at, "240 ms") == pytest.approx(250.5)
    assert later_ms(at, "300 ms") == pytest.approx(650.5)


def test_a_task_of_a_queue_comes_again_after_a_second() -> None:
    # The start of the first workflow task, from 2 ms on. After the server's second try 1 s, then a tenth more.
    assert later_ms("2.5 ms", "40 ms") == pytest.approx(50.5)
    assert later_ms("2.5 ms", "500 ms") == pytest.approx(1050.5)
    assert later_ms("2.5 ms", "1100 ms") == pytest.approx(50.5 + 1000 + 1100)
