"""Several events at one instant: repair, completion, timeout, fault, arrival, observation; then element, then visit.

All that follows from an event happens before the next event of that instant.
"""

from __future__ import annotations

from timeline import Engine


def test_a_completion_beats_its_own_timeout(engine: Engine) -> None:
    for step in ("{delay: 5 ms}", "{use: room}", "{use: server}", "{use: cpu}"):
        t = engine(
            f"""
            sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
            stations:
              room: {{kind: delay, service: 5 ms}}
              server: {{servers: 1, service: 5 ms}}
              cpu: {{cores: 1, service: 5 ms}}
            routines: {{job: [{{attempt: {{schedule_to_close: 5 ms, steps: [{step}]}}}}]}}
            """,
            {"jobs": [1]},
        )
        assert (t.ends, t.outcomes) == ([6], ["succeeded"]), step


def test_a_timer_is_a_timeout_and_the_attempt_around_it_comes_first(engine: Engine) -> None:
    # Both at 5 are timeouts; the attempt's element is before that of the step inside it.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        routines: {job: [{attempt: {schedule_to_close: 5 ms, steps: [{delay: 5 ms, kind: timer}]}}]}
        """,
        {"jobs": [0]},
    )
    assert t.errors == {0: "timeout_schedule_to_close"}


def test_a_freed_unit_beats_the_patience_of_the_one_who_waits(engine: Engine) -> None:
    # Held 0-5; the other asked at 1 with patience 4: at 5 the unit comes first.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {lock: {units: 1}}
        routines: {job: [{acquire: {resource: lock, patience: 4 ms}}, {delay: 5 ms}]}
        """,
        {"jobs": [0, 1]},
    )
    assert t.ends == [5, 10]


CRASH_AT_5 = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {slots: {units: 1}}
stations: {server: {servers: 1, service: 5 ms}}
routines: {job: %s}
faults: {gone: {targets: [{group: %s}], at: 5 ms, duration: 2 ms, drill: false}}
"""


def test_a_crash_at_the_instant_of_a_completion_comes_too_late(engine: Engine) -> None:
    t = engine(CRASH_AT_5 % ("[use: server]", "server"), {"jobs": [0]})
    assert t.outcomes == ["succeeded"]
    # The delay ends, the unit is released, and only then the node goes.
    t = engine(CRASH_AT_5 % ("[{acquire: slots}, {delay: 5 ms}, {release: slots}]", "slots"), {"jobs": [0]})
    assert t.outcomes == ["succeeded"]


def test_who_is_served_next_at_that_instant_is_hit(engine: Engine) -> None:
    # At 5 the first completes, the second begins (an effect of the completion), the crash cuts it off.
    t = engine(CRASH_AT_5 % ("[use: server]", "server"), {"jobs": [0, 1]})
    assert (t.ends, t.errors) == ([5, 5], {1: "crash"})


def test_a_timeout_comes_before_the_crash(engine: Engine) -> None:
    # The attempt times out at 5 and is left behind; the crash then only hits what was left behind.
    t = engine(
        CRASH_AT_5 % ("[{attempt: {start_to_close: 5 ms, steps: [{acquire: slots}, {delay: 9 ms}]}}]", "slots"),
        {"jobs": [0]},
    )
    assert t.errors == {0: "timeout_start_to_close"}
    assert t.run.episodes[0].hit == 1


def test_a_crash_comes_before_an_arrival(engine: Engine) -> None:
    # The arrival at 5 finds the node down until 7.
    t = engine(CRASH_AT_5 % ("[use: server]", "server"), {"jobs": [5]})
    assert t.ends == [12]


def test_a_repair_comes_before_everything_else(engine: Engine) -> None:
    # The patience of 2 ends at 7, when the node is back: it is served first.
    text = CRASH_AT_5 % ("[{use: {station: server, patience: 2 ms}}]", "server")
    t = engine(text, {"jobs": [5]})
    assert t.ends == [12]


def test_an_episode_may_take_no_time(engine: Engine) -> None:
    # Down and up at 5: cut off and, by the retry at 6, served again.
    text = (CRASH_AT_5 % ("[{attempt: {retry: {initial_interval: 1 ms}, steps: [{use: server}]}}]", "server")).replace(
        "duration: 2 ms", "duration: 0 s"
    )
    t = engine(text, {"jobs": [1]})
    assert t.ends == [11]


def test_two_faults_at_one_instant_come_in_the_order_of_the_file(engine: Engine) -> None:
    # At 5 `slots` goes and ends the attempt; its effects are over before `gone` takes the server that the job used.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        stations: {server: {servers: 1, service: 9 ms}}
        routines: {job: [{acquire: slots}, {use: server}]}
        faults:
          first: {targets: [{group: slots}], at: 5 ms, drill: false}
          second: {targets: [{group: server}], at: 5 ms, drill: false}
        """,
        {"jobs": [0]},
    )
    assert [(episode.fault, episode.hit) for episode in t.run.episodes] == [("first", 1), ("second", 0)]


