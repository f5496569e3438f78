"""Timer queues: what is new is put off to after what has been read. Times in ms."""

from __future__ import annotations

from timeline import Engine

QUEUE = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
timers: {server: {ahead: 10 ms, after: 1 ms}}
routines: {job: [%s]}
"""
TIMER = "{delay: 3 ms, kind: timer, timers: server}"


def test_a_timer_that_ends_has_the_queue_read_and_new_ones_within_that_are_put_off(engine: Engine) -> None:
    # 0: ends at 3, and the queue is read up to 13. 4 and 5: 7 and 8 are within, so 14; the first to end there has it
    # read up to 24. 12: 15 was beyond when it was set; it has been read since, so nothing more is read at 15.
    # 16: 19 is within, 25.
    t = engine(QUEUE % TIMER, {"jobs": [0, 4, 5, 12, 16]})
    assert t.ends == [3, 14, 14, 15, 25]
    assert t.split(1) == {"timer": 10}


def test_what_a_queue_is_notified_of_puts_timers_off_without_a_read(engine: Engine) -> None:
    # 0: nothing before 10, so 11, when it is read up to 21. 5: nothing before 15, so 16: within what is read by then.
    # 30: nothing before 40, so 41.
    t = engine(QUEUE % ("{notify: server}, " + TIMER), {"jobs": [0, 5, 30]})
    assert t.ends == [11, 16, 41]


def test_back_offs_may_be_timers_of_a_queue(engine: Engine) -> None:
    # Told at 0: nothing before 10. The back-off of 2 takes 11; the next one, of 4, would end at 15 and is within what
    # was read at 11, up to 21: 22. The third try fails for good.
    retry = "retry: {initial_interval: 2 ms, maximum_attempts: 3, timers: server}"
    tried = f"{{attempt: {{{retry}, steps: [{{fail: declined}}]}}}}"
    t = engine(QUEUE % ("{notify: server}, " + tried), {"jobs": [0]})
    assert t.ends == [22]
    assert t.split(0) == {"backoff": 22}


def test_a_timeout_has_the_queue_read_before_the_back_off_is_set(engine: Engine) -> None:
    # 0: times out at 5, so the queue is read up to 15; the back-off of 2 takes 16, the second try 16-21 times out and
    # that is the end. 3: times out at 8, within what is read; its back-off ends at 16 too.
    retry = "retry: {initial_interval: 2 ms, maximum_attempts: 2, timers: server}"
    tried = f"{{attempt: {{start_to_close: 5 ms, {retry}, steps: [{{delay: 9 ms}}]}}}}"
    t = engine(QUEUE % tried, {"jobs": [0, 3]})
    assert t.ends == [21, 21]
    assert set(t.errors.values()) == {"timeout_start_to_close"}


def test_a_timer_that_is_called_off_is_forgotten(engine: Engine) -> None:
    # The race is over at 1; its timer of 3 never ends, so nothing is read and the timer of 2 ends at 5.
    t = engine(
        f"""
        sources: {{racers: {{routine: racer, arrivals: {{trace: t}}}}, jobs: {{routine: job, arrivals: {{trace: t}}}}}}
        timers: {{server: {{ahead: 10 ms, after: 1 ms}}}}
        routines: {{racer: [{{race: [[{TIMER}], [{{delay: 1 ms}}]]}}], job: [{TIMER}]}}
        """,
        {"racers": [0], "jobs": [2]},
    )
    assert t.ends == [1, 5]
