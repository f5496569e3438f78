"""Jobs that wait for each other for ever are found, with their cycle; jobs that merely wait long are not."""

from __future__ import annotations

from timeline import Engine

TWO_LOCKS = """
sources: {ab: {routine: ab, arrivals: {trace: t}}, ba: {routine: ba, arrivals: {trace: t}}}
resources: {a: {units: 1}, b: {units: 1}}
routines:
  ab: [{acquire: a}, {delay: 1 ms}, %s]
  ba: [{acquire: b}, {delay: 1 ms}, {acquire: a}, {delay: 1 ms}]
"""


def test_two_locks_taken_in_opposite_order(engine: Engine) -> None:
    t = engine(TWO_LOCKS % "{acquire: b}", {"ab": [0], "ba": [0]}, stuck=True)
    assert t.ends == [None, None]
    finding = str(t.run.deadlock)
    assert "deadlock: 2 jobs wait for each other" in finding
    assert finding.endswith("execution 0 holds a and waits for b; execution 1 holds b and waits for a")


def test_it_is_told_since_when_and_by_whom_it_began_though_others_join_later(engine: Engine) -> None:
    # Execution 0 waits for `b` from 1 on, execution 1 for `a` from 6 on; the third only stands behind them, from 8 on.
    text = TWO_LOCKS % "{acquire: b}"
    text = text.replace("ba: [{acquire: b}, {delay: 1 ms}", "ba: [{acquire: b}, {delay: 6 ms}")
    t = engine(text, {"ab": [0, 8], "ba": [0]}, stuck=True)
    assert t.run.deadlock is not None
    assert (t.run.deadlock.since_ns, t.run.deadlock.jobs) == (6_000_000, 3)
    assert [one.execution for one in t.run.deadlock.cycle] == [0, 1]
    assert (t.run.deadlock.cycle[0].holds, t.run.deadlock.cycle[0].waits_for) == (("a",), "b")


