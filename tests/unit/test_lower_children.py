"""Child workflows, by hand: an execution of its own inside another one, told of as an execution of its own.

Goal: a child has its own shard, history, queue and counts; its parent waits for it as the join says, and is told.
Method: the small deployment, in which only flushes (1 ms, one at a time) and services take time; arithmetic beside the
assertion.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, run

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.engine.run import run_one
from sim.lower.load import Loaded, load
from sim.results.audit import audit
from sim.results.columns import COMPENSATED, FAILED, SUCCEEDED, Replication
from sim.stats.metrics import metrics
from sim.studies.run.study import life

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
CHARGE = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"
PACK = "activity: {name: pack, service: 100 ms, start_to_close: 2 s}"
MANY = "temporal.history_shards=4096"


def parent(step: str, *child: str, sets: tuple[str, ...] = (), further: str = "") -> Loaded:
    """The small deployment whose orders take one step; `ship` is a workflow that nobody else starts."""
    steps = "\n".join(f"      - {one}" for one in child or (PACK,))
    text = SMALL.replace(CHARGE, f"      - {step}\n  ship:\n    task_queue: orders\n    steps:\n{steps}\n{further}")
    return load(text, [QUICK, *sets])


def outcomes(replication: Replication, workflow: str = "order") -> list[int]:
    return [int(replication.executions.outcome[row]) for row in replication.cohort_of(workflow)]


def latencies_ms(replication: Replication, workflow: str = "order") -> list[float]:
    rows = replication.executions
    return [float(rows.end_ns[row] - rows.start_ns[row]) / 1e6 for row in replication.cohort_of(workflow)]


def errors(replication: Replication, workflow: str) -> list[str]:
    return [replication.executions.errors.get(int(row), "") for row in replication.cohort_of(workflow)]


def transitions(replication: Replication, workflow: str) -> int:
    return replication.counts.get((workflow, "transition"), 0)


def test_a_child_takes_transitions_of_its_own_and_two_of_its_parents() -> None:
    replication = run(parent("child: ship", sets=(MANY,)))
    # The parent is created (2 flushes, until 2), its task starts (4) and asks for the child (6), which is created (8);
    # the parent is told (10). Now the parent's task (start, end: 4 flushes) and the child (first task scheduled,
    # started, activity scheduled: 6) flush in turn, the child first: its 5th is over at 19, its 6th at 20. Its
    # activity starts (21), runs (121), is done (123); its task starts (125) and closes it (127). The parent is told
    # (129), its task starts (131) and closes it (133).
    assert latencies_ms(replication) == [133]
    # Of the parent: created, 3 tasks of 2, told twice. Of the child: created, scheduled, 2 tasks of 2, its activity 2.
    assert (transitions(replication, "order"), transitions(replication, "ship")) == (9, 8)
    assert counts(replication)["execution_of_ship"] == 1
    # The child is a row of its own, from its start (6) to its close (127).
    assert latencies_ms(replication, "ship") == [121]
    assert replication.executions.parent is not None
    assert replication.executions.parent.tolist() == [-1, 0]


def test_the_child_is_found_on_a_shard_of_its_own() -> None:
    loaded = parent("child: ship", sets=(MANY,))
    own, other = (
        [line.split("on node ")[1] for line in life(loaded, row, 0, None, None) if "acquired shards " in line]
        for row in (0, 1)
    )
    assert (len(own), len(other)) == (9, 8)
    assert (len(set(own)), len(set(other)), len({*own, *other})) == (1, 1, 2)


def test_a_read_of_the_transfer_queue_costs_cpu_on_the_childs_own_shard() -> None:
    costs = ("temporal.history={replicas: 1, cpu: 4}", "constants.temporal.transfer_read_cpu=3 ms", MANY)
    free, paid = (run(parent("child: ship", sets=(costs[0], *sets))) for sets in (costs[2:], costs[1:]))
    # Nobody waits for it. Every task that passes through the queue has a read of its own: the parent's 3 tasks and its
    # request for the child; the child's first task, activity, last task, and close, which tells the parent.
    assert paid.places["history-cpu"].busy_area - free.places["history-cpu"].busy_area == pytest.approx(8 * 3e6)


def test_children_at_the_same_time_have_a_shard_each() -> None:
    step = "fan_out: {items: 20, steps: [{child: ship}]}"
    one_shard, many = run(parent(step, sets=("temporal.history_shards=1",))), run(parent(step, sets=(MANY,)))
    assert counts(one_shard)["execution_of_ship"] == counts(many)["execution_of_ship"] == 20
    assert transitions(one_shard, "ship") == transitions(many, "ship") == 20 * 8
    # With one shard nothing overlaps: two flushes for each transition, one where an activity starts.
    assert latencies_ms(one_shard)[0] >= 2 * 20 * 8 - 20
    assert latencies_ms(many)[0] < 0.75 * latencies_ms(one_shard)[0]


def test_a_child_that_fails_is_told_of_and_fails_its_parent() -> None:
    fails = PACK.replace("}", ", non_retryable_rate: 1}")
    assert outcomes(run(parent("child: ship", fails))) == [FAILED]
    ignored = run(parent("fan_out: {items: 2, failures: ignore, steps: [{child: ship}]}", fails))
    assert outcomes(ignored) == [SUCCEEDED]
    assert counts(ignored)["execution_of_ship"] == 2


def test_a_join_of_some_goes_on_and_the_other_children_run_to_their_end() -> None:
    varied = PACK.replace("100 ms", "{uniform: [100 ms, 1500 ms]}")
    later = "\n      - sleep: 5 s"  # else the others would be terminated when the parent closes
    some = run(parent(f"fan_out: {{items: 5, join: 2, steps: [{{child: ship}}]}}{later}", varied, sets=(MANY,)))
    every = run(parent(f"fan_out: {{items: 5, steps: [{{child: ship}}]}}{later}", varied, sets=(MANY,)))
    assert latencies_ms(some)[0] < latencies_ms(every)[0]
    # Each of the five makes its own transitions, whether anybody waits for it or not.
    assert transitions(some, "ship") == transitions(every, "ship") == 5 * 8


def test_a_child_undoes_what_it_has_done_itself() -> None:
    did = "activity: {name: pack, service: 100 ms, compensate: {name: unpack, service: 100 ms}}"
    fails = "activity: {name: send, service: 100 ms, non_retryable_rate: 1}"
    replication = run(parent("child: ship", did, fails))
    assert outcomes(replication) == [FAILED]
    assert counts(replication)["activity_task"] == 3


def test_children_may_have_children() -> None:
    inner = f"  label:\n    task_queue: labels\n    steps:\n      - {PACK}\n"
    sets = ("workers.labels={replicas: 1, cpu: 1}", MANY)
    deep = run(parent("child: ship", "child: label", sets=sets, further=inner))
    # A grandchild's transitions are its own alone: `ship` has a child in place of an activity, as the parent above.
    assert [transitions(deep, name) for name in ("order", "ship", "label")] == [9, 10, 8]
    assert deep.executions.parent is not None
    assert deep.executions.parent.tolist() == [-1, 0, 1]
    wide = run(
        parent(
            "fan_out: {items: 3, steps: [{child: ship}]}",
            "fan_out: {items: 2, steps: [{child: label}]}",
            sets=sets,
            further=inner,
        )
    )
    assert counts(wide)["execution_of_label"] == 6
    assert transitions(wide, "label") == 6 * 8


def test_a_child_runs_on_the_workers_of_its_own_queue() -> None:
    sets = ("workflows.ship.task_queue=docks", "workers.docks={replicas: 1, cpu: 1}")
    replication = run(parent("child: ship", sets=sets))
    assert replication.places["docks-workflow-slots"].served == 2
    assert replication.places["orders-workflow-slots"].served == 3


def test_histories_are_kept_for_each_execution() -> None:
    loaded = parent("child: ship", sets=("temporal.retention={closed: 1 day, payload: 0 B}",))
    # Parent: started, task scheduled; started; completed, child asked for; child started, task scheduled; started;
    # completed; child completed, task scheduled; started; completed, closed. Child: 6 + 5 for one activity.
    assert loaded.lowered.histories["order"].bytes == (2 + 1 + 2 + 2 + 1 + 1 + 2 + 1 + 2) * 300
    assert loaded.lowered.histories["ship"].bytes == 11 * 300


def test_what_a_child_costs_to_replay_is_its_own_history() -> None:
    longer = ("activity: {name: a, service: 100 ms}", "activity: {name: b, service: 100 ms}", "child: ship")
    text = "\n      - ".join(longer)
    costly = "constants.sdk={workflow_task_cpu: 0 ms, replay_cpu_per_event: 1 ms}"
    plain, replayed = run(parent(text, sets=(MANY,))), run(parent(text, sets=(MANY, costly)))
    # First tasks alone are not in the cache of their pod: 3 events of the parent, 3 of the child (created, scheduled,
    # started), although 16 of the parent are there by then. Flushes that meet others then move by 1 ms.
    assert counts(replayed)["replay"] == 2
    assert abs(latencies_ms(replayed)[0] - latencies_ms(plain)[0] - 6) <= 2


STORES = {
    "postgres": (),
    "history pods": (
        "temporal.history={replicas: 3, cpu: 2}",
        "temporal.matching={replicas: 2, cpu: 1}",
        "faults.pods={target: temporal.history, mttf: 3 s, repair: 1 s}",
    ),
    "concurrent shards": ("temporal.shard_io_concurrency=4",),
    "cassandra": (),
    "eager": ("temporal.eager_activities=true",),
    "zones": ("zones={names: [a, b, c], rtt: 1 ms}", "temporal.history={replicas: 3, cpu: 2}"),
}


SOME = "fan_out: {items: {between: [2, 6]}, join: 2, steps: [{child: ship}]}"
AROUND = [
    *(pytest.param(SOME, store, id=f"some-{store}") for store in STORES),
    *(pytest.param("child: ship", store, id=f"one-{store}", marks=pytest.mark.long) for store in STORES),
]


@pytest.mark.parametrize(("step", "store"), AROUND)
def test_children_are_the_same_on_both_engines_whatever_stands_around_them(step: str, store: str) -> None:
    busy = ("workflows.order.arrivals=20/s", "faults={loss: {target: workers.orders, mttf: 20 s, repair: 1 s}}")
    if store == "cassandra":
        loaded = on_cassandra(step, *busy)
    else:
        loaded = parent(step, PACK, "sleep: 1 s", sets=(*busy, *STORES[store]))
    plan = Plan(seed=3, horizon_ns=1_500_000_000, follow_ns=0, drain_ns=60_000_000_000)
    network = loaded.lowered.network
    one, other = Engine(network, plan).run(), run_one(network, plan)
    assert audit(one) == audit(other) == []
    assert (one.executions.end_ns == other.executions.end_ns).all()
    assert one.counts == other.counts
    assert outcomes(one).count(SUCCEEDED) == len(outcomes(one)) > 15
    assert one.executions.parent is not None
    assert (one.executions.parent >= 0).sum() >= len(outcomes(one))


X = "{activity: {name: x, service: 100 ms}}"
DOES = {
    "branches": ([f"parallel: [[{X}], [{{wait: {{signal: go, after: 1 s, timer: 5 s}}}}]]"], ()),
    "a race": ([f"race: [[{X}], [{{sleep: 2 s}}]]"], ()),
    "a fan-out": (["fan_out: {items: {geometric: 5}, activity: {name: x, service: 100 ms, error_rate: 10 %}}"], ()),
    "a local activity": ([PACK, "activity: {name: l, service: 10 ms, local: true}"], ()),
    "hot rows": (
        [PACK.replace("}", ", transaction: {reads: 1, writes: 1, hot_rows: 10, isolation: serializable}}")],
        (),
    ),
    "a federation": (
        [PACK.replace("}", ", task_queue: both}")],
        (
            "workers.a={replicas: 1, cpu: 1, activity_slots: 2}",
            "workers.b={replicas: 2, cpu: 1}",
            "federations.both={pools: [a, b], spill_after: 10 ms, rtt: 10 ms}",
        ),
    ),
    "masters": ([PACK], ("regions={home: eu, names: [eu, us], rtt: 80 ms, masters: {at: [eu, us]}}",)),
    "work in progress": ([PACK], ("run.start=in_progress",)),
}


@pytest.mark.long
@pytest.mark.parametrize("what", DOES)
@pytest.mark.parametrize("step", ["child: ship", "fan_out: {items: 4, steps: [{child: ship}]}"])
def test_a_child_may_do_whatever_a_workflow_may(step: str, what: str) -> None:
    steps, sets = DOES[what]
    loaded = parent(f"{step}\n      - sleep: 3 s", *steps, sets=("workflows.order.arrivals=20/s", *sets))
    replication = run_one(loaded.lowered.network, Plan(seed=2, horizon_ns=2_000_000_000, drain_ns=60_000_000_000))
    assert audit(replication) == []
    assert outcomes(replication).count(SUCCEEDED) == len(outcomes(replication)) > 20
    each = 4 if "fan_out" in step else 1
    # Some of them start after the window, and are in no cohort.
    assert replication.executions.parent is not None
    assert (replication.executions.parent >= 0).sum() == each * len(outcomes(replication))


def on_cassandra(step: str, *sets: str) -> Loaded:
    """The same on three nodes of Cassandra."""
    text = SMALL.replace(CHARGE, f"      - {step}\n  ship:\n    task_queue: orders\n    steps:\n      - {PACK}\n")
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("postgres:")]
    return load("\n".join([*kept, "cassandra: {nodes: 3, cpu: 4}"]), [QUICK, *sets])


# -- what becomes of a child when its parent closes ------------------------------------------------------------------


def left_behind(policy: str, *child: str, sets: tuple[str, ...] = ()) -> Replication:
    """An order that does not wait for its child of 100 ms and 2 s, but closes after an activity of 100 ms."""
    aside = f"child: {{workflow: ship, wait: false, parent_close_policy: {policy}}}"
    steps = child or (PACK, "activity: {name: send, service: 2 s, effect: sent}")
    activity = "activity: {name: charge, service: 100 ms, start_to_close: 2 s}"
    return run(parent(f"{aside}\n      - {activity}", *steps, sets=(MANY, *sets)))


def test_a_child_that_is_abandoned_runs_on_to_its_end() -> None:
    replication = left_behind("abandon")
    assert outcomes(replication) == outcomes(replication, "ship") == [SUCCEEDED]
    assert latencies_ms(replication)[0] < 200
    assert latencies_ms(replication, "ship")[0] > 2100
    # Its parent is told of its start, and no more of its end: created, 3 tasks of 2, its activity 2, told once.
    assert transitions(replication, "order") == 10
    # Its child: created, first task scheduled, 3 tasks of 2, 2 activities of 2.
    assert transitions(replication, "ship") == 12


def test_a_child_that_is_terminated_ends_with_its_parent_by_one_transition_on_its_own_shard() -> None:
    replication = left_behind("terminate")
    assert outcomes(replication) == [SUCCEEDED]
    assert errors(replication, "ship") == ["terminated"]
    assert replication.executions.end_ns[1] == replication.executions.end_ns[0]
    # Created, first task scheduled, its task 2, the start of its first activity; its termination.
    assert transitions(replication, "ship") == 2 + 2 + 1 + 1
    assert transitions(replication, "order") == 10


def test_a_child_that_is_asked_to_cancel_closes_by_a_workflow_task() -> None:
    replication = left_behind("request_cancel")
    assert errors(replication, "ship") == ["workflow_failed"]
    # It closes after its parent, by a task that starts and ends: of 2 transitions where a termination is 1.
    assert replication.executions.end_ns[1] > replication.executions.end_ns[0]
    assert transitions(replication, "ship") == 2 + 2 + 1 + 2


def test_a_child_that_is_asked_to_cancel_undoes_what_it_has_done() -> None:
    did = "activity: {name: pack, service: 10 ms, compensate: {name: unpack, service: 100 ms}}"
    replication = left_behind("request_cancel", did, "activity: {name: send, service: 2 s}")
    assert outcomes(replication, "ship") == [COMPENSATED]
    assert counts(replication)["activity_task"] == 1 + 3


def test_whenever_a_child_is_asked_to_cancel_it_closes() -> None:
    charge = "activity: {name: charge, service: {uniform: [1 ms, 300 ms]}}"
    aside = "child: {workflow: ship, wait: false, parent_close_policy: request_cancel}"
    sets = (MANY, "workflows.order.arrivals=50/s", "postgres.flush=5 ms")
    replication = run(parent(f"{aside}\n      - {charge}", PACK, "sleep: 2 s", sets=sets))
    assert outcomes(replication).count(SUCCEEDED) == len(outcomes(replication)) > 30
    assert set(errors(replication, "ship")) == {"workflow_failed"}
    assert len(outcomes(replication, "ship")) <= len(outcomes(replication))


def test_a_branch_that_loses_its_race_takes_its_child_with_it() -> None:
    replication = run(parent("race: [[{child: ship}], [{sleep: 1 s}]]", "sleep: 5 s", sets=(MANY,)))
    assert outcomes(replication) == [SUCCEEDED]
    assert errors(replication, "ship") == ["terminated"]


# -- children that are not waited for, many, and long ones -----------------------------------------------------------


def test_a_parent_goes_on_at_once_and_is_told_all_the_same() -> None:
    aside = "child: {workflow: ship, wait: false}"
    replication = run(parent(f"{aside}\n      - sleep: 5 s", sets=(MANY,)))
    assert latencies_ms(replication)[0] == pytest.approx(5000, abs=100)
    assert outcomes(replication, "ship") == [SUCCEEDED]
    # Created, 2 tasks of its own, the timer; told twice, with a task each.
    assert transitions(replication, "order") == 1 + 4 + 1 + 2 * 3


def test_a_child_that_is_not_waited_for_does_not_fail_its_parent() -> None:
    fails = PACK.replace("}", ", non_retryable_rate: 1}")
    replication = run(parent("child: {workflow: ship, wait: false}\n      - sleep: 5 s", fails))
    assert outcomes(replication) == [SUCCEEDED]
    assert outcomes(replication, "ship") == [FAILED]


def test_the_history_of_a_parent_counts_children_that_are_not_waited_for() -> None:
    kept = ("temporal.retention={closed: 1 day, payload: 0 B}",)
    loaded = parent("child: {workflow: ship, wait: false}\n      - sleep: 5 s", sets=kept)
    # Started, task scheduled; started; completed, child and timer asked for; fired, task scheduled; started;
    # completed, closed. Twice told: the event, task scheduled; started; completed.
    assert loaded.lowered.histories["order"].bytes == (2 + 1 + 3 + 2 + 1 + 2 + 2 * 4) * 300


def test_a_thousand_children_are_a_thousand_rows() -> None:
    sets = (MANY, "workers.orders={replicas: 20, cpu: 4, workflow_task_slots: 200, activity_slots: 200}")
    replication = run(parent("fan_out: {items: 1000, steps: [{child: ship}]}", PACK, sets=sets))
    assert outcomes(replication) == [SUCCEEDED]
    assert outcomes(replication, "ship") == [SUCCEEDED] * 1000
    assert transitions(replication, "ship") == 8000


def test_each_of_many_children_has_progress_of_its_own_and_goes_on_as_new() -> None:
    rounds = f"repeat: {{times: 8, steps: [{{{PACK}}}]}}"
    sets = (MANY, "workflows.ship.continue_as_new=20")
    replication = run(parent("fan_out: {items: 3, steps: [{child: ship}]}", rounds, sets=sets))
    assert outcomes(replication, "ship") == [SUCCEEDED] * 3
    # After a beginning of 5 events each round is 6: the run is long enough after 3 rounds (23), the next one (2 more
    # than its rounds) after 3 again.
    assert replication.counts["ship", "continued_as_new"] == 3 * 2
    assert ("order", "continued_as_new") not in replication.counts


def test_a_child_has_a_zone_of_its_own() -> None:
    sets = ("zones={names: [a, b], rtt: 10 ms}", "temporal.history={replicas: 2, cpu: 2}", MANY)
    loaded = parent("fan_out: {items: 40, steps: [{child: ship}]}", sets=sets)
    replication = run(loaded)
    assert len(outcomes(replication, "ship")) == 40
    # Half of them are in another zone than the store, 4 round trips of 10 ms away. Of 12 all are alike with 2^-11.
    lives = [life(loaded, row, 0, None, None) for row in range(1, 13)]
    first_flush = {next(line.split("uses")[0].strip() for line in lines if "uses wal" in line) for lines in lives}
    assert first_flush == {"+         0 s", "+       40 ms"}


def test_a_workflow_that_clients_start_too_has_one_routine_for_both() -> None:
    loaded = parent("child: ship", sets=(MANY, "workflows.ship.arrivals={burst: 2}", "workflows.ship.deadline=1 s"))
    replication = run(loaded)
    assert outcomes(replication, "ship") == [SUCCEEDED] * 3
    assert counts(replication)["execution_of_ship"] == 1
    # By clients: created, 2 tasks of 2, the activity 2; as a child one more.
    assert transitions(replication, "ship") == 2 * 7 + 8
    assert loaded.lowered.deadlines_ns == {"order": None, "ship": 1_000_000_000}


def test_a_deadline_of_a_child_is_held_against_its_own_rows() -> None:
    loaded = parent("child: ship", sets=(MANY, "workflows.ship.deadline=50 ms"))
    found = metrics([run(loaded)], loaded.lowered.deadlines_ns, 0.95)
    assert found["count.transition.per_execution"].value == 9 + 8  # of an order with its child
    assert found["availability.ship"].value == 0
    assert found["availability.order"].value == 1
