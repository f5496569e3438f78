"""Controllers: how many nodes are wanted, and how they come and go. Looks are 5 or 10 ms apart.

Method: the looks, starts and ends are laid out by hand; `nodes_on` tells what was paid for.
"""

from __future__ import annotations

import pytest
from timeline import MS, Engine, Timeline

FLEET = """
nodes: {fleet: {count: %d}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: %d%s}}
routines: {job: [{acquire: slots}, {delay: %d ms}]}
controllers: {scaler: {nodes: fleet, interval: 5 ms, %s}}
"""
BACKLOG = "of: slots, backlog: 1, start_delay: 3 ms"
TWO_THEN_ONE = "initial: 2, schedule: {points: [{at: 0 ms, nodes: 2}, {at: 5 ms, nodes: 1}%s]}%s"


def kept(timeline: Timeline) -> float:
    """Node-ms paid for."""
    return timeline.run.nodes_on["scaler"].area / MS


def test_a_group_scales_from_zero_to_what_waits_and_back_to_zero(engine: Engine) -> None:
    # Look at 5: 3 wait, so 3 start, and are on at 8. They serve until 18. Look at 20: nothing is there, all go off.
    t = engine(FLEET % (4, 1, "", 10, BACKLOG), {"jobs": [1, 1, 2]}, horizon=40, sample=4)
    assert t.ends == [18, 18, 18]
    nodes = t.run.nodes_on["scaler"]
    assert (kept(t), nodes.maximum, nodes.starts) == (3 * (20 - 5), 3, 3)
    assert t.place("slots").units_area == 3 * (20 - 8) * MS
    # A sample at 20 ms comes before the look, whose element is greater.
    assert t.run.samples["nodes.scaler"].tolist() == [0, 0, 3, 3, 3, 3, 0, 0, 0, 0]


def test_one_node_of_a_group_of_one_goes_off_too(engine: Engine) -> None:
    t = engine(FLEET % (1, 1, "", 10, BACKLOG), {"jobs": [1]}, horizon=40)
    assert (t.ends, kept(t)) == ([18], 20 - 5)


def test_an_arrival_at_a_look_is_seen_and_a_node_is_there_before_an_arrival_of_its_instant(engine: Engine) -> None:
    # The first comes at the look of 5 ms; its node is on at 8, when the second comes: it is served at once.
    t = engine(FLEET % (1, 2, "", 10, BACKLOG), {"jobs": [5, 8]}, horizon=40)
    assert t.ends == [18, 18]
    assert t.waiting("slots") == 3


def test_nodes_stay_for_the_most_that_was_wanted_within_the_cool_down(engine: Engine) -> None:
    # Wanted at 5, 10, 15: 3; from 20 on 0. Within 10 ms of 20 and 25 it was 3; at 30 it no longer was.
    t = engine(FLEET % (4, 1, "", 10, BACKLOG + ", cool_down: 10 ms"), {"jobs": [1, 1, 2]}, horizon=40)
    assert kept(t) == 3 * (30 - 5)


def test_a_start_that_nobody_needs_any_more_is_called_off(engine: Engine) -> None:
    # Waits from 4 to 7; the node that is started at 5 would be on at 17 and is called off at 10.
    text = FLEET % (1, 1, "", 10, "of: slots, backlog: 1, start_delay: 12 ms")
    text = text.replace("{acquire: slots}", "{acquire: {resource: slots, patience: 3 ms}}")
    t = engine(text, {"jobs": [4]}, horizon=40)
    assert (t.ends, t.errors) == ([7], {0: "patience"})
    assert (kept(t), t.run.nodes_on["scaler"].starts) == (5, 1)
    assert t.place("slots").units_area == 0


