"""Attempts: retries and back-off, the four timeouts, heartbeats, attempts that are left behind. Times in ms."""

from __future__ import annotations

import pytest
from timeline import Engine, network_of


def attempt(body: str, more: str = "", after: str = "") -> str:
    return f"""
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
resources: {{slots: {{units: 1}}, other: {{units: 1}}}}
routines:
  job:
    - attempt: {{{body}}}
{after}
{more}
"""


FAILS_TWICE = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
attributes: {tries: 0}
routines:
  job:
    - attempt:
        retry: {%s}
        steps:
          - set: {tries: {add: 1}}
          - delay: 2 ms
          - branch: [{attribute: tries, below: 3, steps: [{fail: busy}]}]
"""


def test_without_retry_there_is_one_attempt(engine: Engine) -> None:
    t = engine(attempt("steps: [{delay: 2 ms}, {fail: busy}]"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([2], {0: "busy"})
    assert t.split(0) == {"lost": 2}
    assert t.run.attempts == {"job": (1, 0)}


def test_back_offs_grow_by_their_factor(engine: Engine) -> None:
    # 2, back-off 10, 2, back-off 20, 2.
    t = engine(FAILS_TWICE % "initial_interval: 10 ms", {"jobs": [0]})
    assert t.ends == [36]
    assert t.split(0) == {"lost": 4, "backoff": 30, "service.delay-1": 2}
    assert t.run.attempts == {"job": (1, 2)}


def test_back_offs_have_a_cap_a_floor_and_a_grid(engine: Engine) -> None:
    # Cap 15: 2 + 10 + 2 + 15 + 2.
    assert engine(FAILS_TWICE % "initial_interval: 10 ms, maximum_interval: 15 ms", {"jobs": [0]}).ends == [31]
    # By default the cap is 100 first intervals: 2 + 10 + 2 + 1000 + 2.
    assert engine(FAILS_TWICE % "initial_interval: 10 ms, backoff_coefficient: 200", {"jobs": [0]}).ends == [1016]
    # Floor 25: 2 + 25 + 2 + 25 + 2.
    assert engine(FAILS_TWICE % "initial_interval: 10 ms, floor: 25 ms", {"jobs": [0]}).ends == [56]
    # Grid 8: 2 + 10 = 12 -> 16; 18 + 20 = 38 -> 40; 42.
    assert engine(FAILS_TWICE % "initial_interval: 10 ms, grid: 8 ms", {"jobs": [0]}).ends == [42]


def test_jitter_shortens_each_back_off_by_up_to_its_share(engine: Engine) -> None:
    # Without jitter 36; the back-offs of 10 and 20 lose at most half: 21 to 36, and each execution its own.
    ends = engine(FAILS_TWICE % "initial_interval: 10 ms, jitter: 50 %", {"jobs": [0] * 50}).ends
    assert all(end is not None and 21 < end < 36 for end in ends)
    assert len(set(ends)) == 50


def test_the_attempts_may_be_limited(engine: Engine) -> None:
    t = engine(FAILS_TWICE % "initial_interval: 10 ms, maximum_attempts: 2", {"jobs": [0]})
    assert (t.ends, t.errors) == ([14], {0: "busy"})


def test_a_failure_may_be_final(engine: Engine) -> None:
    t = engine(FAILS_TWICE % "initial_interval: 10 ms, non_retryable: [busy]", {"jobs": [0]})
    assert (t.ends, t.errors) == ([2], {0: "busy"})


def test_what_is_done_on_failure_makes_it_good(engine: Engine) -> None:
    t = engine(attempt("steps: [{fail: busy}], on_failure: [{delay: 3 ms}]", after="    - delay: 1 ms"), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([4], ["succeeded"])


def test_a_failed_attempt_gives_back_what_it_acquired_last_first_and_keeps_the_rest(engine: Engine) -> None:
    # `other` is acquired outside and kept over the back-off (0-15); `slots` inside, given back at 2: the second
    # execution, a plain one, has it at 2.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, plain: {routine: plain, arrivals: {trace: t}}}
        resources: {slots: {units: 1}, other: {units: 1}}
        attributes: {tries: 0}
        routines:
          job:
            - acquire: other
            - attempt:
                retry: {initial_interval: 10 ms}
                steps:
                  - acquire: slots
                  - set: {tries: {add: 1}}
                  - delay: 2 ms
                  - branch: [{attribute: tries, below: 2, steps: [{fail: busy}]}]
            - delay: 1 ms
          plain: [{acquire: slots}, {delay: 5 ms}]
        """,
        {"jobs": [0], "plain": [1]},
    )
    # 0-2 lost, back-off until 12, 12-14, 15. What succeeded keeps its slot to the end.
    assert t.ends == [15, 7]
    assert (t.busy("slots"), t.busy("other")) == (2 + 5 + 3, 15)


