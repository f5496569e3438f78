"""Child executions: let in, waited for, heard of; what is their own; who counts; deadlocks. Times in ms."""

from __future__ import annotations

import pytest
from families import beside, crash, family, parents
from timeline import Engine

from sim.draws.streams import child_path, element_id, stream_key, uniform

# -- letting in, waiting, hearing -----------------------------------------------------------------------------


def test_the_parent_waits_for_the_end_of_its_child(engine: Engine) -> None:
    # 1, the child 1-4, then 2.
    t = engine(family("{delay: 1 ms}, {child: kid}, {delay: 2 ms}", "{delay: 3 ms}"), {"jobs": [0]})
    assert (t.starts, t.ends, parents(t)) == ([0, 1], [6, 4], [-1, 0])
    assert t.split(0) == {"service.delay-1": 1, "child.child-1": 3, "service.delay-2": 2}
    assert t.split(1) == {"service.delay-1": 3}
    assert (t.run.in_flight["parent"].area, t.run.in_flight["kid"].area) == (6_000_000, 3_000_000)
    assert t.run.executions.routine.tolist() == [0, 1]
    assert t.run.off_path_ns == 0
    # 2 executions, 3 delays.
    assert t.run.events == 2 + 6


def test_the_wait_is_booked_under_the_name_of_the_step(engine: Engine) -> None:
    t = engine(family("{child: kid, name: order}", "{delay: 3 ms}"), {"jobs": [0]})
    assert t.split(0) == {"child.order": 3}


def test_a_network_without_child_steps_has_no_column_of_parents(engine: Engine) -> None:
    assert engine(family("{delay: 1 ms}", "{delay: 1 ms}"), {"jobs": [0]}).run.executions.parent is None


def test_a_child_has_the_next_ordinal_at_once(engine: Engine) -> None:
    # Two parents of one instant: the first one's child is there before the second parent.
    t = engine(family("{child: kid}", "{delay: 3 ms}"), {"jobs": [2, 2]})
    assert (parents(t), t.starts, t.ends) == ([-1, 0, -1, 2], [2] * 4, [5] * 4)


def test_who_does_not_wait_goes_on_at_once_and_hears_nothing(engine: Engine) -> None:
    # The child fails at 3; the parent is at work 0-5.
    t = engine(
        family("{child: {routine: kid, wait: false}}, {delay: 5 ms}", "{delay: 3 ms}, {fail: bad}"), {"jobs": [0]}
    )
    assert (t.ends, t.errors) == ([5, 3], {1: "bad"})
    assert t.split(0) == {"service.delay-1": 5}


def test_a_child_that_takes_no_time_costs_none(engine: Engine) -> None:
    t = engine(family("{child: kid}, {delay: 2 ms}", "{set: {n: {to: 3}}}"), {"jobs": [1]})
    assert (t.starts, t.ends) == ([1, 1], [3, 1])
    assert t.split(0) == {"service.delay-1": 2}


def test_a_child_may_have_children(engine: Engine) -> None:
    text = family("{child: kid}, {delay: 1 ms}", "{child: grandkid}, {delay: 2 ms}", "  grandkid: [{delay: 3 ms}]")
    t = engine(text, {"jobs": [0]})
    assert (t.ends, parents(t)) == ([6, 5, 3], [-1, 0, 1])
    assert t.split(0) == {"child.child-1": 5, "service.delay-1": 1}
    assert t.split(1) == {"child.child-1": 3, "service.delay-1": 2}


def test_each_round_of_a_loop_lets_in_another_child_with_draws_of_its_own(engine: Engine) -> None:
    t = engine(family("{loop: {times: 3, steps: [{child: kid}]}}", "{delay: {exponential: 3 ms}}"), {"jobs": [0]})
    lengths = [end - start for start, end in zip(t.run.executions.start_ns.tolist(), t.ends_ns, strict=True)]
    assert parents(t) == [-1, 0, 0, 0]
    assert lengths[0] == sum(lengths[1:])
    assert len(set(lengths[1:])) == 3


