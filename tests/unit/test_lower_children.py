"""Child workflows, by hand: an execution of its own inside another one, told of as an execution of its own.

Goal: a child has its own shard, history, queue and counts; its parent waits for it as the join says, and is told.
Method: the small deployment, in which only flushes (1 ms, one at a time) and services take time; arithmetic beside the
assertion.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.engine.run import run_one
from sim.lower.load import Loaded, load
from sim.network.distributions import FromAttribute
from sim.network.kinds import walk
from sim.results.audit import audit
from sim.results.columns import FAILED, SUCCEEDED, Replication
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


def outcomes(replication: Replication) -> list[int]:
    rows = replication.executions
    return [int(rows.outcome[row]) for row in rows.cohort]


def test_a_child_takes_transitions_of_its_own_and_two_of_its_parents() -> None:
    replication = run(parent("child: ship", sets=(MANY,)))
    # The parent is created (2 flushes, until 2), its task starts (4) and asks for the child (6), which is created (8);
    # the parent is told (10). Now the parent's task (start, end: 4 flushes) and the child (first task scheduled,
    # started, activity scheduled: 6) flush in turn, the child first: its 5th is over at 19, its 6th at 20. Its
    # activity starts (21), runs (121), is done (123); its task starts (125) and closes it (127). The parent is told
    # (129), its task starts (131) and closes it (133).
    assert latencies_ms(replication) == [133]
    found = counts(replication)
    # Of the parent: created, 3 tasks of 2, told twice. Of the child: created, scheduled, 2 tasks of 2, its activity 2.
    assert found["transition"] == 9 + 8
    assert found["transition_of_ship"] == 8
    assert found["execution_of_ship"] == 1


def test_the_child_is_found_on_a_shard_of_its_own() -> None:
    lines = life(parent("child: ship", sets=(MANY,)), 0, 0, None, None)
    shards = [line.split("acquired shards on node ")[1] for line in lines if "acquired shards on" in line]
    own, other = shards[0], next(shard for shard in shards if shard != shards[0])
    # The parent's 4 transitions before the child is there: 3 and, after its creation, the one that tells.
    assert shards[:5] == [own, own, own, other, own]
    assert set(shards) == {own, other}
    assert shards.count(other) == 8


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
    assert counts(one_shard)["transition_of_ship"] == counts(many)["transition_of_ship"] == 20 * 8
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
    later = "\n      - sleep: 5 s"
    some = run(parent(f"fan_out: {{items: 5, join: 2, steps: [{{child: ship}}]}}{later}", varied, sets=(MANY,)))
    every = run(parent(f"fan_out: {{items: 5, steps: [{{child: ship}}]}}{later}", varied, sets=(MANY,)))
    assert latencies_ms(some)[0] < latencies_ms(every)[0]
    # Each of the five makes its own transitions, whether anybody waits for it or not.
    assert counts(some)["transition_of_ship"] == counts(every)["transition_of_ship"] == 5 * 8


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
    assert {name: number for name, number in counts(deep).items() if "_of_" in name} == {
        "execution_of_ship": 1,
        "execution_of_label": 1,
        "transition_of_ship": 10,
        "transition_of_label": 8,
    }
    wide = run(
        parent(
            "fan_out: {items: 3, steps: [{child: ship}]}",
            "fan_out: {items: 2, steps: [{child: label}]}",
            sets=sets,
            further=inner,
        )
    )
    assert counts(wide)["execution_of_label"] == 6
    assert counts(wide)["transition_of_label"] == 6 * 8


def test_a_child_runs_on_the_workers_of_its_own_queue() -> None:
    sets = ("workflows.ship.task_queue=docks", "workers.docks={replicas: 1, cpu: 1}")
    replication = run(parent("child: ship", sets=sets))
    assert replication.places["docks-workflow-slots"].served == 2
    assert replication.places["orders-workflow-slots"].served == 3


def test_histories_are_kept_for_each_execution() -> None:
    loaded = parent("child: ship", sets=("temporal.retention={closed: 1 day, payload: 0 B}",))
    # Parent: started, task scheduled; started; completed, child asked for; child started, task scheduled; started;
    # completed; child completed, task scheduled; started; completed, closed. Child: 6 + 5 for one activity.
    assert loaded.lowered.histories["order"].bytes == ((2 + 1 + 2 + 2 + 1 + 1 + 2 + 1 + 2) + 11) * 300


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
    assert counts(one)["execution_of_ship"] >= len(outcomes(one))


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
    assert counts(replication)["execution_of_ship"] == each * len(outcomes(replication))


def on_cassandra(step: str, *sets: str) -> Loaded:
    """The same on three nodes of Cassandra."""
    text = SMALL.replace(CHARGE, f"      - {step}\n  ship:\n    task_queue: orders\n    steps:\n      - {PACK}\n")
    kept = [line for line in text.splitlines() if not line.lstrip().startswith("postgres:")]
    return load("\n".join([*kept, "cassandra: {nodes: 3, cpu: 4}"]), [QUICK, *sets])


def test_the_key_of_a_child_is_read_at_the_instant_at_which_it_is_set() -> None:
    loaded = parent("child: ship", sets=("temporal.history={replicas: 3, cpu: 2}",))
    for routine, steps in loaded.lowered.network.routines.items():
        placed = [one.step for one in walk(routine, steps)]
        for before, step in pairwise(placed):
            keyed = getattr(getattr(step, "acquire", None), "resource", "")
            if keyed.endswith("-chosen"):
                assert isinstance(before.set["child-key"].to, FromAttribute)  # type: ignore[union-attr]
