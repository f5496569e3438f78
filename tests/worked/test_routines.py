"""Steps that an execution takes one after the other: delays, branches, loops, calls, attributes, counts, failures."""

from __future__ import annotations

import pytest
from timeline import Engine


def steps(text: str, more: str = "") -> str:
    return f"{{sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}, routines: {{job: [{text}]}}{more}}}"


def test_an_execution_without_steps_ends_where_it_starts(engine: Engine) -> None:
    t = engine(steps(""), {"jobs": [3]})
    assert (t.starts, t.ends, t.outcomes) == ([3], [3], ["succeeded"])
    assert t.run.events == 1


@pytest.mark.parametrize(("kind", "state"), [("service", "service.pack"), ("network", "network"), ("timer", "timer")])
def test_a_delay_is_booked_by_its_kind(engine: Engine, kind: str, state: str) -> None:
    t = engine(steps(f"{{delay: 5 ms, kind: {kind}, name: pack}}"), {"jobs": [1]})
    assert t.ends == [6]
    assert t.split(0) == {state: 5}


def test_a_delay_takes_longer_for_each_unit_of_an_attribute(engine: Engine) -> None:
    t = engine(steps("{delay: 5 ms, per: {size: 2 ms}}", ", attributes: {size: 4}"), {"jobs": [0]})
    assert t.ends == [13]


def test_a_delay_has_a_floor_and_then_a_grid(engine: Engine) -> None:
    # Started at 3: at least 4, so 7, and on the grid of 5: 10. Started at 6: 10, which is on the grid.
    t = engine(steps("{delay: 1 ms, floor: 4 ms, grid: 5 ms}"), {"jobs": [3, 6]})
    assert t.ends == [10, 10]


def test_a_delay_of_no_time_ends_at_once(engine: Engine) -> None:
    t = engine(steps("{delay: 0 s}"), {"jobs": [2]})
    assert t.ends == [2]


def test_a_branch_takes_the_first_way_whose_condition_holds(engine: Engine) -> None:
    ways = "{branch: [{attribute: n, below: 3, steps: [{delay: 1 ms}]}, {attribute: n, above: 3, below: 6, "
    ways += "steps: [{delay: 2 ms}]}, {steps: [{delay: 4 ms}]}]}"
    for value, end in ((2, 1), (3, 4), (4, 2), (5, 2), (6, 4)):
        t = engine(steps(ways, f", attributes: {{n: {value}}}"), {"jobs": [0]})
        assert t.ends == [end], value


def test_probabilities_share_one_draw_and_what_is_left_goes_the_last_way(engine: Engine) -> None:
    # 1000 executions, 30 % / 50 % / 20 %: counts within 5 standard deviations, sqrt(1000 p q) at most 15.8.
    ways = "{branch: [{probability: 30 %, steps: [{delay: 1 ms}]}, {probability: 50 %, steps: [{delay: 2 ms}]}, "
    ways += "{steps: [{delay: 3 ms}]}]}"
    ends = engine(steps(ways), {"jobs": [0] * 1000}).ends
    assert [ends.count(end) for end in (1, 2, 3)] == pytest.approx([300, 500, 200], abs=79)


def test_a_branch_may_do_nothing(engine: Engine) -> None:
    t = engine(steps("{branch: [{probability: 0 %, steps: [{delay: 1 ms}]}]}, {delay: 2 ms}"), {"jobs": [0]})
    assert t.ends == [2]


def test_a_loop_repeats_as_often_as_a_number_or_an_attribute_says(engine: Engine) -> None:
    assert engine(steps("{loop: {times: 3, steps: [{delay: 2 ms}]}}"), {"jobs": [0]}).ends == [6]
    assert engine(steps("{loop: {times: 0, steps: [{delay: 2 ms}]}}"), {"jobs": [0]}).ends == [0]
    text = steps("{loop: {times: {attribute: n}, steps: [{delay: 2 ms}]}}", ", attributes: {n: 5}")
    assert engine(text, {"jobs": [0]}).ends == [10]