# -- what is its own ------------------------------------------------------------------------------------------


def test_a_child_has_a_key_of_its_own(engine: Engine) -> None:
    # The parent holds the one unit of its shard. Where the child's is another, the child has that at once; else it
    # gives up after 1 ms.
    text = """
sources: {jobs: {routine: parent, arrivals: {trace: t}}}
resources: {shards: {nodes: 3, units: 1, keyed: {by: execution}}}
routines:
  parent: [{acquire: shards}, {child: kid}]
  kid: [{acquire: {resource: shards, patience: 1 ms}}, {delay: 2 ms}]
"""
    t = engine(text, {"jobs": [10 * k for k in range(20)]})
    key = stream_key(1, 0, "shards/key")
    paths = [child_path(element_id("jobs"), k) for k in range(20)]
    mine = [int(uniform(key, path, 0) * 3) for path in paths]
    childs = [int(uniform(key, child_path(path, element_id("parent/child-1")), 0) * 3) for path in paths]
    assert 0 < sum(one != other for one, other in zip(mine, childs, strict=True)) < 20
    expected = [(10 * k + 2, None) if mine[k] != childs[k] else (10 * k + 1, "patience") for k in range(20)]
    assert [(t.ends[2 * k + 1], t.errors.get(2 * k + 1)) for k in range(20)] == expected


def test_it_takes_attributes_and_gives_them_back_and_has_all_others_of_its_own(engine: Engine) -> None:
    # The child takes n = 5 and has m = 10 from the start: 5 + 10. It gives m = 3; n stays 5 with the parent: 5 + 3.
    parent = """
    {set: {n: {to: 5}, m: {to: 20}}}, {child: {routine: kid, takes: [n], gives: [m]}},
    {delay: 0 ms, per: {n: 1 ms}}, {delay: 0 ms, per: {m: 1 ms}}"""
    child = "{delay: 0 ms, per: {n: 1 ms}}, {delay: 0 ms, per: {m: 1 ms}}, {set: {n: {to: 7}, m: {to: 3}}}"
    t = engine(family(parent, child), {"jobs": [0]})
    assert t.split(1) == {"service.delay-1": 5, "service.delay-2": 10}
    assert t.split(0) == {"child.child-1": 15, "service.delay-1": 5, "service.delay-2": 3}


def test_what_a_child_gives_is_heard_at_its_end_only(engine: Engine) -> None:
    # In parallel to the child, 0-3, which sets m at 0: the parent still has 10 at 1.
    parent = """
    {fork: {branches: [[{child: {routine: kid, gives: [m]}}], [{delay: 1 ms}, {delay: 0 ms, per: {m: 1 ms}}]]}},
    {delay: 0 ms, per: {m: 1 ms}}"""
    t = engine(family(parent, "{set: {m: {to: 2}}}, {delay: 3 ms}"), {"jobs": [0]})
    assert t.ends == [13, 3]


def test_it_holds_nothing_that_its_parent_holds(engine: Engine) -> None:
    # The parent has the one lock; its child asks for it, and gives up after 2.
    text = family("{acquire: lock}, {child: kid}", "{acquire: {resource: lock, patience: 2 ms}}")
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.errors) == ([2, 2], {0: "patience", 1: "patience"})
    assert t.split(1) == {"wait.lock": 2}


def test_its_affinities_are_its_own(engine: Engine) -> None:
    # The parent had node 0 and remembers it. In the round, the child has node 1, where the crash of node 0 at 2 does
    # not hit it; a called routine goes to node 0 again.
    home = "{acquire: {resource: slots, affinity: home}}"
    text = family(f"{home}, {{release: slots}}, {{%s: kid}}", f"{home}, {{delay: 5 ms}}", crash("2 ms", "[0]"))
    t = engine(text % "child", {"jobs": [0]})
    assert (t.ends, t.errors) == ([5, 5], {})
    t = engine(text % "call", {"jobs": [0]})
    assert (t.ends, t.errors) == ([2], {0: "crash"})