def test_a_unit_released_and_acquired_anew_inside_is_given_back_with_the_attempt(engine: Engine) -> None:
    # The unit of outside is released at 0 and another one acquired: it belongs to the attempt, which fails at 2. So
    # the second execution has the unit 2-7, while the first backs off until 12.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, plain: {routine: plain, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines:
          job:
            - acquire: slots
            - attempt:
                retry: {initial_interval: 10 ms, maximum_attempts: 1}
                steps: [{release: slots}, {acquire: slots}, {delay: 2 ms}, {fail: busy}]
                on_failure: [{delay: 10 ms}]
          plain: [{acquire: slots}, {delay: 5 ms}]
        """,
        {"jobs": [0], "plain": [1]},
    )
    assert t.ends == [12, 7]


# -- the four timeouts ----------------------------------------------------------------------------------------------


def test_start_to_close_counts_from_the_grant(engine: Engine) -> None:
    # Execution 1 waits for the slot 1-6 and has 6-11 for itself: within its 5, which count from 6.
    text = attempt("start_to_close: 5 ms, steps: [{acquire: slots}, {delay: 5 ms}, {release: slots}]")
    t = engine(text, {"jobs": [1, 1]})
    assert t.ends == [6, 11]
    assert t.outcomes == ["succeeded", "succeeded"]


def test_start_to_close_ends_an_attempt_whose_worker_lives_and_keeps_its_slot(engine: Engine) -> None:
    # The attempt of execution 0 times out at 5; its worker goes on until 8 and keeps the slot until then; the result
    # is thrown away. Execution 1 has the slot at 8, and times out at 13.
    text = attempt("start_to_close: 5 ms, steps: [{acquire: slots}, {delay: 8 ms}, {release: slots}]")
    t = engine(text, {"jobs": [0, 1]})
    assert t.ends == [5, 13]
    assert t.errors == {0: "timeout_start_to_close", 1: "timeout_start_to_close"}
    assert t.split(1) == {"lost": 12}
    assert t.busy("slots") == 16
    assert t.run.off_path_ns == 6_000_000  # 5-8 and 13-16


def test_the_next_attempt_queues_behind_the_one_left_behind(engine: Engine) -> None:
    # 0-5 timed out, back-off until 6, waiting for the slot until 8 (the old attempt's end), 8-13 timed out as well;
    # back-off (2) until 15, the slot at 16, 16-21.
    text = attempt(
        "start_to_close: 5 ms, retry: {initial_interval: 1 ms, maximum_attempts: 3}, "
        "steps: [{acquire: slots}, {delay: 8 ms}, {release: slots}]"
    )
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.errors) == ([21], {0: "timeout_start_to_close"})
    assert t.split(0) == {"lost": 5 + 7 + 6, "backoff": 3}
    assert t.busy("slots") == 24


def test_a_body_that_learns_of_its_deadline_stops_and_gives_back_what_it_holds(engine: Engine) -> None:
    # As above, but stopped: 0-5, back-off until 6, the slot at once, 6-11, back-off until 13, 13-18. Nothing is done
    # for nobody.
    text = attempt(
        "start_to_close: 5 ms, stops: true, retry: {initial_interval: 1 ms, maximum_attempts: 3}, "
        "steps: [{acquire: slots}, {delay: 8 ms}, {release: slots}]"
    )
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.errors) == ([18], {0: "timeout_start_to_close"})
    assert t.split(0) == {"lost": 15, "backoff": 3}
    assert (t.busy("slots"), t.run.off_path_ns) == (15, 0)


def test_a_deadline_reaches_the_children_that_are_awaited_and_not_those_left_behind(engine: Engine) -> None:
    # The inner attempt of 2 ms leaves its child behind at 2 (it has `other` until 9); the next one, begun at 3, is
    # awaited when the outer deadline comes at 4, and gives `slots` back then. The inner timeouts count from the grant.
    inner = "attempt: {start_to_close: 2 ms, retry: {initial_interval: 1 ms}, steps: [%s]}"
    steps = "{branch: [{attribute: n, below: 1, steps: [{acquire: other}]}, {steps: [{acquire: slots}]}]}, "
    steps += "{set: {n: {add: 1}}}, {delay: 9 ms}"
    text = attempt(
        f"start_to_close: 4 ms, stops: true, steps: [{{{inner % steps}}}], on_failure: [{{delay: 1 ms}}]",
        more="attributes: {n: 0}",
    )
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([5], ["succeeded"])
    assert (t.busy("other"), t.busy("slots")) == (9, 1)


def test_stops_needs_a_timeout_after_the_start() -> None:
    with pytest.raises(ValueError, match="`stops` needs a timeout"):
        network_of(attempt("stops: true, schedule_to_start: 1 ms, steps: [{delay: 1 ms}]"))


def test_schedule_to_start_takes_back_a_task_that_nobody_has_begun(engine: Engine) -> None:
    # Execution 1 leaves the line at 1 + 4 for good: expiry is not tried again. Execution 2 has the slot at 10.
    text = attempt(
        "schedule_to_start: 4 ms, retry: {initial_interval: 1 ms}, "
        "steps: [{acquire: slots}, {delay: 10 ms}, {release: slots}]"
    )
    t = engine(text, {"jobs": [0, 1, 7]})
    assert t.ends == [10, 5, 20]
    assert t.errors == {1: "timeout_schedule_to_start"}
    assert t.place("slots").abandoned == 1


def test_schedule_to_close_spans_attempts_and_back_offs(engine: Engine) -> None:
    # 4 an attempt, back-offs 2, 4: 0-4, 6-10, 14-18; the deadline of 15 falls into the third.
    text = attempt("schedule_to_close: 15 ms, retry: {initial_interval: 2 ms}, steps: [{delay: 4 ms}, {fail: busy}]")
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.errors) == ([15], {0: "timeout_schedule_to_close"})
    assert t.split(0) == {"lost": 4 + 4 + 1, "backoff": 6}


def test_a_back_off_that_would_end_at_the_deadline_is_not_begun(engine: Engine) -> None:
    # 0-4, then a back-off of 6 would end at 10: the failure of the last attempt stands, at once.
    text = attempt("schedule_to_close: 10 ms, retry: {initial_interval: 6 ms}, steps: [{delay: 4 ms}, {fail: busy}]")
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.errors) == ([4], {0: "busy"})


def test_an_inner_timeout_is_an_ordinary_failure_to_the_attempt_around(engine: Engine) -> None:
    # The inner one expires 4 after its scheduling, and is not tried again itself; the outer one is, after 1: the slot
    # is free at 6, so the second time succeeds: 5 + 1, 6-7.
    t = engine(
        """
        sources: {plain: {routine: plain, arrivals: {trace: t}}, jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines:
          plain: [{acquire: slots}, {delay: 6 ms}]
          job:
            - attempt:
                retry: {initial_interval: 1 ms}
                steps:
                  - attempt:
                      schedule_to_start: 4 ms
                      retry: {initial_interval: 1 ms}
                      steps: [{acquire: slots}, {delay: 1 ms}, {release: slots}]
        """,
        {"plain": [0], "jobs": [1]},
    )
    assert t.ends == [6, 7]
    assert t.split(1) == {"lost": 4, "backoff": 1, "service.delay-1": 1}


# -- when an attempt starts -----------------------------------------------------------------------------------------


def test_an_attempt_in_which_nothing_is_granted_starts_at_once(engine: Engine) -> None:
    t = engine(attempt("start_to_close: 5 ms, steps: [{delay: 9 ms}]"), {"jobs": [1]})
    assert (t.ends, t.errors) == ([6], {0: "timeout_start_to_close"})
    t = engine(attempt("schedule_to_start: 5 ms, steps: [{delay: 9 ms}]"), {"jobs": [1]})
    assert (t.ends, t.outcomes) == ([10], ["succeeded"])


def test_a_server_is_a_grant_too(engine: Engine) -> None:
    # Waiting 1-6 does not count; the service of 5 does, and ends in time.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        stations: {server: {servers: 1, service: 5 ms}}
        routines: {job: [{attempt: {start_to_close: 5 ms, steps: [{use: server}]}}]}
        """,
        {"jobs": [1, 1]},
    )
    assert t.ends == [6, 11]