def test_many_units_are_a_deadlock_only_when_the_last_one_is_held(engine: Engine) -> None:
    # Three units of `a`, each held by one that wants another: execution 2 asks last, at 8, and then none is left free.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {a: {units: 3}}
        routines: {job: [{acquire: a}, {delay: 5 ms}, {acquire: {resource: a, units: 1}}]}
        """,
        {"jobs": [0, 1, 3]},
        stuck=True,
    )
    assert t.run.deadlock is not None
    assert t.run.deadlock.since_ns == 8_000_000


def test_one_after_the_other_is_no_deadlock(engine: Engine) -> None:
    t = engine(TWO_LOCKS % "{acquire: b}", {"ab": [0], "ba": [5]})
    assert t.ends == [1, 7]


def test_patience_dissolves_it(engine: Engine) -> None:
    # ab gives up at 1 + 50; then ba goes on.
    t = engine(TWO_LOCKS % "{acquire: {resource: b, patience: 50 ms}}", {"ab": [0], "ba": [0]})
    assert (t.ends, t.errors) == ([51, 52], {0: "patience"})
    # Nor is it one while patience lasts.
    t = engine(TWO_LOCKS % "{acquire: {resource: b, patience: 1 h}}", {"ab": [0], "ba": [0]}, drain=0)
    assert t.ends == [None, None]


def test_a_race_dissolves_it(engine: Engine) -> None:
    t = engine(TWO_LOCKS % "{race: [[{acquire: b}], [{delay: 1 h}]]}", {"ab": [0], "ba": [0]}, drain=0)
    assert t.ends == [None, None]


def test_a_task_that_will_be_taken_back_dissolves_it(engine: Engine) -> None:
    text = TWO_LOCKS % "{attempt: {schedule_to_start: 1 h, steps: [{acquire: b}]}}"
    assert engine(text, {"ab": [0], "ba": [0]}, drain=0).ends == [None, None]


def test_children_can_be_part_of_it(engine: Engine) -> None:
    t = engine(TWO_LOCKS % "{fork: {items: 1, steps: [{acquire: b}]}}", {"ab": [0], "ba": [0]}, stuck=True)
    assert "execution 0 holds a and waits for b" in str(t.run.deadlock)


def test_it_is_found_over_two_rows_of_many(engine: Engine) -> None:
    # Ten rows with a lock each. Execution 0 holds row of key 1 and wants that of key 2, execution 1 the other way.
    t = engine(
        """
        sources: {ab: {routine: ab, arrivals: {trace: t}}, ba: {routine: ba, arrivals: {trace: t}}}
        attributes: {row: 0}
        resources: {rows: {nodes: 10, units: 1, keyed: {by: row}}}
        routines:
          ab: [{set: {row: {to: 1}}}, {acquire: rows}, {delay: 1 ms}, {set: {row: {to: 4}}, name: to}, {acquire: rows}]
          ba: [{set: {row: {to: 4}}}, {acquire: rows}, {delay: 1 ms}, {set: {row: {to: 1}}, name: to}, {acquire: rows}]
        """,
        {"ab": [0], "ba": [0]},
        stuck=True,
    )
    assert "execution 0 holds rows and waits for rows; execution 1 holds rows and waits for rows" in str(
        t.run.deadlock
    )


def test_it_is_found_in_a_ring_of_blocking_stations(engine: Engine) -> None:
    # Each is done at its station and waits at the full door of the other.
    t = engine(
        """
        sources: {ab: {routine: ab, arrivals: {trace: t}}, ba: {routine: ba, arrivals: {trace: t}}}
        stations:
          a: {servers: 1, service: 1 ms, queue_limit: 0, when_full: block}
          b: {servers: 1, service: 1 ms, queue_limit: 0, when_full: block}
        routines: {ab: [{use: a}, {use: b}], ba: [{use: b}, {use: a}]}
        """,
        {"ab": [0], "ba": [0]},
        stuck=True,
    )
    assert "execution 0 holds a and waits for b; execution 1 holds b and waits for a" in str(t.run.deadlock)


def test_a_door_opens_when_somebody_in_line_gives_up(engine: Engine) -> None:
    # Execution 0 is done at `a` at 1 and wants it again: the line (room for one) is taken by execution 1, so it waits
    # at the door, on the very server that execution 1 waits for. At 50 patience of execution 1 ends, the line has
    # room, and execution 0 gives its server back and has it again.
    text = """
        sources: {again: {routine: again, arrivals: {trace: t}}, once: {routine: once, arrivals: {trace: t}}}
        stations: {a: {servers: 1, service: 1 ms, queue_limit: 1, when_full: block}}
        routines: {again: [{use: a}, {use: a}], once: [{use: {station: a, patience: 50 ms}}]}
    """
    assert engine(text, {"again": [0], "once": [0]}, horizon=10, drain=0).ends == [None, None]
    t = engine(text, {"again": [0], "once": [0]})
    assert (t.ends, t.errors) == ([51, 50], {1: "patience"})


def test_a_preemption_may_dissolve_it(engine: Engine) -> None:
    # At 500 somebody of greater priority takes `a` from ab, which fails; ba has `a` at 505.
    text = (TWO_LOCKS % "{acquire: b}").replace("a: {units: 1}", "a: {units: 1, queue: priority, preemptive: true}")
    text = text.replace("\nsources: {", "\nsources: {high: {routine: high, arrivals: {trace: t}, priority: 1}, ")
    text += "  high: [{acquire: a}, {delay: 5 ms}]"
    t = engine(text, {"ab": [0], "ba": [0], "high": [500]})
    assert (t.ends, t.errors) == ([500, 506, 505], {0: "preempted"})
    assert engine(text, {"ab": [0], "ba": [0], "high": [500]}, horizon=400, drain=0).ends == [None, None]


def test_a_long_line_at_a_working_place_is_none(engine: Engine) -> None:
    t = engine(TWO_LOCKS % "{delay: 1 h}", {"ab": [0], "ba": [0] * 20}, drain=0)
    assert t.ends == [None] * 21


def test_an_execution_that_nothing_will_ever_end_is_found(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines: {job: [{acquire: slots}]}
        faults: {gone: {targets: [{group: slots}], at: 0 s, drill: false}}
        """,
        {"jobs": [1]},
        sample=100,
        broken=True,
    )
    assert "1 executions are open and no event is left that could end them" in t.findings[0]


def test_a_node_that_may_come_back_keeps_hope_alive(engine: Engine) -> None:
    # Each holds what the other wants; but a second node of each resource is down, and may serve them when it is back.
    t = engine(
        """
        sources: {ab: {routine: ab, arrivals: {trace: t}}, ba: {routine: ba, arrivals: {trace: t}}}
        resources: {a: {units: 1, nodes: 2}, b: {units: 1, nodes: 2}}
        routines:
          ab: [{acquire: a}, {delay: 1 ms}, {acquire: b}]
          ba: [{acquire: b}, {delay: 1 ms}, {acquire: a}]
        faults:
          gone:
            targets: [{group: a, nodes: [1]}, {group: b, nodes: [1]}]
            at: 0 s
            duration: 20 ms
            drill: false
        """,
        {"ab": [0], "ba": [0]},
        horizon=10,
        drain=0,
    )
    assert t.ends == [None, None]


def test_a_deadline_that_stops_what_is_under_way_dissolves_it(engine: Engine) -> None:
    # Its first lock has started the attempt: left behind, it would hold that lock for ever.
    body = "{attempt: {start_to_close: 1 h, %ssteps: [{acquire: a}, {delay: 1 ms}, {acquire: b}]}}"
    text = TWO_LOCKS.replace("[{acquire: a}, {delay: 1 ms}, %s]", "[%s]")
    assert engine(text % (body % "stops: true, "), {"ab": [0], "ba": [0]}, drain=0).ends == [None, None]
    t = engine(text % (body % ""), {"ab": [0], "ba": [0]}, drain=7_200_000, stuck=True)
    assert "deadlock" in str(t.run.deadlock)
    t = engine(text % (body % "stops: true, "), {"ab": [0], "ba": [0]}, drain=7_200_000)
    assert (t.ends, t.errors) == ([3_600_000, 3_600_001], {0: "timeout_start_to_close"})
