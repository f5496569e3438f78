"""Which node: the rules of choice, keys, lines at nodes, units of held nodes, units that have to be opened.

Method: each node is given away in turn and the order of the ends tells who was where; or a crash of one node tells
who stood on it.
"""

from __future__ import annotations

import pytest
from timeline import Engine

PROBE = """
nodes: {fleet: {count: 3}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: %d%s}}
routines:
  job:
    - acquire: slots
    - delay: 10 ms
faults: {probe: {targets: [{group: fleet, nodes: [%d]}], at: 5 ms, duration: 1 ms}}
"""


def on_node(engine: Engine, units: int, more: str, jobs: list[float], node: int) -> list[int]:
    """The executions that a crash of the node at 5 ms hits."""
    t = engine(PROBE % (units, more, node), {"jobs": jobs}, drill="probe")
    return sorted(t.errors)


def test_round_robin_goes_round_the_nodes_that_have_something_free(engine: Engine) -> None:
    # 2 units a node: executions 0 1 2 3 go to nodes 0 1 2 0.
    assert on_node(engine, 2, "", [0, 0, 0, 0], 0) == [0, 3]
    assert on_node(engine, 2, "", [0, 0, 0, 0], 1) == [1]


def test_least_loaded_takes_the_most_free_units_and_the_first_among_equals(engine: Engine) -> None:
    # Free 2 2 2: node 0; 1 2 2: node 1; 1 1 2: node 2; 1 1 1: node 0 again.
    rule = ", choice: least_loaded"
    assert on_node(engine, 2, rule, [0, 0, 0, 0], 0) == [0, 3]
    assert on_node(engine, 2, rule, [0, 0, 0, 0], 2) == [2]


@pytest.mark.parametrize("rule", ["random", "power_of_two"])
def test_draws_choose_a_node_that_has_something_free_as_long_as_there_is_one(engine: Engine, rule: str) -> None:
    # Three single units for three executions: each node has exactly one of them, whatever was drawn.
    hit = [on_node(engine, 1, f", choice: {rule}", [0, 0, 0], node) for node in range(3)]
    assert sorted(hit) == [[0], [1], [2]]


def test_two_visits_of_one_execution_are_drawn_apart(engine: Engine) -> None:
    # 200 executions acquire one unit of two nodes, twice, at random. Were the draws the same, each would have both of
    # one node, and a crash of node 0 would hit half of them, 100; apart, it hits those with at least one there, 3/4 or
    # 150 with a standard deviation of 6.1. The bounds are 6 of those away (false alarm 2e-9; the seed is fixed).
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {jobs: {routine: job, arrivals: {burst: 200}}}
        resources: {slots: {nodes: fleet, units: 400, choice: random}}
        routines: {job: [{acquire: slots}, {acquire: slots}, {delay: 10 ms}]}
        faults: {probe: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 ms}}
        """,
        drill="probe",
    )
    assert 113 < len(t.errors) < 187


KEYED = """
sources: {jobs: {routine: job, arrivals: {burst: 40}}}
attributes: {tenant: 0}
resources: {shards: {nodes: 4, units: 1, keyed: {by: %s}}}
routines:
  job:
    - set: {tenant: {to: {between: [0, 1]}}}
    - acquire: shards
    - delay: 1 ms
"""


def test_the_same_key_is_the_same_node(engine: Engine) -> None:
    # Two tenants, so at most two of the four shards are in use: 40 holds of 1 ms on one or two nodes end at 20 or
    # later, and as many as there are of the busier tenant.
    t = engine(KEYED % "tenant")
    ends = sorted(end for end in t.ends if end is not None)
    assert ends[-1] >= 20
    assert t.busy("shards") == 40


def test_executions_are_spread_over_the_shards_by_their_own_key(engine: Engine) -> None:
    # By the hash of the execution all four shards get some: 40 ms of work end well before 40 / 2.
    t = engine(KEYED % "execution")
    assert max(end for end in t.ends if end is not None) < 20


def test_skew_gives_the_first_node_most(engine: Engine) -> None:
    # Zipf exponent 3 over 2 nodes: shares 1 / (1 + 1/8) = 8/9 and 1/9. Of 900: 800 +- 9.4 (one standard deviation).
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {jobs: {routine: job, arrivals: {burst: 900}}}
        resources: {rows: {nodes: fleet, units: 1000, keyed: {skew: 3}}}
        routines: {job: [{acquire: rows}, {delay: 10 ms}]}
        faults: {probe: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 ms}}
        """,
        drill="probe",
    )
    assert len(t.errors) == pytest.approx(800, abs=47)


def test_a_key_is_waited_for_even_while_other_nodes_are_free(engine: Engine) -> None:
    # One tenant: all on one shard, one after the other; the other three shards idle.
    t = engine((KEYED % "tenant").replace("[0, 1]", "[7, 7]"), horizon=1000)
    assert sorted(end for end in t.ends if end is not None) == list(range(1, 41))


AT_NODE = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
attributes: {long: 0}
stations: {web: {nodes: 2, servers: 1, wait_at: %s%s}}
routines:
  job:
    - branch:
        - {attribute: long, above: 0, steps: [{use: {station: web, demand: 1 ms}}]}
        - {steps: [{use: {station: web, demand: 10 ms, per: {long: 1 ms}}}]}
