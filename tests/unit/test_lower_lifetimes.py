"""Executions over time: schedules, runs that continue as new, histories, versions; by hand on the small deployment.

Goal: what starts executions, what ends their histories and which workers they stay with does what it says. Method:
constants, counts and instants worked out beside the assertion.
"""

from __future__ import annotations

import numpy as np
import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.lower.load import Loaded, load
from sim.results.columns import FAILED, SUCCEEDED, Replication

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
CHARGE = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"


def doing(step: str, *sets: str, arrivals: str = "arrivals: {burst: 1}") -> Loaded:
    """The small deployment with another step and load."""
    text = SMALL.replace(CHARGE, f"      - {step}").replace("arrivals: {burst: 1}", arrivals)
    return load(text, [QUICK, *sets])


def outcomes(replication: Replication) -> list[int]:
    rows = replication.executions
    return [int(rows.outcome[row]) for row in rows.cohort]


LONG = "activity: {name: a, service: 12 s, start_to_close: 20 s}"


@pytest.mark.parametrize(("overlap", "starts"), [("skip", 3), ("buffer", 5), ("allow", 6)])
def test_what_a_schedule_does_with_a_tick_while_its_last_execution_is_open(overlap: str, starts: int) -> None:
    # A tick every 10 s, executions of 12 s. Skip: 0, 20, 40; buffer: 0, 12, 24, 36, 48 and some ms; allow: every one.
    loaded = doing(LONG, arrivals=f"schedule: {{every: 10 s, overlap: {overlap}}}")
    assert run(loaded, horizon_s=59).spans["start.order"].count == starts


def test_the_latency_of_scheduled_executions_does_not_hold_the_wait_for_the_tick() -> None:
    loaded = doing(LONG, arrivals="schedule: {every: 1 min, count: 3}")
    span = run(loaded, horizon_s=59).spans["latency.order"]
    assert span.count == 3
    # 13 ms of flushes and the service; those of three executions meet each other, by 2 ms for each flush at most.
    assert 3 * 12.013e9 <= span.sum_ns <= 3 * (12.013e9 + 13 * 2e6)


def test_jitter_spreads_the_starts_of_a_tick() -> None:
    loaded = doing("sleep: 1 s", arrivals="schedule: {every: 1 h, count: 200, jitter: 100 s}")
    replication = run(loaded, horizon_s=50)
    # Half of the jitter is over: binomial of 200 with 1/2, within 4 standard deviations (6e-5).
    begun = replication.spans["start.order"].count
    assert abs(begun - 100) <= 4 * 50**0.5 or begun == 200
    ends = replication.executions.end_ns[replication.executions.cohort]
    assert 100 < (ends.max() - 1e9) / 1e9 + 1 <= 101.5


@pytest.mark.parametrize(("window", "outcome"), [("", SUCCEEDED), (", catchup_window: 2 s", FAILED)])
def test_a_start_that_comes_too_late_is_left_out(window: str, outcome: int) -> None:
    # The database is away from 9 s to 15 s; the tick at 10 s can be taken 5 s later.
    loaded = doing(
        "sleep: 1 s",
        "postgres.nodes=2",
        "postgres.failover={detect: 5 s, promote: 1 s}",
        "faults.away={target: postgres.primary, at: 9 s}",
        arrivals=f"schedule: {{every: 10 s, overlap: allow{window}}}",
    )
    assert outcomes(run(loaded, horizon_s=19, drill="away")) == [SUCCEEDED, outcome]


ROUNDS = "repeat: {times: 10, steps: [{activity: {name: a, service: 100 ms}}]}"


def test_a_round_asks_for_its_own_steps() -> None:
    replication = run(doing(ROUNDS))
    # Create, the task that begins 2, ten rounds of 4, the last task 2.
    assert counts(replication)["transition"] == 1 + 2 + 10 * 4 + 2
    assert counts(replication)["activity_task"] == 10


def test_the_first_workflow_task_may_ask_for_the_first_round() -> None:
    at_once = ROUNDS.replace("times: 10", "times: 10, at_once: true")
    replication = run(doing(at_once))
    # Create, ten rounds of 4, the last task 2: as of ten activities in a row.
    assert counts(replication)["transition"] == 1 + 10 * 4 + 2
    assert counts(replication)["activity_task"] == 10


def test_a_long_history_is_cut_by_continuing_as_new() -> None:
    replication = run(doing(ROUNDS, "workflows.order.continue_as_new=20"))
    # 4 events before the first round, 6 in each: 22 after the third; then 2 + 3 x 6 = 20 after each three more.
    assert counts(replication)["continued_as_new"] == 3
    assert counts(replication)["transition"] == 45 + 3 * 2