def test_completions_of_one_place_go_by_the_number_of_the_execution(engine: Engine) -> None:
    # Both services end at 10; execution 0 is first and has the lock first, though it began its service later.
    t = engine(
        """
        sources: {jobs: {routine: slow, arrivals: {trace: t}}, quick: {routine: quick, arrivals: {trace: t}}}
        resources: {lock: {units: 1}}
        stations: {room: {kind: delay}}
        routines:
          slow: [{delay: 4 ms}, {use: {station: room, demand: 6 ms}}, {acquire: lock}, {delay: 1 ms}]
          quick: [{use: {station: room, demand: 9 ms}}, {acquire: lock}, {delay: 1 ms}]
        """,
        {"jobs": [0], "quick": [1]},
    )
    assert t.ends == [11, 12]


def test_completions_of_two_places_go_by_the_order_of_the_file(engine: Engine) -> None:
    # Execution 1's service is at `first`, which stands before `second`: it has the lock first.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, other: {routine: other, arrivals: {trace: t}}}
        resources: {lock: {units: 1}}
        stations: {first: {kind: delay, service: 9 ms}, second: {kind: delay, service: 10 ms}}
        routines:
          job: [{use: second}, {acquire: lock}, {delay: 1 ms}]
          other: [{use: first}, {acquire: lock}, {delay: 1 ms}]
        """,
        {"jobs": [0], "other": [1]},
    )
    assert t.ends == [12, 11]


def test_effects_are_over_before_the_next_event_of_the_instant(engine: Engine) -> None:
    # At 5 both services end. The first event releases the lock (execution 0), which execution 2 gets at once, as an
    # effect; only then execution 1's service ends and asks for the lock: behind.
    t = engine(
        """
        sources:
          jobs: {routine: holder, arrivals: {trace: t}}
          other: {routine: other, arrivals: {trace: t}}
          third: {routine: third, arrivals: {trace: t}}
        resources: {lock: {units: 1}}
        stations: {room: {kind: delay, service: 5 ms}}
        routines:
          holder: [{acquire: lock}, {use: room}, {release: lock}]
          other: [{use: room}, {acquire: lock}, {delay: 1 ms}]
          third: [{acquire: lock}, {delay: 1 ms}]
        """,
        {"jobs": [0], "other": [0], "third": [3]},
    )
    assert t.ends == [5, 7, 6]


def test_the_effects_of_a_burst_go_on_in_the_order_of_its_executions(engine: Engine) -> None:
    # All three come in one event; each then takes its first steps in turn.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {burst: 3}}}
        resources: {lock: {units: 1}}
        routines: {job: [{acquire: lock}, {delay: 2 ms}]}
        """
    )
    assert t.ends == [2, 4, 6]


def test_the_horizon_is_exclusive(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {renewal: 10 ms}}}
        routines: {job: [{delay: 1 ms}]}
        """,
        horizon=30,
    )
    assert t.starts == [10, 20]


def test_samples_see_what_every_other_event_of_the_instant_has_left(engine: Engine) -> None:
    # Samples at 0, 5, 10, ...: at 0 the burst is in; at 5 the first has ended and the second has begun.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {burst: 3}}}
        stations: {server: {servers: 1, service: 5 ms}}
        routines: {job: [use: server]}
        """,
        horizon=20,
        sample=5,
        drain=0,
    )
    assert t.run.sample_ns.tolist() == [0, 5_000_000, 10_000_000, 15_000_000]
    assert t.run.samples["queue.server"].tolist() == [2, 1, 0, 0]
    assert t.run.samples["busy.server"].tolist() == [1, 1, 1, 0]
    assert t.run.samples["in_flight.job"].tolist() == [3, 2, 1, 0]
