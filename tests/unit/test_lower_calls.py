"""How workers call services that fail, hang or are slow: timeouts, bulkheads, hedges, circuit breakers.

Method: timelines by hand. An execution is started at 4 and its activity at 7; what follows on the call takes 6 flushes
of 1 ms. A call that fails is written down in 1, tried again 1 s later, and started again in 1.
"""

from __future__ import annotations

import math

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.engine.fast import run as run_fast
from sim.engine.plan import Plan
from sim.results.columns import Replication
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
ONE = "workers.orders={replicas: 1, cpu: 1}"
STEP = "workflows.order.steps=[{activity: {name: a, service: 0 ms, start_to_close: 1 min, calls: [bank]%s}}]"


def called(
    bank: str, *sets: str, outage: str | None = None, activity: str = "", horizon_s: float = 1.0
) -> Replication:
    faults = () if outage is None else (f"faults.boom={{target: dependencies.bank, {outage}}}",)
    loaded = small(QUICK, ONE, STEP % activity, f"dependencies.bank={{latency: 100 ms, {bank}}}", *sets, *faults)
    return run(loaded, horizon_s, drill=None if outage is None else "boom")


BURST = ("workflows.order.arrivals={burst: %d}", "temporal.history_shards=4096")


def burst(number: int) -> tuple[str, str]:
    return BURST[0] % number, BURST[1]


def about(ms: float) -> object:
    """Of several executions each of up to 16 commits may have to wait for a flush of 1 ms that is under way."""
    return pytest.approx(ms + 8, abs=8)


def test_a_call_without_an_answer_has_failed_after_its_timeout() -> None:
    hang = "effect: hang, at: 0 s, repair: 500 ms"
    # Called at 7, given up at 207; the second call, at 1209, is answered. With more patience the first one is.
    assert latencies_ms(called("timeout: 200 ms", outage=hang)) == [7 + 200 + 1 + 1000 + 1 + 100 + 6]
    assert latencies_ms(called("timeout: 600 ms", outage=hang)) == [500 + 100 + 6]


def test_the_timeout_counts_from_the_moment_that_the_call_is_sent() -> None:
    # The server takes one at a time: the second call waits for 100 and is given up when 50 more are over.
    first, second = sorted(latencies_ms(called("concurrency: 1, timeout: 150 ms", *burst(2))))
    assert first == about(7 + 100 + 6)
    assert second == about(7 + 150 + 1 + 1000 + 1 + 100 + 6)


def test_a_bulkhead_lets_so_many_calls_of_a_pod_be_under_way() -> None:
    ends = sorted(latencies_ms(called("bulkhead: 1", *burst(3))))
    assert ends == [about(7 + 100 + 6), about(7 + 200 + 6), about(7 + 300 + 6)]
    two_pods = "workers.orders={replicas: 2, cpu: 1}"
    assert max(latencies_ms(called("bulkhead: 1", *burst(3), two_pods))) == about(7 + 200 + 6)


def test_who_finds_no_room_before_a_bulkhead_fails_at_once() -> None:
    first, second = sorted(latencies_ms(called("bulkhead: {calls: 1, queue: 0}", *burst(2))))
    assert first == about(7 + 100 + 6)
    assert second == about(7 + 1 + 1000 + 1 + 100 + 6)


def test_a_service_with_a_full_line_turns_calls_away() -> None:
    replication = called("concurrency: 1, queue_limit: 1", *burst(3))
    assert replication.places["dependency-bank"].rejected == 1
    assert max(latencies_ms(replication)) == about(7 + 1 + 1000 + 1 + 100 + 6)


@pytest.mark.parametrize(("after", "hedges"), [("30 ms", 1), ("100 ms", 0), ("200 ms", 0)])
def test_a_second_call_is_made_when_the_first_one_takes_long(after: str, hedges: int) -> None:
    replication = called(f"hedge: {after}")
    assert latencies_ms(replication) == [7 + 100 + 6]
    assert counts(replication).get("hedge", 0) == hedges


def test_hedging_cuts_the_tail_as_the_law_says() -> None:
    # Exponential with mean 100, hedged after 50: 60.7 % are, and then the lesser of two that have 100 left on average.
    arrivals = (
        "workflows.order.arrivals={renewal: 1 s}",
        "dependencies.bank={latency: {exponential: 100 ms}, hedge: 50 ms}",
    )
    loaded = small(QUICK, ONE, STEP % "", *arrivals)
    replication = run_fast(loaded.lowered.network, Plan(seed=1, horizon_ns=2000 * SECOND, drain_ns=100 * SECOND))
    values = latencies_ms(replication)
    n = len(values)
    share = math.exp(-0.5)
    assert counts(replication)["hedge"] == pytest.approx(share * n, abs=4 * math.sqrt(n * share * (1 - share)))
    expected = 100 * (1 - share) + 50 * share
    # Its standard deviation is below that of the call alone, 100; four of them, and 13 flushes.
    assert sum(values) / n - 13 == pytest.approx(expected, abs=4 * 100 / math.sqrt(n))


