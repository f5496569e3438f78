"""Policies without a word of their own (hedged calls, bulkheads, caps on queues), and how policies meet. Times in ms.

Method: each is put together from forks, resources and attempts; the dependency's times are constants.
"""

from __future__ import annotations

from timeline import Engine

HEDGED = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
stations: {one: {servers: 1}, other: {servers: 1}}
routines:
  job:
    - fork:
        join: first
        cancel: true
        branches:
          - [{use: {station: one, demand: %s}}%s]
          - [{delay: 5 ms, kind: timer}, {use: {station: other, demand: 2 ms}}%s]
"""


def test_a_hedge_is_sent_when_the_first_call_is_late_and_the_slower_one_is_stopped(engine: Engine) -> None:
    # The hedge goes out at 5 and is back at 7; the first call is stopped then, and its server is free.
    t = engine(HEDGED % ("20 ms", "", ""), {"jobs": [0]})
    assert t.ends == [7]
    assert (t.busy("one"), t.busy("other")) == (7, 2)
    assert t.split(0) == {"timer": 5, "service.other": 2}
    assert t.run.off_path_ns == 7_000_000


def test_a_call_that_is_quick_sends_no_hedge(engine: Engine) -> None:
    t = engine(HEDGED % ("3 ms", "", ""), {"jobs": [0]})
    assert (t.ends, t.busy("other"), t.place("other").requested) == ([3], 0, 0)


def test_of_two_answers_at_one_instant_that_of_the_lesser_element_counts(engine: Engine) -> None:
    t = engine(HEDGED % ("7 ms", "", ""), {"jobs": [0]})
    assert (t.ends, t.split(0)) == ([7], {"service.one": 7})


def test_a_hedged_call_fails_only_when_both_do(engine: Engine) -> None:
    fails = ", {fail: boom}"
    assert engine(HEDGED % ("3 ms", fails, ""), {"jobs": [0]}).ends == [7]
    t = engine(HEDGED % ("3 ms", fails, fails), {"jobs": [0]})
    assert (t.ends, t.errors) == ([7], {0: "boom"})


BULKHEAD = """
sources: {slow: {routine: slow, arrivals: {trace: t}}, quick: {routine: quick, arrivals: {trace: t}}}
resources: {threads: {units: 3}%s}
stations: {sick: {kind: delay, service: 100 ms}}
routines:
  slow: [{acquire: threads}, %s, {release: threads}]
  quick: [{acquire: threads}, {delay: 1 ms}, {release: threads}]
"""
ARRIVALS = {"slow": [0, 0, 0], "quick": [1]}


def test_without_a_bulkhead_a_sick_dependency_takes_all_threads(engine: Engine) -> None:
    t = engine(BULKHEAD % ("", "{use: sick}"), ARRIVALS)
    assert t.ends[3] == 101


def test_a_bulkhead_keeps_threads_for_the_rest(engine: Engine) -> None:
    # Two calls at most may be out to the dependency, and nobody waits for that: the third fails at once.
    compartment = ", out: {units: 2, queue_limit: 0}"
    t = engine(BULKHEAD % (compartment, "{acquire: out}, {use: sick}, {release: out}"), ARRIVALS)
    assert t.ends == [100, 100, 0, 2]
    assert t.errors == {2: "rejected"}


def test_a_cap_on_a_queue_bounds_its_wait(engine: Engine) -> None:
    # Services of 10, at most two in line: nobody waits longer than 20.
    text = """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        stations: {cpu: {servers: 1, service: 10 ms, queue_limit: 2}}
        routines: {job: [use: cpu]}
        """.replace("[use: cpu]", "[{use: cpu}]")
    t = engine(text, {"jobs": [0, 0, 0, 0, 10, 10]})
    assert t.ends == [10, 20, 30, 0, 40, 10]
    assert t.errors == {3: "rejected", 5: "rejected"}


def test_a_try_that_a_breaker_turns_away_costs_its_token_all_the_same(engine: Engine) -> None:
    # The first failure opens the breaker at 1. The try of 2 costs a token and is turned away, so does that of 3; then
    # there is no token left.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        breakers: {b: {window: 1, failures: 100 %, open: 1 s}}
        budgets: {r: {ratio: 0 %, burst: 2}}
        routines:
          job:
            - attempt:
                breaker: b
                retry: {budget: r, initial_interval: 1 ms, backoff_coefficient: 1}
                steps: [{delay: 1 ms}, {fail: boom}]
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.errors) == ([3], {0: "open_circuit"})
    assert (t.run.breakers["b"].turned_away, t.run.budgets["r"].withheld) == (2, 1)