def test_caches_know_it_by_its_own_name(engine: Engine) -> None:
    look = "{acquire: slots}, {cached: {cache: sticky, at: slots}}, {release: slots}"
    text = family(f"{look}, {{%s: kid}}", look, "caches: {sticky: {nodes: fleet, capacity: 5}}")
    text = text.replace("count: 2", "count: 1")
    assert engine(text % "child", {"jobs": [0]}).run.caches == {"sticky": (0, 2)}
    assert engine(text % "call", {"jobs": [0]}).run.caches == {"sticky": (1, 1)}


def test_it_has_the_priority_of_its_parent(engine: Engine) -> None:
    # Of those who wait for the lock, 0-4 another's, the parent's child comes first: 4-8, then the other one, 8-12.
    text = family("{child: kid}", "{acquire: lock}, {delay: 4 ms}").replace(
        "units: 1}", "units: 1, queue: priority}", 1
    )
    text = beside(text, "others", "kid")
    text = text.replace("routine: parent,", "routine: parent, priority: 5,")
    t = engine(text, {"others": [0, 1], "jobs": [2]})
    assert (parents(t), t.ends) == ([-1, -1, -1, 2], [4, 12, 8, 8])


def test_monitors_and_spans_are_of_one_execution(engine: Engine) -> None:
    # A question of the parent is not answered by its child, whose own answer is no answer to anything.
    more = """
monitors: {answer: {when: asked, eventually: [answered]}}
spans: {reply: {start: asked, end: answered}}
"""
    t = engine(family("{mark: asked}, {%s: kid}", "{delay: 1 ms}, {mark: answered}", more) % "child", {"jobs": [0]})
    assert (t.monitor("answer"), t.spans("span.reply")) == ((1, 0, 0, 1), [])
    t = engine(family("{mark: asked}, {%s: kid}", "{delay: 1 ms}, {mark: answered}", more) % "call", {"jobs": [0]})
    assert (t.monitor("answer"), t.spans("span.reply")) == ((1, 1, 0, 0), [(1, 1)])


def test_counts_and_attempts_are_of_the_routine_of_the_execution(engine: Engine) -> None:
    # What the parent is told of is done by the parent, what comes after by the child.
    body = "routine: kid, told: [{count: {told: 1}}], after: [{count: {after: 1}}]"
    child = "{attempt: {retry: {initial_interval: 1 ms, maximum_attempts: 2}, steps: [{fail: bad}], on_failure: []}}"
    text = family(
        f"{{count: {{mine: 1}}}}, {{child: {{{body}}}}}", f"{child}, {{count: {{mine: 2}}}}, {{tell: parent}}"
    )
    t = engine(text, {"jobs": [0]})
    assert t.run.counts == {("parent", "mine"): 1, ("parent", "told"): 1, ("kid", "mine"): 2, ("kid", "after"): 1}
    assert t.run.attempts == {"kid": (1, 1)}


