"""Who is driven out by a greater priority, what becomes of it, and of the time it had spent."""

from __future__ import annotations

from timeline import Engine

STATION = """
sources:
  low: {routine: long, arrivals: {trace: t}}
  high: {routine: short, arrivals: {trace: t}, priority: 1}
stations: {server: {%s, queue: priority, preemptive: true}}
routines:
  long: [{use: {station: server, demand: 10 ms}}]
  short: [{use: {station: server, demand: 3 ms}}]
"""


def test_a_preempted_service_goes_on_where_it_was_interrupted(engine: Engine) -> None:
    # low: 0-4 (4 done), high: 4-7, low: 7-13 (6 left).
    t = engine(STATION % "servers: 1", {"low": [0], "high": [4]})
    assert t.ends == [13, 7]
    assert t.split(0) == {"service.server": 10, "wait.server": 3}
    server = t.place("server")
    # Two visits, both served; the wait of the first is 3, though it did not wait to begin.
    assert (server.requested, server.served, server.wait_count, server.wait_sum_ns) == (2, 2, 2, 3_000_000)
    assert (t.busy("server"), t.waiting("server")) == (13, 3)


def test_a_preempted_service_keeps_its_age(engine: Engine) -> None:
    # low 0: 0-4; high: 4-7; then low 0 again (7-13), before low 1, which asked at 2 (13-23).
    t = engine(STATION % "servers: 1", {"low": [0, 2], "high": [4]})
    assert t.ends == [13, 23, 7]


def test_the_youngest_of_the_least_priority_is_driven_out(engine: Engine) -> None:
    # Two servers: low 0 (0-10) and low 1 (1-..). high at 4 drives out low 1, which is younger: 3 done; 7-14.
    t = engine(STATION % "servers: 2", {"low": [0, 1], "high": [4]})
    assert t.ends == [10, 14, 7]


def test_equals_do_not_drive_each_other_out(engine: Engine) -> None:
    t = engine(STATION % "servers: 1", {"low": [], "high": [0, 1]})
    assert t.ends == [3, 6]


def test_shared_cores_can_be_taken_too(engine: Engine) -> None:
    # One core, at most two at work on it. low 0 and low 1 share it: at 4 each has 2 done. high drives out low 1 and
    # shares with low 0: 3 of work at half speed, 4-10; low 0 has 2 + 3 = 5 done at 10. low 1 is back at 10; both have
    # 5 and 8 left: 10-20 (5 each), then low 1 alone for 3 more: 23.
    t = engine(STATION % "servers: 2, cores: 1", {"low": [0, 0], "high": [4]})
    assert t.ends == [20, 23, 10]
    assert t.split(1) == {"service.server": 10, "wait.server": 13}


RESOURCE = """
sources:
  low: {routine: job, arrivals: {trace: t}}
  high: {routine: job, arrivals: {trace: t}, priority: 1}
resources: {slots: {units: 2, queue: priority, preemptive: true}, database: {units: 1}}
routines:
  job: %s
"""


def test_whoever_loses_a_unit_fails_as_in_a_crash(engine: Engine) -> None:
    # low 0 and low 1 hold 0-10; at 4 high takes the slot of the younger, low 1, which fails.
    t = engine(RESOURCE % "[{acquire: slots}, {delay: 10 ms}]", {"low": [0, 0], "high": [4]})
    assert t.ends == [10, 4, 14]
    assert t.errors == {1: "preempted"}
    assert t.busy("slots") == 10 + 4 + 10


def test_a_preempted_attempt_is_tried_again_and_gives_back_what_it_had_acquired(engine: Engine) -> None:
    # low 0 and low 1 hold slots from 0; low 0 holds the database 0-10, low 1 waits for it. At 4 high drives out low 1,
    # which leaves the line of the database, backs off until 5 and waits for a slot: 10. The database is low 0's until
    # 10, then high's, who asked at 4 (10-20), then low 1's (20-30).
    t = engine(
        RESOURCE
        % """
    - attempt:
        retry: {initial_interval: 1 ms}
        steps: [{acquire: slots}, {acquire: database}, {delay: 10 ms}, {release: database}, {release: slots}]
""",
        {"low": [0, 0], "high": [4]},
    )
    assert t.ends == [10, 30, 20]
    assert t.split(1) == {
        "lost": 4,
        "backoff": 1,
        "wait.slots": 5,
        "wait.database": 10,
        "service.delay-1": 10,
    }


def test_only_a_holder_of_enough_units_is_driven_out(engine: Engine) -> None:
    # high wants 2 units of one holder: low 0 has 1, low 1 has 2 (3 in all): low 1 goes, whatever its age.
    t = engine(
        """
        sources:
          two: {routine: two, arrivals: {trace: t}}
          one: {routine: one, arrivals: {trace: t}}
          high: {routine: two, arrivals: {trace: t}, priority: 1}
        resources: {slots: {units: 3, queue: priority, preemptive: true}}
        routines:
          one: [{acquire: slots}, {delay: 10 ms}]
          two: [{acquire: {resource: slots, units: 2}}, {delay: 10 ms}]
        """,
        {"two": [0], "one": [1], "high": [2]},
    )
    assert t.errors == {0: "preempted"}
    assert t.ends == [2, 11, 12]


def test_a_preempted_visit_waits_at_its_own_node(engine: Engine) -> None:
    # Two shards, one key: both on the same shard. low 0: 0-4, high 4-7, low 0 7-13, though the other shard is idle.
    t = engine(
        (STATION % "servers: 1, nodes: 2, keyed: {by: tenant}") + "attributes: {tenant: 3}",
        {"low": [0], "high": [4]},
    )
    assert t.ends == [13, 7]


def test_a_visit_kept_at_a_full_door_is_not_driven_out(engine: Engine) -> None:
    # `narrow` has room for one in service and none in line. Execution 0 (0-2 wide, 2-12 narrow). Execution 1 is done
    # at wide at 4 and stays on its server until narrow is free at 12; high arrives at 5 and cannot take that server,
    # since there is nothing left to interrupt: 12-15.
    t = engine(
        """
        sources:
          low: {routine: both, arrivals: {trace: t}}
          high: {routine: one, arrivals: {trace: t}, priority: 1}
        stations:
          wide: {servers: 1, queue: priority, preemptive: true}
          narrow: {servers: 1, service: 10 ms, queue_limit: 0, when_full: block}
        routines:
          both: [{use: {station: wide, demand: 2 ms}}, {use: narrow}]
          one: [{use: {station: wide, demand: 3 ms}}]
        """,
        {"low": [0, 0], "high": [5]},
    )
    assert t.ends == [12, 22, 15]
    assert t.split(1) == {"wait.wide": 2, "service.wide": 2, "blocked.narrow": 8, "service.narrow": 10}
