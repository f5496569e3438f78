"""Units that are held: who gets them, who waits, who goes away. Times in ms; the arithmetic stands beside."""

from __future__ import annotations

from timeline import Engine

ONE_LOCK = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {lock: {units: 1%s}}
routines:
  job:
    - acquire: lock
    - delay: 10 ms
    - release: lock
    - delay: 3 ms
"""


def test_units_are_given_first_come_first_served(engine: Engine) -> None:
    # Holds: 0-10, 10-20, 20-30; each then goes on for 3 ms without the lock.
    t = engine(ONE_LOCK % "", {"jobs": [0, 1, 2]})
    assert t.ends == [13, 23, 33]
    assert t.split(2) == {"wait.lock": 18, "service.delay-1": 10, "service.delay-2": 3}
    lock = t.place("lock")
    # In use 0-30; waits of 9 and 18; the first did not wait.
    assert (t.busy("lock"), t.waiting("lock")) == (30, 27)
    assert (lock.requested, lock.served, lock.waited, lock.max_waiting) == (3, 3, 2, 2)
    assert (lock.wait_sum_ns, lock.wait_count) == (27_000_000, 3)


def test_the_youngest_goes_first_in_a_lifo_line(engine: Engine) -> None:
    # Execution 2 came last, so it holds 10-20 and execution 1 holds 20-30.
    t = engine(ONE_LOCK % ", queue: lifo", {"jobs": [0, 1, 2]})
    assert t.ends == [13, 33, 23]


PRIORITIES = """
sources:
  low: {routine: job, arrivals: {trace: t}}
  high: {routine: job, arrivals: {trace: t}, priority: 5}
resources: {lock: {units: 1, queue: priority}}
routines:
  job:
    - acquire: lock
    - delay: 10 ms
    - release: lock
"""


def test_the_greatest_priority_goes_first_and_the_oldest_among_equals(engine: Engine) -> None:
    # low 0 holds 0-10 (nobody is driven out). At 10 wait low 1 (1), high 2 (2), high 3 (3), low 4 (4).
    # Then high 2 (10-20), high 3 (20-30), low 1 (30-40), low 4 (40-50).
    t = engine(PRIORITIES, {"low": [0, 1, 4], "high": [2, 3]})
    assert t.starts == [0, 1, 2, 3, 4]
    assert t.ends == [10, 40, 20, 30, 50]


def test_a_step_may_have_a_priority_of_its_own(engine: Engine) -> None:
    text = PRIORITIES.replace("- acquire: lock", "- acquire: {resource: lock, priority: 9}")
    t = engine(text, {"low": [0, 1], "high": [2]})
    assert t.ends == [10, 20, 30]


def test_the_one_who_finds_the_line_full_is_rejected(engine: Engine) -> None:
    # One holds, one waits, the third finds one waiting and goes.
    t = engine(ONE_LOCK % ", queue_limit: 1", {"jobs": [0, 1, 2]})
    assert t.ends == [13, 23, 2]
    assert t.outcomes == ["succeeded", "succeeded", "rejected"]
    assert t.errors == {2: "rejected"}
    assert t.place("lock").rejected == 1


def test_a_limit_of_0_lets_nobody_wait(engine: Engine) -> None:
    t = engine(ONE_LOCK % ", queue_limit: 0", {"jobs": [0, 1, 10]})
    # At 10 the lock comes back (a completion) before the third arrives.
    assert t.ends == [13, 1, 23]


PATIENT = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {lock: {units: 1}}
routines:
  job:
    - acquire: {resource: lock, patience: 4 ms%s}
    - delay: 10 ms
"""


def test_patience_runs_out(engine: Engine) -> None:
    # Execution 1 asks at 3 and gives up at 7; execution 2 asks at 8 and has the lock at 10. What is held at the end
    # of an execution is given back.
    t = engine(PATIENT % "", {"jobs": [0, 3, 8]})
    assert t.ends == [10, 7, 20]
    assert t.errors == {1: "patience"}
    assert t.split(1) == {"wait.lock": 4}
    lock = t.place("lock")
    assert (lock.requested, lock.served, lock.abandoned) == (3, 2, 1)
    assert lock.wait_sum_ns == 2_000_000  # of the served: 0 and 2


def test_the_way_round_is_taken_when_patience_runs_out(engine: Engine) -> None:
    t = engine(PATIENT % ", otherwise: [{delay: 1 ms}]", {"jobs": [0, 3]})
    # 3 + 4 waiting + 1 round + 10.
    assert t.ends == [10, 18]
    assert t.split(1) == {"wait.lock": 4, "service.delay-1": 1, "service.delay-2": 10}