"""


def test_one_line_for_all_nodes_serves_whoever_is_first(engine: Engine) -> None:
    # 0: 0-10 on node 0, 1: 2-12 on node 1, 2 waits for the first to be free (10-20), 3 for the next (12-22).
    t = engine(AT_NODE % ("place", ""), {"jobs": [0, 2, 3, 4]})
    assert t.ends == [10, 12, 20, 22]


def test_a_line_at_each_node_is_chosen_on_arrival(engine: Engine) -> None:
    # Round robin: 0 and 2 on node 0, 1 and 3 on node 1. Execution 2 chose node 0 (10-20), 3 chose node 1 (12-22);
    # execution 4 is again on node 0, behind 2: 20-30.
    t = engine(AT_NODE % ("node", ""), {"jobs": [0, 2, 3, 4, 5]})
    assert t.ends == [10, 12, 20, 22, 30]


def test_the_shortest_line_counts_those_in_service_and_in_line(engine: Engine) -> None:
    # Loads at each arrival (in line - free): 0 0 -> node 0; 1 0 -> node 1; 1 1 -> node 0; 2 1 -> node 1.
    t = engine(AT_NODE % ("node", ", choice: least_loaded"), {"jobs": [0, 1, 2, 3]})
    assert t.ends == [10, 11, 20, 21]


def test_a_limit_counts_for_the_line_of_each_node(engine: Engine) -> None:
    # One may wait at each node: 0 1 in service, 2 3 in line, 4 (node 0) is rejected.
    t = engine(AT_NODE % ("node", ", queue_limit: 1"), {"jobs": [0, 1, 2, 3, 4]})
    assert t.errors == {4: "rejected"}
    assert t.ends == [10, 11, 20, 21, 4]


def test_at_asks_for_the_node_that_is_held(engine: Engine) -> None:
    # Round robin would send the service of execution 1 to node 0 next; `at` keeps each on its own node.
    # Both hold node 0 (2 units) because node 1 is down; so their services queue on node 0: 0-10, 10-20.
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 2}}
        stations: {cpu: {nodes: fleet, servers: 1, service: 10 ms}}
        routines: {job: [{acquire: slots}, {use: {station: cpu, at: slots}}]}
        faults: {gone: {targets: [{group: fleet, nodes: [1]}], at: 0 s, duration: 5 ms, drill: false}}
        """,
        {"jobs": [1, 1]},
    )
    # Node 1 has been back since 5, and is free; `at` does not care.
    assert t.ends == [11, 21]


def test_at_fails_when_the_unit_was_released_on_the_way(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        attributes: {early: 1}
        resources: {slots: {units: 1}}
        routines:
          job:
            - acquire: slots
            - branch: [{attribute: early, above: 0, steps: [{release: slots}]}]
            - acquire: {resource: slots, at: slots}
        """,
        {"jobs": [0]},
    )
    assert t.errors == {0: "not_held"}


def test_refuse_fails_at_once_while_no_node_is_up(engine: Engine) -> None:
    text = """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: 2, units: 1, when_down: %s}}
        routines: {job: [{acquire: slots}, {delay: 2 ms}]}
        faults: {gone: {targets: [{group: slots}], at: 0 s, duration: 10 ms, drill: false}}
    """
    refused = engine(text % "refuse", {"jobs": [5, 10]})
    assert refused.ends == [5, 12]
    assert refused.outcomes == ["rejected", "succeeded"]
    assert refused.errors == {0: "refused"}
    waited = engine(text % "wait", {"jobs": [5, 10]})
    assert waited.ends == [12, 12]
    # Nobody is up for 10 of 1000 ms: neither busy nor idle.
    assert waited.place("slots").units_area == 2 * 990_000_000


POOL = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {connections: {units: 2, open: 1, opening: 5 ms}}
routines: {job: [{acquire: connections}, {delay: 10 ms}]}
faults: {crash: {targets: [{group: connections}], at: 100 ms, duration: 20 ms}}
"""


def test_a_unit_that_is_not_open_yet_is_opened_by_the_one_who_needs_it(engine: Engine) -> None:
    # One is open: 0-10. The second is opened in 5: 1-6, then 10. From then on both are open: 20-30 and 21-31.
    t = engine(POOL, {"jobs": [0, 1, 20, 21]})
    assert t.ends == [10, 16, 30, 31]
    assert t.split(1) == {"opening.connections": 5, "service.delay-1": 10}
    assert t.busy("connections") == 10 + 15 + 10 + 10


def test_a_freed_open_unit_is_taken_before_another_is_opened(engine: Engine) -> None:
    t = engine(POOL, {"jobs": [0, 10, 20]})
    assert t.ends == [10, 20, 30]


def test_after_a_crash_every_unit_has_to_be_opened_again(engine: Engine) -> None:
    # Held until 100, when the node crashes. Execution 1 waits from 110 to 120 and opens 120-125; execution 2, at 130,
    # opens the second one; execution 3, at 150, finds both open.
    t = engine(POOL, {"jobs": [95, 110, 130, 150]}, drill="crash")
    assert t.errors == {0: "crash"}
    assert t.ends == [100, 135, 145, 160]
    assert t.split(1) == {"wait.connections": 10, "opening.connections": 5, "service.delay-1": 10}