COLD = (
    "workers.orders={replicas: 1, cpu: 1, sticky_cache: 1}",
    "temporal.history_shards=4096",
    "workflows.order.arrivals={burst: 2}",
    "constants.sdk.replay_cpu_per_event=1 ms",
)


def test_workers_may_replay_more_slowly_than_their_sdk() -> None:
    own = (*COLD[:-1], "workers.orders.replay_cpu_per_event=1 ms")
    assert latencies_ms(run(doing(ROUNDS, *own))) == latencies_ms(run(doing(ROUNDS, *COLD)))


def test_replay_grows_with_the_history_and_not_without_event_sourcing() -> None:
    def longest(*sets: str) -> float:
        return max(latencies_ms(run(doing(ROUNDS, *COLD, *sets))))

    grown, cut, flat = (
        longest(),
        longest("workflows.order.continue_as_new=20"),
        longest("behaviours.event_sourcing=false"),
    )
    # Two executions that displace each other: each workflow task replays 6 events for each round behind it, 1 ms each:
    # 6 x (1 + .. + 10) = 330 ms at least; with at most 22 events, less than half of that.
    assert grown - flat > 330
    assert cut - flat < (grown - flat) / 2 + 3 * 10


def test_histories_are_stored_unless_the_state_is_all_there_is() -> None:
    keep = "temporal.retention={closed: 1 day, payload: 0 B}"
    assert doing(ROUNDS, keep).lowered.histories["order"].bytes == (2 + 2 + 10 * 6 + 1 + 2) * 300
    assert doing(ROUNDS, keep, "behaviours.event_sourcing=false").lowered.histories["order"].bytes == 300


ROLLOUT = (
    "workers.new={replicas: 2, cpu: 1}",
    "workflows.order.rollout={at: 20500 ms, task_queue: new}",
)


def test_executions_stay_with_the_workers_of_their_version() -> None:
    replication = run(doing("sleep: 30 s", *ROLLOUT, arrivals="arrivals: {renewal: 1 s}"), horizon_s=40.5)
    assert set(outcomes(replication)) == {SUCCEEDED}
    rows = replication.executions
    names = np.array(replication.routines)[rows.routine[rows.cohort]]
    # Started at 1 .. 20 and from 20.5 on after 1 s each: 21.5 .. 39.5.
    assert (list(names).count("order"), list(names).count("order-v2")) == (20, 19)
    found = counts(replication)
    # Two workflow tasks for each execution, on the workers of its version.
    assert (found["orders-dispatched"], found["new-dispatched"]) == (2 * 20, 2 * 19)


def test_without_versions_what_is_under_way_meets_code_that_it_does_not_fit_to() -> None:
    sets = (*ROLLOUT, "behaviours.versioning=false")
    replication = run(doing("sleep: 10 s", *sets, arrivals="arrivals: {renewal: 1 s}"), horizon_s=40.5)
    # Those of 11 .. 20 are still asleep at 20.5.
    assert outcomes(replication).count(FAILED) == 10
    assert outcomes(replication).count(SUCCEEDED) == 10 + 19


def test_queries_write_nothing_and_updates_one_transition() -> None:
    idle = "sleep: 1 s"
    requested = run(doing(idle, "workflows.order.queries=20/s"), horizon_s=20)
    updated = run(doing(idle, "workflows.order.updates=20/s"), horizon_s=20)
    # The store is asked nothing by a query (no time passes in this deployment), and one append and one transaction by
    # an update: two flushes, which those beside it may have begun.
    assert requested.spans["query.order"].sum_ns == 0
    span = updated.spans["update.order"]
    assert 2e6 * span.count <= span.sum_ns <= 4e6 * span.count
    # Poisson of 20/s over 20 s: 400, within 4 standard deviations (6e-5).
    assert abs(requested.spans["query.order"].count - 400) <= 4 * 20
    assert abs(span.count - 400) <= 4 * 20


def test_a_query_of_an_execution_that_is_in_no_cache_replays_its_history() -> None:
    cost = "constants.sdk.replay_cpu_per_event=1 ms"
    loaded = doing(ROUNDS, cost, "workflows.order.queries={rate: 1/min, replayed: 1}")
    # 67 events at the end, 33 on average.
    span = run(loaded, horizon_s=600).spans["query.order"]
    assert span.count > 0
    assert span.sum_ns == 33_000_000 * span.count
    flat = doing(ROUNDS, cost, "workflows.order.queries={rate: 1/min, replayed: 1}", "behaviours.event_sourcing=false")
    assert run(flat, horizon_s=600).spans["query.order"].sum_ns == 0
