"""Lines that are ordered by an attribute: shortest job first, earliest deadline first. Times in ms.

Method: a source `v5` sends executions whose attribute `work` is 5; `u5` does the same with priority 1. Every service
takes 10 ms. `late` begins with a work of its own, which a branch beside its visit changes 2 ms later.
"""

from __future__ import annotations

import pytest
import yaml
from timeline import Engine

from sim.network import Network
from sim.network.checks import problems

NETWORK = """
attributes: {work: 0}
sources:
  v1: {routine: v1, arrivals: {trace: t}}
  v5: {routine: v5, arrivals: {trace: t}}
  v9: {routine: v9, arrivals: {trace: t}}
  u5: {routine: v5, arrivals: {trace: t}, priority: 1}
  u9: {routine: v9, arrivals: {trace: t}, priority: 1}
  late: {routine: late, arrivals: {trace: t}}
stations: {server: {servers: 1, service: 10 ms, order: {attribute: work}%s}}
routines:
  v1: [{set: {work: {to: 1}}}, {use: server}]
  v5: [{set: {work: {to: 5}}}, {use: server}]
  v9: [{set: {work: {to: 9}}}, {use: server}]
  late:
    - set: {work: {to: %d}}
    - fork: {branches: [[{use: server}], [{delay: 2 ms}, {set: {work: {to: %d}}}]]}
"""
CRASHES = """faults:
  first: {at: 5 ms, duration: 1 ms, drill: false, targets: [{group: server, nodes: [0]}]}
  second: {at: 7 ms, duration: 1 ms, drill: false, targets: [{group: server, nodes: [%d]}]}
"""


def test_the_least_value_goes_first_and_the_oldest_among_equals(engine: Engine) -> None:
    # v5 is served 0-10; nobody is driven out. Then v1 (10-20), the v5 of 2 (20-30), that of 4 (30-40), v9 (40-50).
    t = engine(NETWORK % ("", 0, 0), {"v5": [0, 2, 4], "v9": [1], "v1": [3]})
    assert t.starts == [0, 1, 2, 3, 4]
    assert t.ends == [10, 50, 30, 20, 40]


def test_priority_means_nothing_without_a_line_by_priority(engine: Engine) -> None:
    t = engine(NETWORK % ("", 0, 0), {"v5": [0], "u9": [1], "v1": [2]})
    assert t.ends == [10, 30, 20]


def test_in_a_line_by_priority_the_value_decides_among_equals(engine: Engine) -> None:
    # Of priority 1: u5 (10-20) before u9 (20-30), which asked earlier; then v1 (30-40).
    t = engine(NETWORK % (", queue: priority", 0, 0), {"v5": [0], "v1": [1], "u9": [2], "u5": [3]})
    assert t.ends == [10, 40, 30, 20]


def test_a_value_that_is_set_while_one_waits_moves_nobody(engine: Engine) -> None:
    # `late` comes into the line with 9 and has 0 from 3 on; v5 goes first all the same (10-20).
    t = engine(NETWORK % ("", 9, 0), {"v5": [0, 4], "late": [1]})
    assert t.ends == [10, 30, 20]


def test_who_is_preempted_comes_into_the_line_again_with_the_value_of_then(engine: Engine) -> None:
    # `late` is served 0-4 and has 9 from 2 on; u5 drives it out (4-14). v5, in line since 1, has less (14-24).
    t = engine(NETWORK % (", queue: priority, preemptive: true", 1, 9), {"late": [0], "v5": [1], "u5": [4]})
    assert t.ends == [30, 24, 14]


def test_who_chooses_again_comes_into_a_line_with_the_value_of_then(engine: Engine) -> None:
    # v1 and v9 are served at nodes 0 and 1; `late` waits at 0 with 1, v5 at 1. At 5, when `late` has 9, node 0 crashes
    # and it goes to node 1: v5 is served there 10-20, `late` at node 0, which is back at 6 and never chosen: 20-30.
    text = NETWORK % (", nodes: 2, wait_at: node", 1, 9) + (CRASHES % 0).split("  second")[0]
    t = engine(text, {"v1": [0], "v9": [0], "late": [1], "v5": [2]})
    assert t.ends == [5, 10, 30, 20]
    assert t.errors == {0: "crash"}


@pytest.mark.parametrize("queue", [", queue: fifo", ", queue: priority"])
def test_who_comes_back_to_a_line_that_it_has_left_stands_there_once(engine: Engine, queue: str) -> None:
    # The second v9 waits at node 0, from 5 on at node 1, and from 7 on at node 0 again, which is free: 7-17.
    text = NETWORK % (f", nodes: 2, wait_at: node{queue}", 0, 0) + CRASHES % 1
    t = engine(text, {"v1": [0], "v9": [0, 1]})
    assert t.ends == [5, 7, 17]


def test_if_the_least_value_needs_more_than_is_free_nobody_overtakes(engine: Engine) -> None:
    # The two units that `both` wants are free at 10 (10-20); v9 waits for it, though one unit is free from the start.
    text = """
    attributes: {work: 0}
    sources:
      one: {routine: one, arrivals: {trace: t}}
      both: {routine: both, arrivals: {trace: t}}
    resources: {slots: {units: 2, order: {attribute: work}}}
    routines:
      one: [{set: {work: {add: 9}}}, {acquire: slots}, {delay: 10 ms}]
      both: [{acquire: {resource: slots, units: 2}}, {delay: 10 ms}]
    """
    t = engine(text, {"one": [0, 2], "both": [1]})
    assert t.ends == [10, 20, 30]


def test_any_of_an_ordered_line_who_has_waited_long_makes_it_shed(engine: Engine) -> None:
    # The v1 of 8 is the head of the line at 9; v9 has waited 8 by then.
    t = engine(NETWORK % (", shed: {after: 8 ms}", 0, 0), {"v5": [0], "v9": [1], "v1": [8, 9]})
    assert t.errors == {3: "rejected"}
    assert t.ends == [10, 30, 20, 9]


def test_an_order_by_an_attribute_that_is_not_there_is_refused() -> None:
    text = (NETWORK % ("", 0, 0)).replace("attribute: work}", "attribute: wrok}")
    (problem,) = problems(Network.model_validate(yaml.safe_load(text)))
    assert (problem.path, problem.hint) == ("stations.server.order.attribute", "did you mean `work`?")