def test_each_round_of_a_loop_and_each_call_has_draws_of_its_own(engine: Engine) -> None:
    # Three rounds of the same steps; were the draws the same, each round would take a third of the whole.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {burst: 1}}}
        routines:
          job:
            - loop: {times: 2, steps: [{mark: a}, {call: nap, name: in-loop}, {mark: b}]}
            - mark: a
            - {call: nap, name: after}
            - mark: b
          nap: [{delay: {exponential: 5 ms}}]
        spans: {naps: {start: a, end: b}}
        """
    )
    lengths = [length for _, length in t.spans("span.naps")]
    assert len(lengths) == len(set(lengths)) == 3


def test_attributes_are_set_and_added_to_in_the_order_of_the_file(engine: Engine) -> None:
    # n = 2; then 2 + 3 = 5, m = n = 5; 5 + 5 rounds of 1 ms.
    text = steps(
        "{set: {n: {add: 3}, m: {to: {attribute: n}}}}, {loop: {times: {attribute: n}, steps: [{delay: 1 ms}]}}, "
        "{loop: {times: {attribute: m}, steps: [{delay: 1 ms}], }, name: again}",
        ", attributes: {n: 2, m: 0}",
    )
    assert engine(text, {"jobs": [0]}).ends == [10]


def test_attributes_belong_to_the_execution_and_are_shared_by_its_children(engine: Engine) -> None:
    # Two children add 1 each; afterwards the loop runs twice. The other execution has an n of its own.
    text = steps(
        "{fork: {items: 2, steps: [{set: {n: {add: 1}}}]}}, {loop: {times: {attribute: n}, steps: [{delay: 3 ms}]}}",
        ", attributes: {n: 0}",
    )
    assert engine(text, {"jobs": [0, 1]}).ends == [6, 7]


def test_operations_are_counted_for_the_executions_of_the_window(engine: Engine) -> None:
    # Three executions, one of them before the window and one after: 2 + 3 commits and 2 queries for the other.
    text = steps("{count: {query: 2, commit: 2}}, {count: {commit: 3}}")
    t = engine(text, {"jobs": [1, 5, 20]}, warmup=2, horizon=10)
    assert t.run.counts == {("job", "query"): 2, ("job", "commit"): 5}


def test_a_failure_ends_the_execution_with_its_name(engine: Engine) -> None:
    t = engine(steps("{delay: 2 ms}, {fail: no-stock}, {delay: 2 ms}"), {"jobs": [0]})
    assert (t.ends, t.outcomes, t.errors) == ([2], ["failed"], {0: "no-stock"})


def test_a_failure_may_have_a_chance(engine: Engine) -> None:
    # 1000 at 20 %: 200 within 5 standard deviations of 12.6.
    t = engine(steps("{fail: no-stock, probability: 20 %}"), {"jobs": [0] * 1000})
    assert t.outcomes.count("failed") == pytest.approx(200, abs=64)


def test_the_priority_of_the_source_goes_with_its_executions_and_their_children(engine: Engine) -> None:
    # The lock is taken by `low` 0 at 0; at 10 waits `low` 1's and `high`'s child: the child has its source's priority.
    t = engine(
        """
        sources:
          low: {routine: job, arrivals: {trace: t}}
          high: {routine: forking, arrivals: {trace: t}, priority: 3}
        resources: {lock: {units: 1, queue: priority}}
        routines:
          job: [{acquire: lock}, {delay: 10 ms}]
          forking: [{fork: {items: 1, steps: [{acquire: lock}, {delay: 10 ms}]}}]
        """,
        {"low": [0, 1], "high": [2]},
    )
    assert t.ends == [10, 30, 20]


LRU = """
nodes: {fleet: {count: 1}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: 9}}
caches: {sticky: {nodes: fleet, capacity: %d}}
routines:
  job:
    - loop:
        times: 2
        steps:
          - acquire: slots
          - cached: {cache: sticky, at: slots, hit: [{delay: 1 ms}], miss: [{delay: 5 ms}]}
          - release: slots
          - delay: 20 ms
"""


def test_the_first_look_misses_and_the_second_hits(engine: Engine) -> None:
    t = engine(LRU % 5, {"jobs": [0]})
    assert t.ends == [5 + 20 + 1 + 20]
    assert t.run.caches == {"sticky": (1, 1)}


def test_the_one_unused_longest_is_forgotten_when_the_cache_is_full(engine: Engine) -> None:
    # Capacity 2: 0 at 0, 1 at 1, 2 at 2 (0 is forgotten). Second looks: 0 at 25 misses (1 is forgotten), 1 at 26
    # misses (2 is forgotten), 2 at 27 misses.
    t = engine(LRU % 2, {"jobs": [0, 1, 2]})
    assert t.run.caches == {"sticky": (0, 6)}
    # With room for 3 nobody is forgotten.
    assert engine(LRU % 3, {"jobs": [0, 1, 2]}).run.caches == {"sticky": (3, 3)}


def test_the_end_of_an_execution_makes_room(engine: Engine) -> None:
    # Capacity 1. Execution 0 is closed at 46; execution 1 comes at 50 and hits at its second look.
    assert engine(LRU % 1, {"jobs": [0, 50]}).run.caches == {"sticky": (2, 2)}
