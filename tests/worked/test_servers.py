"""Stations of servers: lines, patience, limits, set-up, blocking. Times in ms; the arithmetic stands beside."""

from __future__ import annotations

from timeline import Engine

PLAIN = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
stations: {server: {%s}}
routines: {job: [{use: %s}]}
"""


def test_servers_serve_one_job_each_in_order(engine: Engine) -> None:
    # Two servers: 0-10, 1-11; then 10-20, 11-21.
    t = engine(PLAIN % ("servers: 2, service: 10 ms", "server"), {"jobs": [0, 1, 2, 3]})
    assert t.ends == [10, 11, 20, 21]
    assert t.split(3) == {"wait.server": 8, "service.server": 10}
    assert (t.busy("server"), t.waiting("server")) == (40, 16)
    assert t.run.events == 4 + 2 * 4  # an arrival, a start and an end each


def test_a_station_may_serve_the_youngest_first(engine: Engine) -> None:
    t = engine(PLAIN % ("servers: 1, service: 10 ms, queue: lifo", "server"), {"jobs": [0, 1, 2]})
    assert t.ends == [10, 30, 20]


def test_a_visit_brings_its_own_demand_and_more_for_each_unit_of_an_attribute(engine: Engine) -> None:
    # 5 + 3 x 2 = 11, instead of the station's 10.
    use = "{station: server, demand: 5 ms, per: {history: 2 ms}}"
    t = engine((PLAIN % ("servers: 1, service: 10 ms", use)) + "attributes: {history: 3}", {"jobs": [0]})
    assert t.ends == [11]


def test_a_service_of_no_time_ends_at_once_and_takes_its_turn(engine: Engine) -> None:
    # Execution 0 holds the server 0-0; execution 1, in the same burst, begins when it ends.
    t = engine(PLAIN % ("servers: 1, service: 0 s", "server"), {"jobs": [0, 0, 5]})
    assert t.ends == [0, 0, 5]


def test_patience_covers_the_line_and_not_the_service(engine: Engine) -> None:
    # Execution 1 gives up at 1 + 4; execution 2 waits from 7 to 10 and is served to its end.
    t = engine(PLAIN % ("servers: 1, service: 10 ms", "{station: server, patience: 4 ms}"), {"jobs": [0, 1, 7]})
    assert t.ends == [10, 5, 20]
    assert t.errors == {1: "patience"}
    assert t.place("server").abandoned == 1


def test_a_full_line_rejects(engine: Engine) -> None:
    t = engine(PLAIN % ("servers: 1, service: 10 ms, queue_limit: 1", "server"), {"jobs": [0, 1, 2]})
    assert t.ends == [10, 20, 2]
    assert t.outcomes[2] == "rejected"


SETUP = "servers: 2, service: 10 ms, setup: 4 ms"


def test_a_server_that_has_gone_idle_takes_time_to_start(engine: Engine) -> None:
    # Set-up 0-4, service 4-14, off; set-up 20-24, service 24-34.
    t = engine(PLAIN % (SETUP, "server"), {"jobs": [0, 20]})
    assert t.ends == [14, 34]
    assert t.split(0) == {"wait.server": 4, "service.server": 10}
    assert t.busy("server") == 20


def test_a_busy_server_takes_the_next_visit_without_a_set_up_and_calls_the_last_start_off(engine: Engine) -> None:
    # Execution 0: set-up 0-4, service 4-14. Execution 1 at 12 starts the other server (12-16), but the first is free
    # at 14 and takes it: 14-24. The start is called off: execution 2 at 15 begins a new one, 15-19: 19-29.
    t = engine(PLAIN % (SETUP, "server"), {"jobs": [0, 12, 15]})
    assert t.ends == [14, 24, 29]


def test_of_two_starts_the_later_one_is_called_off(engine: Engine) -> None:
    # Three servers. 0: set-up 0-4, serves 4-14. 1 at 11: start until 15. 2 at 12: start until 16. At 14 the first
    # server takes 1, and the start of 12 is called off; the start of 11 is ready at 15 and takes 2: 15-25.
    t = engine(PLAIN % ("servers: 3, service: 10 ms, setup: 4 ms", "server"), {"jobs": [0, 11, 12]})
    assert t.ends == [14, 24, 25]


def test_who_gives_up_calls_a_start_off_and_gives_nobody_a_server(engine: Engine) -> None:
    # Starts of 0 and 1 until 4 and 5.5. Execution 0 gives up at 3, so one start is enough: that of 1, begun last, is
    # called off, and the one of 0 is ready at 4 for execution 1: 4-14.
    use = "{station: server, patience: 3 ms}"
    t = engine(PLAIN % (SETUP, use), {"jobs": [0, 1.5]})
    assert t.errors == {0: "patience"}
    assert t.ends == [3, 14]


def test_starts_are_lost_in_a_crash_and_begun_again_after_it(engine: Engine) -> None:
    # Start 0-4 lost at 2; the node is back at 5: start 5-9, service 9-19.
    text = (PLAIN % (SETUP, "server")) + (
        "faults: {gone: {targets: [{group: server}], at: 2 ms, duration: 3 ms, drill: false}}"
    )
    t = engine(text, {"jobs": [0]})
    assert t.ends == [19]


TANDEM = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
stations:
  first: {servers: 1, service: 2 ms}
  second: {servers: 1, service: 10 ms, queue_limit: %d, when_full: block}
routines: {job: [{use: {station: first, %s}}, {use: second}]}
"""


