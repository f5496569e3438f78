"""Children: forks with joins of every kind, races, what becomes of the ones left over, whose time is the parent's."""

from __future__ import annotations

from timeline import Engine


def fork(body: str, more: str = "") -> str:
    return f"""
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
resources: {{lock: {{units: 1}}}}
routines:
  job:
    - fork: {{{body}}}
    - delay: 1 ms
{more}
"""


def test_all_waits_for_the_last(engine: Engine) -> None:
    t = engine(fork("branches: [[{delay: 3 ms}], [{delay: 7 ms}], [{delay: 5 ms}]]"), {"jobs": [0]})
    assert t.ends == [8]
    # The split follows the last one; the others' 3 and 5 are off the path.
    assert t.split(0) == {"service.delay-2": 7, "service.delay-4": 1}
    assert t.run.off_path_ns == 8_000_000


def test_first_goes_on_with_the_first_and_the_rest_run_on(engine: Engine) -> None:
    # The lock is the slow child's until 9, also after the execution has ended at 4; the next one has it then.
    text = fork("branches: [[{delay: 3 ms}], [{acquire: lock}, {delay: 9 ms}]], join: first")
    t = engine(text, {"jobs": [0, 1]})
    assert t.ends == [4, 5]
    assert t.busy("lock") == 18
    assert t.place("lock").wait_sum_ns == 8_000_000
    # Redundant work: 0-9, and 1-18.
    assert t.run.off_path_ns == 26_000_000


def test_cancel_stops_the_rest_and_gives_back_what_they_hold(engine: Engine) -> None:
    text = fork("branches: [[{delay: 3 ms}], [{acquire: lock}, {delay: 9 ms}]], join: first, cancel: true")
    t = engine(text, {"jobs": [0, 3]})
    assert t.ends == [4, 7]
    assert t.busy("lock") == 6
    assert t.place("lock").wait_sum_ns == 0


def test_k_of_n_fires_at_the_kth_success(engine: Engine) -> None:
    t = engine(fork("branches: [[{delay: 3 ms}], [{delay: 7 ms}], [{delay: 5 ms}]], join: 2"), {"jobs": [0]})
    assert t.ends == [6]
    assert t.split(0) == {"service.delay-3": 5, "service.delay-4": 1}


def test_a_failure_counts_only_when_k_has_become_impossible(engine: Engine) -> None:
    two_of_three = "branches: [[{delay: 3 ms}, {fail: %s}], [{delay: 7 ms}%s], [{delay: 5 ms}]], join: 2"
    t = engine(fork(two_of_three % ("bad", "")), {"jobs": [0]})
    # One failure leaves two: 7.
    assert (t.ends, t.outcomes) == ([8], ["succeeded"])
    t = engine(fork(two_of_three % ("bad", ", {fail: worse}")), {"jobs": [0]})
    # The second failure, at 7, makes two impossible, and its name is the join's.
    assert (t.ends, t.errors) == ([7], {0: "worse"})
    # All: the first failure does.
    t = engine(fork((two_of_three % ("bad", "")).replace("join: 2", "join: all")), {"jobs": [0]})
    assert (t.ends, t.errors) == ([3], {0: "bad"})
    assert t.split(0) == {"service.delay-1": 3}


def test_nothing_to_wait_for_fires_at_once(engine: Engine) -> None:
    none = fork("items: {attribute: n}, steps: [{delay: 5 ms}], join: %s", "attributes: {n: 0}")
    for join in ("all", "first", "0", "2"):
        assert engine(none % join, {"jobs": [0]}).ends == [1], join
    # k = 0: the children run on, off the path.
    t = engine(fork("items: 2, steps: [{delay: 5 ms}], join: 0"), {"jobs": [0]})
    assert (t.ends, t.run.off_path_ns) == ([1], 10_000_000)
    t = engine(fork("items: 2, steps: [{delay: 5 ms}], join: 0, cancel: true"), {"jobs": [0]})
    assert (t.ends, t.run.off_path_ns) == ([1], 0)


def test_more_than_there_are_is_impossible_from_the_start(engine: Engine) -> None:
    t = engine(fork("items: {attribute: n}, steps: [{delay: 5 ms}], join: 3", "attributes: {n: 2}"), {"jobs": [4]})
    assert (t.ends, t.errors, t.run.off_path_ns) == ([4], {0: "join"}, 0)