def test_a_node_that_leaves_ends_its_work_and_takes_no_other(engine: Engine) -> None:
    # At 5 both nodes have one unit in use, so the last one leaves. The third waits for node 0 until 12, though node 1
    # is free then too; that goes off at the look of 15.
    t = engine(FLEET % (2, 1, "", 12, TWO_THEN_ONE % ("", "")), {"jobs": [0, 0, 6]}, horizon=30)
    assert t.ends == [12, 12, 24]
    assert kept(t) == 2 * 15 + 1 * 15


@pytest.mark.parametrize(("limit", "end"), [(0, 5), (3, 10), (6, 15)])
def test_work_is_interrupted_at_the_first_look_after_the_drain_limit(engine: Engine, limit: int, end: int) -> None:
    t = engine(FLEET % (2, 1, "", 20, TWO_THEN_ONE % ("", f", drain_limit: {limit} ms")), {"jobs": [0, 0]}, horizon=30)
    assert (t.ends, t.errors) == ([20, end], {1: "crash"})
    assert kept(t) == 2 * end + (30 - end)


def test_a_node_that_leaves_stays_when_it_is_wanted_again(engine: Engine) -> None:
    # Node 1 leaves at 5 with one unit free; the fourth, which comes at 6, waits until it stays after all, at 10.
    again = TWO_THEN_ONE % (", {at: 10 ms, nodes: 2}", "")
    t = engine(FLEET % (2, 2, "", 20, again), {"jobs": [0, 0, 6, 6]}, horizon=40)
    assert t.ends == [20, 20, 26, 30]
    assert (kept(t), t.run.nodes_on["scaler"].starts) == (2 * 40, 0)


def test_what_is_bound_to_a_node_that_leaves_is_served_there_before_a_line_that_cannot_have_it(engine: Engine) -> None:
    # Node 1 leaves at 5. At 9 one visit takes the server of node 0 until 14, another stands in the line of the place.
    # At 10 the first job waits for its own node 0, behind that; the second has its node 1 at once.
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources:
          jobs: {routine: job, arrivals: {trace: t}}
          visits: {routine: visit, arrivals: {trace: t}}
        resources: {slots: {nodes: fleet, units: 1}}
        stations: {cpu: {nodes: fleet, servers: 1, service: 1 ms}}
        routines:
          job: [{acquire: slots}, {delay: 10 ms}, {use: {station: cpu, at: slots}}]
          visit: [{use: {station: cpu, demand: 5 ms}}]
        controllers:
          scaler:
            nodes: fleet
            interval: 5 ms
            initial: 2
            schedule: {points: [{at: 0 ms, nodes: 2}, {at: 5 ms, nodes: 1}]}
        """,
        {"jobs": [0, 0], "visits": [9, 9]},
        horizon=30,
    )
    assert t.ends == [20, 11, 14, 19]


def test_who_had_chosen_a_node_that_leaves_chooses_again(engine: Engine) -> None:
    # The third waits at node 0, the fourth at node 1, which leaves at 5: it goes to the end of node 0's line.
    node = ", wait_at: node, choice: least_loaded"
    t = engine(FLEET % (2, 1, node, 20, TWO_THEN_ONE % ("", "")), {"jobs": [0, 0, 1, 1]}, horizon=60)
    assert t.ends == [20, 20, 40, 60]


def test_a_remembered_node_that_was_switched_off_is_known_to_be_gone(engine: Engine) -> None:
    # Both nodes are idle at 5, so node 1 goes off. At 12 the second execution goes the other way at once, waits for
    # node 0 until 15, and takes 1 + 3 ms.
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 1}}
        routines:
          job:
            - acquire: {resource: slots, affinity: home}
            - delay: 2 ms
            - release: slots
            - delay: 10 ms
            - acquire: {resource: slots, affinity: home, patience: 50 ms, otherwise: [{acquire: slots}, {delay: 1 ms}]}
            - delay: 3 ms
        controllers:
          scaler:
            nodes: fleet
            interval: 5 ms
            initial: 2
            schedule: {points: [{at: 0 ms, nodes: 2}, {at: 5 ms, nodes: 1}]}
        """,
        {"jobs": [0, 0]},
        horizon=30,
    )
    assert t.ends == [15, 19]