# -- failures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome"), [("bad", "failed"), ("rejected", "rejected"), ("compensated", "compensated")]
)
def test_the_parent_fails_as_its_child_did(engine: Engine, error: str, outcome: str) -> None:
    child = {
        "bad": "{delay: 2 ms}, {fail: bad}",
        "rejected": "{delay: 2 ms}, {use: full}",
        "compensated": "{saga: [{delay: 2 ms}, {fail: bad}]}",
    }
    more = "stations: {full: {kind: token_bucket, rate: 0.001/s, burst: 1, when_empty: reject}}"
    t = engine(family("{use: full}, {child: kid}, {delay: 1 ms}", child[error], more), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([2, 2], [outcome, outcome])
    assert t.errors == ({} if error == "compensated" else {0: error, 1: error})


def test_each_try_of_the_parents_attempt_lets_in_a_new_child(engine: Engine) -> None:
    # 2, back-off 10, 2, back-off 20, 2. Each child begins with n = 1, has 2, and fails.
    retry = "retry: {initial_interval: 10 ms, maximum_attempts: 3}"
    child = "{set: {n: {add: 1}}}, {delay: 2 ms}, {branch: [{attribute: n, below: 4, steps: [{fail: bad}]}]}"
    t = engine(family(f"{{attempt: {{{retry}, steps: [{{child: kid}}]}}}}", child), {"jobs": [0]})
    assert (t.starts, t.ends, t.errors[0]) == ([0, 0, 12, 34], [36, 2, 14, 36], "bad")
    assert t.split(0) == {"lost": 6, "backoff": 30}
    # What a child that has failed gives is heard as well, and taken by the next one: 2, 3, and with 4 it succeeds.
    learning = f"{{attempt: {{{retry}, steps: [{{child: {{routine: kid, takes: [n], gives: [n]}}}}]}}}}"
    t = engine(family(learning, child), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([36, 2, 14, 36], ["succeeded", "failed", "failed", "succeeded"])
    assert t.split(0) == {"lost": 4, "backoff": 30, "child.child-1": 2}


def test_a_saga_of_the_parent_is_not_around_its_child(engine: Engine) -> None:
    # What the child registers is the child's own, and forgotten at its end; the parent undoes its own step, 2-3.
    parent = "{saga: [{compensate: [{delay: 1 ms}]}, {child: kid}, {fail: bad}]}"
    child = "{saga: [{delay: 2 ms}, {compensate: [{delay: 50 ms}]}]}"
    t = engine(family(parent, child), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([3, 2], ["compensated", "succeeded"])


# -- forks and races ------------------------------------------------------------------------------------------


def test_a_fan_out_waits_for_the_last_child(engine: Engine) -> None:
    # Three children, one lock, 2 each.
    t = engine(family("{fork: {items: 3, steps: [{child: kid}]}}", "{acquire: lock}, {delay: 2 ms}"), {"jobs": [0]})
    assert (t.ends, parents(t)) == ([6, 2, 4, 6], [-1, 0, 0, 0])
    assert t.split(0) == {"child.child-1": 6}
    assert t.split(3) == {"wait.lock": 4, "service.delay-1": 2}
    assert t.run.off_path_ns == 6_000_000  # of the parent's jobs that waited for the first two


def test_a_join_that_cancels_terminates_the_children_that_are_left(engine: Engine) -> None:
    # At 2 the first has ended and given the lock to the second, who holds it for no time.
    parent = "{fork: {items: 3, steps: [{child: kid}], join: first, cancel: true}}, {delay: 3 ms}"
    t = engine(family(parent, "{acquire: lock}, {delay: 2 ms}"), {"jobs": [0, 2]})
    assert t.ends[:4] == [5, 2, 2, 2]
    assert [t.errors.get(row) for row in range(4)] == [None, None, "terminated", "terminated"]
    assert t.outcomes[:4] == ["succeeded", "succeeded", "failed", "failed"]
    assert t.split(2) == {"wait.lock": 2}
    # The second parent's three come at 2: 2-4.
    assert t.ends[4:] == [7, 4, 4, 4]
    assert t.busy("lock") == 4


def test_a_crash_under_the_child_is_a_failure_that_the_parent_hears_of(engine: Engine) -> None:
    # Hit at 2 on node 0; the second child, at 3, is on node 1: 3-8.
    retry = "retry: {initial_interval: 1 ms, maximum_attempts: 2}"
    child = "{acquire: slots}, {delay: 5 ms}"
    t = engine(family("{child: kid}", child, crash("2 ms", "[0]")), {"jobs": [0]})
    assert (t.ends, t.errors) == ([2, 2], {0: "crash", 1: "crash"})
    parent = f"{{attempt: {{{retry}, steps: [{{child: kid}}]}}}}"
    t = engine(family(parent, child, crash("2 ms", "[0]")), {"jobs": [0]})
    assert (t.ends, t.errors) == ([8, 2, 8], {1: "crash"})


def test_a_crash_under_a_parent_that_waits_closes_its_child(engine: Engine) -> None:
    parent = "{acquire: slots}, {child: {routine: kid, on_close: %s}}"
    for policy, end in (("terminate", 2), ("cancel", 5), ("abandon", 9)):
        child = "{attempt: {steps: [{delay: 9 ms}], on_failure: [{delay: 3 ms}]}}"
        t = engine(family(parent % policy, child, crash("2 ms")), {"jobs": [0]})
        assert (t.ends, t.errors[0]) == ([2, end], "crash"), policy


def test_a_crash_that_the_parents_attempt_takes_up_closes_the_child_of_that_try(engine: Engine) -> None:
    # Hit at 2 with the child of the first try; the next one, on node 1: 3-12.
    retry = "retry: {initial_interval: 1 ms, maximum_attempts: 2}"
    parent = f"{{attempt: {{{retry}, steps: [{{acquire: slots}}, {{child: kid}}]}}}}"
    t = engine(family(parent, "{delay: 9 ms}", crash("2 ms", "[0]")), {"jobs": [0]})
    assert (t.ends, t.errors) == ([12, 2, 12], {1: "terminated"})
    assert t.split(0) == {"lost": 2, "backoff": 1, "child.child-1": 9}


def test_grants_in_the_child_do_not_start_the_attempt_of_its_parent(engine: Engine) -> None:
    # The child has a slot 0-10. The attempt starts with the parent's lock at 10, and has 5 from there; in a called
    # routine the slot would start it.
    text = family(
        "{attempt: {start_to_close: 5 ms, steps: [{%s: kid}, {acquire: lock}, {delay: 2 ms}]}}",
        "{acquire: slots}, {delay: 10 ms}, {release: slots}",
    )
    t = engine(text % "child", {"jobs": [0]})
    assert (t.ends, t.errors) == ([12, 10], {})
    t = engine(text % "call", {"jobs": [0]})
    assert (t.ends, t.errors) == ([5], {0: "timeout_start_to_close"})
    # So it has not started at 5 either: the task is taken back, and the child is terminated.
    t = engine(text.replace("start_to_close", "schedule_to_start") % "child", {"jobs": [0]})
    assert (t.ends, t.errors) == ([5, 5], {0: "timeout_schedule_to_start", 1: "terminated"})


def test_an_attempt_with_nothing_but_a_child_inside_starts_at_once(engine: Engine) -> None:
    # At 5 its body is left behind and goes on waiting, for a child that closes at 10; with `stops` it is stopped, and
    # so is the child.
    parent = "{attempt: {start_to_close: 5 ms, %ssteps: [{child: kid}], on_failure: [{delay: 20 ms}]}}"
    child = "{acquire: slots}, {delay: 10 ms}"
    t = engine(family(parent % "", child), {"jobs": [0]})
    assert (t.ends, t.errors, t.run.off_path_ns) == ([25, 10], {}, 5_000_000)
    assert t.split(0) == {"lost": 5, "service.delay-1": 20}
    t = engine(family(parent % "stops: true, ", child), {"jobs": [0]})
    assert (t.ends, t.errors, t.run.off_path_ns) == ([25, 5], {1: "terminated"}, 0)


def test_heartbeats_of_the_parents_attempt_are_not_of_the_childs_node(engine: Engine) -> None:
    # The child's node is gone at 2. The parent hears of that failure at once, not of a missing sign at 5.
    parent = "{attempt: {heartbeat: {timeout: 5 ms}, steps: [{child: kid}]}}"
    t = engine(family(parent, "{acquire: slots}, {delay: 10 ms}", crash("2 ms")), {"jobs": [0]})
    assert (t.ends, t.errors) == ([2, 2], {0: "crash", 1: "crash"})
    # A child whose own attempt has them fails at the missing sign: of 0 and 4 the last one before 6 is that of 4.
    child = "{attempt: {heartbeat: {timeout: 5 ms}, on_crash: silent, steps: [{acquire: slots}, {delay: 10 ms}]}}"
    t = engine(family("{child: kid}", child, crash("6 ms")), {"jobs": [0]})
    assert (t.ends, t.errors[0]) == ([9, 9], "timeout_heartbeat")


def test_a_parent_on_a_paused_node_hears_when_the_node_goes_on(engine: Engine) -> None:
    # Its child holds nothing of it, and ends at 3. The pause is 1-10.
    pause = "faults: {gc: {targets: [{group: fleet}], effect: pause, at: 1 ms, duration: 9 ms, drill: false}}"
    t = engine(family("{acquire: slots}, {child: kid}, {delay: 1 ms}", "{delay: 3 ms}", pause), {"jobs": [0]})
    assert t.ends == [11, 3]
    assert t.split(0) == {"child.child-1": 3, "paused": 7, "service.delay-1": 1}
    # What it is told to do has to wait as well: 10-12.
    parent = "{acquire: slots}, {child: {routine: kid, told: [{delay: 2 ms}]}}"
    t = engine(family(parent, "{delay: 3 ms}, {tell: parent}", pause), {"jobs": [0]})
    assert (t.ends, t.split(1)) == ([12, 12], {"service.delay-1": 3, "told": 9})


# -- who counts, who is followed ------------------------------------------------------------------------------


def test_children_of_executions_that_do_not_count_do_not_count(engine: Engine) -> None:
    text = family("{child: kid}", "{delay: 1 ms}, {count: {query: 1}}")
    text = beside(text, "seeds", "parent", ", counted: false")
    t = engine(text, {"seeds": [0], "jobs": [10]})
    assert (parents(t), t.run.executions.cohort.tolist()) == ([-1, 0, -1, 2], [2, 3])
    assert t.run.counts == {("kid", "query"): 1}


def test_a_child_is_of_the_cohort_by_its_own_start(engine: Engine) -> None:
    # Window [10, 50). Parents at 5 and 45, each lets its child in 7 later: 12 and 52.
    text = family("{delay: 7 ms}, {child: kid}, {delay: 1 ms}", "{delay: 20 ms}")
    t = engine(text, {"jobs": [5, 45]}, warmup=10, horizon=50)
    assert (t.starts, t.run.executions.cohort.tolist()) == ([5, 12, 45, 52], [1, 2])
    # The last child is no member, but its parent is, and waits for it.
    assert t.ends == [33, 32, 73, 72]
    assert t.split(2) == {"service.delay-1": 7, "child.child-1": 20, "service.delay-2": 1}


def test_a_child_of_a_followed_parent_is_not_called_off_nor_is_a_grandchild(engine: Engine) -> None:
    # At 50 the parent of 45 alone is followed. It waits for a child let in at 52, and that one for a child of 53.
    text = family("{delay: 7 ms}, {child: kid}", "{delay: 1 ms}, {child: grandkid}", "  grandkid: [{delay: 20 ms}]")
    t = engine(text, {"jobs": [45]}, warmup=10, horizon=50)
    assert (t.run.executions.cohort.tolist(), t.ends) == ([0], [73, 73, 73])


def test_who_is_called_off_leaves_its_children_alone(engine: Engine) -> None:
    # The parent of 5 is not of the cohort, its child of 12 is. At 50 the parent is called off, and the child goes on;
    # nobody is told, or hears, any more. The parent of 8 is called off with its child of 9.
    longer, short = "{delay: 7 ms}", "{delay: 1 ms}"
    child = "{child: {routine: kid, told: [{delay: 30 ms}]}}"
    text = family(
        f"{{branch: [{{attribute: n, above: 1, steps: [{longer}]}}, {{steps: [{short}]}}]}}, {child}",
        "{delay: 50 ms}, {tell: parent}, {delay: 1 ms}",
        "  early: [{set: {n: {to: 2}}}, {call: parent}]",
    )
    text = beside(text, "early", "early")
    t = engine(text, {"early": [5], "jobs": [8]}, warmup=10, horizon=50)
    assert (parents(t), t.starts, t.run.executions.cohort.tolist()) == ([-1, -1, 1, 0], [5, 8, 9, 12], [3])
    assert t.ends == [None, None, None, 63]


# -- deadlocks ------------------------------------------------------------------------------------------------


def test_a_parent_that_holds_what_its_child_needs_is_a_deadlock(engine: Engine) -> None:
    t = engine(family("{acquire: lock}, {child: kid}", "{delay: 1 ms}, {acquire: lock}"), {"jobs": [0]}, stuck=True)
    assert t.ends == [None, None]
    deadlock = t.run.deadlock
    assert deadlock is not None
    # Both are stuck; of the cycle, who waits for units is named.
    assert (deadlock.since_ns, deadlock.jobs) == (1_000_000, 2)
    assert [waiter.execution for waiter in deadlock.cycle] == [1]
    assert [waiter.waits_for for waiter in deadlock.cycle] == ["lock"]


def test_so_is_one_that_is_told_to_take_what_its_child_holds(engine: Engine) -> None:
    t = engine(
        family("{child: {routine: kid, told: [{acquire: lock}]}}", "{acquire: lock}, {tell: parent}"),
        {"jobs": [0]},
        stuck=True,
    )
    assert t.ends == [None, None]
    assert t.run.deadlock is not None
    # The parent's main line, the job that was told, and the child.
    assert t.run.deadlock.jobs == 3
    assert [waiter.execution for waiter in t.run.deadlock.cycle] == [0]


def test_children_of_two_parents_that_cross(engine: Engine) -> None:
    parent = "{acquire: %s}, {delay: 1 ms}, {child: %s}"
    text = f"""
sources: {{ab: {{routine: ab, arrivals: {{trace: t}}}}, ba: {{routine: ba, arrivals: {{trace: t}}}}}}
resources: {{a: {{units: 1}}, b: {{units: 1}}}}
routines:
  ab: [{parent % ("a", "kid-b")}]
  ba: [{parent % ("b", "kid-a")}]
  kid-a: [{{acquire: a}}]
  kid-b: [{{acquire: b}}]
"""
    t = engine(text, {"ab": [0], "ba": [0]}, stuck=True)
    assert t.run.deadlock is not None
    assert t.run.deadlock.jobs == 4
    assert [(waiter.execution, waiter.waits_for) for waiter in t.run.deadlock.cycle] == [(2, "b"), (3, "a")]


def test_a_parent_that_may_still_close_its_child_keeps_hope_alive(engine: Engine) -> None:
    # The child waits for the lock that its parent holds, and will be terminated with it, after an hour; one that is
    # abandoned has the lock then.
    text = family(
        "{acquire: lock}, {child: {routine: kid, wait: false, on_close: %s}}, {delay: 1 h}", "{acquire: lock}"
    )
    for policy in ("terminate", "cancel", "abandon"):
        assert engine(text % policy, {"jobs": [0]}, drain=0).ends == [None, None]
    # As a race may, one of whose branches waits for the child.
    text = family("{acquire: lock}, {race: [[{delay: 1 h}], [{child: kid}]]}", "{acquire: lock}")
    assert engine(text, {"jobs": [0]}, drain=0).ends == [None, None]


def test_two_children_that_hold_what_the_other_wants_are_stuck_unless_their_parent_closes_them(engine: Engine) -> None:
    more = "  other: [{acquire: slots}, {delay: 1 ms}, {acquire: lock}]"
    child = "{acquire: lock}, {delay: 1 ms}, {acquire: slots}"
    both = ", ".join(f"{{child: {{routine: {name}, wait: false, on_close: %s}}}}" for name in ("kid", "other"))
    text = family(f"{both}, {{delay: 1 h}}", child, more).replace("count: 2", "count: 1")
    for policy in ("terminate", "cancel"):
        assert engine(text.replace("%s", policy), {"jobs": [0]}, drain=0).ends == [None, None, None]
    t = engine(text.replace("%s", "abandon"), {"jobs": [0]}, drain=0, stuck=True)
    assert t.run.deadlock is not None
    assert str(t.run.deadlock).endswith(
        "execution 1 holds lock and waits for slots; execution 2 holds slots and waits for lock"
    )