def test_patience_of_0_takes_what_is_free_and_no_more(engine: Engine) -> None:
    t = engine((PATIENT % "").replace("4 ms", "0 ms"), {"jobs": [0, 3, 10]})
    # At 10 the lock is given back before the third asks.
    assert t.ends == [10, 3, 20]


def test_several_units_are_of_one_node_and_nobody_overtakes_the_head_of_the_line(engine: Engine) -> None:
    # 3 units. Execution 0 takes 2 (0-10). Execution 1 needs 2 and waits for it, although 1 is free; execution 2 needs
    # 1, which is free, and waits behind execution 1 nevertheless. At 10 both are served: 2 + 1.
    t = engine(
        """
        sources: {jobs: {routine: two, arrivals: {trace: t}}, small: {routine: one, arrivals: {trace: t}}}
        resources: {pool: {units: 3}}
        routines:
          two: [{acquire: {resource: pool, units: 2}}, {delay: 10 ms}, {release: pool}]
          one: [{acquire: pool}, {delay: 5 ms}, {release: pool}]
        """,
        {"jobs": [0, 1], "small": [2]},
    )
    assert t.ends == [10, 20, 15]
    assert t.busy("pool") == 2 * 10 + 2 * 10 + 1 * 5


def test_whoever_leaves_the_line_makes_way_for_one_who_needs_less(engine: Engine) -> None:
    # 2 units. Execution 0 holds 1 for 20 ms. Execution 1 wants 2 and gives up at 6; execution 2, behind it, wants 1
    # and has it at 6, ending at 26 of its own 20 ms.
    t = engine(
        """
        sources: {one: {routine: one, arrivals: {trace: t}}, two: {routine: two, arrivals: {trace: t}}}
        resources: {pool: {units: 2}}
        routines:
          one: [{acquire: pool}, {delay: 20 ms}]
          two: [{acquire: {resource: pool, units: 2, patience: 5 ms}}, {delay: 20 ms}]
        """,
        {"one": [0, 2], "two": [1]},
    )
    assert t.ends == [20, 6, 26]
    assert t.errors == {1: "patience"}


def test_a_release_gives_back_what_was_acquired_last(engine: Engine) -> None:
    # The first acquire takes 1 of 3 units, the second 2; the release at 5 gives back 2, so the other gets its 2 at 5.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, other: {routine: other, arrivals: {trace: t}}}
        resources: {pool: {units: 3}}
        routines:
          job:
            - acquire: pool
            - acquire: {resource: pool, units: 2}
            - delay: 5 ms
            - release: pool
            - delay: 5 ms
          other: [{acquire: {resource: pool, units: 2}}, {delay: 1 ms}]
        """,
        {"jobs": [0], "other": [1]},
    )
    assert t.ends == [10, 6]
    assert t.busy("pool") == 3 * 5 + 1 * 5 + 2 * 1


def test_a_unit_is_held_while_its_holder_queues_elsewhere(engine: Engine) -> None:
    # Two slots, one server of 10 ms. Execution 2 needs a slot: held by 0 (0-10) and by 1 (0-20, of which 10 queueing).
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 2}}
        stations: {server: {servers: 1, service: 10 ms}}
        routines: {job: [{acquire: slots}, {use: server}, {release: slots}]}
        """,
        {"jobs": [0, 0, 0]},
    )
    assert t.ends == [10, 20, 30]
    assert t.split(2) == {"wait.slots": 10, "wait.server": 10, "service.server": 10}
    assert t.busy("slots") == 10 + 20 + 20


def test_a_release_of_what_is_not_held_any_more_fails(engine: Engine) -> None:
    # The unit is released on one way of a branch and again after it; at odds with itself, and said so.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {lock: {units: 1}}
        attributes: {early: 1}
        routines:
          job:
            - acquire: lock
            - branch:
                - {attribute: early, above: 0, steps: [{release: lock}]}
            - release: lock
        """,
        {"jobs": [0]},
    )
    assert t.errors == {0: "not_held"}


def test_only_visits_of_the_window_count_in_its_waits(engine: Engine) -> None:
    # Window [5, 15). Waits: execution 0 asked at 0 (before), 1 at 6 (waits 4), 2 at 16 (after).
    t = engine(ONE_LOCK % "", {"jobs": [0, 6, 16]}, warmup=5, horizon=15)
    lock = t.place("lock")
    assert (lock.requested, lock.wait_count, lock.wait_sum_ns) == (1, 1, 4_000_000)
    # In use all the 10 ms of it; in line 6-10.
    assert (t.busy("lock"), t.waiting("lock"), lock.units_area) == (10, 4, 10_000_000)
