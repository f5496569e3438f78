"""Retry budgets: what first tries put in, what further ones take out, and when there is none. Times in ms.

Method: every try takes 1 ms and fails; back-offs are 1 ms long. How many tries each execution makes tells the tokens.
"""

from __future__ import annotations

from timeline import Engine, Timeline

NETWORK = """
nodes: {fleet: {count: 2}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
budgets: {b: {%s}}
resources: {slots: {nodes: fleet, units: 9}}
routines:
  job:
    - acquire: slots
    - attempt:
        retry: {budget: b, initial_interval: 1 ms, backoff_coefficient: 1, maximum_attempts: 4}
        steps: [{delay: 1 ms}, {fail: boom}]
%s
"""


def tokens(timeline: Timeline) -> list[int]:
    found: list[int] = timeline.run.samples["budget.b"].tolist()
    return found


def use(timeline: Timeline) -> tuple[int, int]:
    """Further tries that were wanted, and withheld."""
    budget = timeline.run.budgets["b"]
    return budget.wanted, budget.withheld


def test_a_budget_is_full_at_the_start_and_what_is_spent_comes_back_by_first_tries(engine: Engine) -> None:
    # Two tokens; a first try puts half of one in, but not into a full budget. The first execution takes one at 1 and
    # one at 3; at 5 there is none, so that its third failure stands. The second, at 10, has 0.5: none at 11. The
    # third, at 20, has 1: it takes that at 21, and there is none at 23.
    t = engine(NETWORK % ("ratio: 50 %, burst: 2", ""), {"jobs": [0, 10, 20]}, horizon=25, sample=1)
    assert t.ends == [5, 11, 23]
    assert t.errors == {0: "boom", 1: "boom", 2: "boom"}
    assert tokens(t) == [2, 1, 1] + [0] * 17 + [1] + [0] * 4
    assert (use(t), t.run.attempts["job"]) == ((6, 3), (3, 3))


def test_all_who_name_it_share_it(engine: Engine) -> None:
    # Both fail at 1; the one token goes to the first.
    t = engine(NETWORK % ("ratio: 0 %, burst: 1", ""), {"jobs": [0, 0]})
    assert t.ends == [3, 1]


def test_a_token_is_taken_only_for_a_try_that_nothing_else_forbids(engine: Engine) -> None:
    # Four tries in all: three tokens of five are taken, the fourth failure asks for none.
    t = engine(NETWORK % ("ratio: 0 %, burst: 5", ""), {"jobs": [0]}, sample=1, horizon=10)
    assert (t.ends, tokens(t)) == ([7], [5, 4, 4, 3, 3, 2, 2, 2, 2, 2])
    assert use(t) == (3, 0)


def test_tenths_add_up_to_a_whole(engine: Engine) -> None:
    # Ten first tries after the token of the start was spent: 10 x 0.1 is exactly 1, in millionths.
    t = engine(NETWORK % ("ratio: 10 %, burst: 1", ""), {"jobs": [0, *range(10, 30, 2)]}, horizon=50)
    assert [end - start for start, end in zip(t.starts, t.ends, strict=True) if end is not None] == [3] + [1] * 9 + [3]


def test_each_node_has_its_own_and_a_crash_makes_it_full_again(engine: Engine) -> None:
    # Nodes 0, 1, 0, 1, 0, 1. Both are spent by the first two; node 0 crashes at 7 and comes back full at 8.
    crash = "faults: {f: {targets: [{group: fleet, nodes: [0]}], at: 7 ms, duration: 1 ms, drill: false}}"
    t = engine(
        NETWORK % ("ratio: 0 %, burst: 1, at: slots", crash), {"jobs": [0, 0, 5, 5, 10, 10]}, sample=1, horizon=14
    )
    assert t.ends == [3, 3, 6, 6, 13, 11]
    assert tokens(t) == [2, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]


def test_who_holds_no_unit_of_its_resource_has_no_budget(engine: Engine) -> None:
    text = NETWORK % ("ratio: 0 %, burst: 1, at: slots", "")
    t = engine(text.replace("    - attempt", "    - release: slots\n    - attempt"), {"jobs": [0]})
    assert (t.ends, use(t)) == ([1], (1, 1))
