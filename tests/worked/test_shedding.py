"""Load that is shed by the age of a line: who is turned away, who is spared, and what is older. Times in ms.

Method: one server with services of 10 ms, so that the ages in its line are known; `vip` has priority 5.
"""

from __future__ import annotations

import pytest
from timeline import Engine, network_of

NETWORK = """
sources:
  jobs: {routine: job, arrivals: {trace: t}}
  vip: {routine: job, priority: 5, arrivals: {trace: t}}
%s
routines: {job: [%s]}
"""
SERVER = NETWORK % ("stations: {cpu: {servers: 1, service: 10 ms, %s}}", "use: cpu")


def server(options: str) -> str:
    return SERVER.replace("[use: cpu]", "[{use: cpu}]") % options


def test_who_would_wait_is_rejected_while_the_oldest_in_line_has_waited_long(engine: Engine) -> None:
    # In service 0-10. The one of 1 waits; at 3 it has waited 2: the next one may wait; at 4 it has waited 3, and the
    # next one may not. At 10 it is served; the one of 3 is then the oldest and has waited 7, at 11 even 8.
    t = engine(server("shed: {after: 3 ms}"), {"jobs": [0, 1, 3, 4, 11]}, sample=2, horizon=12)
    assert t.ends == [10, 20, 30, 4, 11]
    assert t.errors == {3: "rejected", 4: "rejected"}
    assert (t.outcomes[3], t.place("cpu").rejected) == ("rejected", 2)
    assert t.run.samples["rejected.cpu"].tolist() == [0, 0, 1, 0, 0, 0]


def test_who_need_not_wait_is_never_rejected(engine: Engine) -> None:
    # At 20 the second one is done, and the third, which nobody stands before, is served at once.
    t = engine(server("shed: {after: 1 ms}"), {"jobs": [0, 1, 20]})
    assert (t.ends, t.errors) == ([10, 20, 30], {})


def test_work_of_enough_priority_is_spared(engine: Engine) -> None:
    options = "queue: priority, shed: {after: 3 ms, spare: 5}"
    t = engine(server(options), {"jobs": [0, 1, 6], "vip": [5]})
    assert t.errors == {3: "rejected"}
    assert t.ends == [10, 30, 20, 6]  # the spared one goes first, too


def test_in_a_priority_line_anybody_who_has_waited_long_counts(engine: Engine) -> None:
    # The vip of 8 is the head of the line at 9; the other one has waited 8 by then.
    t = engine(server("queue: priority, shed: {after: 8 ms, spare: 6}"), {"jobs": [0, 1], "vip": [8, 9]})
    assert t.errors == {3: "rejected"}


def test_last_come_first_served_the_oldest_is_at_the_other_end(engine: Engine) -> None:
    t = engine(server("queue: lifo, shed: {after: 4 ms}"), {"jobs": [0, 1, 4, 5]})
    assert t.errors == {3: "rejected"}
    assert t.ends == [10, 30, 20, 5]


def test_a_node_that_work_is_bound_to_has_lines_of_its_own(engine: Engine) -> None:
    # Two nodes; work chooses one on arrival, in turn: 0, 1, 0, 1, ... Node 0 has an old line at 6, node 1 has none.
    t = engine(server("nodes: 2, wait_at: node, shed: {after: 3 ms}"), {"jobs": [0, 0, 1, 6, 6]})
    assert t.errors == {4: "rejected"}
    assert t.ends == [10, 10, 20, 20, 6]


def test_a_resource_sheds_too(engine: Engine) -> None:
    pool = "resources: {slots: {units: 1, shed: {after: 3 ms}}}"
    t = engine(NETWORK % (pool, "{acquire: slots}, {delay: 10 ms}"), {"jobs": [0, 1, 4]})
    assert (t.ends, t.errors) == ([10, 20, 4], {2: "rejected"})


def test_who_is_kept_at_the_door_cannot_be_rejected(engine: Engine) -> None:
    with pytest.raises(ValueError, match="do not go together"):
        network_of(server("queue_limit: 1, when_full: block, shed: {after: 3 ms}"))