def test_who_finds_the_next_place_full_keeps_its_server(engine: Engine) -> None:
    # Room for one in service and one in line. first: 0-2, 2-4, 4-6; second: 0 at 2-12, 1 in line from 4, 2 is ready
    # at 6 and stays on the server of `first` until 12, when 1 is served and the line has room. So 3 begins at 12:
    # 12-14, and is kept until 22. second: 0 2-12, 1 12-22, 2 22-32, 3 32-42.
    t = engine(TANDEM % (1, "demand: 2 ms"), {"jobs": [0, 0, 0, 0]})
    assert t.ends == [12, 22, 32, 42]
    assert t.split(2) == {
        "wait.first": 4,
        "service.first": 2,
        "blocked.second": 6,
        "wait.second": 10,
        "service.second": 10,
    }
    # `first` is in use 0-14 and, by 3, until 22.
    assert t.busy("first") == 22
    assert t.place("second").max_waiting == 1


def test_without_a_line_one_is_kept_until_the_server_itself_is_free(engine: Engine) -> None:
    # second: 0 2-12; 1 is ready at 4 and kept until 12: 12-22; 2 begins at 12: 12-14, kept until 22: 22-32.
    t = engine(TANDEM % (0, "demand: 2 ms"), {"jobs": [0, 0, 0]})
    assert t.ends == [12, 22, 32]
    assert t.split(1) == {"wait.first": 2, "service.first": 2, "blocked.second": 8, "service.second": 10}


def test_the_door_lets_the_next_one_in_when_somebody_in_line_gives_up(engine: Engine) -> None:
    # second: 0 2-12, 1 in line from 4 and gone at 4 + 5 = 9; 2, kept on `first` since 6, moves up at 9 and is served
    # at 12, within its own patience (9 + 5 = 14): 12-22.
    text = (TANDEM % (1, "demand: 2 ms")).replace("{use: second}", "{use: {station: second, patience: 5 ms}}")
    t = engine(text, {"jobs": [0, 0, 0]})
    assert t.errors == {1: "patience"}
    assert t.ends == [12, 9, 22]
    assert t.split(2) == {
        "wait.first": 4,
        "service.first": 2,
        "blocked.second": 3,
        "wait.second": 3,
        "service.second": 10,
    }


def test_who_stands_at_the_door_of_a_place_that_refuses_goes_on_waiting_while_it_is_down(engine: Engine) -> None:
    # second: 0 from 2, lost in the crash at 7; 1 in line from 4, gives up at 9; 2 at the door from 6. There is room
    # from 9 on, but no node is up before 20: 20-30.
    text = (TANDEM % (1, "demand: 2 ms")).replace("{use: second}", "{use: {station: second, patience: 5 ms}}")
    text = text.replace("when_full: block", "when_full: block, when_down: refuse")
    text += "faults: {gone: {targets: [{group: second}], at: 7 ms, duration: 13 ms, drill: false}}"
    t = engine(text, {"jobs": [0, 0, 0]})
    assert t.errors == {0: "crash", 1: "patience"}
    assert t.ends == [7, 9, 30]


def test_a_crash_of_the_station_where_one_is_kept_hits_it(engine: Engine) -> None:
    # Execution 1 is ready at 4 and sits on the server of `first`, which crashes at 8.
    text = (TANDEM % (0, "demand: 2 ms")) + "faults: {gone: {targets: [{group: first}], at: 8 ms, drill: false}}"
    t = engine(text, {"jobs": [0, 0]})
    assert t.ends == [12, 8]
    assert t.errors == {1: "crash"}
    assert t.split(1) == {"wait.first": 2, "service.first": 2, "blocked.second": 4}
