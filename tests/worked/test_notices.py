"""Nodes that are told before they crash: what they finish, what is not given to them, and when they crash."""

from __future__ import annotations

from timeline import Engine, Timeline

TEXT = """
nodes: {fleet: {count: 2}}
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: 1%s}}
stations: {cpu: {nodes: fleet, servers: 2, service: 4 ms}}
routines: {job: [%s]}
faults:
  spot: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, notice: 10 ms, duration: 20 ms, drill: false}
"""


def episode(t: Timeline, number: int = 0) -> tuple[float, float, float, int]:
    """Its beginning, crash and end, and how many it hit."""
    one = t.run.episodes[number]
    return one.start_ns / 1e6, one.down_ns / 1e6, one.end_ns / 1e6, one.hit


def test_a_node_that_has_given_notice_finishes_its_work_and_is_given_none(engine: Engine) -> None:
    # The first one runs on node 0 from 0 to 8; the second, from 6 on, is given node 1, and the third waits for that
    # until 14. Node 0 crashes at 8, with nothing left, and is back at 28.
    t = engine(TEXT % ("", "{acquire: slots}, {delay: 8 ms}"), {"jobs": [0, 6, 7]})
    assert t.ends == [8, 14, 22]
    assert t.outcomes == ["succeeded"] * 3
    assert episode(t) == (5, 8, 28, 0)
    assert t.place("slots").units_area == (2 * 1000 - 20) * 1_000_000


def test_who_is_not_done_when_the_notice_is_over_is_hit(engine: Engine) -> None:
    t = engine(TEXT % ("", "{acquire: slots}, {delay: 12 ms}"), {"jobs": [4]})
    assert (t.ends, t.errors) == ([15], {0: "crash"})
    assert episode(t) == (5, 15, 35, 1)


def test_who_is_done_in_the_instant_in_which_the_notice_is_over_is_not_hit(engine: Engine) -> None:
    t = engine(TEXT % ("", "{acquire: slots}, {delay: 11 ms}"), {"jobs": [4]})
    assert (t.ends, t.outcomes) == ([15], ["succeeded"])
    assert episode(t) == (5, 15, 35, 0)


def test_a_node_with_nothing_to_do_crashes_at_once(engine: Engine) -> None:
    t = engine(TEXT % ("", "{acquire: slots}, {delay: 12 ms}"), {"jobs": [40]})
    assert episode(t) == (5, 5, 25, 0)
    # Work of the very instant comes later than the crash: 5 on node 1, 7 waits for that and not for 25.
    assert engine(TEXT % ("", "{acquire: slots}, {delay: 6 ms}"), {"jobs": [5, 7]}).ends == [11, 17]


def test_work_that_is_bound_to_the_node_still_begins_there(engine: Engine) -> None:
    # Its second visit, at 6, is on the node that it holds a slot of; that keeps the node until 10.
    t = engine(TEXT % ("", "{acquire: slots}, {delay: 6 ms}, {use: {station: cpu, at: slots}}"), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([10], ["succeeded"])
    assert episode(t) == (5, 10, 30, 0)


def test_who_had_chosen_the_node_on_arrival_chooses_again(engine: Engine) -> None:
    # The first two have the two nodes, the third one waits at node 0, the fourth at node 1. At 5 the third chooses
    # again: node 1, behind the fourth, and stays there when node 0 is back at 35.
    text = TEXT % (", wait_at: node, choice: least_loaded", "{acquire: slots}, {delay: 20 ms}")
    t = engine(text, {"jobs": [0, 1, 2, 3]})
    assert t.errors == {0: "crash"}
    assert t.ends == [15, 21, 61, 41]
    assert episode(t) == (5, 15, 35, 1)


def test_who_remembers_the_node_knows_that_it_leaves(engine: Engine) -> None:
    # The first visit, 0-2, is to node 0. The second one, at 8, is given node 1; without notice it waits for node 0.
    steps = "{acquire: {resource: slots, affinity: home}}, {delay: 2 ms}, {release: slots}, {delay: 6 ms}, "
    text = TEXT % ("", steps + "{acquire: {resource: slots, affinity: home}}, {delay: 2 ms}")
    assert engine(text, {"jobs": [0]}).ends == [10]
    assert engine(text.replace("notice: 10 ms, ", ""), {"jobs": [0]}).ends == [27]


def test_a_silent_attempt_keeps_its_node(engine: Engine) -> None:
    # It started with the grant of a slot, given back at 1, and would be missed: the node is there until 9.
    attempt = "{attempt: {start_to_close: 1 s, on_crash: silent, steps: [%s]}}"
    text = TEXT % ("", attempt % "{acquire: slots}, {delay: 1 ms}, {release: slots}, {delay: 8 ms}")
    assert episode(engine(text, {"jobs": [0]})) == (5, 9, 29, 0)


def test_all_targets_crash_together_when_nothing_is_left_on_any(engine: Engine) -> None:
    text = (TEXT % ("", "{acquire: slots}, {delay: 8 ms}")).replace("nodes: [0]", "nodes: all")
    t = engine(text, {"jobs": [0, 1, 20]})
    assert (t.ends, t.outcomes) == ([8, 9, 37], ["succeeded"] * 3)
    assert episode(t) == (5, 9, 29, 0)


def test_with_each_every_node_has_its_notice(engine: Engine) -> None:
    # Both give notice at 5: one is empty at 8, the other one at once. They come again 5 after their ends.
    text = (TEXT % ("", "{acquire: slots}, {delay: 8 ms}")).replace("nodes: [0]", "nodes: all")
    text = text.replace("at: 5 ms", "mttf: {constant: 5 ms}, each: true").replace("drill: false", "source: nobody")
    t = engine(text, {"jobs": [0]}, horizon=32, drain=0)
    assert [episode(t, number) for number in range(3)] == [(5, 8, 28, 0), (5, 5, 25, 0), (30, 30, -1e-6, 0)]
    assert t.run.episodes[2].nodes == (("fleet", 1),)
