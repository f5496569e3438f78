"""Circuit breakers: when they open, whom they let through half-open, what counts and what does not. Times in ms.

Method: `good` and `bad` make one try each through the same breaker; the outcomes and instants are laid out by hand.
"""

from __future__ import annotations

from timeline import Engine, Timeline

NETWORK = """
nodes: {{fleet: {{count: 2}}}}
sources:
  good: {{routine: good, arrivals: {{trace: t}}}}
  bad: {{routine: bad, arrivals: {{trace: t}}}}
  other: {{routine: other, arrivals: {{trace: t}}}}
breakers: {{b: {{{breaker}}}}}
resources: {{slots: {{nodes: fleet, units: 9}}, far: {{units: 9}}}}
routines:
  good: [{{attempt: {{breaker: b, steps: [{{delay: 1 ms}}]}}}}]
  bad: [{{attempt: {{breaker: b, steps: [{{delay: 1 ms}}, {{fail: boom}}]}}}}]
  other: {other}
{more}
"""
OF_FOUR = "window: 4, failures: 50 %, open: 10 ms, trials: 2"
OPENS_AT_7 = {"bad": [0, 2], "good": [4, 6]}
"""Outcomes at 1, 3, 5, 7: two of four have failed once the fourth is known."""


def network(breaker: str = OF_FOUR, other: str = "[{delay: 1 ms}]", more: str = "") -> str:
    return NETWORK.format(breaker=breaker, other=other, more=more)


def use(timeline: Timeline) -> tuple[int, int, int]:
    """How often the breaker was asked, turned away and opened."""
    breaker = timeline.run.breakers["b"]
    return breaker.requested, breaker.turned_away, breaker.opened


def states(timeline: Timeline) -> list[int]:
    found: list[int] = timeline.run.samples["breaker.b"].tolist()
    return found


def test_it_opens_with_a_full_window_and_closes_after_trials_that_go_well(engine: Engine) -> None:
    # Open from 7 until 17. At 10 one is turned away, and so is one at 16. At 17 two are let through, the third is one
    # too many; both have succeeded at 18: closed, with nothing remembered, so that three failures do not open it.
    arrivals = {"bad": [0, 2, 20, 21, 22], "good": [4, 6, 10, 16, 17, 17, 17]}
    t = engine(network(), arrivals, horizon=24, sample=1)
    away = {4: "open_circuit", 5: "open_circuit", 8: "open_circuit"}
    assert {k: v for k, v in t.errors.items() if v != "boom"} == away
    assert [t.ends[ordinal] for ordinal in (4, 5, 6, 7, 8)] == [10, 16, 18, 18, 17]
    assert states(t) == [0] * 7 + [2] * 10 + [1] + [0] * 6
    assert use(t) == (12, 3, 1)
    assert (t.outcomes[4], t.split(4)) == ("failed", {})


def test_it_does_not_open_before_the_window_is_full_and_forgets_what_is_older(engine: Engine) -> None:
    # F at 1, 3, 5; the fourth outcome opens it at 7. With a success in between every four have one failure at most.
    assert states(engine(network(), {"bad": [0, 2, 4, 6]}, horizon=9, sample=1)) == [0] * 7 + [2] * 2
    spread = {"bad": [0, 8, 16], "good": [2, 4, 6, 10, 12, 14, 18]}
    assert use(engine(network(), spread, horizon=30)) == (10, 0, 0)


def test_it_opens_again_when_as_great_a_share_of_the_trials_fails(engine: Engine) -> None:
    # Trials at 17, one bad: 1 of 2 at 18. Open again until 28, when one is let through.
    t = engine(network(), {"bad": [0, 2, 17], "good": [4, 6, 17, 27, 28]}, horizon=30, sample=1)
    assert states(t) == [0] * 7 + [2] * 10 + [1] + [2] * 10 + [1] * 2
    assert (t.ends[6], t.ends[7], use(t)) == (27, 29, (8, 1, 2))


def test_a_completion_opens_it_before_an_arrival_of_that_instant(engine: Engine) -> None:
    assert engine(network(), {**OPENS_AT_7, "other": [], "good": [4, 6, 7]}).errors[4] == "open_circuit"


def test_the_share_is_of_the_decimal_that_was_written(engine: Engine) -> None:
    # 7 % of 100 are 7, not 8 as by the doubles 0.07 x 100 = 7.000000000000001.
    t = engine(network("window: 100, failures: 7 %, open: 1 s"), {"bad": [0] * 7, "good": [1] * 93}, horizon=9)
    assert use(t) == (100, 0, 1)


def test_a_try_of_an_earlier_phase_counts_for_nothing(engine: Engine) -> None:
    # `other`, let through at 0, fails at 18, when one trial of two is still out: the two succeed, it closes at 19.
    late = "[attempt: {breaker: b, steps: [{delay: 18500 us}, {fail: late}]}]"
    t = engine(network(other=late), {**OPENS_AT_7, "good": [4, 6, 17, 18], "other": [0]}, horizon=22, sample=1)
    assert states(t) == [0] * 7 + [2] * 10 + [1] * 2 + [0] * 3


def test_a_trial_that_is_stopped_by_somebody_else_frees_its_place(engine: Engine) -> None:
    # Two trials at 17 that a race stops at 20: nothing is known, and two others are let through at 21.
    raced = "[race: [[attempt: {breaker: b, steps: [{delay: 1 s}]}], [{delay: 3 ms}]]]"
    arrivals = {**OPENS_AT_7, "other": [17, 17], "good": [4, 6, 18, 21, 21]}
    t = engine(network(other=raced), arrivals, horizon=24, sample=1)
    assert states(t) == [0] * 7 + [2] * 10 + [1] * 5 + [0] * 2
    assert (t.errors[6], use(t)) == ("open_circuit", (9, 1, 1))