def test_children_that_end_together_are_taken_in_order(engine: Engine) -> None:
    # Both end at 5 in the same kind of step; the first child, by its index, decides. It had waited 2 and served 3.
    text = fork("items: 2, steps: [{acquire: lock}, {delay: 5 ms}], join: first")
    t = engine(text, {"jobs": [0]})
    assert t.split(0) == {"service.delay-1": 5, "service.delay-2": 1}
    text = fork("branches: [[{delay: 5 ms}], [{delay: 5 ms}]], join: first")
    assert engine(text, {"jobs": [0]}).split(0) == {"service.delay-1": 5, "service.delay-3": 1}


def test_the_number_of_children_is_known_only_then(engine: Engine) -> None:
    # One lock, 2 ms each, 4 children: 8.
    text = fork(
        "items: {attribute: n}, steps: [{acquire: lock}, {delay: 2 ms}, {release: lock}]", "attributes: {n: 4}"
    )
    t = engine(text, {"jobs": [0]})
    assert t.ends == [9]
    assert t.split(0) == {"wait.lock": 6, "service.delay-1": 2, "service.delay-2": 1}


def test_children_see_what_their_parent_holds(engine: Engine) -> None:
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 1}}
        stations: {cpu: {nodes: fleet, servers: 1, service: 4 ms}}
        routines: {job: [{acquire: slots}, {fork: {items: 2, steps: [{use: {station: cpu, at: slots}}]}}]}
        """,
        {"jobs": [0]},
    )
    assert t.ends == [8]


def race(*bodies: str) -> str:
    return f"""
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
resources: {{lock: {{units: 1}}}}
routines: {{job: [{{race: [{", ".join(bodies)}]}}, {{delay: 1 ms}}]}}
"""


def test_the_first_to_end_decides_a_race_and_the_others_are_stopped(engine: Engine) -> None:
    # A signal after 4 against a wait for the lock that takes 0-9: stopped at 4, so the next one has it at once.
    text = race("[{delay: 4 ms, kind: timer}]", "[{acquire: lock}, {delay: 9 ms}]")
    t = engine(text, {"jobs": [0, 4]})
    assert t.ends == [5, 9]
    assert t.split(0) == {"timer": 4, "service.delay-3": 1}
    assert t.busy("lock") == 8
    assert t.run.off_path_ns == 8_000_000  # of the losers, until they were stopped


def test_a_failure_decides_a_race_as_well(engine: Engine) -> None:
    t = engine(race("[{delay: 4 ms}, {fail: bad}]", "[{delay: 9 ms}]"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([4], {0: "bad"})


def test_whoever_waits_in_line_when_the_race_is_decided_leaves_it(engine: Engine) -> None:
    # Execution 0 holds the lock 0-4 (its race: 4 against 9). Execution 1 waits for it, and its race is decided at 6,
    # having held 4-6. Execution 2, in line since 3, has the lock at 6, for 1: decided at 7.
    t = engine(race("[{delay: 4 ms}]", "[{acquire: lock}, {delay: 9 ms}]"), {"jobs": [0, 2, 3]})
    assert t.ends == [5, 7, 8]
    assert t.busy("lock") == 7
    t = engine(race("[{delay: 1 ms}]", "[{acquire: lock}, {delay: 9 ms}]"), {"jobs": [0, 0.5]})
    # 0-1 and 1-1.5.
    assert t.busy("lock") == 1.5


def test_a_branch_without_steps_wins_at_once(engine: Engine) -> None:
    assert engine(race("[{delay: 4 ms}]", "[]"), {"jobs": [2]}).ends == [3]


def test_what_has_been_stopped_takes_its_own_children_along(engine: Engine) -> None:
    # The loser of the race is a fork of two that wait inside; all stop at 2.
    inner = "[{fork: {items: 2, steps: [{acquire: lock}, {delay: 9 ms}]}}]"
    t = engine(race("[{delay: 2 ms}]", inner), {"jobs": [0, 2]})
    assert t.ends == [3, 5]
    assert t.busy("lock") == 4
