"""When faults come, whom they choose, and what the ones that are no crashes do: pause, errors, random lives."""

from __future__ import annotations

import pytest
from timeline import Engine

PAUSE = "{targets: [{group: fleet}], effect: pause, at: 4 ms, duration: 20 ms, drill: false}"


def job(steps: str, faults: str, more: str = "") -> str:
    return f"""
nodes: {{fleet: {{count: 1}}}}
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
resources: {{slots: {{nodes: fleet, units: 2}}, lock: {{units: 1}}}}
stations: {{database: {{servers: 1, service: 3 ms}}}}
routines: {{job: [{steps}]}}
faults: {{fault: {faults}}}
{more}
"""


def test_a_delay_on_a_paused_node_is_noticed_when_the_node_goes_on(engine: Engine) -> None:
    # 0-10, but paused 4-24: noticed at 24; then 24-26. A delay that outlasts the pause is not prolonged: 30, 32.
    t = engine(job("{acquire: slots}, {delay: 10 ms}, {delay: 2 ms}", PAUSE), {"jobs": [0]})
    assert t.ends == [26]
    assert t.split(0) == {"service.delay-1": 10, "paused": 14, "service.delay-2": 2}
    assert engine(job("{acquire: slots}, {delay: 30 ms}, {delay: 2 ms}", PAUSE), {"jobs": [0]}).ends == [32]


def test_a_job_that_holds_nothing_there_does_not_mind_the_pause(engine: Engine) -> None:
    assert engine(job("{acquire: slots}, {release: slots}, {delay: 10 ms}", PAUSE), {"jobs": [0]}).ends == [10]


def test_an_answer_from_elsewhere_is_noticed_when_the_node_goes_on(engine: Engine) -> None:
    # The query is over at 6, but its worker is paused until 24, and holds the lock meanwhile.
    steps = "{acquire: slots}, {acquire: lock}, {delay: 3 ms}, {use: database}, {release: lock}"
    t = engine(job(steps, PAUSE), {"jobs": [0]})
    assert t.ends == [24]
    assert t.split(0) == {"service.delay-1": 3, "service.database": 3, "paused": 18}
    assert t.busy("lock") == 24
    assert t.busy("database") == 3


def test_a_paused_node_grants_nothing(engine: Engine) -> None:
    # A slot is free, but the node does not poll before 24: 34.
    t = engine(job("{acquire: slots}, {delay: 10 ms}", PAUSE), {"jobs": [5]})
    assert t.ends == [34]
    assert t.split(0) == {"wait.slots": 19, "service.delay-1": 10}


def test_children_stand_still_with_the_node_of_their_parent(engine: Engine) -> None:
    steps = "{acquire: slots}, {fork: {items: 2, steps: [{delay: 10 ms}]}}, {delay: 2 ms}"
    t = engine(job(steps, PAUSE), {"jobs": [0]})
    assert t.ends == [26]


def test_pauses_may_overlap(engine: Engine) -> None:
    # Paused 4-24 and 20-40.
    text = job("{acquire: slots}, {delay: 10 ms}", PAUSE)
    second = PAUSE.replace("at: 4 ms", "at: 20 ms")
    assert engine(text.replace("faults: {", f"faults: {{second: {second}, "), {"jobs": [0]}).ends == [40]


def test_a_job_that_crashes_while_paused_is_gone(engine: Engine) -> None:
    text = job("{acquire: slots}, {delay: 10 ms}", PAUSE)
    crash = "{targets: [{group: fleet}], at: 12 ms, duration: 30 ms, drill: false}"
    t = engine(text.replace("faults: {", f"faults: {{crash: {crash}, "), {"jobs": [0]})
    assert (t.ends, t.errors) == ([12], {0: "crash"})


def test_services_fail_by_chance_at_their_end(engine: Engine) -> None:
    # 400 visits at 50 %: 200 within 5 standard deviations of 10. Each takes its time all the same.
    fault = "{targets: [{group: database}], effect: errors, probability: 50 %, at: 0 s, duration: 10 s, drill: false}"
    t = engine(job("{use: {station: database, demand: 1 ms}}", fault), {"jobs": [0] * 400})
    assert t.outcomes.count("failed") == pytest.approx(200, abs=50)
    assert set(t.errors.values()) == {"error"}
    assert t.busy("database") == 400


