"""Activities and what they call, by hand: chunks, heartbeats, attempts left behind, CPU, local ones, dependencies.

Goal: each feature costs the time that its mechanism takes, and each switch brings back what it prevents. Method: the
small deployment, one execution, constants; the arithmetic beside the assertion.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.lower.load import Loaded, load
from sim.results.columns import FAILED, SUCCEEDED, Replication

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
CHARGE = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"


def doing(step: str, *sets: str) -> Loaded:
    """The small deployment with another step."""
    return load(SMALL.replace(CHARGE, f"      - {step}"), [QUICK, *sets])


def calling(bank: str, step: str, *sets: str) -> Loaded:
    """The same with a dependency."""
    return doing(
        f"activity: {{name: a, service: 0 ms, calls: [bank], {step}}}", f"dependencies.bank={{{bank}}}", *sets
    )


def outcomes(replication: Replication) -> list[int]:
    rows = replication.executions
    return [int(rows.outcome[row]) for row in rows.cohort]


CHUNKS = "activity: {name: a, service: 100 ms, chunks: 4, heartbeat: 500 ms, start_to_close: 10 s}"
CRASH = "faults.boom={target: workers.orders, nodes: all, at: 250 ms, repair: 100 ms}"


def test_chunks_are_reported_one_by_one() -> None:
    replication = run(doing(CHUNKS))
    # Matched at 6, started 7; four chunks of 100 and a heartbeat of one commit; completed 2, task 2, closed 2.
    assert latencies_ms(replication) == [7 + 4 * 101 + 6]
    assert counts(replication)["heartbeat"] == 4


def test_a_crash_costs_the_chunk_in_progress() -> None:
    replication = run(doing(CHUNKS, CRASH), drill="boom")
    # The third chunk is under way. Signs of life at 6, every 400 ms; missed at 506; back-off 1 s; started 1507; two
    # chunks are left.
    assert latencies_ms(replication) == [pytest.approx(1507 + 2 * 101 + 6)]
    assert counts(replication)["heartbeat"] == 4


def test_without_checkpoints_it_costs_all_chunks() -> None:
    replication = run(doing(CHUNKS, CRASH, "behaviours.checkpoint=false"), drill="boom")
    assert latencies_ms(replication) == [pytest.approx(1507 + 4 * 101 + 6)]
    assert counts(replication)["heartbeat"] == 6


def test_without_heartbeats_a_lost_worker_is_noticed_by_start_to_close_alone() -> None:
    replication = run(doing(CHUNKS, CRASH, "behaviours.heartbeat=false"), drill="boom")
    assert latencies_ms(replication) == [pytest.approx(10_006 + 1000 + 1 + 2 * 101 + 6)]


def test_an_attempt_left_behind_keeps_its_slot_until_it_ends() -> None:
    hang = "faults.boom={target: dependencies.bank, effect: hang, at: 50 ms, repair: 5 s}"
    loaded = calling(
        "latency: 100 ms",
        "start_to_close: 500 ms",
        hang,
        "workers.orders={replicas: 1, cpu: 1, activity_slots: 1}",
    )
    replication = run(loaded, drill="boom")
    # Matched at 6, started 7. The call stands still from 50 to 5050 with 57 left, to 5107; its result is written until
    # 5109 and comes too late: timed out at 506, the next attempt wanted the slot from 1506 on. Started 5110, call 100,
    # completed 2, task 2, closed 2.
    assert latencies_ms(replication) == [pytest.approx(5110 + 100 + 6)]
    freed = run(calling("latency: 100 ms", "start_to_close: 8 s", hang), drill="boom")
    assert latencies_ms(freed) == [pytest.approx(5107 + 6)]


def test_activities_share_the_cores_of_their_worker() -> None:
    step = "activity: {name: a, service: 0 ms%s}"
    sets = ("workers.orders={replicas: 1, cpu: 1}", "temporal.history_shards=4096")
    assert latencies_ms(run(doing(step % ", cpu: 50 ms", *sets))) == [7 + 50 + 6]
    two = "workflows.order.arrivals={burst: 2}"
    idle, busy = run(doing(step % "", *sets, two)), run(doing(step % ", cpu: 50 ms", *sets, two))
    # The core is busy from the first start on, for 100 ms; flushes come in steps of 1 ms.
    assert max(latencies_ms(busy)) - max(latencies_ms(idle)) == pytest.approx(100, abs=2)


def test_local_activities_run_in_the_workflow_task_and_make_no_transition() -> None:
    replication = run(doing("activity: {name: a, service: 100 ms, local: true, effect: did}"))
    # Create 2, the task starts 2, 100, closed 2.
    assert latencies_ms(replication) == [106]
    assert counts(replication)["transition"] == 3
    assert counts(replication)["local_activity"] == counts(replication)["side_effect"] == 1
    between = "sequence: [{activity: {name: a, service: 100 ms, local: true}}, {sleep: 1 s}]"
    # The task starts 4, 100, the timer is set 2; 1000, fired 2, started 2, closed 2.
    assert latencies_ms(run(doing(between))) == [4 + 100 + 2 + 1000 + 6]


def test_a_local_activity_gives_its_slot_back_to_the_next_one_of_its_workflow_task() -> None:
    local = "{activity: {name: %s, service: %s ms, local: true}}"
    two = f"sequence: [{local % ('a', 100)}, {local % ('b', 50)}]"
    # Create 2, the task starts 2, one after the other in the one slot, closed 2.
    assert latencies_ms(run(doing(two, "workers.orders.local_activity_slots=1"))) == [4 + 100 + 50 + 2]


def test_an_error_of_a_local_activity_is_tried_again_in_its_workflow_task() -> None:
    step = "activity: {name: a, service: 10 ms, local: true, error_rate: 50 %}"
    sets = ("workflows.order.arrivals={burst: 100}", "workflows.order.retry={initial_interval: 50 ms}")
    replication = run(doing(step, *sets))
    assert set(outcomes(replication)) == {SUCCEEDED}
    assert counts(replication)["transition"] == 3 * 100
    assert replication.attempts["order"][1] > 0


def test_a_retry_budget_makes_failures_final_when_it_is_spent() -> None:
    step = "activity: {name: a, service: 10 ms, error_rate: 1, retry: {maximum_attempts: 2%s}}"
    burst = "workflows.order.arrivals={burst: 20}"
    free, bound = run(doing(step % "", burst)), run(doing(step % ", budget: {ratio: 0 %, burst: 5}", burst))
    assert free.attempts["order"] == (20, 20)
    assert bound.attempts["order"] == (20, 5)
    assert set(outcomes(bound)) == {FAILED}


def test_a_retry_budget_is_a_share_of_first_attempts() -> None:
    # One is saved up at the start and is at once as many as there may be; from then on two first attempts pay for one.
    step = "activity: {name: a, service: 10 ms, error_rate: 1, retry: {maximum_attempts: 2, budget: %s}}"
    each_second = "workflows.order.arrivals={renewal: 1 s}"
    replication = run(doing(step % "{ratio: 50 %, burst: 1}", each_second), horizon_s=20.5)
    assert replication.attempts["order"] == (20, 10)
    assert doing(step % "10 %").lowered.network.budgets["order-a"].burst == 100


def test_a_call_that_fails_during_an_outage_is_tried_again_until_it_is_over() -> None:
    outage = "faults.boom={target: dependencies.bank, at: 50 ms, repair: 2 s}"
    loaded = calling("latency: 100 ms", "start_to_close: 1 s", outage)
    # Started 7, failed 107, written 108; back-off 1 s, started 1109, failed 1209, written 1210; back-off 2 s, started
    # 3211, done 3311.
    assert latencies_ms(run(loaded, drill="boom")) == [3311 + 6]


def test_a_quota_holds_calls_back_or_turns_them_away() -> None:
    sets = ("workflows.order.arrivals={burst: 11}", "temporal.history_shards=4096")
    waiting = run(calling("latency: 1 ms, quota: {rate: 10/s, when_spent: wait}", "start_to_close: 9 s", *sets))
    # One at once, then one every 100 ms; each of 13 commits may have to wait for a flush that is under way.
    assert 7 + 10 * 100 + 1 + 6 <= max(latencies_ms(waiting)) <= 7 + 10 * 100 + 1 + 6 + 13
    assert waiting.attempts["order"] == (11, 0)
    turned = run(calling("latency: 1 ms, quota: {rate: 10/s}", "start_to_close: 9 s", *sets))
    assert turned.attempts["order"][1] >= 10
    assert set(outcomes(turned)) == {SUCCEEDED}


def test_answers_that_are_lost_make_duplicates_unless_there_is_a_key() -> None:
    bank, step = "latency: 10 ms, lost_reply_rate: 1", "effect: paid, retry: {maximum_attempts: 3}"
    without = counts(run(calling(bank, step)))
    assert (without["side_effect"], without["duplicate_side_effect"]) == (3, 2)
    keyed = counts(run(calling(bank, step + ", idempotent: true")))
    assert "duplicate_side_effect" not in keyed
    assert keyed["prevented_side_effect"] == 2
