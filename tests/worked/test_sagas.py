"""Sagas and compensations, marks, spans, and the monitors that judge an execution by its marks."""

from __future__ import annotations

from timeline import Engine

ORDER = """
sources: {jobs: {routine: order, arrivals: {trace: t}}}
routines:
  order:
    - saga:
        - delay: 2 ms
        - mark: reserved
        - compensate: [{delay: 1 ms}, {mark: released}]
        - delay: 3 ms
        - mark: charged
        - compensate: [{delay: 4 ms}, {mark: refunded}]
        - delay: 5 ms
        %s
    - mark: shipped
    - delay: 1 ms
monitors:
  all-or-nothing: {never_both: [shipped, refunded]}
  money: {when: charged, eventually: [shipped, refunded], within: 10 ms}
  stock: {conserve: {reserved: 1, released: -1, shipped: -1}}
spans: {undo: {start: charged, end: released}}
"""


def test_a_saga_that_succeeds_leaves_nothing_to_undo(engine: Engine) -> None:
    t = engine(ORDER % "", {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([11], ["succeeded"])
    assert [t.monitor(name) for name in ("all-or-nothing", "money", "stock")] == [(1, 1, 0, 0)] * 3
    assert t.run.spans["span.undo"].count == 0


def test_a_saga_that_fails_is_undone_last_first_and_ends_compensated(engine: Engine) -> None:
    # Fails at 10; refund 10-14, release 14-15; `shipped` is not reached.
    t = engine(ORDER % "- fail: no-carrier", {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([15], ["compensated"])
    assert t.errors == {}
    assert [t.monitor(name) for name in ("all-or-nothing", "money", "stock")] == [(1, 1, 0, 0)] * 3
    assert t.spans("span.undo") == [(15, 10)]  # from charged at 5
    assert t.split(0) == {
        "service.delay-1": 2,
        "service.delay-3": 3,
        "service.delay-5": 5,
        "service.delay-4": 4,
        "service.delay-2": 1,
    }


def test_a_saga_that_forgets_to_undo_a_step_is_caught(engine: Engine) -> None:
    broken = (ORDER % "- fail: no-carrier").replace("{mark: released}", "{mark: freed}")
    broken = broken.replace("end: released", "end: freed").replace("released: -1, ", "")
    t = engine(broken, {"jobs": [0]})
    assert t.monitor("stock") == (1, 0, 0, 1)
    assert next(m for m in t.run.monitors if m.name == "stock").examples == [0]


def test_an_answer_that_comes_too_late_breaks_a_deadline(engine: Engine) -> None:
    # charged at 5, refunded at 14: 9 after it. With 8 it is late.
    t = engine((ORDER % "- fail: no-carrier").replace("10 ms", "8 ms"), {"jobs": [0]})
    assert t.monitor("money") == (1, 0, 0, 1)


def test_what_was_registered_by_an_attempt_that_failed_later_is_undone_too(engine: Engine) -> None:
    # Charged in both attempts, for neither is idempotent; both are refunded: 3 + 3 and 1 + 1.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines:
          job:
            - saga:
                - attempt:
                    retry: {initial_interval: 2 ms, maximum_attempts: 2}
                    steps:
                      - delay: 3 ms
                      - mark: charged
                      - compensate: [{delay: 1 ms}, {mark: refunded}]
                      - fail: late
        monitors: {money: {conserve: {charged: 1, refunded: -1}}, once: {at_most_once: charged}}
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.outcomes) == ([10], ["compensated"])
    assert t.monitor("money") == (1, 1, 0, 0)
    assert t.monitor("once") == (1, 0, 0, 1)


def test_a_mark_made_again_under_one_key_is_one_mark(engine: Engine) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines: {job: [{loop: {times: 3, steps: [{mark: {name: charged, once: %s}}]}}]}
        monitors: {once: {at_most_once: charged}}
    """
    assert engine(text % "true", {"jobs": [0]}).monitor("once") == (1, 1, 0, 0)
    assert engine(text % "false", {"jobs": [0]}).monitor("once") == (1, 0, 0, 1)


def test_an_inner_saga_that_is_undone_undoes_the_outer_one(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines:
          job:
            - saga:
                - compensate: [{delay: 1 ms}]
                - saga: [{compensate: [{delay: 2 ms}]}, {fail: bad}]
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.outcomes) == ([3], ["compensated"])


def test_a_compensation_that_fails_fails_the_execution(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines:
          job: [{saga: [{compensate: [{delay: 9 ms}]}, {compensate: [{delay: 1 ms}, {fail: stuck}]}, {fail: bad}]}]
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.outcomes, t.errors) == ([1], ["failed"], {0: "stuck"})


def test_units_acquired_inside_are_given_back_before_the_undoing(engine: Engine) -> None:
    # The saga fails at 4 and gives its slot back; undoing takes until 14; the plain one has the slot 4-9.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, plain: {routine: plain, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines:
          job: [{saga: [{acquire: slots}, {compensate: [{delay: 10 ms}]}, {delay: 4 ms}, {fail: bad}]}]
          plain: [{acquire: slots}, {delay: 5 ms}]
        """,
        {"jobs": [0], "plain": [1]},
    )
    assert t.ends == [14, 9]


def test_children_register_with_the_saga_around_them(engine: Engine) -> None:
    # Marks at 1 and 2; the second child fails at 3; last first: the one of 2, then the one of 1.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines:
          job:
            - saga:
                - fork:
                    branches:
                      - [{delay: 1 ms}, {compensate: [{delay: 10 ms}, {mark: a}]}]
                      - [{delay: 2 ms}, {compensate: [{delay: 20 ms}, {mark: b}]}, {delay: 1 ms}, {fail: bad}]
        spans: {order: {start: b, end: a}}
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.outcomes) == ([33], ["compensated"])
    assert t.spans("span.order") == [(33, 10)]


def test_a_compensated_saga_is_not_tried_again(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines: {job: [{attempt: {retry: {initial_interval: 1 ms}, steps: [{saga: [{delay: 2 ms}, {fail: bad}]}]}}]}
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.outcomes) == ([2], ["compensated"])


# -- monitors over time ---------------------------------------------------------------------------------------------


def marks(monitor: str, *steps: str) -> str:
    return f"""
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
routines: {{job: [{", ".join(steps)}], other: [{{mark: ask}}, {{mark: answer}}, {{mark: excuse}}]}}
monitors: {{m: {monitor}}}
"""


def test_every_question_wants_an_answer_after_it(engine: Engine) -> None:
    once = "{when: ask, eventually: [answer, excuse]}"
    ask, answer = "{mark: ask}", "{mark: answer}"
    assert engine(marks(once, ask, answer), {"jobs": [0]}).monitor("m") == (1, 1, 0, 0)
    assert engine(marks(once, ask, "{mark: excuse}"), {"jobs": [0]}).monitor("m") == (1, 1, 0, 0)
    assert engine(marks(once, answer, ask), {"jobs": [0]}).monitor("m") == (1, 0, 0, 1)
    assert engine(marks(once, answer, ask, answer), {"jobs": [0]}).monitor("m") == (1, 1, 0, 0)
    assert engine(marks(once, ask, answer, ask), {"jobs": [0]}).monitor("m") == (1, 0, 0, 1)
    # Without the question the monitor is not put to the test.
    assert engine(marks(once, answer), {"jobs": [0]}).monitor("m") == (0, 0, 0, 0)


def test_a_deadline_counts_from_the_first_question_that_is_open(engine: Engine) -> None:
    within = "{when: ask, eventually: [answer], within: 5 ms}"
    ask, answer = "{mark: ask}", "{mark: answer}"
    on_time = (ask, "{delay: 5 ms}", answer)
    assert engine(marks(within, *on_time), {"jobs": [0]}).monitor("m") == (1, 1, 0, 0)
    again = (ask, "{delay: 3 ms}", ask, "{delay: 3 ms}", answer)
    assert engine(marks(within, *again), {"jobs": [0]}).monitor("m") == (1, 0, 0, 1)


def test_what_is_open_at_the_end_of_the_run_is_undecided_unless_broken(engine: Engine) -> None:
    # One execution asked at 0 and is open when the run ends at 20.
    open_end = ("{mark: ask}", "{delay: 1 s}")
    for monitor, verdict in (
        ("{when: ask, eventually: [answer]}", (1, 0, 1, 0)),
        ("{when: ask, eventually: [answer], within: 30 ms}", (1, 0, 1, 0)),
        ("{when: ask, eventually: [answer], within: 10 ms}", (1, 0, 0, 1)),
        ("{never_both: [ask, answer]}", (1, 0, 1, 0)),
        ("{at_most_once: ask}", (1, 0, 1, 0)),
        ("{conserve: {ask: 1}}", (1, 0, 1, 0)),
    ):
        assert engine(marks(monitor, *open_end), {"jobs": [0]}, horizon=20, drain=0).monitor("m") == verdict, monitor


def test_an_execution_is_judged_when_its_last_child_has_ended(engine: Engine) -> None:
    # The join fires at 1 and the execution closes; the child that answers at 5 still counts.
    text = marks(
        "{when: ask, eventually: [answer]}",
        "{mark: ask}",
        "{fork: {branches: [[{delay: 1 ms}], [{delay: 5 ms}, {mark: answer}]], join: first}}",
    )
    t = engine(text, {"jobs": [0]}, horizon=10)
    assert t.ends == [1]
    assert t.monitor("m") == (1, 1, 0, 0)


# -- spans ----------------------------------------------------------------------------------------------------------


def spans(steps: str, spans: str) -> str:
    return f"""
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
routines: {{job: [{steps}], other: [{{mark: a}}, {{mark: b}}, {{mark: c}}]}}
spans: {{{spans}}}
"""


def test_a_span_lasts_from_the_latest_start_to_the_first_end(engine: Engine) -> None:
    # a at 0 and 2, b at 5 and 6: one span of 3.
    text = spans(
        "{mark: a}, {delay: 2 ms}, {mark: a}, {delay: 3 ms}, {mark: b}, {delay: 1 ms}, {mark: b}",
        "s: {start: a, end: b}",
    )
    assert engine(text, {"jobs": [0]}).spans("span.s") == [(5, 3)]


def test_spans_may_share_their_marks(engine: Engine) -> None:
    text = spans(
        "{mark: a}, {delay: 2 ms}, {mark: b}, {delay: 3 ms}, {mark: c}",
        "ab: {start: a, end: b}, ac: {start: a, end: c, metric: schedule_to_start.orders}, again: {start: a, end: b}",
    )
    t = engine(text, {"jobs": [0]})
    assert t.spans("span.ab") == t.spans("span.again") == [(2, 2)]
    assert t.spans("schedule_to_start.orders") == [(5, 5)]


def test_a_mark_may_end_one_span_and_begin_the_next(engine: Engine) -> None:
    t = engine(spans("{loop: {times: 3, steps: [{mark: a}, {delay: 2 ms}]}}", "s: {start: a, end: a}"), {"jobs": [0]})
    assert t.spans("span.s") == [(2, 2), (4, 2)]


def test_each_child_ends_a_span_begun_before_the_fork(engine: Engine) -> None:
    # Begun at 0; ended by the children at 2 and 4; the parent goes on where the last child left off: nothing is open.
    fork = "{fork: {branches: [[{delay: 2 ms}, {mark: b}], [{delay: 4 ms}, {mark: b}]]}}"
    text = spans(f"{{mark: a}}, {fork}, {{delay: 1 ms}}, {{mark: b}}", "s: {start: a, end: b}")
    assert engine(text, {"jobs": [0]}).spans("span.s") == [(2, 2), (4, 4)]


def test_a_span_begun_in_an_attempt_may_end_after_it(engine: Engine) -> None:
    for timer in ("", "start_to_close: 50 ms, "):
        attempt = f"{{attempt: {{{timer}steps: [{{mark: a}}, {{delay: 2 ms}}]}}}}"
        text = spans(f"{attempt}, {{mark: b}}", "s: {start: a, end: b}")
        assert engine(text, {"jobs": [0]}).spans("span.s") == [(2, 2)], timer


def test_a_span_ended_by_an_attempt_that_fails_later_has_ended(engine: Engine) -> None:
    for timer in ("", "start_to_close: 50 ms, "):
        text = spans(
            f"{{mark: a}}, {{attempt: {{{timer}retry: {{initial_interval: 1 ms, maximum_attempts: 2}}, "
            "steps: [{delay: 2 ms}, {mark: b}, {fail: bad}]}}",
            "s: {start: a, end: b}",
        )
        assert engine(text, {"jobs": [0]}).spans("span.s") == [(2, 2)], timer


def test_spans_count_when_they_begin_in_the_window(engine: Engine) -> None:
    text = spans("{mark: a}, {delay: 4 ms}, {mark: b}", "s: {start: a, end: b}")
    assert engine(text, {"jobs": [1, 5, 9, 10]}, warmup=5, horizon=10).spans("span.s") == [(9, 4), (13, 4)]


def test_a_recovery_lasts_from_the_crash_to_the_mark_that_ends_it(engine: Engine) -> None:
    # Execution 0 runs on node 0 from 0; lost at 7, back-off until 8, acquires node 1 and is up at 8: after 1.
    # Execution 1, on node 1, is not hit.
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 2}}
        routines:
          job:
            - mark: ready
            - attempt:
                retry: {initial_interval: 1 ms}
                steps: [{acquire: slots}, {mark: up}, {delay: 20 ms}]
        spans:
          recovery: {start: ready, end: up, after_crash: fleet}
          baseline: {start: ready, end: up, after_crash: fleet}
        faults: {gone: {targets: [{group: fleet, nodes: [0]}], at: 7 ms, duration: 1 s, drill: false}}
        """,
        {"jobs": [0, 0]},
    )
    assert t.ends == [28, 20]
    assert t.spans("span.recovery") == t.spans("span.baseline") == [(8, 1)]