def test_a_breaker_that_is_open_turns_calls_away_and_lets_them_through_later() -> None:
    outage = "at: 0 s, repair: 5 s"
    # Fails at 107, and opens until 10,107. Turned away at 1109, 3111 and 7113 after back-offs of 1, 2 and 4 s; after 8
    # more, at 15,115, it is a trial and goes well.
    opened = called("breaker: {window: 1, open: 10 s, trials: 1}", outage=outage)
    assert latencies_ms(opened) == [15_115 + 100 + 6]
    # Without it the calls of 1109 and 3211 fail, too, each after its 100; that of 7313 goes well.
    assert latencies_ms(called("concurrency: 1", outage=outage)) == [7313 + 100 + 6]


def test_a_failed_call_is_made_again_by_its_caller() -> None:
    # Fails at 107 and, 100 later, at 307; after 200 more it is made at 507, when the outage is over.
    replication = called("retry: 3", outage="at: 0 s, repair: 500 ms")
    assert latencies_ms(replication) == [607 + 6]
    assert replication.attempts["order"] == (2, 2)  # an activity and a call; the call twice again


def test_calls_are_made_again_within_a_budget() -> None:
    # One is saved up: after 307 the activity has failed, written 308, and starts again at 1309.
    budget = "retry: {attempts: 3, budget: {ratio: 0 %, burst: 1}}"
    assert latencies_ms(called(budget, outage="at: 0 s, repair: 500 ms")) == [1309 + 100 + 6]


def test_each_try_of_a_call_asks_the_breaker() -> None:
    # It opens at 107: the try at 207 is turned away at once, the one at 407 as well; the activity comes again at 1409.
    both = "retry: 3, breaker: {window: 1, open: 500 ms, trials: 1}"
    assert latencies_ms(called(both, outage="at: 0 s, repair: 500 ms")) == [1409 + 100 + 6]


def test_each_pod_has_a_breaker_of_its_own_unless_all_share_one() -> None:
    bank = "dependencies.bank={latency: 1 ms, breaker: {per: %s}}"
    own, shared = (small(ONE, STEP % "", bank % per).lowered.network.breakers for per in ("pod", "deployment"))
    assert [breaker.at for breaker in own.values()] == ["orders-activity-slots"]
    assert [breaker.at for breaker in shared.values()] == [None]


def test_a_local_activity_calls_from_its_workflow_task() -> None:
    local = "workflows.order.steps=[{activity: {name: a, service: 0 ms, calls: [bank], local: true}}]"
    bank = "dependencies.bank={latency: 100 ms, breaker: {window: 1}, bulkhead: 1, timeout: 1 s}"
    loaded = small(QUICK, ONE, local, bank)
    assert [breaker.at for breaker in loaded.lowered.network.breakers.values()] == ["orders-workflow-slots"]
    assert latencies_ms(run(loaded)) == [4 + 100 + 2]


def test_a_child_workflow_guards_its_calls_as_its_parent_does() -> None:
    activity = "activity: {name: a, service: 0 ms, start_to_close: 1 min, calls: [bank]}"
    loaded = small(
        QUICK,
        ONE,
        "workflows.order={arrivals: {burst: 1}, task_queue: orders, steps: [{child: ship}]}",
        f"workflows.ship={{task_queue: orders, steps: [{{{activity}}}]}}",
        "dependencies.bank={latency: 100 ms, breaker: {window: 1}, bulkhead: 1, timeout: 150 ms, hedge: 10 ms}",
    )
    replication = run(loaded)
    assert counts(replication)["hedge"] == 1
    assert 100 < latencies_ms(replication)[0] < 150


@pytest.mark.parametrize(("told", "busy_ms"), [("true", 151), ("false", 200)])
def test_a_call_whose_caller_has_given_up_is_dropped_where_it_knows_the_deadline(told: str, busy_ms: int) -> None:
    # Served one at a time: the second call is sent 1 after the first, waits for 99, and is given up 51 later.
    replication = called(f"concurrency: 1, timeout: 150 ms, propagate_deadline: {told}", *burst(2))
    assert replication.places["dependency-bank"].busy_area / 1e6 == busy_ms


def test_an_attempt_that_is_stopped_at_its_deadline_gives_its_slot_back() -> None:
    # Timed out at 506, again at 2006 and, after 2 s more, at 4506; the bank goes on at 5050, the next is due at 8506.
    hang = "effect: hang, at: 50 ms, repair: 5 s"
    one = "workers.orders={replicas: 1, cpu: 1, activity_slots: 1}"
    step = STEP.replace("start_to_close: 1 min", "start_to_close: 500 ms")
    bank = f"faults.boom={{target: dependencies.bank, {hang}}}"
    stopped = small(QUICK, one, step % ", propagate_deadline: true", "dependencies.bank={latency: 100 ms}", bank)
    assert latencies_ms(run(stopped, drill="boom")) == [8506 + 1 + 100 + 6]


def test_calls_are_shed_while_the_oldest_one_waits_for_long() -> None:
    # Called at 37 and every 30 after it. The first is served till 137, the second waits from 67 on, the third from 97;
    # the fourth finds somebody who has waited for 60, so does the fifth, after the second has begun.
    five = "workflows.order.arrivals={renewal: 30 ms}"
    replication = called("concurrency: 1, shed_after: 50 ms", five, horizon_s=0.16)
    assert replication.places["dependency-bank"].rejected == 2