def test_a_timeout_counts_as_a_failure_when_it_expires_whatever_becomes_of_the_child(engine: Engine) -> None:
    timed = "[attempt: {breaker: b, start_to_close: 2 ms, steps: [{delay: 5 ms}]}]"
    t = engine(network(other=timed), {"other": [0, 0, 0, 0]}, horizon=9, sample=1)
    assert (states(t), t.ends) == ([0, 0] + [2] * 7, [2] * 4)


def test_turned_away_a_try_has_failed_and_is_tried_again_like_any_other(engine: Engine) -> None:
    # At 8 turned away, back-off of 4; at 12 again, back-off of 8: at 20 let through.
    again = "[attempt: {breaker: b, retry: {initial_interval: 4 ms%s}, steps: [{delay: 1 ms}]}]"
    t = engine(network(other=again % ""), {**OPENS_AT_7, "other": [8]})
    assert (t.ends[4], t.split(4)) == (21, {"backoff": 12, "service.delay-1": 1})
    assert t.run.attempts["other"] == (1, 2)
    final = engine(network(other=again % ", non_retryable: [open_circuit]"), {**OPENS_AT_7, "other": [8]})
    assert (final.ends[4], final.errors[4]) == (8, "open_circuit")


def test_what_is_done_on_failure_is_the_fallback(engine: Engine) -> None:
    fallback = "[attempt: {breaker: b, steps: [{delay: 1 s}], on_failure: [{delay: 2 ms}]}]"
    t = engine(network(other=fallback), {**OPENS_AT_7, "other": [8]})
    assert (t.ends[4], t.outcomes[4]) == (10, "succeeded")


ON_NODES = """
nodes: {fleet: {count: 2}}
sources: {good: {routine: good, arrivals: {trace: t}}, bad: {routine: bad, arrivals: {trace: t}}}
breakers: {b: {window: 2, failures: 50 %, open: 1 s, at: slots}}
resources: {slots: {nodes: fleet, units: 9}}
faults: {f: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 ms, drill: false}}
routines:
  good: [{acquire: slots}, {attempt: {breaker: b, steps: [{delay: 500 us}]}}]
  bad: [{acquire: slots}, {attempt: {breaker: b, steps: [{delay: 500 us}, {fail: boom}]}}]
"""


def test_each_node_has_its_own_and_a_crash_makes_it_forget(engine: Engine) -> None:
    # Slots go round: node 0 at 0, 2, 4 and 6, node 1 in between. On node 0 two have failed at 2.5; on node 1 two have
    # succeeded. The crash at 5 makes node 0 forget, so that the last one is let through there.
    t = engine(ON_NODES, {"bad": [0, 2], "good": [1, 3, 4, 4.75, 6]}, horizon=8, sample=1)
    assert states(t) == [0, 0, 0, 2, 2, 0, 0, 0]
    assert t.errors == {0: "boom", 2: "boom", 4: "open_circuit"}
    assert t.run.breakers["b"].nodes == 2


def test_without_a_unit_of_its_resource_there_is_no_breaker_to_ask(engine: Engine) -> None:
    given_back = "good: [{acquire: slots}, {release: slots}, {attempt"
    t = engine(ON_NODES.replace("good: [{acquire: slots}, {attempt", given_back), {"good": [0]})
    assert (t.errors, use(t)) == ({0: "not_held"}, (0, 0, 0))


FIRST_FAILURE = "window: 1, failures: 100 %, open: 1 s"
CRASH = "faults: {f: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 ms, drill: false}}"


def test_a_crash_of_what_the_try_asked_for_is_a_failure(engine: Engine) -> None:
    callee = "[attempt: {breaker: b, steps: [{acquire: slots}, {delay: 1 s}]}]"
    t = engine(network(FIRST_FAILURE, callee, CRASH), {"other": [0]})
    assert (t.errors, use(t)) == ({0: "crash"}, (1, 0, 1))


def test_a_crash_of_who_makes_the_try_says_nothing(engine: Engine) -> None:
    caller = "[{acquire: slots}, {attempt: {breaker: b, steps: [{acquire: far}, {delay: 1 s}]}}]"
    t = engine(network(FIRST_FAILURE, caller, CRASH), {"other": [0]})
    assert (t.errors, use(t)) == ({0: "crash"}, (1, 0, 0))


def test_an_outer_try_counts_the_failure_of_the_inner_one(engine: Engine) -> None:
    # The outer breaker opens by the first failure; the inner one, of four, knows of one.
    inner = "[attempt: {breaker: outer, steps: [{attempt: {breaker: b, steps: [{delay: 1 ms}, {fail: boom}]}}]}]"
    text = network(other=inner).replace("breakers: {", f"breakers: {{outer: {{{FIRST_FAILURE}}}, ")
    t = engine(text, {"other": [0, 2]})
    assert (t.errors, use(t)) == ({0: "boom", 1: "open_circuit"}, (1, 0, 0))


def test_a_node_that_a_controller_switches_off_forgets_too(engine: Engine) -> None:
    # Node 1 opens at 1.5, and goes off with the look at 5, which comes after the sample of that instant.
    points = "[{at: 0 s, nodes: 2}, {at: 5 ms, nodes: 1}]"
    scaled = f"controllers: {{c: {{nodes: fleet, initial: 2, interval: 5 ms, schedule: {{points: {points}}}}}}}"
    text = ON_NODES.replace("window: 2", "window: 1")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("faults")) + f"\n{scaled}\n"
    t = engine(text, {"good": [0], "bad": [1]}, horizon=8, sample=1)
    assert states(t) == [0, 0, 2, 2, 2, 2, 0, 0]