def test_a_step_may_say_where_it_starts(engine: Engine) -> None:
    # `other` is granted at 0, but the attempt starts at 3, when its start step is reached: 3 + 5 = 8.
    steps = "[{acquire: other}, {delay: 3 ms}, {start: true}, {delay: 9 ms}]"
    t = engine(attempt(f"start_to_close: 5 ms, steps: {steps}"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([8], {0: "timeout_start_to_close"})


def test_a_start_step_in_a_called_routine_counts(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines:
          job: [{attempt: {start_to_close: 5 ms, steps: [{acquire: slots}, {call: work}]}}]
          work: [{delay: 3 ms}, {start: true}, {delay: 9 ms}]
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.errors) == ([8], {0: "timeout_start_to_close"})


def test_the_first_grant_of_any_child_starts_the_attempts_around(engine: Engine) -> None:
    # Both the outer and the inner attempt start with the grant to the fork's child at 6 (the slot is taken 0-6);
    # the outer one's limit of 4 falls at 10.
    t = engine(
        """
        sources: {plain: {routine: plain, arrivals: {trace: t}}, jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines:
          plain: [{acquire: slots}, {delay: 6 ms}]
          job:
            - attempt:
                start_to_close: 4 ms
                steps:
                  - attempt:
                      start_to_close: 100 ms
                      steps: [{fork: {items: 1, steps: [{acquire: slots}, {delay: 9 ms}]}}]
        """,
        {"plain": [0], "jobs": [1]},
    )
    assert t.ends == [6, 10]
    assert t.errors == {1: "timeout_start_to_close"}


# -- nodes that are lost --------------------------------------------------------------------------------------------

LOST = """
nodes: {fleet: {count: 2}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: 1}, other: {units: 1}}
routines:
  job:
    - attempt: {%s, retry: {initial_interval: 1 ms}, steps: [{call: work}]}
  work: [{acquire: slots}, {acquire: other}, {delay: 20 ms}, {release: other}, {release: slots}]
faults:
  gone: {targets: [{group: fleet, nodes: [0]}], effect: %s, at: 7 ms, duration: 30 ms, drill: false}
"""


def test_by_default_the_loss_of_the_node_is_noticed_at_once(engine: Engine) -> None:
    # 0-7 lost, back-off until 8, on node 1: 28. `other` came back at 7.
    t = engine(LOST % ("start_to_close: 100 ms", "crash"), {"jobs": [0]})
    assert t.ends == [28]
    assert t.split(0) == {"lost": 7, "backoff": 1, "service.delay-1": 20}
    assert t.busy("other") == 27


def test_a_silent_crash_is_only_noticed_by_a_timeout(engine: Engine) -> None:
    # Nobody hears of the end at 7: start-to-close ends it at 25; back-off 26; 46. What the dead job held came back
    # at 7 all the same: `other` 0-7 and 26-46.
    t = engine(LOST % ("on_crash: silent, start_to_close: 25 ms", "crash"), {"jobs": [0]})
    assert t.ends == [46]
    assert t.split(0) == {"lost": 25, "backoff": 1, "service.delay-1": 20}
    assert t.busy("other") == 27


@pytest.mark.parametrize(
    ("heartbeat", "end"),
    [
        # Signs every 4 (0.8 of 5): 0, 4; the crash at 7; no sign for 5 after 4: 9; back-off 10; 30.
        ("{timeout: 5 ms}", 30),
        # Signs every 2: 6; 6 + 5 = 11; 12; 32.
        ("{timeout: 5 ms, interval: 2 ms}", 32),
        # Signs every 7: the one of 7 was still sent, since it comes before the fault: 17; 18; 38.
        ("{timeout: 10 ms, interval: 7 ms}", 38),
        # Signs every 3: 6; 6 + 3 = 9; 10; 30.
        ("{timeout: 3 ms, interval: 3 ms}", 30),
    ],
)
def test_heartbeats_notice_it_one_timeout_after_the_last_sign(engine: Engine, heartbeat: str, end: float) -> None:
    t = engine(LOST % (f"on_crash: silent, heartbeat: {heartbeat}", "crash"), {"jobs": [0]})
    assert t.ends == [end]


def test_heartbeats_count_from_the_start_of_the_attempt(engine: Engine) -> None:
    # Both nodes are busy until 2 for execution 2: its signs are at 2, 6 (every 4); lost at 7, noticed at 6 + 5 = 11.
    # Executions 0 and 1 hold nodes 0 and 1 for 2 each.
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {short: {routine: short, arrivals: {trace: t}}, jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 1}}
        routines:
          short: [{acquire: slots}, {delay: 2 ms}]
          job: [{attempt: {on_crash: silent, heartbeat: {timeout: 5 ms}, steps: [{acquire: slots}, {delay: 20 ms}]}}]
        faults: {gone: {targets: [{group: fleet}], at: 7 ms, duration: 30 ms, drill: false}}
        """,
        {"short": [0, 0], "jobs": [1]},
    )
    assert t.ends == [2, 2, 11]
    assert t.errors == {2: "timeout_heartbeat"}


def test_a_paused_worker_misses_its_heartbeats_and_comes_back_as_a_zombie(engine: Engine) -> None:
    # Signs at 0, 4; paused at 7 until 37; noticed at 9; back-off 10. The slot of node 0 is the zombie's still; the
    # second attempt is on node 1 from 10, but `other` is held by the zombie: it goes on at 37, when its 20 ms have
    # long passed, and gives `other` back then. Second attempt: 37-57.
    t = engine(LOST % ("heartbeat: {timeout: 5 ms}", "pause"), {"jobs": [0]})
    assert t.ends == [57]
    assert t.split(0) == {"lost": 9, "backoff": 1, "wait.other": 27, "service.delay-1": 20}
    assert t.busy("slots") == 37 + 47
    assert t.run.off_path_ns == 28_000_000


def test_a_short_pause_is_forgiven(engine: Engine) -> None:
    # Paused 7-8: the sign due at 8 comes at 8. The delay of 20 is over at 20, after the pause.
    text = (LOST % ("heartbeat: {timeout: 5 ms}", "pause")).replace("duration: 30 ms", "duration: 1 ms")
    t = engine(text, {"jobs": [0]})
    assert t.ends == [20]


def test_a_crash_in_a_pause_counts_from_the_last_sign_before_the_pause(engine: Engine) -> None:
    # Signs at 0, 4; paused at 7, crashed at 8: 4 + 5 = 9 as without the crash; back-off 10; node 1: 10-30.
    text = LOST % ("on_crash: silent, heartbeat: {timeout: 5 ms}", "pause")
    text += "  dead: {targets: [{group: fleet, nodes: [0]}], at: 8 ms, duration: 9 ms, drill: false}\n"
    t = engine(text, {"jobs": [0]})
    assert t.ends == [30]


def test_an_attempt_that_is_called_off_takes_its_worker_along(engine: Engine) -> None:
    # The race is decided at 3: the attempt is stopped, its slot given back, and no timer is left behind.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines:
          job:
            - race:
                - [{attempt: {start_to_close: 50 ms, steps: [{acquire: slots}, {delay: 20 ms}]}}]
                - [{delay: 3 ms}]
        """,
        {"jobs": [0]},
    )
    assert t.ends == [3]
    assert t.busy("slots") == 3
    assert t.run.reactions_ns.tolist() == []
