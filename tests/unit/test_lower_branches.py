"""Steps at the same time, by hand: fan-outs, branches, races, and the workflow tasks that their results share.

Goal: what runs together is asked for once, is joined as it says, and each switch takes away what it says. Method: the
small deployment, in which only flushes (1 ms) and services take time; arithmetic beside the assertion.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.lower.load import Loaded, load
from sim.results.columns import COMPENSATED, FAILED, SUCCEEDED, Replication

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
CHARGE = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"
A = "{activity: {name: a, service: 100 ms}}"
B = "{activity: {name: b, service: 100 ms}}"


def doing(*steps: str, sets: tuple[str, ...] = ()) -> Loaded:
    """The small deployment with other steps."""
    return load(SMALL.replace(CHARGE, "\n".join(f"      - {step}" for step in steps)), [QUICK, *sets])


def outcomes(replication: Replication) -> list[int]:
    rows = replication.executions
    return [int(rows.outcome[row]) for row in rows.cohort]


def test_two_items_share_the_workflow_task_that_the_first_result_has_scheduled() -> None:
    replication = run(doing("fan_out: {items: 2, activity: {name: a, service: 100 ms}}"))
    # Asked for at 6. One is started at 7, one at 8. Results at 107 and 108: durable at 109, with a workflow
    # task, and at 111, beside it. That task starts 111-113; the one after the join starts 113-115; the first one ends
    # 115-117, the one that closes 117-119.
    assert latencies_ms(replication) == [119]
    # Create, first task 2, two activities 2 x 2, the shared task 2, the last 2.
    assert counts(replication)["transition"] == 11


def test_branches_are_asked_for_by_one_workflow_task_and_each_result_is_told() -> None:
    longer = B.replace("100", "200")
    replication = run(doing(f"parallel: [[{A}], [{longer}]]"))
    # b starts at 8 and ends at 208, durable at 210; the join is done and the last task takes 4. a was told of by a
    # task of its own long before.
    assert latencies_ms(replication) == [214]
    assert counts(replication)["transition"] == 11


def test_the_first_branch_of_a_race_decides() -> None:
    replication = run(doing(f"race: [[{A}], [{{sleep: 50 ms}}]]", sets=("constants.temporal.timer_floor=0 s",)))
    # Asked for at 6; the timer fires at 56, durable at 58; then the last task.
    assert latencies_ms(replication) == [62]
    assert outcomes(replication) == [SUCCEEDED]


def test_a_sequence_of_one_branch_takes_as_long_as_its_steps_and_so_does_one_item() -> None:
    plain = run(doing(A[1:-1], B[1:-1]))
    nested = run(doing(f"sequence: [{A}, {B}]"))
    item = run(doing(f"fan_out: {{items: 1, steps: [{A}, {B}]}}"))
    # 4n + 3 transitions of two flushes each, one where an activity starts.
    assert latencies_ms(plain) == latencies_ms(nested) == latencies_ms(item) == [2 * 11 - 2 + 200]
    assert counts(plain)["transition"] == counts(nested)["transition"] == counts(item)["transition"] == 11


def test_branches_may_hold_branches_and_fan_outs() -> None:
    inner = f"{{parallel: [[{B}], [{{sleep: 1 s}}]]}}"
    fan = "{fan_out: {items: {between: [2, 2]}, steps: [{activity: {name: c, service: 1 s}}, {sleep: 1 s}]}}"
    replication = run(doing(f"parallel: [[{A}, {inner}], [{fan}]]"))
    assert outcomes(replication) == [SUCCEEDED]
    # The longest way: c of 1 s and the timer of 1 s, and not more than 100 ms of flushes.
    assert 2000 < latencies_ms(replication)[0] < 2100
    assert counts(replication)["activity_task"] == 4


FLAKY = "activity: {name: a, service: {uniform: [100 ms, 10 s]}, start_to_close: 20 s, non_retryable_rate: 30 %}"


def test_fail_on_any_ends_before_gather_all_and_to_ignore_is_to_succeed() -> None:
    any_, all_, none = (
        run(doing(f"fan_out: {{items: 20, failures: {how}, {FLAKY}}}"))
        for how in ("fail_on_any", "gather_all", "ignore")
    )
    assert outcomes(any_) == outcomes(all_) == [FAILED]
    assert outcomes(none) == [SUCCEEDED]
    # The same items on the same draws: the first failure against the last end.
    assert latencies_ms(any_)[0] < latencies_ms(all_)[0]
    assert 5000 < latencies_ms(all_)[0] < 10_500


def test_what_items_have_done_is_undone_when_the_workflow_fails() -> None:
    undone = "fan_out: {items: 3, activity: {name: a, service: 100 ms, effect: did, compensate: undo}}"
    fails = "activity: {name: b, service: 100 ms, non_retryable_rate: 1}"
    replication = run(doing(undone, fails))
    assert outcomes(replication) == [COMPENSATED]
    assert counts(replication)["activity_task"] == 3 + 1 + 3


def test_without_dynamic_fan_out_items_follow_each_other() -> None:
    step = "fan_out: {items: 10, activity: {name: a, service: 100 ms}}"
    together, one_by_one = run(doing(step)), run(doing(step, sets=("behaviours.dynamic_fanout=false",)))
    # As ten activities in a row: 4n + 3 transitions, two flushes each but one where an activity starts; and the
    # workflow task that finds out how many there are.
    assert counts(one_by_one)["transition"] == 45
    assert latencies_ms(one_by_one) == [2 * 45 - 10 + 10 * 100]
    assert latencies_ms(together)[0] < 250


def test_without_a_saga_a_failure_leaves_behind_what_was_done() -> None:
    steps = (
        "activity: {name: a, service: 100 ms, effect: did, compensate: {name: undo, service: 100 ms, effect: undid}}",
        "activity: {name: b, service: 100 ms, non_retryable_rate: 1, effect: went_on}",
    )
    monitor = "monitors={clean: {when: did, eventually: [undid, went_on]}}"
    undone, left = (
        run(doing(*steps, sets=(monitor,))),
        run(doing(*steps, sets=(monitor, "behaviours.global_saga=false"))),
    )
    assert (outcomes(undone), outcomes(left)) == ([COMPENSATED], [FAILED])
    assert [undone.monitors[0].violated, left.monitors[0].violated] == [0, 1]


def test_without_retries_the_first_failure_is_the_last() -> None:
    step = "activity: {name: a, service: 100 ms, error_rate: 20 %}"
    sets = ("workflows.order.arrivals={burst: 200}",)
    on = outcomes(run(doing(step, sets=sets)))
    off = outcomes(run(doing(step, sets=(*sets, "behaviours.retry_backoff=false"))))
    assert on.count(SUCCEEDED) == 200
    # Binomial: 200 x 0.2 = 40 fail, within 4 standard deviations (6e-5).
    assert abs(off.count(FAILED) - 40) <= 4 * (200 * 0.2 * 0.8) ** 0.5


@pytest.mark.parametrize("items", [1, 3])
def test_the_history_of_a_fan_out_has_the_events_of_each_item(items: int) -> None:
    loaded = doing(
        f"fan_out: {{items: {items}, activity: {{name: a, service: 1 s}}}}",
        sets=("temporal.retention={closed: 1 day, payload: 0 B}",),
    )
    # Started, task scheduled; task started; completed; for each item scheduled, started, completed and a task
    # scheduled; task started; completed, closed.
    assert loaded.lowered.histories["order"].bytes == (2 + 1 + 1 + 4 * items + 1 + 2) * 300
