"""Which executions count, how long a run goes on, and what is counted: window, follow-up, drain, events, in flight."""

from __future__ import annotations

from timeline import Engine

SERVER = """
sources: {jobs: {routine: job, arrivals: {%s}}}
stations: {server: {servers: 1, service: 30 ms}}
routines: {job: [use: server]}
"""


def test_the_cohort_are_those_that_start_in_the_window(engine: Engine) -> None:
    t = engine(SERVER % "trace: t", {"jobs": [0, 9.999999, 10, 49.999999, 50]}, warmup=10, horizon=50)
    assert t.run.executions.cohort.tolist() == [2, 3]


def test_the_cohort_is_followed_while_the_source_goes_on(engine: Engine) -> None:
    # Arrivals at 20, 40, ..., each 30 ms of work. Window [0, 70): 20, 40, 60; served 20-50, 50-80, 80-110.
    # The follow-up looks every 70/64 ms; it has nothing left to follow at 110 and stops at the next look.
    t = engine(SERVER % "renewal: 20 ms", horizon=70, follow=1000)
    assert t.run.executions.cohort.tolist() == [0, 1, 2]
    assert t.ends[:3] == [50, 80, 110]
    assert 110_000_000 < t.run.followed_ns <= 110_000_000 + 70_000_000 // 64 + 1
    # Sources went on until then: 80 and 100 are there, and are open.
    assert t.starts == [20, 40, 60, 80, 100]
    assert t.ends[3:] == [None, None]


def test_after_the_follow_up_sources_stop_and_the_rest_is_drained(engine: Engine) -> None:
    # Followed until 90: 80 is in, 100 is not. The third of the cohort ends in the drain.
    t = engine(SERVER % "renewal: 20 ms", horizon=70, follow=20)
    assert t.starts == [20, 40, 60, 80]
    assert t.run.followed_ns == 90_000_000
    assert t.ends[:3] == [50, 80, 110]


def test_what_does_not_end_in_the_drain_stays_open(engine: Engine) -> None:
    t = engine(SERVER % "renewal: 20 ms", horizon=70, follow=20, drain=10)
    assert t.ends == [50, 80, None, None]
    assert t.outcomes == ["succeeded", "succeeded", "open", "open"]
    assert t.split(2) == {}
    assert t.run.end_ns == 100_000_000


def test_a_closed_loop_counts_the_cycles_that_start_in_the_window(engine: Engine) -> None:
    # Cycles at 0, 30, 60, 90; window [30, 90).
    t = engine(SERVER % "closed: 1", warmup=30, horizon=90)
    assert t.run.executions.cohort.tolist() == [1, 2]


def test_in_flight_is_the_integral_and_the_maximum_of_the_window(engine: Engine) -> None:
    # 0-30 and 5-60 and 8-90. In [10, 70): three until 30, two until 60, one until 70: 60 + 60 + 10.
    t = engine(SERVER % "trace: t", {"jobs": [0, 5, 8, 75, 76, 77]}, warmup=10, horizon=70)
    in_flight = t.run.in_flight["job"]
    assert (in_flight.area, in_flight.maximum) == (130_000_000, 3)
    # 20-50 and 21-70; what comes after the window does not count.
    late = engine(SERVER % "trace: t", {"jobs": [20, 21, 75, 76, 77]}, warmup=10, horizon=70).run.in_flight["job"]
    assert (late.area, late.maximum) == (30_000_000 + 49_000_000, 2)


def test_events_are_arrivals_and_the_starts_and_ends_of_what_takes_time(engine: Engine) -> None:
    # 1 arrival; acquire and release take no time; delay 2, service 2; a failed attempt: delay 2, back-off 2, delay 2;
    # fault and repair 2.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        stations: {server: {servers: 1, service: 1 ms}}
        attributes: {tries: 0}
        routines:
          job:
            - acquire: slots
            - delay: 1 ms
            - use: server
            - attempt:
                retry: {initial_interval: 1 ms}
                steps:
                  - set: {tries: {add: 1}}
                  - delay: 1 ms
                  - branch: [{attribute: tries, below: 2, steps: [{fail: busy}]}]
        faults: {gone: {targets: [{group: server}], at: 100 ms, duration: 1 ms, drill: false}}
        """,
        {"jobs": [0]},
    )
    assert t.run.events == 1 + 2 + 2 + (2 + 2 + 2) + 2


def test_two_runs_with_the_same_seed_are_the_same_and_another_seed_is_not(engine: Engine) -> None:
    text = SERVER % "renewal: {exponential: 20 ms}"
    first, second, other = (engine(text, horizon=500, seed=seed) for seed in (1, 1, 2))
    assert first.ends_ns == second.ends_ns
    assert first.ends_ns != other.ends_ns


def test_another_pool_moves_no_draw_of_what_was_there(engine: Engine) -> None:
    text = SERVER % "renewal: {exponential: 20 ms}"
    more = text.replace("stations: {", "stations: {extra: {cores: 3}, ").replace(
        "sources: {", "sources: {extra: {routine: extra, arrivals: {burst: 3, at: 1 s, }}, "
    )
    more = more.replace("routines: {", "routines: {extra: [{use: {station: extra, demand: {exponential: 1 s}}}], ")
    assert engine(text, horizon=500).starts == engine(more, horizon=500).starts