def test_two_faults_and_two_visits_fail_independently(engine: Engine) -> None:
    # Two visits under two faults of 50 %: all four must go well, 1/16 of 1600 = 100, standard deviation 9.7.
    fault = "{targets: [{group: database}], effect: errors, probability: 50 %, at: 0 s, drill: false}"
    text = job("{use: {station: database, demand: 0 s}}, {use: {station: database, demand: 0 s}}", fault)
    t = engine(text.replace("faults: {", f"faults: {{second: {fault}, "), {"jobs": [1] * 1600})
    assert t.outcomes.count("succeeded") == pytest.approx(100, abs=49)


def test_a_service_that_ends_after_the_repair_is_well(engine: Engine) -> None:
    fault = "{targets: [{group: database}], effect: errors, probability: 1, at: 0 s, duration: 3 ms, drill: false}"
    # Ends at 3, when the fault is over (a repair comes before a completion); the other one ended at 2.9.
    t = engine(job("{use: database}", fault), {"jobs": [0]})
    assert t.outcomes == ["succeeded"]
    t = engine(job("{use: {station: database, demand: 2.9 ms}}", fault), {"jobs": [0]})
    assert t.outcomes == ["failed"]


RANDOM = """
nodes: {fleet: {count: 4}}
sources: {jobs: {routine: job, arrivals: {renewal: 100 ms}}}
resources: {slots: {nodes: fleet, units: 1}}
routines: {job: [{delay: 1 ms}]}
faults: {fault: {targets: [{group: fleet%s}], mttf: {constant: 10 ms}, duration: 2 ms%s}}
"""


def test_a_random_fault_comes_again_a_mttf_after_each_repair(engine: Engine) -> None:
    # 10-12, 22-24, 34-36, ... up to 50.
    t = engine(RANDOM % ("", ""), horizon=50, drain=0)
    assert [(e.start_ns / 1e6, e.end_ns / 1e6) for e in t.run.episodes] == [(10, 12), (22, 24), (34, 36), (46, 48)]
    assert t.run.episodes[0].nodes == tuple(("fleet", node) for node in range(4))
    # 4 nodes, each down for 8 of the 50.
    assert t.place("slots").units_area == 4 * 42_000_000


def test_each_node_may_have_a_life_of_its_own(engine: Engine) -> None:
    # A bare time is the mean of an exponential, so the four go at times of their own.
    text = (RANDOM % ("", ", each: true")).replace("{constant: 10 ms}", "10 ms")
    t = engine(text, horizon=30, drain=0)
    starts = [episode.start_ns for episode in t.run.episodes]
    assert len(set(starts)) == len(starts) > 3
    assert all(len(episode.nodes) == 1 for episode in t.run.episodes)


def test_any_is_one_node_drawn_anew_for_each_episode(engine: Engine) -> None:
    t = engine(RANDOM % (", nodes: any", ""), horizon=500, drain=0)
    nodes = [episode.nodes for episode in t.run.episodes]
    assert all(len(hit) == 1 for hit in nodes)
    assert len(set(nodes)) == 4  # 41 episodes; that one of four is never drawn has probability 3e-5, and a fixed seed


def test_a_list_names_the_nodes(engine: Engine) -> None:
    t = engine(RANDOM % (", nodes: [1, 3]", ""), horizon=20, drain=0)
    assert t.run.episodes[0].nodes == (("fleet", 1), ("fleet", 3))


def test_a_drill_happens_only_when_it_is_asked_for(engine: Engine) -> None:
    text = job("{acquire: slots}, {delay: 10 ms}", "{targets: [{group: fleet}], at: 5 ms, duration: 1 ms}")
    assert engine(text, {"jobs": [0]}).outcomes == ["succeeded"]
    t = engine(text, {"jobs": [0]}, drill="fault")
    assert t.outcomes == ["failed"]
    # In a drill sources run until the end of the follow-up, so that both twins see the same.
    assert engine(text, {"jobs": [0]}, drill="fault", follow=500).run.followed_ns == 1_500_000_000


def test_timers_and_retries_are_remembered_as_reactions(engine: Engine) -> None:
    text = job(
        "{attempt: {retry: {initial_interval: 2 ms}, steps: [{acquire: slots}, {delay: 10 ms}]}}",
        "{targets: [{group: fleet}], at: 5 ms, duration: 1 ms, drill: false}",
    )
    t = engine(text, {"jobs": [0]})
    assert t.ends == [17]
    assert t.run.reactions_ns.tolist() == [5_000_000]
