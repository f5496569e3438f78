"""The wall clock jumps: which pending timers come earlier or later, and by how much."""

from __future__ import annotations

import pytest
from timeline import Engine

TEXT = """
nodes: {fleet: {count: 1}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: 1}}
routines: {job: [%s]}
faults:
  clock: {effect: clock, drill: false, at: 5 ms, jump: %s}
"""
TIMER = "{delay: 30 ms, kind: timer}"


@pytest.mark.parametrize(("jump", "end"), [("+10 ms", 20), ("-10 ms", 40), ("+25 ms", 5), ("+2 h", 5)])
def test_a_timer_that_is_pending_ends_that_much_earlier_or_later_but_not_before_now(
    engine: Engine, jump: str, end: float
) -> None:
    t = engine(TEXT % (TIMER, jump), {"jobs": [0]})
    assert t.ends == [end]
    assert t.split(0) == {"timer": end}


def test_a_timer_that_begins_later_and_a_delay_of_another_kind_do_not_mind(engine: Engine) -> None:
    assert engine(TEXT % (TIMER, "+10 ms"), {"jobs": [5]}).ends == [35]
    assert engine(TEXT % ("{delay: 30 ms}", "+10 ms"), {"jobs": [0]}).ends == [30]
    assert engine(
        TEXT % ("{acquire: {resource: slots, patience: 30 ms}}, {delay: 50 ms}", "+10 ms"), {"jobs": [0, 0]}
    ).ends == [50, 30]


def test_at_its_end_the_clock_goes_back(engine: Engine) -> None:
    # It is 10 ahead from 5 to 15. Due at 18, the first one has come at 8; the second, due at 30, is due at 20 from 5
    # on, and at 30 again from 15 on; the third, begun at 12 to be done at 42, is due at 52 from 15 on.
    text = (TEXT % (TIMER, "+10 ms")).replace("jump:", "duration: 10 ms, jump:")
    short = text.replace("delay: 30 ms", "delay: 18 ms")
    assert engine(short, {"jobs": [0]}).ends == [8]
    assert engine(text, {"jobs": [0, 12]}).ends == [30, 52]


def test_a_back_off_ends_earlier(engine: Engine) -> None:
    steps = "{attempt: {retry: {initial_interval: 20 ms, maximum_attempts: 2}, steps: [{fail: broken}]}}"
    t = engine(TEXT % (steps, "+10 ms"), {"jobs": [0]})
    assert (t.ends, t.split(0)) == ([10], {"backoff": 10})


def test_timeouts_of_attempts_come_earlier(engine: Engine) -> None:
    steps = "{attempt: {%s: 30 ms, steps: [{acquire: slots}, {delay: 60 ms}]}}"
    for timeout in ("start_to_close", "schedule_to_close"):
        t = engine(TEXT % (steps % timeout, "+10 ms"), {"jobs": [0]})
        assert (t.ends, t.errors) == ([20], {0: f"timeout_{timeout}"})
    # The second one waits for its slot, and for no longer than that.
    t = engine(TEXT % (steps % "schedule_to_start", "+10 ms"), {"jobs": [0, 0]})
    assert (t.ends, t.errors) == ([60, 20], {1: "timeout_schedule_to_start"})


def test_a_heartbeat_times_out_earlier_once_its_signs_have_stopped(engine: Engine) -> None:
    # The node crashes at 3; its last sign came at 0, so that the timeout is due at 30.
    steps = "{attempt: {heartbeat: {timeout: 30 ms}, on_crash: silent, steps: [{acquire: slots}, {delay: 60 ms}]}}"
    text = TEXT % (steps, "+10 ms") + "  crash: {targets: [{group: fleet}], at: 3 ms, drill: false}\n"
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.errors) == ([20], {0: "timeout_heartbeat"})


def test_a_deadline_over_all_attempts_comes_earlier_also_during_a_back_off(engine: Engine) -> None:
    # Each attempt takes 10, each back-off 20; the deadline is 55. Tries: 0-10, 30-40, and the next would be at 60.
    # Jumping at 15, during the first back-off: 0-10, 20-30, the next one would be at 50, and the deadline is 45.
    retry = "retry: {initial_interval: 20 ms, backoff_coefficient: 1}"
    steps = f"{{attempt: {{schedule_to_close: 55 ms, {retry}, steps: [{{delay: 10 ms}}, {{fail: broken}}]}}}}"
    text = TEXT % (steps, "+10 ms")
    assert engine(text.replace("at: 5 ms", "at: 2 h"), {"jobs": [0]}).ends == [40]
    assert engine(text.replace("at: 5 ms", "at: 15 ms"), {"jobs": [0]}).ends == [30]
    # By 200 both lie before now: the try begins and is over at 15, by its deadline.
    t = engine(text.replace("at: 5 ms", "at: 15 ms").replace("+10 ms", "+200 ms"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([15], {0: "timeout_schedule_to_close"})


def test_jumps_add_up(engine: Engine) -> None:
    # Due at 30; at 7 another clock error of 4 comes on top: 20 from 5 on, 16 from 7 on.
    text = TEXT % (TIMER, "+10 ms") + "  more: {effect: clock, drill: false, at: 7 ms, jump: +4 ms}\n"
    assert engine(text, {"jobs": [0]}).ends == [16]


def test_of_a_race_the_timer_may_win_now(engine: Engine) -> None:
    steps = "{race: [[{delay: 12 ms}, {mark: signal}], [{delay: 20 ms, kind: timer}, {mark: timer}]]}"
    text = TEXT % (steps, "%s") + "monitors: {timely: {at_most_once: timer}}\n"
    assert engine(text % "+5 ms", {"jobs": [0]}).monitor("timely")[0] == 0
    assert engine(text % "+10 ms", {"jobs": [0]}).monitor("timely")[0] == 1