SERVERS = """
nodes: {fleet: {count: 4}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
stations: {cpu: {nodes: fleet, service: 10 ms, %s}}
routines: {job: [{use: cpu}]}
controllers: {scaler: {nodes: fleet, of: cpu, interval: 10 ms, %s}}
"""


def test_utilisation_is_what_was_used_since_the_last_look(engine: Engine) -> None:
    # One server is busy to 10: at half use that is 2 nodes, then none, and 1 at 30 since one waits. It is busy to 40:
    # 2 nodes, so that one starts, and none at 50. Paid for: 4 to 10, 2 to 20, 1 from 30 to 40, 2 to 50.
    t = engine(SERVERS % ("servers: 1", "initial: 4, utilisation: 0.5"), {"jobs": [0, 25]}, horizon=60)
    assert t.ends == [10, 40]
    assert kept(t) == 4 * 10 + 2 * 10 + 1 * 10 + 2 * 10


def test_utilisation_of_shared_cores_is_of_cores_not_of_visits(engine: Engine) -> None:
    # Two visits share the one core of node 0 to 20. That is one core in use, hence one node, though two are served.
    t = engine(SERVERS % ("cores: 1", "initial: 1, utilisation: 1.0"), {"jobs": [0, 0]}, horizon=60)
    assert t.ends == [20, 20]
    assert (kept(t), t.run.nodes_on["scaler"].starts) == (30, 0)
    # Its cores: one node was on to 30, none after that, so half a core of 60 ms; 20 of 30 core-ms were used.
    assert t.place("cpu").units == 0.5
    assert t.place("cpu").speed_area == 20 * MS


def test_of_several_places_the_one_that_wants_most_decides(engine: Engine) -> None:
    # One execution holds two slots from 0 on and asks for the server at 6: one that waits or is served wants a node.
    # Look at 5: slots want 2 of backlog 1. One is given back at 6; looks at 10 and 15: 1 slot, 1 visit; at 20: none.
    t = engine(
        """
        nodes: {fleet: {count: 3}}
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 2}}
        stations: {cpu: {nodes: fleet, servers: 1, service: 11 ms}}
        routines: {job: [{acquire: slots}, {acquire: slots}, {delay: 6 ms}, {release: slots}, {use: cpu}]}
        controllers: {scaler: {nodes: fleet, of: [cpu, slots], backlog: 1, initial: 1, interval: 5 ms}}
        """,
        {"jobs": [0]},
        horizon=30,
    )
    assert t.ends == [17]
    assert kept(t) == 1 * 5 + 2 * 5 + 1 * 10


def test_a_repair_brings_no_node_back_that_is_switched_off(engine: Engine) -> None:
    # Down by a fault from 3 to 7, off from 5 to 15; a job that comes at 8 is served from 15 on.
    points = "[{at: 0 ms, nodes: 1}, {at: 5 ms, nodes: 0}, {at: 15 ms, nodes: 1}]"
    text = FLEET % (1, 1, "", 10, f"initial: 1, schedule: {{points: {points}}}")
    text += "faults: {crash: {targets: [{group: fleet}], at: 3 ms, duration: 4 ms, drill: false}}\n"
    t = engine(text, {"jobs": [8]}, horizon=30)
    assert (t.ends, kept(t)) == ([25], 5 + 15)


def test_a_schedule_repeats_after_its_period(engine: Engine) -> None:
    # 1 node in the first half of every 20 ms. Looks at 10, 20, 30, ...: off, on, off.
    points = "points: [{at: 0 ms, nodes: 1}, {at: 10 ms, nodes: 0}], period: 20 ms"
    t = engine(FLEET % (1, 1, "", 1, f"initial: 1, schedule: {{{points}}}"), {"jobs": [12]}, horizon=60)
    assert (t.ends, kept(t)) == ([21], 30)
